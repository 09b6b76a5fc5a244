"""What happens in the calls of this host, as it happens, for `GET /events` and the console.

Calls' processes tell it over a socket of its own (`inbox`); whoever follows it reads from a bounded
log (`stream`), or only learns that something has changed (`changes`). Neither a call nor this
process waits for a reader.
"""

from host.server.events.changes import Changes
from host.server.events.inbox import receiving
from host.server.events.stream import IDLE, Event, EventStream

__all__ = ["IDLE", "Changes", "Event", "EventStream", "receiving"]
