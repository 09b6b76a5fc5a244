"""Lets the model report a machine that detection has missed."""

from typing import Any

from host import Call, Continue, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool on outbound calls, unless the policy is Continue()."""
    if not call.outbound or isinstance(call.voicemail_policy, Continue):
        return []
    from livekit.agents import StopResponse

    async def detected_answering_machine() -> None:
        """Call this when you hear a voicemail greeting or an answering machine, not a person.

        Say nothing yourself: the host makes sure of it, and what to leave there is decided already.
        """
        call.spawn(call.meet_machine(), "meeting a machine")
        raise StopResponse

    return [detected_answering_machine]
