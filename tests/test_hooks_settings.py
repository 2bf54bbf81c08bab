"""The [hooks.LIST] tables of tpmail.toml: what may stand there, and what is said of the rest."""

from pathlib import Path

import pytest

from tpmailserver.settings import FILE_NAME, Hook, Settings, SettingsError, load


def settings(folder: Path, text: str) -> Settings:
    (folder / FILE_NAME).write_text(text)
    return load(folder)


def test_without_a_table_there_are_no_hooks(tmp_path: Path) -> None:
    assert settings(tmp_path, "").hooks == ()


def test_a_hook_of_each_kind(tmp_path: Path) -> None:
    text = """
        [hooks.Poll]
        program = ["/srv/hooks/poll", "--fast", ""]
        seconds = 2.5
        memory = 1000000
        output = 1000
        processes = 2
        user = "daemon"

        [hooks.moderated]
        python = "course.moderated:Moderated"
        seconds = 3

        [hooks.seminar]
        plugin = "the seminar"
    """
    assert settings(tmp_path, text).hooks == (
        Hook(
            "poll",
            ("/srv/hooks/poll", "--fast", ""),
            seconds=2.5,
            memory=1000000,
            output=1000,
            processes=2,
            user="daemon",
        ),
        Hook("moderated", python="course.moderated:Moderated", seconds=3),
        Hook("seminar", plugin="the seminar"),
    )


def test_the_defaults_of_a_program(tmp_path: Path) -> None:
    (hook,) = settings(tmp_path, '[hooks.poll]\nprogram = ["/srv/poll"]').hooks
    assert (hook.seconds, hook.memory, hook.output) == (10, 268435456, 1048576)
    assert (hook.processes, hook.user) == (16, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hooks = 1", "hooks are tables: write [hooks.LIST]"),
        ("hooks.poll = 1", "hooks.poll is a table: write [hooks.poll]"),
        ("[hooks.poll]", "hooks.poll takes one of program, python and plugin; here are 0"),
        (
            '[hooks.poll]\nplugin = "a"\npython = "a:b"',
            "hooks.poll takes one of program, python and plugin; here are 2",
        ),
        ('[hooks."é"]\nplugin = "a"', "'é' is no name that a list can have"),
        (
            '[hooks.poll]\nplugin = "a"\n[hooks.POLL]\nplugin = "b"',
            "hooks.POLL: poll has a hook already",
        ),
        ('[hooks.poll]\nprogramme = ["/x"]', "did you mean hooks.poll.program?"),
        ('[hooks.poll]\nname = "x"', "hooks.poll.name is no setting"),
        ('[hooks.poll]\nprogram = "/srv/poll"', "hooks.poll.program takes a list of texts"),
        ("[hooks.poll]\nprogram = []", "hooks.poll.program begins with a whole path"),
        ('[hooks.poll]\nprogram = ["poll"]', "hooks.poll.program begins with a whole path"),
        ('[hooks.poll]\nprogram = ["/x", "a\\u0000"]', "NUL cannot be in an argument"),
        ('[hooks.poll]\npython = "moderated"', 'hooks.poll.python takes "module:object"'),
        ('[hooks.poll]\npython = "../x:y"', 'hooks.poll.python takes "module:object"'),
        ('[hooks.poll]\nplugin = ""', "hooks.poll.plugin is empty"),
        ('[hooks.poll]\nplugin = "a"\nseconds = 0', "hooks.poll.seconds takes a number of seconds"),
        ('[hooks.poll]\nplugin = "a"\nseconds = nan', "hooks.poll.seconds takes a number of"),
        ('[hooks.poll]\nprogram = ["/x"]\nmemory = 0', "hooks.poll.memory takes a whole number"),
        ('[hooks.poll]\nprogram = ["/x"]\nprocesses = true', "hooks.poll.processes takes a whole"),
        ('[hooks.poll]\nprogram = ["/x"]\noutput = 1.5', "hooks.poll.output takes a whole number"),
        ('[hooks.poll]\nplugin = "a"\nmemory = 5', "hooks.poll.memory is for a program only"),
        ('[hooks.poll]\npython = "a:b"\nuser = "x"', "hooks.poll.user is for a program only"),
    ],
)
def test_a_wrong_table_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
