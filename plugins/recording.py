"""Lets the model end the recording for a caller who does not want to be recorded."""

from __future__ import annotations

from typing import Any

from host import Call, hookimpl


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the call is recorded."""

    async def stop_recording() -> str:
        """End the recording of this call, which then goes on without it.

        Use it when the person you talk with does not want to be recorded.
        """
        discard = call.settings.of_a_call(call.personas).discard_recording
        await call.stop_recording(discard=discard)
        before = (
            "What was recorded so far is deleted" if discard else "What was recorded so far stays"
        )
        return f"The recording has ended. {before}. Tell them so in one short sentence, and go on."

    recorded = call.settings.of_a_call([*call.personas, call.persona]).record
    return [stop_recording] if recorded and call.job is not None else []
