"""`pip install .` and `pip install -e .` give a `twistd` that knows `tpmail`, and a `tpmail`.

Each is tried in a virtual environment of its own, which gets copies of the dependencies that this
one has: nothing is downloaded.
"""

import ast
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ("tpmailserver", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
NAME = re.compile(r"[\w.-]+")

setup = configparser.ConfigParser()
setup.read(ROOT / "setup.cfg", "utf-8")


class Environment:
    """A virtual environment with the dependencies, and our package installed as `install` says."""

    def __init__(self, folder: Path, *install: str) -> None:
        self.source = folder / "source"
        self.source.mkdir()
        for name in SOURCE:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.source / name)
        programs = folder / "venv" / "bin"
        python, self.tpmail, self.twistd = (
            str(programs / name) for name in ("python", "tpmail", "twistd")
        )
        self.run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
        site_packages = self.run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        ).strip()
        for each in needed([*setup["options"]["install_requires"].split(), "setuptools"]):
            copy_installed(each, Path(site_packages))
        # As pip writes it; a copy would name this environment's Python.
        Path(self.twistd).write_text(f"#!{python}\nfrom twisted.scripts.twistd import run\nrun()\n")
        Path(self.twistd).chmod(0o755)
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        offline = ["--no-index", "--no-build-isolation"]
        self.run(*pip, "install", "--quiet", *offline, *install, cwd=self.source)

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """What a program says; it finds nothing that only this Python was told to find."""
        environment = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def needed(requirements: Iterable[str]) -> dict[str, Distribution]:
    """What is installed here of these requirements and of all that they require in turn."""
    found: dict[str, Distribution] = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = NAME.match(requirement)
        if name is None or name[0] in found or "extra ==" in requirement:
            continue
        try:
            found[name[0]] = distribution(name[0])
        except ModuleNotFoundError:
            assert ";" in requirement, f"{requirement} is not installed: run make test"
            continue
        waiting += found[name[0]].requires or []
    return found


def copy_installed(name: str, site_packages: Path) -> None:
    """Copies an installed package, with its times, by which Python finds it compiled already."""
    here = Path(sysconfig.get_path("purelib"))
    for file in distribution(name).files or []:
        path = Path(str(file.locate()))
        if path.is_relative_to(here) and path.exists():
            target = site_packages / path.relative_to(here)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


@pytest.fixture(scope="module", params=[["."], ["--editable", "."]], ids=["copied", "editable"])
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    return Environment(tmp_path_factory.mktemp("installed"), *request.param)


@pytest.mark.parametrize("folder", ["/", "source"])
def test_twistd_lists_tpmail_beside_its_own_from_any_folder(
    installed: Environment, folder: str
) -> None:
    text = installed.run(installed.twistd, "--help", cwd=installed.source.parent / folder)
    assert re.search(r"^ +tpmail +A mail server", text, re.MULTILINE)
    assert re.search(r"^ +web ", text, re.MULTILINE)


def test_twistd_tpmail_tells_its_options(installed: Environment, tmp_path: Path) -> None:
    text = installed.run(installed.twistd, "tpmail", "--help", cwd=tmp_path)
    for option in ("site", "smtp", "pop3", "high-ports", "domain", "language"):
        assert f"--{option}" in text


def test_tpmail_works(installed: Environment, tmp_path: Path) -> None:
    assert "Usage: tpmail" in installed.run(installed.tpmail, "--help", cwd=tmp_path)
    made = installed.run(installed.tpmail, "demo", "--no-start", cwd=tmp_path)
    assert "a class of 5 is ready" in made
    assert (tmp_path / "maildirs" / "22000001" / "new").is_dir()


def test_the_seed_packs_are_installed_octet_by_octet(
    installed: Environment, tmp_path: Path
) -> None:
    report = json.loads(installed.run(installed.tpmail, "seed", "--list", "--json", cwd=tmp_path))
    there = {each["name"]: Path(each["folder"]) for each in report["packs"]}
    assert there.keys() == {"big", "forged", "mime", "subjects", "welcome"}
    for language in ("en", "fr"):
        for name, folder in there.items():
            sources = sorted((ROOT / "tpmailserver" / "seeds" / language / name).iterdir())
            copies = sorted((folder.parents[1] / language / name).iterdir())
            assert [each.name for each in copies] == [each.name for each in sources]
            assert [each.read_bytes() for each in copies] == [each.read_bytes() for each in sources]


def test_nothing_but_the_plugin_is_under_twisted() -> None:
    """An __init__.py there would hide Twisted from us, or the plugin from Twisted."""
    files = [each.relative_to(ROOT) for each in (ROOT / "twisted").rglob("*.py")]
    assert files == [Path("twisted/plugins/tpmail_plugin.py")]


def test_setup_cfg_lists_every_package() -> None:
    there = {
        ".".join(each.parent.relative_to(ROOT).parts)
        for each in (ROOT / "tpmailserver").rglob("__init__.py")
    }
    assert set(setup["options"]["packages"].split()) == there | {"twisted.plugins"}


def test_setup_cfg_names_what_is_imported() -> None:
    """A package that only happens to be there, brought along by another, is named as well."""
    imported = set()
    for path in (ROOT / "tpmailserver").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"tpmailserver"}
    named = {NAME.match(each)[0].lower() for each in setup["options"]["install_requires"].split()}
    # zope.interface is how Twisted says which interface a class has.
    distributions = {"passlib": "libpass", "zope": "twisted"}
    assert {distributions.get(each, each) for each in foreign} <= named
