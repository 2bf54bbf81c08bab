"""A moderated list: the owner's messages pass, everybody else's wait until somebody approves them.

Put this file into the site's `hooks/` folder, and into its `tpmail.toml`:

    [hooks.announcements]
    python = "moderated:Moderated"

Then `tpmail list approve announcements` and `tpmail list reject announcements` decide on what
waits.
"""

from tpmailserver.delivery.expander import Expansion, Held, Post
from tpmailserver.model import Address


class Moderated:
    """Takes the sender's word for who it is, as mail does: anybody can type MAIL FROM."""

    def expand(self, post: Post) -> Expansion:
        if post.owner is not None and self.is_from(post.owner, post):
            return post.members
        return Held(f"from {post.envelope.sender}, who is not the owner")

    def is_from(self, owner: Address, post: Post) -> bool:
        """Whether the owner sent the message; a login, where there is one, beats MAIL FROM."""
        if post.envelope.login:
            return post.envelope.login == owner.local
        sender = post.envelope.sender
        return sender is not None and str(sender).lower() == str(owner).lower()


class ModeratedByLogin(Moderated):
    """Believes nobody without a password: the owner's mail program must log in to send."""

    def is_from(self, owner: Address, post: Post) -> bool:
        return post.envelope.login == owner.local
