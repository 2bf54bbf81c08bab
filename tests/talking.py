"""A site with a list, and SMTP on the bare machine, spoken line by line: what the tests compare."""

from collections.abc import Callable
from pathlib import Path

from tpmailserver.settings import Hook, Limits, Settings
from tpmailserver.store.lists import Lists

from .bare import BareSession

ONE, TWO, OWNER = "22000001", "22000002", "22000009"


class Talk:
    """An SMTP session on the bare machine, spoken to line by line."""

    def __init__(self, session: BareSession) -> None:
        self._session = session
        session.run(session.machine.begin())
        self.say("HELO mypc")

    def say(self, *lines: str) -> str:
        """The last line of what is said to all of these."""
        self._session.said = b""
        for line in lines:
            self._session.run(self._session.machine.receive(line.encode() + b"\r\n"))
        return self._session.said.decode().split("\r\n")[-2]

    def begins(self, sender: str, *recipients: str) -> str:
        """A message as far as its text; what is said to DATA."""
        addressed = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{each}>" for each in recipients)]
        return self.say(*addressed, "DATA")

    def ends(self) -> str:
        """The text and the final dot; what is said to it."""
        return self.say("Subject: x", "", "x", ".")

    def sends(self, sender: str, *recipients: str) -> str:
        """A whole message; what is said to its final dot."""
        said = self.begins(sender, *recipients)
        assert said.startswith("354 "), said
        return self.ends()


class Site:
    """A site with a list "cours" of ONE and TWO, which OWNER owns."""

    def __init__(self, folder: Path, *hooks: Hook, **limits: int) -> None:
        settings = Settings(limits=Limits(**limits), hooks=hooks)
        self.session = BareSession("smtp", folder, settings)
        self.folder = folder
        self._stores = self.session.site.stores
        self._stores.database.add([ONE, TWO, OWNER], None, 0.0)
        self.change(lambda lists: lists.put("cours", [ONE, TWO], OWNER))
        self.talk = Talk(self.session)

    def change(self, how: Callable[[Lists], object]) -> None:
        """Changes the lists, as `tpmail list` does."""
        how(self._stores.database.lists)
        self._stores.directory.refresh()

    def removes(self, number: str) -> None:
        """Removes an account, which the server has not noticed yet."""
        self._stores.database.remove([number])

    def another(self) -> Talk:
        """A further session beside the first."""
        return Talk(self.session.another("smtp"))

    def mails(self, name: str) -> list[Path]:
        new = self.folder / "maildirs" / name / "new"
        return sorted(new.iterdir()) if new.exists() else []
