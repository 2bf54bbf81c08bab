"""Suspending a list: it sends nothing on until somebody resumes it, and its owner is told by mail.

The rule it guards: the mail about a loop starts none. Its return path is the null one and it says
that a program wrote it, so that no list sends it on and no program answers it.
"""

from contextlib import suppress

from tpmailserver.settings import Settings
from tpmailserver.store.directory import Directory
from tpmailserver.store.lists import Lists, MailingList

from .letters import AUTOMATIC, Letter, Letters
from .recipients import Recipients
from .stamps import owner_of

_SUSPENDED = {
    "en": (
        "The list {name} is suspended",
        """\
The list {name}@{domain} sends nothing on for now:
{why}

{writer} wrote {count} messages to it within ten minutes. Whoever writes
to it hears that it is suspended, and keeps the message.

A loop looks like this: somebody's script reads what the list sends and
writes it back to the list. Stop that script first. Then, at the server:

    tpmail list resume {name}
""",
    ),
    "fr": (
        "La liste {name} est suspendue",
        """\
La liste {name}@{domain} ne transmet plus rien pour le moment :
{why}

{writer} lui a envoyé {count} messages en dix minutes. Qui lui écrit
apprend qu'elle est suspendue, et garde son message.

Voici à quoi ressemble une boucle : le script de quelqu'un lit ce que la
liste envoie et le renvoie à la liste. Arrêtez d'abord ce script. Puis,
sur le serveur :

    tpmail list resume {name}
""",
    ),
}


class Suspensions:
    """Suspends the lists of a site."""

    def __init__(
        self,
        settings: Settings,
        lists: Lists,
        directory: Directory,
        recipients: Recipients,
        letters: Letters,
    ) -> None:
        self._settings = settings
        self._lists = lists
        self._directory = directory
        self._recipients = recipients
        self._letters = letters

    def suspend(self, mailing_list: MailingList, writer: str, why: str) -> None:
        """Suspends a list and tells its owner; writes files."""
        self._lists.suspend(mailing_list.name, why)
        self._directory.refresh()
        # As it is now: its owner may have been removed, or the list itself.
        standing = self._directory.mailing_list(mailing_list.name)
        # The list is stopped, which is what counts: a full disk may keep the mail about it away.
        with suppress(OSError):
            if standing is not None:
                self._tell(standing, writer, why)

    def _tell(self, mailing_list: MailingList, writer: str, why: str) -> None:
        settings = self._settings
        owner = owner_of(mailing_list, settings.domain)
        subject, text = _SUSPENDED[settings.language]
        facts = {
            "name": mailing_list.name,
            "domain": settings.domain,
            "why": why,
            "writer": writer,
            "count": settings.limits.list_breaker,
        }
        letter = Letter(None, owner, subject.format(**facts), text.format(**facts), AUTOMATIC)
        # The owner's account, or the mailbox that is postmaster's.
        self._letters.deliver(letter, self._recipients.account_of(owner))
