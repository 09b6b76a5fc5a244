"""Lets the model send DTMF keys to an IVR menu."""

from typing import Any

from host import Call, HostError, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the far end is a telephone.

    LiveKit's own tool has no pauses, lets the model talk into the next menu, and its keys are not
    recorded.
    """
    from livekit.agents import ToolError, ToolResult

    async def press_keys(keys: str) -> ToolResult:
        """Press keys of the telephone, for a menu that asks for them.

        Then say nothing: the menu goes on.

        Args:
            keys: 0-9, * and #. A w waits half a second, a comma two seconds, as in 1,,234#.
        """
        try:
            await call.press(keys)
        except HostError as error:
            raise ToolError(f"The keys were not pressed: {error}.") from error
        return ToolResult("The keys are pressed.", reply_required=False)

    return [press_keys] if call.telephone else []
