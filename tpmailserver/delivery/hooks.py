"""Finds the hooks that `tpmail.toml` names, and asks them.

The rule it guards: a hook is foreign code. What it does wrong, however it does it, is a
`HookFailed` with one line that says what; the session and the server go on. What cannot be found
at all is told at the start.
"""

import importlib
import pwd
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import cast

from tpmailserver.settings import HOOKS_FOLDER, Hook, SettingsError

from .answers import Answer, HookFailed, checked, one_line
from .expander import Expander, Post
from .programs import Program
from .threads import Threads

# The frames of a traceback that say nothing about a hook.
_NOT_THE_HOOKS = (str(Path(__file__).parent), importlib.__file__, "<frozen importlib")


# What keeps its time, as a program's supervisor does, is given a moment to say so.
_MOMENT = 0.5


class Hooks:
    """The hooks of a site's lists, by the list's name; none can be asked before `load`."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = {each.name: each for each in hooks}
        self._expanders: Mapping[str, Expander] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._hooks

    def load(self, folder: Path, plugins: Mapping[str, Expander]) -> None:
        """Loads what the hooks name, foreign code: never as root. Raises SettingsError."""
        self._expanders = expanders_of(tuple(self._hooks.values()), folder, plugins)

    async def ask(self, name: str, post: Post, threads: Threads) -> Answer:
        """What the hook of a list says; HookFailed when it says nothing of use."""
        return await run(self._expanders[name], post, threads, self._hooks[name].seconds)


async def run(expander: Expander, post: Post, threads: Threads, seconds: float) -> Answer:
    """The checked answer of an expander, off the reactor's thread; else HookFailed."""
    try:
        return await threads.hook(seconds + _MOMENT, _ask, expander, post, seconds)
    except TimeoutError:
        raise HookFailed(f"was not done after {seconds:g} s") from None


def expanders_of(
    hooks: Sequence[Hook], folder: Path, plugins: Mapping[str, Expander]
) -> dict[str, Expander]:
    """The expanders of the lists that have a hook, by the list's name.

    `folder` is the site's, `plugins` are Twisted's plugins by their names. SettingsError says
    what cannot be found.
    """
    return {hook.name: _expander(hook, folder, plugins) for hook in hooks}


def _ask(expander: Expander, post: Post, seconds: float) -> Answer:
    gives_up = time.monotonic() + seconds
    try:
        answer = expander.expand(post)
        return checked(answer, post.address.domain, lambda: time.monotonic() < gives_up)
    except HookFailed as failure:
        raise HookFailed(one_line(str(failure))) from failure
    # SystemExit and all: whatever it raises, it ends the hook and nothing else.
    except BaseException as error:
        raise HookFailed(_told(error)) from error


def _expander(hook: Hook, folder: Path, plugins: Mapping[str, Expander]) -> Expander:
    if hook.program:
        return _program(hook)
    if hook.python:
        return _python(hook, folder / HOOKS_FOLDER)
    if hook.plugin not in plugins:
        known = ", ".join(sorted(plugins)) or "none"
        raise SettingsError(
            f"hooks.{hook.name}: no plugin {hook.plugin!r} in the twisted/plugins folders on "
            f"Python's path; there is {known}"
        )
    return plugins[hook.plugin]


def _program(hook: Hook) -> Program:
    path = hook.program[0]
    # One that cannot be looked at just now fails when it is asked, and not the whole start.
    with suppress(OSError):
        if not Path(path).exists():
            raise SettingsError(f"hooks.{hook.name}: no program {path}")
    if hook.user and not _is_user(hook.user):
        raise SettingsError(f"hooks.{hook.name}: no user {hook.user} on this machine")
    return Program(hook)


def _is_user(name: str) -> bool:
    # By name: a directory service need not list its users.
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _python(hook: Hook, folder: Path) -> Expander:
    module_name, _, name = hook.python.partition(":")
    try:
        with _first_on_path(folder):
            module = importlib.import_module(module_name)
            thing = getattr(module, name, None)
            expander = thing() if isinstance(thing, type) else thing
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module_name:
            said = f"no module {module_name} in {folder}, nor on Python's path"
        else:
            said = f"{hook.python} cannot be had: {_told(error)}"
        raise SettingsError(f"hooks.{hook.name}: {said}") from error
    if thing is None:
        raise SettingsError(f"hooks.{hook.name}: no {name} in {_file_of(module)}")
    if not callable(getattr(expander, "expand", None)):
        raise SettingsError(f"hooks.{hook.name}: {name} in {_file_of(module)} has no expand(post)")
    return cast(Expander, expander)


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Lets Python look into a folder before all others."""
    sys.path.insert(0, str(folder))
    # A folder that Python has looked into already may have new files.
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with suppress(ValueError):  # a module may have changed the path itself
            sys.path.remove(str(folder))


def _file_of(module: ModuleType) -> str:
    """Where a module comes from: one of the same name may have been found first."""
    return str(getattr(module, "__file__", None) or module.__name__)


def _told(error: BaseException) -> str:
    """An exception in a line, after the line of the hook that led to it."""
    text = "".join(traceback.format_exception_only(error))
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(_NOT_THE_HOOKS):
            text = f"{Path(frame.filename).name}, line {frame.lineno}: {text}"
            break
    return one_line(text)
