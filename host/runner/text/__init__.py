"""A call in text: a persona's hooks, tools and limits, without a room, audio or a server.

`host chat`, `host simulate` and the tests of authors converse this way.
"""

from host.runner.text.call import TextCall
from host.runner.text.conversation import Conversation, converse
from host.runner.text.line import keys_in
from host.runner.text.transcript import Line
from host.runner.text.turn import ToolCall, Turn

__all__ = ["Conversation", "Line", "TextCall", "ToolCall", "Turn", "converse", "keys_in"]
