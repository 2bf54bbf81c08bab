"""Makes the dialogues of the documentation: a conversation as it really goes, with real bytes.

In a page, a block is marked by a comment in front of it:

    <!-- dialogue smtp/a-mail.txt -->       the conversation of that file
    <!-- stored smtp/a-mail.txt 22000002 --> the file that it leaves in a mailbox, name first

`python -m tests.dialogues` writes the blocks into the pages anew; `test_docs` holds them to be
true. Clock and random numbers stand still, so the same conversation gives the same bytes.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tpmailserver.site import open_site
from tpmailserver.store.names import UniqueNames

from .bare import BareSession
from .test_transcripts import make_lists, settings_of
from .transcript import ACCOUNTS, FOLDER, Connect, HalfClose, Sent, Transcript, Turn, Wait, read

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- (dialogue|stored) (\S+)(?: (\S+))? -->\n```\w*\n)(.*?)(```)", re.DOTALL)


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """The marked blocks of a page: what the mark says, what stands there, what should."""
    for found in BLOCK.finditer(page):
        yield found[1], found[5], _made(found)


def renewed(page: str) -> str:
    return BLOCK.sub(lambda found: found[1] + _made(found) + found[6], page)


def _made(found: re.Match[str]) -> str:
    transcript = read(FOLDER / found[3])
    with TemporaryDirectory() as folder:
        dialogue = _play(transcript, Path(folder))
        if found[2] == "dialogue":
            return dialogue
        box = Path(folder) / "maildirs" / found[4] / "new"
        file = max(box.iterdir())
        return f"{found[4]}/new/{file.name}\n\n{file.read_text()}"


def _play(transcript: Transcript, folder: Path) -> str:
    os.environ["TZ"] = "Europe/Paris"
    time.tzset()
    names = UniqueNames(lambda: 1_700_000_000.0, lambda size: b"\x5e" * size, "tpmail")
    settings = settings_of(transcript)
    site = open_site(folder, settings, names)
    site.stores.database.add(ACCOUNTS, "td1", 0.0)
    site.stores.database.add(transcript.accounts, None, 0.0)
    make_lists(site.stores.database, transcript)
    for number, message in transcript.mail:
        draft = site.stores.spool.draft(b"")
        draft.write(message)
        site.stores.mailboxes.deliver(draft, [number])
    session = BareSession(transcript.protocol, folder, settings, names)
    session.run(session.machine.begin())
    windows = [session]
    shown = [_said(session)]
    for step in transcript.steps:
        match step:
            case Connect(protocol):
                session = session.another(protocol)
                session.run(session.machine.begin())
                windows.append(session)
                shown.append(f"   (window {len(windows)}: {protocol.upper()})\n")
            case Turn(window):
                session = windows[window]
                shown.append(f"   (window {window + 1} again)\n")
            case Sent(octets):
                session.run(session.machine.receive(octets))
                shown += [f"C: {line}\n" for line in octets.decode().splitlines()]
            case Wait(seconds):
                session.clock.now += seconds
                session.run(session.machine.wake(session.clock.now))
                shown.append(f"   ({seconds:g} silent seconds)\n")
            case HalfClose():
                session.run(session.machine.end_of_input())
        shown.append(_said(session))
    return "".join(line.rstrip() + "\n" for line in "".join(shown).splitlines())


def _said(session: BareSession) -> str:
    said, session.said = session.said.decode(), b""
    return "".join(f"S: {line}\n" for line in said.split("\r\n")[:-1])


if __name__ == "__main__":
    for path in pages():
        if path.exists():
            path.write_text(renewed(path.read_text()))
