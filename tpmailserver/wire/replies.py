"""The catalogue of everything the server can say by itself; `refusals` has what policy refuses.

The rule it guards: a reply is one line of ASCII that says what was expected, and the code never
depends on the hint. Every reply has a name here; `{...}` are the facts it is given. SMTP's carry a
three-digit code (RFC 5321 §4.2) and an enhanced status code (RFC 2034, RFC 3463), which by RFC
2034 §3 the greeting, the answers to HELO and EHLO and the 3xx replies do not have. POP3's carry
`+OK` or `-ERR` and, where one is registered, a response code in brackets (RFC 2449 §8, RFC 3206).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .grammar import Flaw
from .sasl import Fault


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: `code` opens the line, `status` follows where there is one, then the text."""

    code: str
    status: str
    text: str


class Smtp:
    """What the SMTP server says."""

    GREETING = Reply("220", "", "{host} ESMTP tpmailserver, mail stays on this site; say HELO")
    HELO = Reply("250", "", "{host} at your service, {name}")
    BYE = Reply("221", "2.0.0", "{host} closes the connection, goodbye")
    OK = Reply("250", "2.0.0", "OK")
    RESET = Reply("250", "2.0.0", "OK, the message is forgotten; MAIL FROM starts another")
    SENDER = Reply("250", "2.1.0", "sender {address}; say RCPT TO for each recipient")
    RECIPIENT = Reply("250", "2.1.5", "recipient {address}; another RCPT TO, or DATA")
    DATA = Reply("354", "", 'type the message, then a line with only "." to end it')
    DELIVERED = Reply("250", "2.0.0", "delivered to {mailboxes}, id={identity}")
    DELIVERED_AND_HELD = Reply(
        "250",
        "2.0.0",
        "delivered to {mailboxes}, held for the owner of {lists}, id={identity}",
    )
    HELD = Reply("250", "2.0.0", "held for the owner of {lists}, id={identity}")
    TAKEN = Reply(
        "250", "2.0.0", "taken by the list's program, which sends it to nobody, id={identity}"
    )
    # RFC 5321 §3.5.1: a reply to VRFY or EXPN names a mailbox in this form.
    MAILBOX = Reply("250", "2.1.5", "<{address}>")
    HELP = Reply("214", "2.0.0", "")
    NO_HELP = Reply("504", "5.5.4", "no help on {name}; HELP alone lists what can be said")
    EXTENSIONS = Reply("250", "", "")
    # AUTH (RFC 4954)
    CHALLENGE = Reply("334", "", "{challenge}")
    LOGGED_IN = Reply("235", "2.7.0", "logged in as {account}")
    NO_MECHANISM = Reply("501", "5.5.4", "name a mechanism: AUTH PLAIN or AUTH LOGIN")
    UNKNOWN_MECHANISM = Reply(
        "504", "5.5.4", "that mechanism is not offered: AUTH PLAIN or AUTH LOGIN"
    )
    ALREADY_LOGGED_IN = Reply("503", "5.5.1", "you are logged in as {account} already")
    AUTH_NEEDS_EHLO = Reply("503", "5.5.1", "send EHLO first: AUTH is an extension")
    AUTH_IN_MAIL = Reply("503", "5.5.1", "not in the middle of a message; RSET forgets it")
    TOO_MANY_LOGINS = Reply("421", "4.7.0", "{count} failed logins; connect again to go on")
    # order
    UNKNOWN = Reply("500", "5.5.1", "unknown command {verb}{hint}")
    UNKNOWN_AFTER_MESSAGE = Reply(
        "500",
        "5.5.1",
        'unknown command {verb} after the end of the message; a body line "." must be sent ".."',
    )
    NOT_OFFERED = Reply("502", "5.5.1", "{verb} is not offered here; HELP lists what is")
    EMPTY = Reply("500", "5.5.2", "an empty line is no command; HELP lists what can be said")
    HELO_FIRST = Reply("503", "5.5.1", "send HELO first, with your machine's name: HELO mypc")
    MAIL_FIRST = Reply("503", "5.5.1", "send MAIL FROM first")
    RCPT_FIRST = Reply("503", "5.5.1", "send RCPT TO first")
    MAIL_ALREADY = Reply("503", "5.5.1", "the sender is {address} already; RSET starts again")
    NO_VALID_RECIPIENTS = Reply("554", "5.5.1", "no valid recipients: every RCPT TO was refused")
    TOO_MANY_BAD_COMMANDS = Reply("421", "4.7.0", "{count} bad commands in a row; goodbye")
    # syntax
    HELO_NAME = Reply("501", "5.5.4", "{verb} takes your machine's name: {verb} mypc")
    NO_ARGUMENT = Reply("501", "5.5.4", "{verb} takes no argument")
    FORM = Reply("501", "5.5.4", "the form is {form}")
    NO_COLON = Reply("501", "5.5.4", "a colon is missing: {form}")
    WRONG_KEYWORD = Reply("501", "5.5.4", "{verb} goes with {keyword}: {form}")
    NULL_RECIPIENT = Reply("501", "5.1.3", "a message needs a recipient: {form}")
    BAD_SIZE = Reply("501", "5.5.4", "SIZE takes a number of octets: SIZE=1000")
    BAD_BODY = Reply("501", "5.5.4", "BODY is 7BIT or 8BITMIME")
    BAD_AUTH = Reply("501", "5.5.4", "AUTH takes an address in xtext, or <>")
    NO_VALUE = Reply("501", "5.5.4", "SMTPUTF8 takes no value")
    UNKNOWN_PARAMETER = Reply("555", "5.5.4", "{name} is no parameter of {verb} here")
    NEEDS_SMTPUTF8 = Reply(
        "553", "5.6.7", "an address beyond ASCII needs SMTPUTF8: MAIL FROM:<...> SMTPUTF8"
    )
    CONTROL = Reply("500", "5.5.2", "the line held a control character ({name}); nothing was done")
    TOO_LONG = Reply("500", "5.5.2", "that line is longer than {limit} octets; nothing was done")
    BARE_LF = Reply("500", "5.5.2", "end a line with CR LF; that one ended in LF alone")
    BARE_CR = Reply("500", "5.5.2", "end a line with CR LF; that one ended in CR alone")
    NO_TLS = Reply("421", "4.7.0", "no TLS here: set your program's connection security to None")
    # messages
    SIZE_TOO_LARGE = Reply("552", "5.3.4", "a message holds at most {limit} octets")
    TOO_MANY_RECIPIENTS = Reply("452", "4.5.3", "a message takes at most {limit} RCPT TO")
    WRONG_DOT = Reply(
        "554",
        "5.6.0",
        "nothing delivered: the first line ended in {end}, so the message ends with "
        "{end} . {end}, as printf '{escapes}.{escapes}' sends it",
    )
    NOT_ENDED = Reply("554", "5.6.0", 'nothing delivered: no line with only "." ended the message')
    BARE_LF_MESSAGE = Reply("554", "5.6.0", "nothing delivered: a line ended in LF without CR")
    # time
    TIMEOUT = Reply("421", "4.4.2", "no command for {seconds} seconds; goodbye")
    DATA_TIMEOUT = Reply(
        "421", "4.4.2", "nothing delivered: the message had not ended after {seconds} seconds"
    )


class Pop3:
    """What the POP3 server says."""

    GREETING = Reply("+OK", "", "{host} POP3 server ready; say USER")
    BYE = Reply("+OK", "", "{host} closes the connection, goodbye")
    REMOVED = Reply("+OK", "", "goodbye, {removed} removed")
    NOTHING_DONE = Reply("+OK", "", "nothing done")
    UNMARKED = Reply("+OK", "", "{unmarked} unmarked, you have {messages}")
    LAST = Reply("+OK", "", "{number}")
    PASSWORD_WANTED = Reply("+OK", "", "now send PASS")
    # A word comes first, not the number: a script that looks for "+OK NUMBER" means STAT.
    OPENED = Reply("+OK", "", "maildrop of {account} has {messages} ({octets} octets){note}")
    ABANDONED = "; {deletions} of your last session not made: it ended without QUIT"
    """What `note` says of a session that was cut off (RFC 1939 §6)."""
    CHALLENGE = Reply("+", "", "{challenge}")
    STAT = Reply("+OK", "", "{messages} {octets}")
    COUNT = Reply("+OK", "", "{messages} ({octets} octets)")
    LISTING = Reply("+OK", "", "{number} {value}")
    UIDLS = Reply("+OK", "", "unique names follow")
    RETR = Reply("+OK", "", "{octets} octets")
    TOP = Reply("+OK", "", "the header and {lines} of the body follow")
    DELETED = Reply("+OK", "", "message {number} is marked; QUIT removes it, RSET unmarks it")
    CAPABILITIES = Reply("+OK", "", "what this server can do follows")
    MECHANISMS = Reply("+OK", "", "mechanisms follow")
    HELP = Reply("+OK", "", "what can be said follows")
    NO_HELP = Reply("-ERR", "", "no help on {name}; HELP alone lists what can be said")
    # order
    UNKNOWN = Reply("-ERR", "", "unknown command {verb}{hint}")
    NOT_OFFERED = Reply("-ERR", "", "{verb} is not offered here; HELP lists what is")
    EMPTY = Reply("-ERR", "", "an empty line is no command; HELP lists what can be said")
    LOG_IN_FIRST = Reply("-ERR", "", "log in first: USER, then PASS")
    LOGGED_IN = Reply("-ERR", "", "you are logged in as {account} already")
    USER_FIRST = Reply("-ERR", "", "send USER first")
    PASS_NEXT = Reply("-ERR", "", "unknown command; the password goes behind PASS and a space")
    TOO_MANY_BAD_COMMANDS = Reply("-ERR", "", "{count} bad commands in a row; goodbye")
    TOO_MANY_LOGINS = Reply("-ERR", "[AUTH]", "{count} failed logins; connect again to go on")
    # syntax
    FORM = Reply("-ERR", "", "the form is {form}")
    NO_ARGUMENT = Reply("-ERR", "", "{verb} takes no argument")
    NO_SUCH_MESSAGE = Reply("-ERR", "", "no message {number} (you have {messages})")
    IS_DELETED = Reply("-ERR", "", "message {number} is deleted; RSET brings it back")
    UNKNOWN_MECHANISM = Reply("-ERR", "", "that mechanism is not offered: AUTH PLAIN or AUTH LOGIN")
    CONTROL = Reply("-ERR", "", "the line held a control character ({name}); nothing was done")
    TOO_LONG = Reply("-ERR", "", "that line is longer than {limit} octets; nothing was done")
    BARE_LF = Reply("-ERR", "", "end a line with CR LF; that one ended in LF alone")
    BARE_CR = Reply("-ERR", "", "end a line with CR LF; that one ended in CR alone")
    NO_TLS = Reply("-ERR", "", "no TLS here: set your program's connection security to None")


FLAWS: Mapping[Flaw, Reply] = {
    Flaw.NOT_UTF8: Reply("501", "5.5.2", "that is neither ASCII nor UTF-8: {form}"),
    Flaw.NO_PATH: Reply("501", "5.5.4", "an address is missing: {form}"),
    Flaw.NO_CLOSING_BRACKET: Reply("501", "5.5.4", "the closing > is missing: {form}"),
    Flaw.NOT_AN_ADDRESS: Reply("501", "5.1.3", "that is no address: {form}"),
    Flaw.LOCAL_PART_TOO_LONG: Reply("501", "5.1.3", "what stands before @ is over 64 octets"),
    Flaw.DOMAIN_TOO_LONG: Reply("501", "5.1.3", "the domain is over 255 octets"),
    Flaw.PATH_TOO_LONG: Reply("501", "5.1.3", "the path is over 256 octets"),
    Flaw.JUNK_AFTER_PATH: Reply("501", "5.5.4", "a space is missing after >: {form}"),
    Flaw.BAD_PARAMETER: Reply("501", "5.5.4", "a parameter is KEYWORD or KEYWORD=value"),
    Flaw.PARAMETER_TWICE: Reply("501", "5.5.4", "a parameter stands there twice"),
}
"""SMTP's replies to what `grammar` finds wrong in a path."""

_FAULTS: Mapping[Fault, tuple[str, str]] = {
    Fault.CANCELLED: ("5.7.0", "cancelled, as you asked"),
    Fault.NOT_BASE64: ("5.5.2", "that is not base64; encode with: printf 'TEXT' | base64"),
    Fault.NOT_THREE_PARTS: ("5.5.2", r"PLAIN is printf '\0LOGIN\0PASSWORD' | base64"),
    Fault.NEWLINE: (
        "5.5.2",
        "the decoded text ends in a newline, which echo adds; encode with printf '%s' instead",
    ),
    Fault.NOT_TEXT: ("5.5.2", "that decodes to no text; encode with: printf 'TEXT' | base64"),
    Fault.TOO_LONG: ("5.5.6", "that line is longer than 12288 octets"),
    Fault.OTHER_IDENTITY: ("5.7.8", r"nothing may stand before the first \0 but the login itself"),
}


# RFC 4954 §6; where a response is no response at all, §4 asks for 501.
_FAULT_CODES: Mapping[Fault, str] = {Fault.TOO_LONG: "500", Fault.OTHER_IDENTITY: "535"}


def smtp_fault(fault: Fault) -> Reply:
    """SMTP's reply to a broken SASL exchange (RFC 4954 §4)."""
    status, text = _FAULTS[fault]
    return Reply(_FAULT_CODES.get(fault, "501"), status, text)


def pop3_fault(fault: Fault) -> Reply:
    """POP3's reply to a broken SASL exchange (RFC 5034 §4)."""
    return Reply("-ERR", "", _FAULTS[fault][1])
