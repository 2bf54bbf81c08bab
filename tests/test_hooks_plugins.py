"""A list expander installed as a Twisted plugin, in a folder of its own on the path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .faults import ROOT

SEMINAR = """
from zope.interface import implementer
from twisted.plugin import IPlugin
from tpmailserver.delivery.expander import IExpander

@implementer(IPlugin, IExpander)
class Seminar:
    def __init__(self, name):
        self.name = name

    def expand(self, post):
        return ["22000001", *post.members]

seminar = Seminar("seminar")
"""

ASK = """
import json, sys
from twisted.logger import globalLogBeginner, textFileLogObserver
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
from tests.hook_server import post
from tpmailserver.settings import SettingsError
from tpmailserver.tap.plugins import expanders
try:
    found = {name: list(each.expand(post())) for name, each in expanders().items()}
except SettingsError as error:
    found = str(error)
print(json.dumps(found))
"""


def plugin(folder: Path, module: str, text: str) -> None:
    plugins = folder / "twisted" / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / f"{module}.py").write_text(text)


def found_with(*folders: Path) -> tuple[object, str]:
    """What a server with these folders on its path finds, and what it logs."""
    path = os.pathsep.join(str(each) for each in (*folders, ROOT))
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def test_without_plugins_there_are_none(tmp_path: Path) -> None:
    found, logged = found_with(tmp_path)
    assert found == {}
    assert "Traceback" not in logged


def test_a_plugin_is_dropped_in(tmp_path: Path) -> None:
    plugin(tmp_path, "seminar", SEMINAR)
    found, logged = found_with(tmp_path)
    assert found == {"seminar": ["22000001"]}
    assert "Traceback" not in logged


def test_a_broken_plugin_is_logged_and_left_out(tmp_path: Path) -> None:
    plugin(tmp_path, "seminar", SEMINAR)
    plugin(tmp_path, "broken", "import no_such_module\n")
    plugin(tmp_path, "rude", "raise SystemExit('no')\n")
    found, logged = found_with(tmp_path)
    assert found == {"seminar": ["22000001"]}
    assert "No module named 'no_such_module'" in logged


def test_a_plugin_without_a_name_is_logged_and_left_out(tmp_path: Path) -> None:
    plugin(tmp_path, "seminar", SEMINAR + "nameless = Seminar(None)\n")
    found, logged = found_with(tmp_path)
    assert found == {"seminar": ["22000001"]}
    assert "has no name, so no list can have it" in logged


@pytest.mark.parametrize("second", ["the same folder", "another folder"])
def test_two_with_one_name_are_an_error(tmp_path: Path, second: str) -> None:
    other = tmp_path / "other" if second == "another folder" else tmp_path
    plugin(tmp_path, "seminar", SEMINAR)
    plugin(other, "copy", SEMINAR)
    found, _ = found_with(tmp_path, other)
    assert found == (
        "two plugins are called 'seminar': twisted.plugins.copy.Seminar and "
        "twisted.plugins.seminar.Seminar"
    )
