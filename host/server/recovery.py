"""Recovers calls whose process has died: another process takes over, or the call is hung up.

Every call gets its record, those of an earlier run of this host included. Only checkpoints in this
host's state_dir are considered, so other hosts' calls are never touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from livekit import api
from pydantic import ValidationError

from host.call.state import CallState
from host.dispatch.arbitration import CALL
from host.dispatch.known import fill_in
from host.dispatch.livekit import livekit_of, token_of
from host.dispatch.rooms import consult_room, delete_room, put_out
from host.registry import Registry
from host.runner.aftermath import ended_now, hang_up
from host.runner.checkpoint import Checkpoint, CheckpointStore, claimed, unquoted
from host.runner.takeover import identity_for
from host.server.disk import why_not_recorded
from host.server.emitting import emit_call_ended, keep_broken
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall
from host.settings import Settings

log = logging.getLogger("host")

EVERY = 1.0
"""Seconds between checks of the checkpoints."""
TAKE_OVER_LIMIT = 3.5
"""Seconds that another process may take to start the call."""
MOST = 1
"""Maximum takeovers of one call: what kills a second process would kill the third."""
API_LIMIT = 2.0
"""Seconds that LiveKit's API may take."""

Launch = Callable[[api.Room, str], Awaitable[None]]
"""Starts a job in a room, with a token to join it, in a process of this host."""


class Recovery:
    """The parent's handling of calls without a process."""

    def __init__(self, settings: Settings, *, dev: bool = False) -> None:
        self._settings, self._dev = settings, dev
        self._checkpoints = CheckpointStore(settings.state_dir)
        self.heartbeats = HeartbeatMonitor(self.lost)
        self._failed: set[Path] = set()
        """Checkpoints of which it was said that they can't be read or finished."""
        self.launch: Launch | None = None
        """None disables takeovers, as when the host is stopping."""

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Recover further calls with these settings."""
        self._settings = settings

    async def lost(self, live: WatchedCall) -> None:
        """Recover a call whose process has died or never started it."""
        if self._has_told(live):
            return
        checkpoint = self._checkpoints.read(live.id) or await self._blank(live)
        if checkpoint.record:
            log.error("the process of the call in room %s died while ending it", live.room)
            await self._emit_call_ended(checkpoint)
            return
        log.error("the process of the call in room %s died", live.room)
        try:
            if await self._taken_over(checkpoint):
                return
        except Exception:
            log.exception("can't take over the call in room %s", live.room)
        await self._finish(checkpoint)

    def _has_told(self, live: WatchedCall) -> bool:
        """Return whether a process died after its record, and before it reported that it is over.

        A process writes a checkpoint before anything else, and removes it with the record.
        """
        gone = live.process is not None and not self._checkpoints.file(live.id).exists()
        return gone and why_not_recorded(self._settings.state_dir) is None

    async def sweep(self) -> None:
        """Finish calls of earlier runs whose process is gone; runs until cancelled.

        Calls that the heartbeat monitor knows are left to `lost`.
        """
        while True:
            await self._sweep()
            await asyncio.sleep(EVERY)

    async def _sweep(self) -> None:
        for file in sorted(self._checkpoints.folder.glob("*.json")):
            if file.stem in self.heartbeats:
                continue
            with contextlib.ExitStack() as held:
                try:
                    checkpoint = held.enter_context(claimed(file))
                except (OSError, ValidationError) as error:
                    self._set_aside(file, error)
                    continue
                try:
                    if checkpoint:
                        await self._look_at(file, checkpoint)
                except Exception:  # it is tried again, and the others are finished meanwhile
                    if file not in self._failed:
                        log.exception("can't finish the call of %s yet", file.name)
                    self._failed.add(file)

    def _set_aside(self, file: Path, error: OSError | ValidationError) -> None:
        """Rename a checkpoint that can't be read, and say so once."""
        if file not in self._failed:
            log.error("can't read the checkpoint %s: %s", file.name, unquoted(error))
        self._failed.add(file)
        keep_broken(file)

    async def _look_at(self, file: Path, checkpoint: Checkpoint) -> None:
        try:
            written = file.stat().st_mtime
        except FileNotFoundError:
            return  # another host has finished the call meanwhile
        if checkpoint.abandoned(written):
            log.error("the process of the call in room %s is gone", checkpoint.state.room)
            await self._finish(checkpoint)

    async def _taken_over(self, checkpoint: Checkpoint) -> bool:
        """Start a takeover if the far end is still there; return whether a process has the call."""
        state = checkpoint.state
        if self.launch is None or state.taken_over >= MOST or state.ended_at:
            return False
        if not state.far_end or (state.outbound and not state.answered):
            return False
        if not state.owner or not self._settings.persona(state.owner).take_over:
            return False
        async with livekit_of(self._settings) as livekit:
            room = await self._room_with_the_far_end(livekit, state)
            if room is None:
                return False
            if state.agent:  # LiveKit would keep the dead agent's participant for 19 s
                await put_out(livekit, state.room, state.agent)
            await delete_room(livekit, consult_room(state.room))
        more = state.model_copy(update={"taken_over": state.taken_over + 1})
        waiting = checkpoint.model_copy(update={"awaiting_takeover": True, "state": more})
        self._checkpoints.put(waiting)
        log.warning("another process takes over the call in room %s", state.room)
        joined = asyncio.create_task(self.heartbeats.joins(state.id, TAKE_OVER_LIMIT))
        await asyncio.wait_for(self.launch(room, self._token(state)), TAKE_OVER_LIMIT)
        return await joined

    async def _room_with_the_far_end(
        self, livekit: api.LiveKitAPI, state: CallState
    ) -> api.Room | None:
        """Return the call's room; None if the far end has left it."""
        name = state.room
        async with asyncio.timeout(API_LIMIT):
            rooms = await livekit.room.list_rooms(api.ListRoomsRequest(names=[name]))
            inside = await livekit.room.list_participants(api.ListParticipantsRequest(room=name))
        there = any(each.identity == state.far_end for each in inside.participants)
        return rooms.rooms[0] if rooms.rooms and there else None

    async def _finish(self, checkpoint: Checkpoint) -> None:
        """Hang up and emit the call's end."""
        log.error("hanging up the call in room %s", checkpoint.state.room)
        over = ended_now(checkpoint)
        await hang_up(self._settings, over.last_record())
        await self._emit_call_ended(over)

    async def _emit_call_ended(self, checkpoint: Checkpoint) -> None:
        await emit_call_ended(self._settings, checkpoint, dev=self._dev)

    async def _blank(self, live: WatchedCall) -> Checkpoint:
        """Build a checkpoint for a call without one: it never started, or the disk is full."""
        state = CallState(id=live.id, room=live.room)
        try:
            await fill_in(state, live.metadata, self._settings)
        except Exception as error:  # it is recorded all the same
            log.warning("can't tell whose call was lost in room %s: %s", live.room, error)
        return Checkpoint(machine="", number=0, began=0, state=state)

    def _token(self, state: CallState) -> str:
        """Return a token to join the room, with the grants that LiveKit gives to agents."""
        grants = api.VideoGrants(
            room_join=True, room=state.room, agent=True, can_update_own_metadata=True
        )
        return (
            token_of(self._settings)
            .with_identity(identity_for(state.id))
            .with_kind("agent")
            .with_attributes({CALL: state.id})
            .with_grants(grants)
            .to_jwt()
        )
