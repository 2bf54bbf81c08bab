"""The settings of mailing lists take what the page about installing says, and nothing else."""

import pytest

from tpmailserver.settings import Settings, SettingsError, from_table


@pytest.mark.parametrize("visible", ["members", "open", "closed"])
def test_who_may_see_the_members(visible: str) -> None:
    assert from_table({"lists_visible": visible}) == Settings(lists_visible=visible)


@pytest.mark.parametrize("visible", ["everybody", "", True, 1])
def test_no_other_word_says_who_may_see_the_members(visible: object) -> None:
    with pytest.raises(SettingsError, match="lists_visible takes 'members' or 'open' or 'closed'"):
        from_table({"lists_visible": visible})


@pytest.mark.parametrize("key", ["list_budget", "list_breaker"])
def test_a_limit_of_lists_is_a_whole_number(key: str) -> None:
    assert getattr(from_table({"limits": {key: 0}}).limits, key) == 0
    assert getattr(from_table({"limits": {key: 7}}).limits, key) == 7
    for value in (-1, 1.5, "7", True):
        with pytest.raises(SettingsError, match=rf"limits\.{key} takes a whole number"):
            from_table({"limits": {key: value}})
