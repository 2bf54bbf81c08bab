"""Tells `twistd` that `tpmail` exists; everything else loads only when it is chosen."""

from twisted.application.service import ServiceMaker

tpmail = ServiceMaker(
    "tpmailserver",
    "tpmailserver.tap",
    "A mail server for teaching: SMTP in, Maildir on disk, POP3 out, nothing leaves.",
    "tpmail",
)
