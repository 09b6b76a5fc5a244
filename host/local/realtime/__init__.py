"""A realtime model with no account: OpenAI's Realtime protocol over a websocket, on loopback.

LiveKit's own plugin runs unchanged against it. It thinks in the same rules as `host.local.llm`.
The protocol: https://platform.openai.com/docs/api-reference/realtime
"""

from host.local.realtime.server import RealtimeServer

__all__ = ["RealtimeServer"]
