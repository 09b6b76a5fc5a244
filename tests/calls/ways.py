"""Ways in which a call is made, for the table of endings."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from livekit import api
from scene import a_number

from host.dispatch.place import CallResult
from host.local.exchange import Ending, Subscriber
from host.local.phone import PersonScript, PhoneCall, TransferReply
from host.local.world import CALLER
from host.testing import Scene


@dataclass(frozen=True)
class Seen:
    """What is seen of a call from outside: its room, its telephone's side, what it was dialled."""

    room: str
    call: PhoneCall | None = None
    dialled: str | None = None
    placed: CallResult | None = None
    """What `host call` was told; None where nobody asked it, or it was given up."""


class Way(Protocol):
    """Makes one call to, or by, a persona."""

    @property
    def persona(self) -> str:
        """The persona that the call is meant for."""

    async def make(self, scene: Scene) -> Seen:
        """Make the call, and come back when it has been made; it may go on."""


Meanwhile = Callable[[Scene, PhoneCall], Awaitable[None]]
"""What somebody else does to a call while it rings or talks."""


async def nothing(scene: Scene, call: PhoneCall) -> None:
    """Let the call take its course."""


@dataclass(frozen=True)
class Rings:
    """A caller rings a persona at a number of its own; `details` are the dispatch's metadata."""

    persona: str
    script: PersonScript | None = None
    meanwhile: Meanwhile = nothing
    details: Mapping[str, Any] = field(default_factory=dict)
    patience: float | None = None
    on_transfer: TransferReply | None = None

    async def make(self, scene: Scene) -> Seen:
        """Ring, and let others do what they do."""
        number = a_number(scene)
        metadata = json.dumps({"persona": self.persona, **self.details})
        await scene.exchange.route(number, metadata=metadata)
        call = await scene.exchange.ring(
            CALLER, number, self.script, patience=self.patience, on_transfer=self.on_transfer
        )
        await self.meanwhile(scene, call)
        return Seen(call.room, call)


@dataclass(frozen=True)
class Dials:
    """A persona calls a telephone, as `host call` has it do; `details` are its own words."""

    persona: str
    telephone: Subscriber
    meanwhile: Meanwhile = nothing
    details: Mapping[str, Any] = field(default_factory=dict)
    given_up: bool = False
    """Whether whoever waits for the call has had enough once it rings."""

    async def make(self, scene: Scene) -> Seen:
        """Dial, let others do what they do, and wait for what `host call` is told."""
        number = a_number(scene, self.telephone)
        placing = asyncio.create_task(scene.place(self.persona, number, **self.details))
        finding = asyncio.create_task(scene.exchange.call_to(number, 30))
        await asyncio.wait({placing, finding}, return_when=asyncio.FIRST_COMPLETED)
        if not finding.done():
            finding.cancel()
            placed = await placing
            return Seen(placed.room, None, number, placed)
        call = await finding
        await self.meanwhile(scene, call)
        if self.given_up:
            await call.rings()
            placing.cancel()
            return Seen(call.room, call, number)
        return Seen(call.room, call, number, await placing)


@dataclass(frozen=True)
class Visits:
    """Somebody talks with a persona from a browser."""

    persona: str
    script: PersonScript | None = None
    meanwhile: Meanwhile = nothing

    async def make(self, scene: Scene) -> Seen:
        """Enter a room."""
        room = f"visit-{a_number(scene)}"
        metadata = json.dumps({"persona": self.persona})
        call = await scene.exchange.browse(room, self.script, metadata=metadata)
        await self.meanwhile(scene, call)
        return Seen(room, call)


@dataclass(frozen=True)
class Dispatches:
    """Somebody with a key dispatches a call, past the checks of `host call`."""

    persona: str
    metadata: str
    """`NUMBER` in it stands for a number of this call's own, at which nobody is."""
    times: int = 1
    """How often the same request is sent, at the same moment."""

    async def make(self, scene: Scene) -> Seen:
        """Dispatch."""
        number = a_number(scene)
        room = f"dispatched-{number}"
        request = api.CreateAgentDispatchRequest(
            agent_name="host", room=room, metadata=self.metadata.replace("NUMBER", number)
        )
        async with scene.livekit() as livekit:
            create = livekit.agent_dispatch.create_dispatch
            await asyncio.gather(*(create(request) for _ in range(self.times)))
        return Seen(room, None, number)


def once_it_rings(act: Meanwhile) -> Meanwhile:
    """Do something to a call when it rings."""

    async def meanwhile(scene: Scene, call: PhoneCall) -> None:
        await call.rings()
        await act(scene, call)

    return meanwhile


def once_it_is_taken(act: Meanwhile) -> Meanwhile:
    """Do something to a call when its persona has it, and the caller still waits."""

    async def meanwhile(scene: Scene, call: PhoneCall) -> None:
        request = api.ListParticipantsRequest(room=call.room)
        async with asyncio.timeout(20), scene.livekit() as livekit:
            while True:
                with contextlib.suppress(api.ServerError):  # there is no room yet
                    there = (await livekit.room.list_participants(request)).participants
                    if any("host.persona" in each.attributes for each in there):
                        break
                await asyncio.sleep(0.05)  # LiveKit tells nobody outside the room
        await act(scene, call)

    return meanwhile


def once_it_talks(act: Meanwhile) -> Meanwhile:
    """Do something to a call when the far end has heard some words."""

    async def meanwhile(scene: Scene, call: PhoneCall) -> None:
        await call.pulse.until(lambda: call.heard, 30, "words of the persona")
        await act(scene, call)

    return meanwhile


async def delete_the_room(scene: Scene, call: PhoneCall) -> None:
    """Delete the room, as anybody with a key can."""
    async with scene.livekit() as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=call.room))


async def put_it_out(scene: Scene, call: PhoneCall) -> None:
    """Remove the far end from the room."""
    whom = api.RoomParticipantIdentity(room=call.room, identity=call.identity)
    async with scene.livekit() as livekit:
        await livekit.room.remove_participant(whom)


async def drop_it(scene: Scene, call: PhoneCall) -> None:
    """Lose the telephone without a goodbye: LiveKit SIP tells no `hangup` then."""
    call.end(Ending("phone", "media timeout", hangup=False))


async def hang_it_up(scene: Scene, call: PhoneCall) -> None:
    """Put the receiver down."""
    await call.hang_up()


async def add_a_telephone(scene: Scene, call: PhoneCall) -> None:
    """Dial a second telephone into the room, which stays there; the first then hangs up."""
    number = a_number(scene, Subscriber(200, 0.1))
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=scene.world.trunk,
        sip_call_to=number,
        room_name=call.room,
        wait_until_answered=True,
    )
    async with scene.livekit() as livekit:
        await livekit.sip.create_sip_participant(request)
    await call.hang_up()


async def dispatch_again(scene: Scene, call: PhoneCall) -> None:
    """Dispatch a second agent into the room, as a repeated request does."""
    metadata = json.dumps({"persona": "ends"})
    request = api.CreateAgentDispatchRequest(agent_name="host", room=call.room, metadata=metadata)
    async with scene.livekit() as livekit:
        await livekit.agent_dispatch.create_dispatch(request)
