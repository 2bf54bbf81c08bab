"""Mailboxes that are full before a server first looks, with the names that each gives itself."""

import os
from pathlib import Path

_LINE = b"The quick brown fox jumps over the lazy dog, seventy-four octets in all.\n"


def message(octets: int) -> bytes:
    """A message of about so many octets, with line ends as they are stored."""
    head = b"From: <a@tpmail.bench>\nTo: <b@tpmail.bench>\nSubject: bench\n\n"
    return head + _LINE * ((octets - len(head)) // len(_LINE))


def fill(mailboxes: Path, name: str, sizes: list[int]) -> None:
    """Puts messages of these sizes into a mailbox, as a delivery would have named them."""
    owner = mailboxes.stat()
    folders = [mailboxes / name, *(mailboxes / name / part for part in ("tmp", "new", "cur"))]
    for folder in folders:
        folder.mkdir(mode=0o700, exist_ok=True)
    kinds = {size: message(size) for size in set(sizes)}
    first: dict[int, Path] = {}
    for order, size in enumerate(sizes):
        data = kinds[size]
        wire = len(data) + data.count(b"\n")
        unique = f"{1700000000 + order:010d}.M{order:06d}R0123456789abcdef.bench"
        path = mailboxes / name / "new" / f"{unique},S={len(data)},W={wire}"
        # Fifty thousand small files of their own are not what is measured.
        if size in first:
            os.link(first[size], path)
        else:
            path.write_bytes(data)
            path.chmod(0o600)
            if len(sizes) > 1000:
                first[size] = path
    for place, _, files in os.walk(mailboxes / name):
        for each in (place, *(f"{place}/{file}" for file in files)):
            os.chown(each, owner.st_uid, owner.st_gid)
