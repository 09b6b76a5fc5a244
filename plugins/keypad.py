"""The model may press keys, to find its way through a telephone menu."""

from typing import Any

from host import Call, HostError, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Offer it where there is a telephone at the other end.

    LiveKit's own tool can't make a pause, has the model speak into the next menu, and its keys are
    in no record.
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
