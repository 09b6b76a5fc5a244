"""The model may transfer a call to one of the targets that host.toml names."""

from typing import Any, Literal

from host import Call, HostError, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Offer the names of the targets, never a number: the model can't make one up."""
    from livekit.agents import StopResponse, ToolError

    names = tuple(sorted(call.deployment.transfers))
    if not names or not call.telephone:
        return []

    async def transfer_call(to: Literal[names]) -> None:  # type: ignore[valid-type]
        """Transfer the caller to somebody else. The announcement is made for you.

        Args:
            to: who takes the call
        """
        try:
            await call.transfer(to)
        except HostError as error:
            raise ToolError(
                f"The transfer to {to} failed: {error}. Tell the caller, and offer other help."
            ) from error
        raise StopResponse  # the caller is gone: there is nothing left to say

    return [transfer_call]
