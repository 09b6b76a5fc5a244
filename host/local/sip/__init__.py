"""Real SIP on one machine: livekit-sip and Redis beside livekit-server, for `--local --sip`.

The other exchange, `host.local.exchange`, simulates all of it. Here, telephones are SIP user
agents, such as a softphone, that dial an address of this machine.
"""

from host.local.sip.bridge import SipBridge
from host.local.sip.build import build_sip
from host.local.sip.find import find_sip
from host.local.sip.lines import Lines
from host.local.sip.redis import RedisServer, find_redis
from host.local.sip.world import SipWorld

__all__ = [
    "Lines",
    "RedisServer",
    "SipBridge",
    "SipWorld",
    "build_sip",
    "find_redis",
    "find_sip",
]
