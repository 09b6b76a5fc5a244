"""`python -m host.tell CALL [--dev]`: tells of the end of a call whose own process died.

It is a process of its own, because what killed one may be what a hook does with the call's end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from host import registry
from host.call import Call
from host.journal import Draft, Journal
from host.logs import log_as_json, log_to_terminal
from host.settings import Settings, load_settings


async def tell(settings: Settings, draft: Draft) -> None:
    """Tell everyone of the end of a call, as its own process would have."""
    record = draft.record
    loaded = registry.load(settings)
    persona = record.persona if record.persona in loaded.personas else None
    call = Call(
        settings,
        id=record.id,
        room=record.room,
        persona=persona or "",
        hook=loaded.view(persona),
        metadata=draft.metadata,
        outbound=record.direction == "outbound",
        number=record.number,
        our_number=record.our_number,
    )
    await call.tell_all("call_ended", record=record)


def main(given: Sequence[str]) -> None:
    """Tell of the call that is named."""
    log_to_terminal() if "--dev" in given else log_as_json()
    settings = load_settings()
    if draft := Journal(settings.state_dir).read(given[0]):
        asyncio.run(tell(settings, draft))
    sys.stderr.flush()
    os._exit(0)  # LiveKit's SDK aborts at the interpreter's exit now and then


if __name__ == "__main__":
    main(sys.argv[1:])
