"""Joining a live call from its page: tickets for its script."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from host.base.errors import HostError
from host.call.state import CallState
from host.dispatch.guests import listener_token
from host.dispatch.livekit import require_livekit
from host.runner.checkpoint import CheckpointStore
from host.server.console import lines
from host.server.console.context import Console, console_of
from host.server.console.live import id_of


def listen(request: Request) -> Response:
    """Give the page's script a token to hear a call, of which the call notices nothing."""
    console = console_of(request)
    checkpoint = CheckpointStore(console.settings.state_dir).read(id_of(request))
    if checkpoint is None or checkpoint.record is not None:
        return lines.refused(404, "The call is over.")
    state = checkpoint.state
    try:
        require_livekit(console.settings)
    except HostError as error:
        return lines.refused(422, error)
    if why := _unheard(console, state):
        return lines.refused(409, why)
    return lines.ticket(console.settings, listener_token(console.settings, state.room))


def _unheard(console: Console, state: CallState) -> str:
    """Return why nobody may listen in to a call now; empty if somebody may."""
    if not console.masks.transcribes(state.names):
        return "Nobody listens in to a persona whose words are not recorded (record_transcripts)."
    if state.first_word_at is None:  # a listener must not be the first to hear it
        return "Nobody listens in before the persona has spoken."
    if state.unrecorded_since is not None:
        return "The call is off the record now."
    return ""
