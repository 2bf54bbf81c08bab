"""What stands in the place of a list's members in the conversations: objects of a course author."""

from tpmailserver.delivery.expander import Declined, Expansion, Held, Post


class Holds:
    """Every message waits for the list's owner."""

    def expand(self, _post: Post) -> Expansion:
        return Held("the owner reads everything first")


class Declines:
    """It wants no message, and says so in French."""

    def expand(self, _post: Post) -> Expansion:
        return Declined("la remise est fermée depuis l\u2019été")


class Takes:
    """A poll: every message is taken, and nobody receives it."""

    def expand(self, _post: Post) -> Expansion:
        return ()


class Fails:
    """It has a bug: nobody has the number 100."""

    def expand(self, post: Post) -> Expansion:
        return [post.members[100]]
