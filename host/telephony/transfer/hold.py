"""Puts the caller on hold: music, and no replies."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

from livekit import rtc
from livekit.agents import AudioConfig, BackgroundAudioPlayer, BuiltinAudioClip

from host.call.live import LiveCall

log = logging.getLogger("host")

VOLUME = 0.6


@contextlib.contextmanager
def without_hearing(call: LiveCall) -> Iterator[None]:
    """Disable audio input: a "hello?" of the caller would cancel the transferring tool."""
    with call.hold_replies():
        session = call.session
        heard_before = session is not None and session.input.audio_enabled
        if session and heard_before:
            session.input.set_audio_enabled(False)
        try:
            yield
        finally:
            if session and heard_before and not (call.over or call.state.connected):
                with contextlib.suppress(RuntimeError):  # the session may be closing
                    session.clear_user_turn()
                session.input.set_audio_enabled(True)


@contextlib.asynccontextmanager
async def hold_music(room: rtc.Room) -> AsyncIterator[None]:
    """Play hold music into a room. Failures are logged; the transfer continues without it."""
    player = BackgroundAudioPlayer()
    try:
        await player.start(room=room)
        player.play(AudioConfig(BuiltinAudioClip.HOLD_MUSIC, volume=VOLUME), loop=True)
    except Exception:
        log.exception("can't play the music on hold")
    try:
        yield
    finally:
        try:
            await player.aclose()
        except Exception:
            log.exception("can't stop the music on hold")
