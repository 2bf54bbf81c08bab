"""What a person reads of mailing lists: these pages go with those of `pages`.

The rule it guards: a list of a thousand fits a screen, with a count and the first of everything,
and a subject or a program's last words cannot write to the terminal.
"""

from collections.abc import Callable, Iterable, Sequence

from tpmailserver.admin.lists import ListPut, ListRemoved, MembersDropped, Resumed
from tpmailserver.admin.numbers import compact
from tpmailserver.admin.overview import ListOfLists, ListRow, ListSeen, MemberSeen
from tpmailserver.admin.posts import Approved, HeldPost, PlannedApproval, PlannedRejection, Rejected

from .pages import page, whole
from .phrases import count, moment, plain, ranges, short, size
from .sheets import Part, Sheet

# Together with what is said above them they leave a line of 24 to type on.
_MEMBERS_SHOWN = 10
_MEMBERS_BESIDE_POSTS = 3
_POSTS_SHOWN = 4

_POSTS_NAMED = 20
_WHOLE_WIDTH = 100

_MAY_POST = {
    "everyone": "everybody",
    "members": "its members and its owner",
    "owner": "its owner alone",
}


@page.register
def _(report: ListPut) -> Iterable[Part]:
    if report.is_new:
        yield f"the list {report.name} is made; its address is {report.address}"
    yield f"{count(len(report.added), 'member')} added{ranges(report.added)}"
    if report.present:
        yield f"{len(report.present):,} on it already{ranges(report.present)}"
    yield f"{count(report.mailboxes, 'mailbox')} in all; owner {report.owner or 'none'}"
    yield f"who may post: {_MAY_POST[report.may_post]}"
    yield from _warned(report.warnings)


@page.register
def _(report: MembersDropped) -> Iterable[Part]:
    yield f"{count(len(report.dropped), 'member')} taken out{ranges(report.dropped)}"
    if report.absent:
        yield f"{len(report.absent):,} not on it{ranges(report.absent)}"
    yield f"{count(report.mailboxes, 'mailbox')} in all"
    yield from _warned(report.warnings)


@page.register
def _(report: ListRemoved) -> Iterable[Part]:
    yield f"the list {report.name} is removed ({count(report.members, 'member')})"
    if report.left:
        yield f"it was on {', '.join(report.left)}"


@page.register
def _(report: Resumed) -> Iterable[Part]:
    if report.why:
        yield f"{report.name} goes on; it was suspended: {plain(report.why)}"
    else:
        yield f"{report.name} was not suspended"


@page.register
def _(report: ListSeen) -> Iterable[Part]:
    yield from _facts(report)
    rows = _ranged(report.members)
    shown = _MEMBERS_BESIDE_POSTS if report.waiting else _MEMBERS_SHOWN
    if rows:
        yield Sheet(("member", "kind"), rows[:shown])
    yield from _posts(report, report.waiting[:_POSTS_SHOWN], _cut)
    if len(rows) > shown or len(report.waiting) > _POSTS_SHOWN:
        yield f"there is more: tpmail list show {report.name} --all"


@whole.register
def _(report: ListSeen) -> Iterable[Part]:
    yield from _facts(report)
    if report.members:
        yield Sheet(("member", "kind"), [(each.name, _kind(each)) for each in report.members])
    # One subject of 5,000 letters would make every row as wide.
    yield from _posts(report, report.waiting, lambda text: short(text, _WHOLE_WIDTH))


@page.register
def _(report: ListOfLists) -> Iterable[Part]:
    if report.lists:
        yield Sheet(
            ("name", "kind", "members", "mailboxes", "owner", "may post", "state"),
            [
                (
                    each.name,
                    each.kind,
                    f"{each.members:,}",
                    f"{each.mailboxes:,}",
                    each.owner or "-",
                    each.may_post,
                    _state(each),
                )
                for each in report.lists
            ],
            frozenset({2, 3}),
        )
    for each in report.lists:
        if each.unreadable:
            yield f"what waits on {each.name} cannot be read: {each.unreadable}"
    yield count(len(report.lists), "list")


@page.register
def _(report: PlannedApproval) -> Iterable[Part]:
    if report.posts:
        posts, boxes = count(len(report.posts), "message"), count(report.mailboxes, "mailbox")
        yield f"{posts} would be approved, each for {boxes}"
    yield from _named(report.name, report.posts)
    yield "dry run: nothing is changed"


@page.register
def _(report: Approved) -> Iterable[Part]:
    if report.posts:
        posts, boxes = count(len(report.posts), "message"), count(report.mailboxes, "mailbox")
        yield f"{posts} approved, each is in {boxes} now"
    yield from _named(report.name, report.posts)


@page.register
def _(report: PlannedRejection) -> Iterable[Part]:
    if report.posts:
        yield f"{count(len(report.posts), 'message')} would be rejected"
    yield from _named(report.name, report.posts)
    yield "dry run: nothing is changed"


@page.register
def _(report: Rejected) -> Iterable[Part]:
    if report.posts:
        yield f"{count(len(report.posts), 'message')} rejected; kept in {report.kept}"
    yield from _named(report.name, report.posts)


def _facts(report: ListSeen) -> Iterable[Part]:
    yield f"{report.address}, owner {report.owner or 'none'}"
    yield f"who may post: {_MAY_POST[report.may_post]}"
    if report.suspended:
        yield f"suspended: {plain(report.suspended)} (tpmail list resume {report.name})"
    if report.hook:
        yield f"its hook: {plain(report.hook)}"
    if report.trouble:
        yield f"last trouble of its hook, {moment(report.trouble_at)}: {plain(report.trouble)}"
    yield from _warned(report.warnings)
    kinds = [each.kind for each in report.members]
    by_kind = [
        count(kinds.count(kind), kind)
        for kind in ("account", "group", "list", "mailbox")
        if kind in kinds
    ]
    behind = f" ({', '.join(by_kind)})" if by_kind else ""
    members = count(len(report.members), "member")
    yield f"{members}{behind}; {count(report.mailboxes, 'mailbox')} in all"
    if report.unreadable:
        yield f"what waits on it cannot be read: {report.unreadable}"


def _ranged(members: Sequence[MemberSeen]) -> list[tuple[str, str]]:
    """Groups and lists in their order, then the accounts, neighbours in one row."""
    rows = [(each.name, _kind(each)) for each in members if each.kind != "account"]
    accounts = {each.name for each in members if each.kind == "account"}
    for run in compact(accounts).split(", ") if accounts else []:
        # What looks like a range may be a name.
        first, last = (run, run) if run in accounts else run.split("-")
        kind = "account" if first == last else f"{int(last) - int(first) + 1:,} accounts"
        rows.append((run, kind))
    return rows


def _kind(member: MemberSeen) -> str:
    if member.kind in ("group", "list"):
        return f"{member.kind} ({member.mailboxes:,})"
    return member.kind


def _posts(
    report: ListSeen, posts: Sequence[HeldPost], said: Callable[[str], str]
) -> Iterable[Part]:
    """Those that wait; `said` makes one line of what others have written."""
    if not posts:
        return
    name, ours = report.name, report.address.removeprefix(report.name)
    wait = "message waits" if len(report.waiting) == 1 else "messages wait"
    yield f"{len(report.waiting):,} {wait}: tpmail list approve {name}, tpmail list reject {name}"
    yield Sheet(
        ("id", "from", "subject", "since", "size"),
        [
            (
                each.id,
                said(each.sender.removesuffix(ours)) or "<>",
                said(each.subject),
                moment(each.since),
                size(each.octets),
            )
            for each in posts
        ],
        frozenset({4}),
    )


def _cut(text: str) -> str:
    return short(text, 28)


def _named(name: str, posts: Sequence[HeldPost]) -> Iterable[Part]:
    if not posts:
        yield f"nothing waits on {name}"
    for each in posts[:_POSTS_NAMED]:
        yield f"  {each.id}  {short(each.sender, 36) or '<>'}  {_cut(each.subject)}"
    if len(posts) > _POSTS_NAMED:
        yield f"  and {len(posts) - _POSTS_NAMED:,} more"


def _state(row: ListRow) -> str:
    states = []
    if row.suspended:
        states.append("suspended")
    if row.waiting:
        states.append(f"waiting {row.waiting:,}")
    if row.trouble and row.kind == "hook":
        states.append(f"trouble {moment(row.trouble_at)[:10]}")
    return ", ".join(states) or "-"


def _warned(warnings: Iterable[str]) -> Iterable[Part]:
    for each in warnings:
        yield f"warning: {plain(each)}"
