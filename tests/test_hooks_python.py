"""Python objects as expanders: how they are found, and what may come out of them."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import succeed

from tpmailserver.delivery.answers import HookFailed, one_line
from tpmailserver.delivery.expander import Declined, Expansion, Held, Post
from tpmailserver.delivery.hooks import expanders_of, run
from tpmailserver.delivery.threads import Inline
from tpmailserver.model import Address
from tpmailserver.settings import Hook, SettingsError

from .bare import at_once
from .faults import until
from .hook_server import DOMAIN, post

_modules = (f"hook_{number}" for number in count())


class Saying:
    """An expander that does what a function does."""

    def __init__(self, expand: Callable[[Post], Any]) -> None:
        self.expand = expand


def asked(expand: Callable[[Post], Any], seconds: float = 10) -> object:
    return at_once(run(Saying(expand), post(), Inline(), seconds))


def failure(expand: Callable[[Post], Any], seconds: float = 10) -> str:
    with pytest.raises(HookFailed) as failed:
        asked(expand, seconds)
    text = str(failed.value)
    assert text.isprintable()
    assert 0 < len(text) <= 200
    return text


def raising(error: BaseException) -> Callable[[Post], Expansion]:
    def expand(_: Post) -> Expansion:
        raise error

    return expand


# What an expander may answer.


@pytest.mark.parametrize(
    ("named", "recipient"),
    [
        ("22000001", Address("22000001", DOMAIN)),
        ("22000001@elsewhere.example", Address("22000001", "elsewhere.example")),
        ("<22000001@lab.example>", Address("22000001", DOMAIN)),
        (" 22000001\n", Address("22000001", DOMAIN)),
        ("td1+now", Address("td1+now", DOMAIN)),
        ("no.account-of_ours", Address("no.account-of_ours", DOMAIN)),
        ("élève", Address("élève", DOMAIN)),
        (Address("of any", "form"), Address("of any", "form")),
    ],
)
def test_a_recipient(named: Address | str, recipient: Address) -> None:
    assert asked(lambda _: [named]) == (recipient,)


@pytest.mark.parametrize(
    "named",
    ["", " ", "<>", "a b", "a@", "@b", "a@b@c", "<a@b", "a@b>", "a,b", "a\nb", "a\0", "x" * 400],
)
def test_what_is_no_recipient(named: str) -> None:
    assert failure(lambda _: [named]).startswith('names a recipient that is no address: "')


@pytest.mark.parametrize("named", [None, 22000001, b"22000001", ("a", "b"), object()])
def test_what_is_no_text(named: object) -> None:
    said = failure(lambda _: [named])
    assert said == f"names a value of type {type(named).__name__} as a recipient"


@pytest.mark.parametrize("parts", [(None, DOMAIN), ("22000001", None), (22000001, DOMAIN)])
def test_an_address_of_what_is_no_text(parts: tuple[Any, Any]) -> None:
    assert failure(lambda _: [Address(*parts)]) == "names an Address whose parts are no texts"


@pytest.mark.parametrize("kind", [list, tuple, set, iter, dict.fromkeys])
def test_any_iterable_will_do(kind: Callable[[list[str]], Any]) -> None:
    assert asked(lambda _: kind(["22000001"])) == (Address("22000001", DOMAIN),)
    assert asked(lambda _: kind([])) == ()


def test_a_generator(tmp_path: Path) -> None:
    def expand(post: Post) -> Iterator[str]:
        yield "22000001"
        with post.open() as message:
            yield message.readline().decode()[14:22]

    assert asked(expand) == (Address("22000001", DOMAIN), Address("22000001", DOMAIN))


@pytest.mark.parametrize(
    "answer", [None, 1, True, "22000001", b"22000001", Held, Declined, object(), Post]
)
def test_what_is_no_answer(answer: object) -> None:
    """A text is iterable: its letters would be recipients."""
    said = failure(lambda _: answer)
    kind = type(answer).__name__
    assert said == f"answered a value of type {kind}, neither recipients nor Held nor Declined"


@pytest.mark.parametrize("kind", [Held, Declined])
def test_why_is_one_printable_line(kind: type[Held]) -> None:
    assert asked(lambda _: kind("Für Elise:\r\n 250 OK\0 ")) == kind("Für Elise: 250 OK?")
    assert asked(lambda _: kind("x" * 1000)) == kind("x" * 197 + "...")
    assert asked(lambda _: kind(" \n")) == kind("it does not say why")
    said = failure(lambda _: kind(None))  # type: ignore[arg-type]
    assert said == "gives a value of type NoneType as its reason, which is no text"


def test_a_deferred_is_no_answer() -> None:
    """It is iterable, and empty: the message would be taken, and nobody would have it."""
    said = failure(lambda _: succeed(["22000001"]))
    assert said == "answered a value of type Deferred, neither recipients nor Held nor Declined"


def test_a_line_of_a_million_characters_is_cut_at_once() -> None:
    assert one_line(" \n" * 1_000_000) == ""
    assert one_line("\N{SNOWMAN}" * 1_000_000) == "\N{SNOWMAN}" * 197 + "..."


# How it may go wrong.


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError("two\nlines"), "ValueError: two lines"),
        (SystemExit(0), "SystemExit: 0"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (StopIteration(), "StopIteration"),
        (TimeoutError("timed out"), "TimeoutError: timed out"),
        (ExceptionGroup("several", [ValueError(1)]), "ExceptionGroup: several (1 sub-exception)"),
    ],
)
def test_an_exception_is_told_with_its_line(error: BaseException, said: str) -> None:
    line = raising.__code__.co_firstlineno + 2
    assert failure(raising(error)) == f"test_hooks_python.py, line {line}: {said}"


def test_an_exception_that_cannot_even_say_what_it_is() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    assert "Mute: <exception str() failed>" in failure(raising(Mute()))


def test_a_failure_of_its_own_words() -> None:
    assert failure(raising(HookFailed("the roster\nis away"))) == "the roster is away"


def test_an_exception_half_way_through_a_generator() -> None:
    def expand(_: Post) -> Iterator[str]:
        yield "22000001"
        raise OSError("gone")

    assert failure(expand).endswith("OSError: gone")


def test_recursion_without_end() -> None:
    def expand(post: Post) -> Expansion:
        return expand(post)

    assert "RecursionError" in failure(expand)


def test_it_takes_too_long() -> None:
    def expand(_: Post) -> Expansion:
        time.sleep(1)
        return ()

    assert failure(expand, seconds=0.1) == "was not done after 0.1 s"


def test_recipients_without_end() -> None:
    assert failure(lambda _: repeat("22000001")) == "names more than 100,000 recipients"
    most = asked(lambda _: repeat("22000001", 100_000))
    assert isinstance(most, tuple)
    assert len(most) == 100_000


def test_recipients_that_come_ever_more_slowly_end_too() -> None:
    """And its thread is free again: a generator can be left."""

    def expand(_: Post) -> Iterator[str]:
        while True:
            yield "22000001"
            time.sleep(0.02)

    assert failure(expand, seconds=0.1) == "goes on and on naming recipients"
    until(lambda: all(each.name != "hook" for each in threading.enumerate()))


# How it is found.


def site_with(folder: Path, source: str) -> str:
    """Writes a module into a site's hooks folder, under a name that no other test has."""
    name = next(_modules)
    (folder / "hooks").mkdir(exist_ok=True)
    (folder / "hooks" / f"{name}.py").write_text(source)
    return name


def found(folder: Path, python: str) -> object:
    (expander,) = expanders_of((Hook("td1", python=python),), folder, {}).values()
    return at_once(run(expander, post(members=(Address("1", DOMAIN),)), Inline(), 10))


def not_found(folder: Path, hook: Hook) -> str:
    path = list(sys.path)
    with pytest.raises(SettingsError) as refused:
        expanders_of((hook,), folder, {"one": Saying(lambda _: ()), "two": Saying(lambda _: ())})
    assert sys.path == path
    said = str(refused.value)
    assert said.startswith("hooks.td1: ")
    assert "\n" not in said
    return said.removeprefix("hooks.td1: ")


MEMBERS = "class Members:\n    def expand(self, post):\n        return post.members\n"


def test_a_class_in_the_hooks_folder(tmp_path: Path) -> None:
    path = list(sys.path)
    assert found(tmp_path, f"{site_with(tmp_path, MEMBERS)}:Members") == (Address("1", DOMAIN),)
    assert sys.path == path


def test_an_object_in_the_hooks_folder(tmp_path: Path) -> None:
    name = site_with(tmp_path, f"{MEMBERS}members = Members()\n")
    assert found(tmp_path, f"{name}:members") == (Address("1", DOMAIN),)


def test_a_module_imports_its_neighbour(tmp_path: Path) -> None:
    neighbour = site_with(tmp_path, MEMBERS)
    name = site_with(tmp_path, f"from {neighbour} import Members\n")
    assert found(tmp_path, f"{name}:Members") == (Address("1", DOMAIN),)


def test_a_module_on_pythons_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name = site_with(elsewhere, MEMBERS)
    monkeypatch.syspath_prepend(elsewhere / "hooks")
    assert found(tmp_path, f"{name}:Members") == (Address("1", DOMAIN),)


def test_the_hooks_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name = site_with(elsewhere, "")
    monkeypatch.syspath_prepend(elsewhere / "hooks")
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / f"{name}.py").write_text(MEMBERS)
    assert found(tmp_path, f"{name}:Members") == (Address("1", DOMAIN),)


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    said = not_found(tmp_path, Hook("td1", python="no_such_module:Members"))
    assert said == f"no module no_such_module in {tmp_path}/hooks, nor on Python's path"


def test_an_object_that_is_not_there(tmp_path: Path) -> None:
    name = site_with(tmp_path, MEMBERS)
    said = not_found(tmp_path, Hook("td1", python=f"{name}:Member"))
    assert said == f"no Member in {tmp_path}/hooks/{name}.py"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named"),
        ("\nraise SystemExit('no')\n", "line 2: SystemExit: no"),
        ("class Hook(\n", "SyntaxError: '(' was never closed"),
        ("class Hook:\n    def __init__(self):\n        1 / 0\n", "line 3: ZeroDivisionError"),
        ("class Hook:\n    def __init__(self, x):\n        pass\n", "TypeError: Hook.__init__()"),
    ],
)
def test_a_module_that_does_not_work(tmp_path: Path, source: str, why: str) -> None:
    name = site_with(tmp_path, source)
    said = not_found(tmp_path, Hook("td1", python=f"{name}:Hook"))
    assert said.startswith(f"{name}:Hook cannot be had: ")
    assert why in said


@pytest.mark.parametrize("source", ["Hook = 1\n", "class Hook:\n    expand = 1\n"])
def test_an_object_that_cannot_expand(tmp_path: Path, source: str) -> None:
    name = site_with(tmp_path, source)
    said = not_found(tmp_path, Hook("td1", python=f"{name}:Hook"))
    assert said == f"Hook in {tmp_path}/hooks/{name}.py has no expand(post)"


def test_a_plugin(tmp_path: Path) -> None:
    plugin = Saying(lambda _: ["22000001"])
    hooks = (Hook("td1", plugin="one"), Hook("td2", plugin="one"))
    assert expanders_of(hooks, tmp_path, {"one": plugin}) == {"td1": plugin, "td2": plugin}


def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    said = not_found(tmp_path, Hook("td1", plugin="three"))
    assert said == (
        "no plugin 'three' in the twisted/plugins folders on Python's path; there is one, two"
    )


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    said = not_found(tmp_path, Hook("td1", (f"{tmp_path}/poll",)))
    assert said == f"no program {tmp_path}/poll"


def test_a_user_who_is_not_there(tmp_path: Path) -> None:
    said = not_found(tmp_path, Hook("td1", ("/bin/true",), user="no-such-user"))
    assert said == "no user no-such-user on this machine"


def test_a_program_in_its_place(tmp_path: Path) -> None:
    (program,) = expanders_of((Hook("td1", ("/bin/echo", "22000001")),), tmp_path, {}).values()
    assert at_once(run(program, post(), Inline(), 10)) == (Address("22000001", DOMAIN),)
    (program,) = expanders_of((Hook("td1", ("/bin/echo", "2 2")),), tmp_path, {}).values()
    with pytest.raises(HookFailed, match='names a recipient that is no address: "2 2"'):
        at_once(run(program, post(), Inline(), 10))


def test_a_program_tells_of_its_own_end_in_time(tmp_path: Path) -> None:
    hook = Hook("td1", ("/bin/sh", "-c", "echo busy >&2; sleep 1000"), seconds=0.3)
    (program,) = expanders_of((hook,), tmp_path, {}).values()
    with pytest.raises(HookFailed, match=r"/bin/sh was not done after 0\.3 s: busy"):
        at_once(run(program, post(), Inline(), hook.seconds))
