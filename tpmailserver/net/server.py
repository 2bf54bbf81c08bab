"""What all sessions of a server share."""

from dataclasses import dataclass

from twisted.internet.base import ReactorBase

from tpmailserver.wire.conversation import Clock

from .events import Throttle
from .faults import Faults
from .sessions import Sessions
from .threads import ReactorThreads


@dataclass(frozen=True, slots=True)
class Server:
    """The reactor, a clock that never jumps, and what is counted over all sessions."""

    reactor: ReactorBase
    clock: Clock
    faults: Faults
    sessions: Sessions
    threads: ReactorThreads
    refusals: Throttle
