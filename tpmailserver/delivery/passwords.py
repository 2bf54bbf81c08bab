"""Password hashes: argon2id at the cost that OWASP gives as a minimum, by passlib.

The rule it guards: a password is hashed or compared here, and written nowhere.
"""

from passlib.context import CryptContext

AT_MOST = 128
"""Octets of a password; a longer one is wrong without being hashed."""

_CONTEXT = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=19 * 1024,
    argon2__time_cost=2,
    argon2__parallelism=1,
)


def hash_password(octets: bytes) -> str:
    """The hash to store; takes some 20 ms and 19 MiB."""
    return str(_CONTEXT.hash(octets))


def is_password(octets: bytes, stored: str) -> bool:
    """Whether `octets` is the password of a stored hash; an unreadable hash matches nothing."""
    try:
        return bool(_CONTEXT.verify(octets, stored))
    except ValueError:
        return False
