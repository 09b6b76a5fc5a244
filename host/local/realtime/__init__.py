"""A local realtime model: OpenAI's Realtime API over a websocket.

LiveKit's own plugin runs unchanged against it. It answers by the rules of `host.local.llm`. API:
https://platform.openai.com/docs/api-reference/realtime
"""

from host.local.realtime.server import RealtimeServer

__all__ = ["RealtimeServer"]
