"""Joining a live call from its page: tickets for its script."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from host.base.errors import HostError
from host.call.state import CallState
from host.dispatch.guests import listener_token, operator_identity, operator_token
from host.dispatch.livekit import livekit_api, require_livekit
from host.dispatch.stepping_in import step_in
from host.runner.checkpoint import CheckpointStore
from host.server.console import lines
from host.server.console.context import Console, console_of
from host.server.console.live import id_of

OVER, OFF_THE_RECORD = "The call is over.", "The call is off the record now."


def listen(request: Request) -> Response:
    """Give the page's script a token to hear a call, of which the call notices nothing."""
    console = console_of(request)
    state = _state(console, id_of(request))
    if state is None:
        return lines.refused(404, OVER)
    try:
        require_livekit(console.settings)
    except HostError as error:
        return lines.refused(422, error)
    if why := _unheard(console, state):
        return lines.refused(409, why)
    return lines.ticket(console.settings, listener_token(console.settings, state.room))


async def take_over(request: Request) -> Response:
    """Give the page's script a token to talk in the persona's place, once the call expects it."""
    console, id = console_of(request), id_of(request)
    state = await run_in_threadpool(_state, console, id)
    if state is None:
        return lines.refused(404, OVER)
    if state.unrecorded_since is not None:
        return lines.refused(409, OFF_THE_RECORD)
    identity = operator_identity()
    try:
        async with livekit_api(console.settings) as livekit:
            await step_in(livekit, console.settings, state.room, id, identity)
    except HostError as error:
        return lines.refused(409, error)
    token = operator_token(console.settings, state.room, identity)
    return lines.ticket(console.settings, token)


def _state(console: Console, id: str) -> CallState | None:
    """Return what is known of a live call; None if it is over. Reads its checkpoint."""
    checkpoint = CheckpointStore(console.settings.state_dir).read(id)
    return None if checkpoint is None or checkpoint.record else checkpoint.state


def _unheard(console: Console, state: CallState) -> str:
    """Return why nobody may listen in to a call now; empty if somebody may."""
    if not console.masks.transcribes(state.names):
        return "Nobody listens in to a persona whose words are not recorded (record_transcripts)."
    if state.first_word_at is None:  # a listener must not be the first to hear it
        return "Nobody listens in before the persona has spoken."
    if state.unrecorded_since is not None:
        return OFF_THE_RECORD
    return ""
