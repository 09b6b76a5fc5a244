"""Lets the model transfer a call to a target named in host.toml."""

from typing import Any, Literal

from host import Call, HostError, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool with the targets' names, never numbers, so that none can be made up."""
    targets = call.persona_settings.transfers
    names = tuple(
        sorted(
            name
            for name, first in targets.items()
            if any(call.telephone or target.may_call for target in first.in_order())
        )
    )
    if not names or not (call.telephone or call.job):
        return []

    async def transfer_call(to: Literal[names]) -> None:  # type: ignore[valid-type]
        """Transfer the caller to somebody else. The announcement is made for you.

        Args:
            to: who takes the call
        """
        await hand_over(call, to)

    async def transfer_call_with_summary(
        to: Literal[names],  # type: ignore[valid-type]
        summary: str,
    ) -> None:
        """Transfer the caller to somebody else. The announcement is made for you.

        Args:
            to: who takes the call
            summary: one or two sentences, told to them: who is calling, and what for
        """
        await hand_over(call, to, summary)

    offered = [target for name in names for target in targets[name].in_order()]
    if not any(target.warm or "summary" in target.placeholders for target in offered):
        return [transfer_call]
    from livekit.agents import function_tool

    return [function_tool(transfer_call_with_summary, name="transfer_call")]


async def hand_over(call: Call, to: str, summary: str | None = None) -> None:
    """Transfer the call; a failure is worded so that the model adds one sentence."""
    from livekit.agents import StopResponse, ToolError

    try:
        await call.transfer(to, summary=summary)
    except HostError as error:
        if call.over:
            raise StopResponse from None
        raise ToolError(
            f"The transfer to {to} failed: {error}. The caller has been told that nobody took it: "
            "don't say it again. Ask what else you can do."
        ) from error
    raise StopResponse  # the persona has left the call
