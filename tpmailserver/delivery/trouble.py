"""What our own trouble means to a client.

The rule it guards: our own trouble is temporary. No room for it is one reason, everything else
another, and neither says that the client did anything wrong.
"""

from tpmailserver.model import Reason
from tpmailserver.store.disk import OUT_OF_SPACE


def reason_of(error: Exception) -> Reason:
    """The reason for a refusal that an exception stands for."""
    if isinstance(error, OSError) and error.errno in OUT_OF_SPACE:
        return Reason.NO_SPACE
    return Reason.TROUBLE
