"""The model may hang up, after a goodbye that is heard to its end."""

from livekit.agents.beta.tools import EndCallTool

from host import Call, hookimpl


@hookimpl
def tools(call: Call) -> list[EndCallTool]:
    """Offer LiveKit's own tool. The host clears the line and the room when the session closes."""
    return [EndCallTool(delete_room=False, end_instructions="Say goodbye in one short sentence.")]
