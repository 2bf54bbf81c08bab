"""The defects that `tests/mutants.py` plants, each beside the tests that should catch it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect: what it is, the edits that make it (file, text, what takes its place), the tests.

    A text stands in its file exactly once.
    """

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


def _one(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, ((file, old, new),), tuple(f"tests/{each}.py" for each in tests))


MUTANTS = (
    # A message is on the disk when 250 is said.
    _one(
        "no fsync of the file",
        "store/spool.py",
        "                os.fsync(self._file_fd)\n",
        "                pass\n",
        "test_strace",
    ),
    _one(
        "no fsync of the folders",
        "store/arrival.py",
        "lambda _name, new: sync_folder(new)",
        "lambda _name, _new: None",
        "test_strace",
    ),
    _one(
        "no fsync of a new mailbox's name",
        "store/arrival.py",
        "        self._inboxes.folders.sync_made(self._names)\n",
        "",
        "test_strace",
    ),
    _one(
        "250 before the link",
        "delivery/reception.py",
        "        identity = await self._threads.disk(self._write, incoming, destination)\n",
        "        identity = incoming.draft.identity\n"
        '        __import__("threading").Timer(\n'
        "            0.05, self._write, (incoming, destination)\n"
        "        ).start()\n"
        "        await self._threads.pause(0.0)\n",
        "test_strace",
    ),
    _one(
        "links before the sync of the file",
        "store/maildir.py",
        "            draft.settle()\n",
        "            draft.spill()\n",
        "test_strace",
    ),
    _one(
        "a broken mailbox found after a link",
        "store/arrival.py",
        "(Arrival.check, Arrival.deliver, Arrival.sync)",
        "(Arrival.deliver, Arrival.sync)",
        "test_store_delivery",
    ),
    _one(
        "a spool file that may be there already",
        "store/disk.py",
        "os.O_CREAT | os.O_EXCL |",
        "os.O_CREAT |",
        "test_store_disk",
    ),
    _one(
        "a failed write leaves a file behind",
        "store/spool.py",
        "                write_whole(self._file_fd, self._held)\n"
        "            except OSError:\n"
        "                self.discard()\n",
        "                write_whole(self._file_fd, self._held)\n"
        "            except OSError:\n"
        "                self._let_go()\n",
        "test_store_spool",
    ),
    # What is deleted goes at QUIT, and then for good.
    Mutant(
        "DELE at once",
        (
            (
                "wire/pop3.py",
                "            self._reply(Pop3.DELETED, number=number)\n",
                "            self._ask(\n"
                "                Update(self._numbered({number}), ()),\n"
                "                lambda _: self._reply(Pop3.DELETED, number=number),\n"
                "            )\n",
            ),
            (
                "net/pop3.py",
                "        self._maildrop = None\n"
                "        self._policy.maildrops.close(maildrop, 0)\n"
                "        if deleted",
                "        if deleted",
            ),
        ),
        ("tests/test_strace.py", "tests/test_cut_off.py"),
    ),
    _one(
        "a session that is cut off removes",
        "wire/pop3.py",
        "    def _say_timeout(self) -> None:\n",
        "    def _on_input_end(self) -> None:\n"
        "        if self._state is State.TRANSACTION:\n"
        '            self._on_quit(b"")\n\n'
        "    def _say_timeout(self) -> None:\n",
        "test_strace",
    ),
    _one(
        "unlink without fsync",
        "store/search.py",
        "            sync_folder(self._parts[folder])\n",
        "            pass\n",
        "test_strace",
    ),
    _one(
        "+OK for what could not be removed",
        "delivery/maildrops.py",
        "return Refusal(Reason.NOT_ALL_REMOVED, (str(stayed),)) if stayed else Accepted()",
        "return Accepted()",
        "test_delivery_reset",
        "test_store_messages",
        "test_wire_pop3",
        "test_transcripts",
    ),
    # The message is the student's.
    _one(
        "a dot unstuffed by chunk",
        "wire/content.py",
        "        if has_dots:\n            content = content.replace(dot, self._line_end)\n",
        '        content = content.removeprefix(b".")\n'
        "        if has_dots:\n            content = content.replace(dot, self._line_end)\n",
        "test_wire_content",
        "test_fuzz_cuts",
    ),
    _one(
        "a dot stuffed by chunk",
        "wire/outgoing.py",
        'b"." if self._line_begins and stored.startswith(b".") else b""',
        'b"." if stored.startswith(b".") else b""',
        "test_wire_outgoing",
    ),
    _one(
        "a dot at the start of a chunk not stuffed",
        "wire/outgoing.py",
        'b"." if self._line_begins and stored.startswith(b".") else b""',
        'b""',
        "test_wire_outgoing",
    ),
    _one(
        "a message smuggled behind LF . CRLF",
        "wire/content.py",
        '        if self._line_end == b"\\n":\n            found = _LF_END',
        "        if True:\n            found = _LF_END",
        "test_wire_content",
    ),
    _one(
        "UIDL from the position",
        "wire/pop3.py",
        'f"{number} {message.uidl}" for number, message in',
        'f"{number} {number}" for number, message in',
        "test_transcripts",
        "faults/test_killed",
    ),
    _one(
        "sizes of LIST as stored",
        "store/spool.py",
        "        return self.stored + self._line_ends + unended\n",
        "        return self.stored + unended\n",
        "test_pop3_octets",
    ),
    _one(
        "sizes of foreign files as stored",
        "store/measure.py",
        "    return stored, stored + line_ends + unended\n",
        "    return stored, stored + unended\n",
        "test_pop3_octets",
    ),
    # Nobody gets where they don't belong.
    _one(
        "no delay on wrong passwords",
        "delivery/logins.py",
        "        at = received + self._delay\n        if not self._delay:\n",
        "        at = received\n        if True:\n",
        "test_bounds_sessions",
    ),
    _one(
        "wrong passwords not in line",
        "delivery/logins.py",
        "        at = received + self._delay\n        if not self._delay:\n",
        "        at = received + self._delay\n        if True:\n",
        "test_bounds_sessions",
    ),
    _one(
        "an unknown number answered at once",
        "delivery/logins.py",
        "        attempts = _attempts(password)\n",
        "        if account is None and self._walk_in is None:\n"
        "            return Refusal(Reason.BAD_LOGIN)\n"
        "        attempts = _attempts(password)\n",
        "test_enumeration",
    ),
    _one(
        "the delay counted from after the hash",
        "delivery/logins.py",
        "        await self._threads.pause(max(0.0, at - self._clock()))\n",
        "        await self._threads.pause(self._wrong.take_place(str(client), 0.0))\n",
        "test_enumeration",
    ),
    Mutant(
        "a place in line taken after the hash",
        (
            (
                "delivery/logins.py",
                "        at = self._wrong.take_place(str(client), received)\n",
                "        at = self._wrong.take_place(str(client), received)\n"
                "        self._wrong.give_back(str(client), at)\n",
            ),
            (
                "delivery/logins.py",
                "        await self._threads.pause(max(0.0, at - self._clock()))\n",
                "        at = self._wrong.take_place(str(client), received)\n"
                "        await self._threads.pause(max(0.0, at - self._clock()))\n",
            ),
        ),
        ("tests/test_enumeration.py",),
    ),
    _one(
        "a full queue tells who has a password",
        "delivery/logins.py",
        "        if self._hashing >= _QUEUE_AT_MOST:\n",
        "        if account and account.password_hash and self._hashing >= _QUEUE_AT_MOST:\n",
        "test_enumeration",
    ),
    _one(
        "a domain that ends as ours relays",
        "delivery/recipients.py",
        "        if address.domain.lower() != self._settings.domain:\n",
        "        if not address.domain.lower().endswith(self._settings.domain):\n",
        "test_isolation",
    ),
    _one(
        "percent in a local part is taken off",
        "delivery/recipients.py",
        'name_of(address.local.partition("+")[0])',
        'name_of(address.local.partition("+")[0].partition("%")[0])',
        "test_isolation",
    ),
    _one(
        "control characters in the log as they are",
        "net/events.py",
        '        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")\n',
        "        each\n",
        "test_secrets",
    ),
    _one(
        "control characters in commands let through",
        "wire/session.py",
        "        elif control := line.control_character():\n",
        '        elif (control := line.control_character()) and control == "never":\n',
        "test_isolation",
    ),
    _one(
        "a secret that shows itself",
        "model.py",
        "    octets: bytes = field(repr=False)\n",
        "    octets: bytes\n",
        "test_secrets",
    ),
    _one(
        "any name is an account's",
        "model.py",
        "    return folded if NAME.fullmatch(folded) else None\n",
        "    return folded or None\n",
        "test_isolation",
    ),
    _one(
        "any name is a mailbox's",
        "store/folders.py",
        "    if not NAME.fullmatch(name):\n",
        "    if not name:\n",
        "test_store_delivery",
    ),
    _one(
        "other scripts' digits are digits",
        "model.py",
        '    folded = text.lower() if text.isascii() else ""\n'
        "    return folded if NAME.fullmatch(folded) else None\n",
        "    import unicodedata\n"
        '    folded = unicodedata.normalize("NFKC", text).lower()\n'
        "    return folded if NAME.fullmatch(folded) else None\n",
        "test_isolation",
    ),
    _one(
        "a link leads out of the store",
        "store/disk.py",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "test_store_disk",
    ),
    _one(
        "files as the umask has them",
        "store/disk.py",
        "        os.fchmod(fd, 0o600)\n",
        "        os.fchmod(fd, 0o644)\n",
        "test_isolation",
    ),
    _one(
        "twistd's own files as the umask has them",
        "tap/twistd_files.py",
        "    os.umask(0o077)\n",
        "    pass\n",
        "test_modes",
    ),
    _one(
        "the folders as the umask has them",
        "store/disk.py",
        "        os.chmod(path, 0o700)\n",
        "        os.chmod(path, 0o755)\n",
        "test_modes",
    ),
    _one(
        "a loop that goes on",
        "delivery/reception.py",
        "        if header.hops > _HOPS_AT_MOST:\n",
        "        if header.hops > _HOPS_AT_MOST * 1000:\n",
        "test_bounds",
    ),
    # What the fuzz looks for is what it finds, in the inputs that it starts from.
    _one(
        "a dot stuffed by chunk, for the fuzz",
        "wire/outgoing.py",
        'b"." if self._line_begins and stored.startswith(b".") else b""',
        'b"." if stored.startswith(b".") else b""',
        "test_fuzz_seeds",
    ),
    _one(
        "control characters let through, for the fuzz",
        "wire/session.py",
        "        elif control := line.control_character():\n",
        '        elif (control := line.control_character()) and control == "never":\n',
        "test_fuzz_seeds",
    ),
    _one(
        "a unique-id with flags in it, for the fuzz",
        "store/names.py",
        '    base = _FLAGS.sub("", file_name, count=1)\n',
        "    base = file_name\n",
        "test_fuzz_seeds",
    ),
)
