"""The page about installing tells every setting, and the default that the code has."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from tpmailserver.admin.doctor import THE_MACHINE, THE_MACHINE_AS_CALLED, THE_PLACE, THE_SITE
from tpmailserver.settings import Limits, Settings, from_table

PAGE = (Path(__file__).parent.parent / "docs" / "installing.md").read_text()
KEYS = {each.name for each in (*fields(Settings), *fields(Limits))} - {"limits"}


def test_the_settings_shown_are_all_settings_at_their_defaults() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    table = tomllib.loads(shown)
    assert from_table(table) == Settings()
    assert set(table) - {"limits"} | set(table["limits"]) == KEYS - {"hooks"}


def test_every_setting_is_explained() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"\w+", row)} >= KEYS


def test_every_check_of_the_doctors_is_explained() -> None:
    section = PAGE.partition("## When something is wrong")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    checks = THE_PLACE | THE_MACHINE_AS_CALLED | THE_MACHINE | THE_SITE
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == set(checks)
