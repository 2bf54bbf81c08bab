"""The one list of what may be asked, by name, of a running server or of the site itself.

The rule it guards: both ways give the same report. A request is a name and a JSON object, checked
here against the action's own signature; what comes back is the report's JSON object. A broken disk
or a locked database becomes one line; a bug stays an exception for whoever runs this.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from inspect import Parameter, signature
from typing import Any, get_type_hints

from .accounts import accounts, add, plan_add, plan_remove, remove
from .demo import demo
from .desk import Desk, NotDone
from .pack_checks import check_packs
from .passwords import default_password, set_password
from .resets import plan_reset, reset
from .seeds import packs, plan_seed, seed
from .shapes import WrongShape, read_as, read_table
from .status import status
from .who import find

ACTIONS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        accounts,
        add,
        check_packs,
        default_password,
        demo,
        find,
        packs,
        plan_add,
        plan_remove,
        plan_reset,
        plan_seed,
        remove,
        reset,
        seed,
        set_password,
        status,
    )
}


def perform(desk: Desk, action: str, arguments: Mapping[str, object]) -> dict[str, Any]:
    """Does an action and returns its report as a JSON object; raises NotDone."""
    if action not in ACTIONS:
        raise NotDone(f"no action {action!r}: are tpmail and the server of the same version?")
    function = ACTIONS[action]
    try:
        typed = _typed(function, arguments)
    except WrongShape as error:
        raise NotDone(f"{action}: {error}") from error
    try:
        report = function(desk, **typed)
    except OSError as error:
        raise NotDone(one_line(error)) from error
    return asdict(report)


def read_report(action: str, report: object) -> Any:
    """The report that a JSON object stands for."""
    return read_as(get_type_hints(ACTIONS[action])["return"], report, "report")


def one_line(error: OSError) -> str:
    """What the system says went wrong, and with which file."""
    what = error.strerror or str(error) or type(error).__name__
    return f"{what}: {error.filename}" if error.filename is not None else what


def _typed(function: Callable[..., Any], arguments: Mapping[str, object]) -> dict[str, Any]:
    hints = get_type_hints(function)
    parameters = [each for name, each in signature(function).parameters.items() if name != "desk"]
    required = {each.name for each in parameters if each.default is Parameter.empty}
    known = {each.name: hints[each.name] for each in parameters}
    return read_table(known, required, arguments, "arguments")
