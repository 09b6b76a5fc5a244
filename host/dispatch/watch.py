"""Watches a call's room from outside: whether a host has it, its status and its result."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from livekit import api, rtc

from host.base.errors import MetadataError
from host.base.text import sanitize
from host.call.metadata import read_metadata
from host.call.state import CallStatus
from host.dispatch.livekit import token_of
from host.records.outcome import Outcome
from host.settings import Settings

LOST_LIMIT = 10.0
"""Seconds without an agent after which a call counts as lost, because its host died.

If only the call's process died, the call is taken over or ended within 5 s.
"""
LONGEST_STATUS = 20
"""Maximum length of a call status, which an untrusted participant may set, in characters."""
_WATCHER, _OURS = "watcher-", "host."


@dataclass(frozen=True)
class CallResult:
    """A call's result, as its host reports it."""

    outcome: Outcome
    reason: str
    room: str
    sip_status: int | None = None
    retryable: bool = True
    """Whether a retry may succeed."""
    retry_at: str | None = None
    """When the gate will allow a call that it has blocked, in ISO 8601; None: unknown."""

    def as_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps({**asdict(self), "exit_code": self.outcome.exit_code})


class RoomWatcher:
    """Watches a call's room: its agent reports the status in its participant's attributes.

    If the call's process has died, the host reports the result in the room's metadata.
    """

    def __init__(self, room: rtc.Room, on_status: Callable[[str], None]) -> None:
        self.taken, self.over = asyncio.Event(), asyncio.Event()
        self._on_status = on_status
        self._facts: dict[str, str] = {}
        self._status: str | None = None
        self._closed = False
        """Whether the room was deleted before the host reported a result."""
        self.turned_away = False
        """Whether the room was closed before a host joined it."""
        self.lost = False
        """Whether the call had no agent for LOST_LIMIT and no result."""
        self._agents: set[str] = set()
        self._losing: asyncio.TimerHandle | None = None
        room.on("participant_connected", self._look)
        room.on("participant_disconnected", self._miss)
        room.on("participant_attributes_changed", lambda changed, who: self._look(who))
        room.on("room_metadata_changed", lambda old, new: self._read(new))
        room.on("disconnected", self._gone)

    def see(self, room: rtc.Room) -> None:
        """Read the participants already in the room: the same call may have been placed before."""
        self._read(room.metadata)
        for participant in room.remote_participants.values():
            self._look(participant)

    def _look(self, participant: rtc.Participant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.taken.set()
            self._agents.add(participant.identity)
            if self._losing:
                self._losing.cancel()
            self._facts.update(_host_facts(participant.attributes))
            if "host.outcome" in self._facts:
                self.over.set()
        if participant.kind != rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
            return
        status = sanitize(participant.attributes.get("sip.callStatus", ""), LONGEST_STATUS)
        if status and status != self._status:
            self._status = status
            self._on_status(status)

    def _miss(self, participant: rtc.Participant) -> None:
        if participant.identity in self._agents:
            self._agents.discard(participant.identity)
            if not self._agents:
                self._losing = asyncio.get_running_loop().call_later(LOST_LIMIT, self._lose)

    def _lose(self) -> None:
        self.lost = not self.over.is_set()
        self.over.set()

    def _read(self, metadata: str) -> None:
        with contextlib.suppress(MetadataError):
            self._facts.update(_host_facts(read_metadata(metadata)))

    def _gone(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if self._losing:
            self._losing.cancel()
        self._closed = reason == rtc.DisconnectReason.ROOM_DELETED
        self.turned_away = not self.taken.is_set()
        self.taken.set()
        self.over.set()

    def placed(self, room: str) -> CallResult:
        """Return the call's result, as far as the host reported it."""
        facts = self._facts
        if "host.outcome" not in facts and self._closed:
            if self._status == CallStatus.ACTIVE:
                return CallResult(Outcome.COMPLETED, "the room was closed", room, retryable=False)
            reason = "the room was closed before the call was answered"
            return CallResult(Outcome.CANCELLED, reason, room)
        if "host.outcome" not in facts:
            reason = "the host did not report how the call ended"
            return CallResult(Outcome.FAILED, reason, room)
        status = facts.get("host.sip_status", "")
        return CallResult(
            Outcome(facts["host.outcome"]),
            facts.get("host.reason", ""),
            room,
            int(status) if re.fullmatch("[1-6][0-9]{2}", status) else None,
            facts.get("host.retryable") != "False",
            _moment(facts.get("host.retry_at", "")),
        )


def _host_facts(facts: Mapping[str, object]) -> dict[str, str]:
    """Return the attributes that a host sets; drops an invalid outcome."""
    reported = {name: str(fact) for name, fact in facts.items() if name.startswith(_OURS)}
    if reported.get("host.outcome") not in {*Outcome}:
        reported.pop("host.outcome", None)
    return reported


def _moment(text: str) -> str | None:
    """Return a time in ISO 8601 with its zone; None if the text is none."""
    with contextlib.suppress(ValueError):
        return text if datetime.fromisoformat(text).tzinfo else None
    return None


def watcher_token(settings: Settings, room: str, metadata: str) -> str:
    """Return a token for a hidden watcher.

    A host without an agent name joins every new room, so the watcher's room must be created with
    the metadata. Otherwise the metadata stays out of the token, which is part of a URL.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        hidden=True,
        can_publish=False,
        can_publish_data=False,
        can_subscribe=False,
    )
    token = (
        token_of(settings).with_identity(f"{_WATCHER}{secrets.token_hex(4)}").with_grants(grants)
    )
    if not settings.agent_name:
        unnamed = api.RoomAgentDispatch(agent_name="", metadata=metadata)
        token = token.with_room_config(api.RoomConfiguration(agents=[unnamed]))
    return token.to_jwt()


async def is_watched(livekit: api.LiveKitAPI, room: str) -> bool:
    """Return whether a room has watchers: other requests for the same call."""
    there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return any(each.identity.startswith(_WATCHER) for each in there.participants)
