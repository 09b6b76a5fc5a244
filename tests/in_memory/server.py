"""A LiveKit server in memory: rooms, who is in them, their tracks, and dispatches of agents.

It knows nothing of sockets or sound. Clients are told what happens in the order in which it
happened, LATENCY later. (A real server may wait for three seconds before it tells of somebody who
has published nothing.) `tests/in_memory/test_contract.py` plays the same scenes on a real one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from livekit import api, rtc
from livekit.protocol.agent import JobStatus
from livekit.protocol.models import ParticipantInfo, ParticipantPermission
from livekit.protocol.room import RoomConfiguration

LATENCY = 0.02
"""Seconds from the server to a client."""
DEPARTURE_TIMEOUT = 20.0
"""Seconds that a room stays open when its last participant who is no agent has left."""
EMPTY_TIMEOUT = 300.0
"""Seconds that a room stays open that nobody but agents has ever joined."""

TIMES_OUT = 19.0
"""Seconds after which the others see that somebody's connection is broken."""

Reason = rtc.DisconnectReason
_KINDS = {
    "standard": ParticipantInfo.STANDARD,
    "sip": ParticipantInfo.SIP,
    "agent": ParticipantInfo.AGENT,
    "egress": ParticipantInfo.EGRESS,
    "ingress": ParticipantInfo.INGRESS,
    "connector": ParticipantInfo.CONNECTOR,
}


class Refused(Exception):
    """What was asked of the server can't be done; `code` is Twirp's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Client(Protocol):
    """A participant's own side of its connection."""

    def joined(self, who: Participant) -> None:
        """Somebody else has joined."""

    def left(self, who: Participant, reason: int) -> None:
        """Somebody else has left."""

    def published(self, track: Track) -> None:
        """Somebody else has published a track."""

    def unpublished(self, track: Track) -> None:
        """Somebody else has taken a track away."""

    def subscribed(self, track: Track) -> None:
        """Our subscription of a track stands."""

    def unsubscribed(self, track: Track) -> None:
        """Our subscription of a track is over."""

    def first_heard(self, track: Track) -> None:
        """Somebody has subscribed to a track of ours."""

    def attributes(self, who: Participant, changed: dict[str, str]) -> None:
        """The attributes of somebody, or our own, have changed."""

    def digit(self, who: Participant, code: int, digit: str) -> None:
        """Somebody has pressed a key."""

    def metadata(self, text: str) -> None:
        """The room's metadata have changed."""

    def put_out(self, reason: int) -> None:
        """We are out of the room."""


@dataclass(eq=False)
class Track:
    """A published audio track."""

    publisher: Participant
    name: str
    source: int
    sound: object
    """What the publisher's SDK sends through it."""
    sid: str = field(default_factory=lambda: f"TR_{secrets.token_hex(6)}")
    subscribers: set[Participant] = field(default_factory=set)
    heard: bool = False
    """Whether anybody has ever subscribed to it."""


@dataclass(eq=False)
class Participant:
    """Somebody in a room."""

    room: Room
    identity: str
    name: str
    kind: int
    metadata: str
    attributes: dict[str, str]
    hidden: bool
    changes_itself: bool
    """Whether it may set its own attributes."""
    client: Client
    sid: str = field(default_factory=lambda: f"PA_{secrets.token_hex(6)}")
    joined_at: float = field(default_factory=time.time)
    tracks: dict[str, Track] = field(default_factory=dict)
    state: int = ParticipantInfo.ACTIVE
    hears: bool = True
    """Whether it may subscribe to tracks."""

    @property
    def agent(self) -> bool:
        """Whether it is an agent, which keeps no room open."""
        return self.kind == ParticipantInfo.AGENT

    def info(self) -> ParticipantInfo:
        """As LiveKit's API tells of it."""
        return ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.name,
            kind=self.kind,  # type: ignore[arg-type]
            metadata=self.metadata,
            attributes=self.attributes,
            state=self.state,  # type: ignore[arg-type]
            joined_at=int(self.joined_at),
            joined_at_ms=int(self.joined_at * 1000),
            permission=ParticipantPermission(hidden=self.hidden, can_subscribe=self.hears),
        )


@dataclass(eq=False)
class Room:
    """One room."""

    name: str
    metadata: str = ""
    empty_timeout: float = EMPTY_TIMEOUT
    departure_timeout: float = DEPARTURE_TIMEOUT
    sid: str = field(default_factory=lambda: f"RM_{secrets.token_hex(6)}")
    created: float = field(default_factory=time.time)
    participants: dict[str, Participant] = field(default_factory=dict)
    dispatches: list[api.AgentDispatch] = field(default_factory=list)
    begun: float = field(default_factory=lambda: _loop().time())
    visited: bool = False
    """Whether anybody but agents has ever been there."""
    left: float = 0.0
    """When somebody left last."""
    closing: asyncio.TimerHandle | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def info(self) -> api.Room:
        """As LiveKit's API tells of it."""
        return api.Room(
            sid=self.sid,
            name=self.name,
            metadata=self.metadata,
            creation_time=int(self.created),
            num_participants=len(self.participants),
            empty_timeout=int(self.empty_timeout),
            departure_timeout=int(self.departure_timeout),
        )


Offer = Callable[[Room, api.AgentDispatch], None]
"""Offers a dispatch to a worker."""


class Server:
    """All rooms. `workers` are told of dispatches to their agent name."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.workers: dict[str, Offer] = {}
        self.cloud = False
        """Whether it can do what LiveKit Cloud alone can."""
        self._outbox: dict[Client, deque[tuple[float, Callable[[], None]]]] = {}

    # Rooms

    def create(
        self, name: str, config: RoomConfiguration | api.CreateRoomRequest | None = None
    ) -> Room:
        """Give a room, made with `config` where it is not there; that dispatches its agents."""
        if room := self.rooms.get(name):
            return room
        room = self.rooms[name] = Room(name)
        if config:
            room.metadata = config.metadata
            room.empty_timeout = config.empty_timeout or EMPTY_TIMEOUT
            room.departure_timeout = config.departure_timeout or DEPARTURE_TIMEOUT
        self._close_where_nobody_is(room)
        agents = list(config.agents) if config else []
        for agent in agents or [api.RoomAgentDispatch(agent_name="")]:
            self.dispatch(room, agent.agent_name, agent.metadata)
        return room

    def find(self, name: str) -> Room:
        """Give a room that is there. Raises Refused."""
        if name not in self.rooms:
            raise Refused("not_found", "requested room does not exist")
        return self.rooms[name]

    def delete(self, name: str) -> None:
        """Close a room: everybody is put out of it. Raises Refused where there is none."""
        self._close(self.find(name), Reason.ROOM_DELETED)

    def set_metadata(self, name: str, text: str) -> Room:
        """Set a room's metadata. Raises Refused."""
        room = self.find(name)
        room.metadata = text
        for one in room.participants.values():
            self._tell(one, lambda client=one.client: client.metadata(text))  # type: ignore[misc]
        return room

    def dispatch(self, room: Room, agent_name: str, metadata: str) -> api.AgentDispatch:
        """Offer a room to whoever has an agent's name now: nobody is offered it later."""
        id = f"AD_{secrets.token_hex(6)}"
        dispatch = api.AgentDispatch(
            id=id, agent_name=agent_name, room=room.name, metadata=metadata
        )
        dispatch.state.created_at = int(time.time() * 1e9)
        room.dispatches.append(dispatch)
        if offer := self.workers.get(agent_name):
            _loop().call_later(LATENCY, offer, room, dispatch)
        return dispatch

    # Participants

    def join(self, claims: api.access_token.Claims, client: Client) -> Participant:
        """Let somebody in, as their token says; of two with one identity the first is put out.

        Raises Refused where the token lets nobody in.
        """
        if not claims.video or not claims.video.room_join:
            raise Refused("unauthenticated", "permissions denied")
        room = self.create(claims.video.room, claims.room_config)
        if other := room.participants.get(claims.identity):
            # The others are told of the second one only: their SDKs see that the first is gone.
            self._remove(other, Reason.UNKNOWN_REASON, told=Reason.DUPLICATE_IDENTITY)
        me = Participant(
            room,
            claims.identity,
            claims.name,
            _KINDS[claims.kind or "standard"],
            claims.metadata or "",
            dict(claims.attributes or {}),
            bool(claims.video.hidden),
            bool(claims.video.can_update_own_metadata),
            client,
            hears=claims.video.can_subscribe is not False,
        )
        self._outbox[client] = deque()
        room.participants[me.identity] = me
        room.visited = room.visited or not me.agent
        self._close_where_nobody_is(room)
        for other in self.others(me):
            if not me.hidden:
                self._tell(other, lambda c=other.client: c.joined(me))  # type: ignore[misc]
        return me

    def others(self, me: Participant) -> Iterator[Participant]:
        """Everybody else in the room of somebody."""
        return (other for other in list(me.room.participants.values()) if other is not me)

    def seen_by(self, me: Participant) -> Iterator[Participant]:
        """Everybody else whom somebody sees."""
        return (other for other in self.others(me) if not other.hidden)

    def leave(self, me: Participant, reason: int) -> None:
        """Let somebody leave for a reason of their own."""
        passed = (Reason.CLIENT_INITIATED, Reason.USER_UNAVAILABLE, Reason.USER_REJECTED)
        self._remove(me, reason if reason in passed else Reason.CLIENT_INITIATED, told=None)

    def remove(self, room: str, identity: str) -> None:
        """Put somebody out of a room. Raises Refused."""
        who = self.participant(room, identity)
        self._remove(who, Reason.PARTICIPANT_REMOVED, told=Reason.PARTICIPANT_REMOVED)

    def move(self, room: str, identity: str, destination: str) -> None:
        """Move somebody with their tracks, as LiveKit Cloud alone does. Raises Refused.

        To those in either room, they leave and join.
        """
        who, there = self.participant(room, identity), self.find(destination)
        if not self.cloud:
            raise Refused("unknown", "not implemented")
        for other in self.others(who):
            self._tell(who, lambda o=other: who.client.left(o, Reason.UNKNOWN_REASON))  # type: ignore[misc]
        self._remove(who, Reason.UNKNOWN_REASON, told=None)
        who.room = there
        there.participants[identity] = who
        there.visited = True
        self._close_where_nobody_is(there)
        for other in self.others(who):
            self._introduce(who, other)
            self._introduce(other, who)

    def _introduce(self, who: Participant, other: Participant) -> None:
        """Tell `other` of somebody new, and of their tracks."""
        self._tell(other, lambda: other.client.joined(who))
        for track in who.tracks.values():
            self._tell(other, lambda t=track: other.client.published(t))  # type: ignore[misc]

    def lose(self, me: Participant) -> None:
        """Let somebody's connection break: the others see that after some seconds."""
        self._outbox.pop(me.client, None)
        _loop().call_later(TIMES_OUT, self._remove, me, Reason.CONNECTION_TIMEOUT, None)

    def participant(self, room: str, identity: str) -> Participant:
        """Give somebody in a room. Raises Refused."""
        found = self.find(room).participants.get(identity)
        if found is None:
            raise Refused("not_found", "participant does not exist")
        return found

    def set_attributes(self, who: Participant, attributes: dict[str, str]) -> None:
        """Change some attributes; an empty value removes one."""
        changed = {
            name: value
            for name, value in attributes.items()
            if who.attributes.get(name, "") != value
        }
        for name, value in changed.items():
            if value:
                who.attributes[name] = value
            else:
                who.attributes.pop(name, None)
        if not changed:
            return
        for one in list(who.room.participants.values()):
            if one is who or not who.hidden:
                self._tell(one, lambda c=one.client: c.attributes(who, changed))  # type: ignore[misc]

    def press(self, who: Participant, code: int, digit: str) -> None:
        """Tell everybody else of a key."""
        for other in self.others(who):
            self._tell(other, lambda c=other.client: c.digit(who, code, digit))  # type: ignore[misc]

    # Tracks

    def publish(self, me: Participant, name: str, source: int, sound: object) -> Track:
        """Publish a track."""
        track = Track(me, name, source, sound)
        me.tracks[track.sid] = track
        for other in self.others(me):
            self._tell(other, lambda c=other.client: c.published(track))  # type: ignore[misc]
        return track

    def unpublish(self, me: Participant, sid: str) -> None:
        """Take a track away."""
        if track := me.tracks.pop(sid, None):
            track.subscribers.clear()
            for other in self.others(me):
                self._tell(other, lambda c=other.client: c.unpublished(track))  # type: ignore[misc]

    def subscribe(self, me: Participant, track: Track) -> None:
        """Let somebody hear a track, if it and they are still there."""
        publisher = track.publisher
        if track.sid not in publisher.tracks or me.room.participants.get(me.identity) is not me:
            return
        if me in track.subscribers or not me.hears:
            return
        track.subscribers.add(me)
        self._tell(me, lambda: me.client.subscribed(track))
        if not track.heard:
            track.heard = True
            self._tell(publisher, lambda: publisher.client.first_heard(track))

    def set_hearing(self, me: Participant, hears: bool) -> None:
        """Let somebody hear everybody else, or nobody."""
        me.hears = hears
        for track in [track for other in self.seen_by(me) for track in other.tracks.values()]:
            if hears:
                self.subscribe(me, track)
            else:
                self.unsubscribe(me, track)

    def unsubscribe(self, me: Participant, track: Track) -> None:
        """Let somebody hear a track no more."""
        if me in track.subscribers:
            track.subscribers.remove(me)
            self._tell(me, lambda: me.client.unsubscribed(track))

    # The end

    def close(self) -> None:
        """Close all rooms."""
        for room in list(self.rooms.values()):
            self._close(room, Reason.SERVER_SHUTDOWN)

    def _remove(self, who: Participant, reason: int, told: int | None) -> None:
        room = who.room
        if room.participants.get(who.identity) is not who:
            return
        for track in who.tracks.values():
            track.subscribers.clear()
        if told is not None:
            self._tell(who, lambda: who.client.put_out(told))
        del room.participants[who.identity]
        room.left = _loop().time()
        for other in room.participants.values():
            for track in other.tracks.values():
                track.subscribers.discard(who)
            if not who.hidden:
                self._tell(other, lambda c=other.client: c.left(who, reason))  # type: ignore[misc]
        self._close_where_nobody_is(room)

    def _close_where_nobody_is(self, room: Room) -> None:
        """Have a room closed in time where only agents are; asked when somebody comes or goes."""
        if room.closing:
            room.closing.cancel()
            room.closing = None
        if all(one.agent for one in room.participants.values()):
            end = room.begun + room.empty_timeout
            if room.visited and room.left:
                end = room.left + room.departure_timeout
            room.closing = _loop().call_at(end, self._close, room, Reason.ROOM_CLOSED)

    def _close(self, room: Room, reason: int) -> None:
        if self.rooms.get(room.name) is not room:
            return
        del self.rooms[room.name]
        if room.closing:
            room.closing.cancel()
        for one in list(room.participants.values()):
            self._tell(one, lambda c=one.client: c.put_out(reason))  # type: ignore[misc]
            for track in one.tracks.values():
                track.subscribers.clear()
        room.participants.clear()
        room.closed.set()
        for dispatch in room.dispatches:
            for job in dispatch.state.jobs:
                job.state.status = JobStatus.JS_SUCCESS

    def _tell(self, who: Participant, what: Callable[[], None]) -> None:
        """Tell a client something, behind all that it was told before."""
        outbox = self._outbox.get(who.client)
        if outbox is None:
            return  # its connection is broken
        outbox.append((_loop().time() + LATENCY, what))
        if len(outbox) == 1:
            _loop().call_at(outbox[0][0], self._deliver, outbox)

    def _deliver(self, outbox: deque[tuple[float, Callable[[], None]]]) -> None:
        now = _loop().time() + 1e-6
        try:
            while outbox and outbox[0][0] <= now:
                _, tell = outbox[0]
                try:
                    tell()
                finally:
                    outbox.popleft()
        finally:
            if outbox:
                _loop().call_at(outbox[0][0], self._deliver, outbox)


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
