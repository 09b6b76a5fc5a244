"""The model may notice a machine that nobody else noticed."""

from typing import Any

from host import Call, Continue, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Offer the tool on calls that we placed, unless the persona talks to machines."""
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
