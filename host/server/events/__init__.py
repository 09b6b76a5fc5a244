"""What happens in the calls of this host, as it happens, for `GET /events`.

Calls' processes tell it over a socket of its own (`inbox`); whoever follows it reads from a bounded
log (`stream`). Neither a call nor this process waits for a reader.
"""

from host.server.events.inbox import receiving
from host.server.events.stream import IDLE, Event, EventStream

__all__ = ["IDLE", "Event", "EventStream", "receiving"]
