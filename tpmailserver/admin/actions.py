"""The one list of what may be asked, by name, of a running server or of the site itself.

The rule it guards: both ways give the same report. A request is a name and a JSON object, checked
here against the action's own signature; what comes back is the report's JSON object. A broken disk
or a locked database becomes one line; a bug stays an exception for whoever runs this.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from inspect import Parameter, signature
from typing import Any, get_type_hints

from .accounts import accounts, add, never_seen, plan_add, plan_remove, remove
from .demo import demo
from .desk import Desk, NotDone, one_line
from .enrolment import compare, enrol
from .forgetting import forget, plan_forget
from .lists import drop_members, plan_remove_list, put_list, remove_list, resume_list
from .overview import lists, show_list
from .pack_checks import check_packs
from .passwords import default_password, random_passwords, set_password
from .posts import approve, plan_approve, plan_reject, reject
from .resets import plan_reset, plan_undo, reset, undo
from .round_trip import round_trip
from .seeds import packs, plan_seed, seed
from .sessions import freeze, kick, thaw
from .shapes import WrongShape, read_as, read_table
from .snapshots import plan_restore, restore, snapshot, snapshots
from .status import status
from .who import find

ACTIONS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        accounts,
        add,
        approve,
        compare,
        check_packs,
        default_password,
        demo,
        drop_members,
        enrol,
        find,
        forget,
        freeze,
        kick,
        lists,
        never_seen,
        packs,
        plan_add,
        plan_approve,
        plan_forget,
        plan_reject,
        plan_remove,
        plan_remove_list,
        plan_reset,
        plan_restore,
        plan_undo,
        put_list,
        random_passwords,
        reject,
        plan_seed,
        remove,
        remove_list,
        reset,
        restore,
        resume_list,
        seed,
        round_trip,
        set_password,
        show_list,
        snapshot,
        snapshots,
        status,
        undo,
        thaw,
    )
}

MAKES_A_SITE = frozenset({"add", "demo", "enrol"})
"""What may be the first that is done in a folder; everything else needs a site there."""

PLANS_A_SITE = frozenset({"plan_add", "compare", "packs", "check_packs"})
"""What can be asked in a folder without a site, which it then leaves so."""


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


def _typed(function: Callable[..., Any], arguments: Mapping[str, object]) -> dict[str, Any]:
    hints = get_type_hints(function)
    parameters = [each for name, each in signature(function).parameters.items() if name != "desk"]
    required = frozenset(each.name for each in parameters if each.default is Parameter.empty)
    known = {each.name: hints[each.name] for each in parameters}
    return read_table(known, required, arguments, "arguments")
