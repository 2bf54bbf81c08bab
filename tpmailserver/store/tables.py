"""The tables of a site's database.

The rule it guards: the names stand here once, and `create` makes what of them is missing, so that
a site made by an older tpmailserver goes on. A table that is out in the world never changes its
columns: what is new gets a table of its own.
"""

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, UniqueConstraint

TABLES = MetaData()

ACCOUNTS = Table(
    "accounts",
    TABLES,
    Column("number", String(64), primary_key=True),
    Column("password_hash", String, nullable=True),
    Column("created", Float, nullable=False),
)
GROUPS = Table("groups", TABLES, Column("name", String(64), primary_key=True))
MEMBERSHIPS = Table(
    "memberships",
    TABLES,
    Column("group_name", String(64), primary_key=True),
    Column("number", String(64), primary_key=True, index=True),
)
SEEN = Table(
    "seen",
    TABLES,
    Column("number", String(64), primary_key=True),
    Column("protocol", String, primary_key=True),
    Column("at", Float, nullable=False),
)
# Only where the instructor asked for it: nobody's mail depends on a name.
NAMES = Table(
    "names",
    TABLES,
    Column("number", String(64), primary_key=True),
    Column("name", String, nullable=False),
)
META = Table(
    "meta",
    TABLES,
    Column("key", String, primary_key=True),
    Column("value", Integer, nullable=False),
)
# A group has a row where something is said of it, and none in `list_members`.
LISTS = Table(
    "lists",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("owner", String(64), nullable=False, default="", index=True),
    Column("may_post", String, nullable=False, default="everyone"),
    Column("suspended", String, nullable=False, default=""),
)
LIST_MEMBERS = Table(
    "list_members",
    TABLES,
    Column("id", Integer, primary_key=True),  # it grows: the order in which members were added
    Column("list_name", String(64), nullable=False),
    Column("member", String(64), nullable=False, index=True),
    UniqueConstraint("list_name", "member"),
)
LIST_TROUBLES = Table(
    "list_troubles",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("at", Float, nullable=False),
    Column("what", String, nullable=False),
)
