"""Lets the model hang up, after a goodbye that is heard to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, hookimpl

if TYPE_CHECKING:
    from livekit.agents.beta.tools import EndCallTool


@hookimpl
def tools(call: Call) -> list[EndCallTool]:
    """Return LiveKit's EndCallTool. The host ends the call when the session closes."""
    from livekit.agents.beta.tools import EndCallTool

    return [EndCallTool(delete_room=False, end_instructions="Say goodbye in one short sentence.")]
