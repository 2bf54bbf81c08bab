"""A whole mail system that a class can see through: SMTP in, Maildir on disk, POP3 out.

Mail goes only between the students of one site. Start reading at `model`, then follow a message:
`net/smtp` hands octets to `wire/smtp`, which asks `delivery`, which stores in `store/`, and the
way back is `wire/pop3`. The same road, told with real bytes, is in docs/the-way-of-a-mail.md.
"""

__version__ = "0.1.0"
