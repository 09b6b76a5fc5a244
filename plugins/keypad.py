"""The model may press keys, to find its way through a telephone menu."""

from typing import Any

from host import Call, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Offer LiveKit's own tool where there is a telephone at the other end."""
    from livekit.agents.beta.tools import send_dtmf_events

    return [send_dtmf_events] if call.telephone else []
