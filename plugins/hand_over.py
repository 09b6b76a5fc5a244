"""Lets the model hand a call over to another persona, one of `hands_over_to` in host.toml."""

from typing import Any, Literal

from host import Call, HostError, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the persona may hand over to others; it has their names."""
    names = call.persona_settings.hands_over_to
    if not names:
        return []
    from livekit.agents import StopResponse, ToolError, ToolResult

    async def hand_over(to: Literal[names], note: str) -> ToolResult:  # type: ignore[valid-type]
        """Hand the call over to a colleague, who goes on with the conversation at once.

        Args:
            to: who takes the call
            note: one sentence for them: who is calling, and what for
        """
        try:
            await call.hand_over(to, note=note)
        except HostError as error:
            if call.over:
                raise StopResponse from None
            raise ToolError(f"The call stays with you: {error}.") from error
        return ToolResult(f"{to} has the call now.", reply_required=False)

    return [hand_over]
