"""What the server says for each reason of policy: the other half of the catalogue of `replies`.

The rule it guards: policy gives reasons and facts, and knows no code. Every reason has a line for
both protocols, though few are ever heard in both; `{0}`, `{1}` are the facts that go with it in
`model.Reason`. The codes are RFC 5321's, RFC 3463's and, for POP3, RFC 3206's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tpmailserver.model import Reason


@dataclass(frozen=True, slots=True)
class PolicyReply:
    """What both protocols say for one reason; SMTP has a code and a status, POP3 a response."""

    code: str
    status: str
    response: str
    text: str


REFUSALS: Mapping[Reason, PolicyReply] = {
    # RFC 5321 §3.1: after 554 for a greeting a server waits for QUIT; 421 says that it closes.
    Reason.FOREIGN_NETWORK: PolicyReply(
        "421",
        "4.7.1",
        "[SYS/PERM]",
        "{0} is not in this site's networks; its teacher can admit it in tpmail.toml",
    ),
    Reason.TOO_MANY_SESSIONS: PolicyReply(
        "421",
        "4.7.0",
        "[SYS/TEMP]",
        "{0} sessions are open, the limit; try again soon",
    ),
    Reason.TOO_MANY_FROM_ADDRESS: PolicyReply(
        "421",
        "4.7.0",
        "[SYS/TEMP]",
        "{0} has {1} sessions open, the limit; close some",
    ),
    Reason.FROZEN: PolicyReply(
        "421",
        "4.3.2",
        "[SYS/TEMP]",
        "the instructor has stopped {0} for now; try again later",
    ),
    Reason.BAD_LOGIN: PolicyReply("535", "5.7.8", "[AUTH]", "wrong number or password"),
    Reason.LOGINS_BUSY: PolicyReply(
        "454", "4.7.0", "[SYS/TEMP]", "too many logins at once; try again soon"
    ),
    Reason.MAILDROP_IN_USE: PolicyReply(
        "454",
        "4.7.0",
        "[IN-USE]",
        "{0} reads this maildrop since {1}; close that program or session first",
    ),
    Reason.EXPELLED: PolicyReply("421", "4.3.2", "[SYS/TEMP]", "{0}"),
    Reason.BUDGET_SPENT: PolicyReply(
        "451",
        "4.7.1",
        "[SYS/TEMP]",
        "{0} messages in ten minutes is the limit; go on at {1}",
    ),
    Reason.FOREIGN_RECIPIENT: PolicyReply(
        "550",
        "5.7.1",
        "[SYS/PERM]",
        "{0} is not on this site, and mail stays here: write to NUMBER@{1}",
    ),
    Reason.UNKNOWN_RECIPIENT: PolicyReply(
        "550", "5.1.1", "[SYS/PERM]", "there is no mailbox {0} here"
    ),
    Reason.MAILBOX_FULL: PolicyReply(
        "452",
        "4.2.2",
        "[SYS/TEMP]",
        "the mailbox of {0} is full; its owner must delete mail",
    ),
    # RFC 3463 §3.8: X.7.2 is said to a sender whom a list does not send on.
    Reason.NULL_SENDER_TO_LIST: PolicyReply(
        "550",
        "5.7.2",
        "[SYS/PERM]",
        "{0} is a list and takes no mail from <>: give your address in MAIL FROM",
    ),
    Reason.NOT_FOR_YOU_TO_POST: PolicyReply(
        "550", "5.7.2", "[SYS/PERM]", "{0} takes mail from {1} only"
    ),
    Reason.AUTOMATIC_TO_LIST: PolicyReply(
        "554",
        "5.7.2",
        "[SYS/PERM]",
        "{0} is a list and sends on no automatic answer (its header says Auto-Submitted)",
    ),
    Reason.LIST_EMPTY: PolicyReply(
        "550",
        "5.2.4",
        "[SYS/PERM]",
        "nobody is on the list {0} yet; its teacher can add members",
    ),
    Reason.LIST_FULL: PolicyReply(
        "452",
        "4.2.2",
        "[SYS/TEMP]",
        "too much waits on the list {0}; its owner must approve or reject some of it",
    ),
    Reason.LIST_SUSPENDED: PolicyReply(
        "450",
        "4.2.1",
        "[SYS/TEMP]",
        "{0} is suspended until its teacher resumes it: {1}",
    ),
    Reason.LIST_BUDGET_SPENT: PolicyReply(
        "451",
        "4.7.1",
        "[SYS/TEMP]",
        "{1} messages to {0} in ten minutes is the limit; go on at {2}",
    ),
    Reason.LIST_LOOP: PolicyReply(
        "554", "5.4.6", "[SYS/PERM]", "loop: {0}; a message passes a list only once"
    ),
    Reason.NOT_EXPANDED: PolicyReply(
        "451",
        "4.2.4",
        "[SYS/TEMP]",
        "the program of {0} failed; try again later, its teacher sees why: tpmail list show {0}",
    ),
    Reason.DECLINED: PolicyReply(
        "554", "5.7.1", "[SYS/PERM]", "{0} does not take this message: {1}"
    ),
    Reason.NO_LIST: PolicyReply("550", "5.1.1", "[SYS/PERM]", "there is no list {0} here"),
    # RFC 5321 §3.5.3, §7.3: who does not tell says 252, which is neither yes nor no.
    Reason.LIST_HIDDEN: PolicyReply(
        "252",
        "2.0.0",
        "[SYS/PERM]",
        "the members of {0} are shown to its members only, after AUTH",
    ),
    Reason.EXPANDED_BY_PROGRAM: PolicyReply(
        "252",
        "2.0.0",
        "[SYS/PERM]",
        "a program decides with each message who gets it from {0}: write to it and see",
    ),
    Reason.NOT_VERIFIED: PolicyReply(
        "252", "2.0.0", "[SYS/PERM]", "cannot tell about {0} here, but RCPT TO will"
    ),
    Reason.LOOP: PolicyReply(
        "554",
        "5.4.6",
        "[SYS/PERM]",
        "loop: {1} -> {2}; the message has {0} Received fields, it goes round",
    ),
    Reason.MESSAGE_GONE: PolicyReply(
        "451",
        "4.3.0",
        "",  # RFC 3206: SYS/TEMP would ask the client to try again, and it stays gone
        "that message was removed by another session meanwhile",
    ),
    Reason.NOT_ALL_REMOVED: PolicyReply(
        "451",
        "4.3.0",
        "[SYS/TEMP]",
        "some messages not removed ({0}); they will be there again",
    ),
    Reason.NO_SPACE: PolicyReply(
        "452",
        "4.3.1",
        "[SYS/TEMP]",
        "the server is short of space; try again later",
    ),
    Reason.TROUBLE: PolicyReply(
        "451", "4.3.0", "[SYS/TEMP]", "trouble on the server's side; try again later"
    ),
    Reason.STOPPING: PolicyReply(
        "421", "4.3.2", "[SYS/TEMP]", "the server is stopping; try again later"
    ),
}

POSTERS: Mapping[str, str] = {"members": "its members", "owner": "its owner"}
"""Who may write to a list, as NOT_FOR_YOU_TO_POST names them."""
