"""Guesses what a beginner meant by a command that is none.

The rule it guards: a hint is text behind a reply whose code is already decided, never an action.
"""

from collections.abc import Collection
from difflib import get_close_matches

MEANT = ", did you mean {meant}?"
HELP = "; HELP lists what can be said"
HEADER = "; a header line belongs into the message, after DATA"
SMTP = "; that is SMTP, and this is POP3"
POP3 = "; that is POP3, and this is SMTP"
WEB = "; this is a mail server, not a web server"

_MEANT = {
    "HELLO": "HELO",
    "EXIT": "QUIT",
    "BYE": "QUIT",
    "LOGOUT": "QUIT",
    "CLOSE": "QUIT",
    "Q": "QUIT",
    "END": "QUIT",
    "LS": "LIST",
    "DIR": "LIST",
    "USERS": "USER",
    "LOGIN": "USER",
    "PASSWORD": "PASS",
    "PASSWD": "PASS",
    "GET": "RETR",
    "READ": "RETR",
    "RETRIEVE": "RETR",
    "DEL": "DELE",
    "DELETE": "DELE",
    "RM": "DELE",
    "FROM:": "MAIL FROM:",
    "TO:": "RCPT TO:",
    "BODY": "DATA",
    "RESET": "RSET",
    "VERIFY": "VRFY",
    "EXPAND": "EXPN",
    "MAN": "HELP",
    "?": "HELP",
}
NOT_OFFERED = frozenset(
    {
        "STARTTLS",
        "BDAT",
        "TURN",
        "ETRN",
        "SEND",
        "SOML",
        "SAML",
        "APOP",
        "STLS",
        "UTF8",
        "LANG",
        "XTND",
    }
)
"""Verbs of an RFC that this server does not have."""
_WITH_KEYWORD = {"MAIL": "MAIL FROM:", "RCPT": "RCPT TO:"}
_OF_SMTP = frozenset({"HELO", "EHLO", "MAIL", "RCPT", "DATA", "VRFY", "EXPN"})
_OF_POP3 = frozenset(
    {"USER", "PASS", "STAT", "LIST", "UIDL", "RETR", "DELE", "TOP", "CAPA", "APOP", "LAST"}
)
_OF_HTTP = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE"})
_HEADERS = frozenset(
    {"FROM:", "TO:", "CC:", "BCC:", "SUBJECT:", "DATE:", "REPLY-TO:", "CONTENT-TYPE:"}
)


def hint(verb: bytes, argument: bytes, known: Collection[str]) -> tuple[str, str]:
    """What to put behind "unknown command VERB": a text, and the command that was meant or ""."""
    word = verb.decode("ascii", "replace").upper()
    if is_http(verb, argument):
        return WEB, ""
    if "MAIL" in known and word in _HEADERS and argument:
        return HEADER, ""
    meant = _MEANT.get(word)
    if meant is not None and meant.partition(" ")[0] in known:
        return MEANT, meant
    if _OF_SMTP & {word, meant}:
        return SMTP, ""
    if _OF_POP3 & {word, meant}:
        return POP3, ""
    glued = next((name for name in known if word.startswith(name)), None)
    close = [glued] if glued else get_close_matches(word[:20], known, n=1, cutoff=0.6)
    return (MEANT, _WITH_KEYWORD.get(close[0], close[0])) if close else (HELP, "")


def is_farewell(verb: bytes) -> bool:
    """Whether a word is what people say who want to leave, in whatever program."""
    return _MEANT.get(verb.decode("ascii", "replace").upper()) == "QUIT"


def is_near(verb: bytes, known: Collection[str]) -> bool:
    """Whether a word is so near to a verb that it can be meant for one."""
    return hint(verb, b"", known)[0] is MEANT


def is_http(verb: bytes, argument: bytes) -> bool:
    """Whether a line is the beginning of a request to a web server."""
    return verb.decode("ascii", "replace").upper() in _OF_HTTP and b"HTTP/" in argument.upper()
