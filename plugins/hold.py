"""Lets the model wait when it hears that the call is on hold."""

from typing import Any

from host import Call, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the far end is a telephone.

    The host recognises holds by their words; the model, by what they mean.
    """
    from livekit.agents import ToolResult

    async def wait_on_hold() -> ToolResult:
        """Wait in silence, because the other side has put you on hold.

        Use it when they ask you to wait, or when you hear a queue or its announcements. Then say
        nothing: you hear again as soon as somebody speaks.
        """
        call.hold()
        return ToolResult("The call is on hold.", reply_required=False)

    return [wait_on_hold] if call.telephone else []
