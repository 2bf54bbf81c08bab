"""What is on disk: mailboxes, the spool, locks, and the database of accounts and groups.

Every function in this room blocks and says what went wrong by OSError; whoever calls it from the
reactor does so on a thread.
"""
