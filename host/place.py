"""Places a call from outside the host: dispatches it, watches it, tells how it went."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from livekit import api, rtc

from host import registry
from host.details import parse_details
from host.dispatch import read_dispatch
from host.errors import HostError, LiveKitError, PersonaError, SettingsError
from host.outcome import Outcome
from host.settings import Settings

TAKEN_LIMIT = 10.0
"""Seconds that a host may take to join the room of a call."""
AFTER_LIMIT = 60.0
"""Seconds that a call may take beside its ringing and its longest talk."""


@dataclass(frozen=True)
class Placed:
    """How a call went, as its host told it."""

    outcome: Outcome
    reason: str
    room: str
    sip_status: int | None = None
    retryable: bool = True
    """Whether the same call may go better later."""

    def as_json(self) -> str:
        """One line of JSON for a program."""
        return json.dumps({**asdict(self), "exit_code": self.outcome.exit_code})


def metadata_of(settings: Settings, persona: str, number: str, details: Mapping[str, Any]) -> str:
    """Make a call's metadata, checked as the host will check it. Raises HostError."""
    loaded = registry.load(settings).require()
    if persona not in loaded.personas:
        known = ", ".join(sorted(loaded.personas))
        raise PersonaError(f"there is no persona {persona!r} (there are: {known})")
    metadata = json.dumps({**details, "persona": persona, "phone_number": number})
    dispatch = read_dispatch(metadata)
    parse_details(loaded.view(persona), dispatch.metadata)
    return metadata


@contextlib.asynccontextmanager
async def livekit_api(settings: Settings) -> AsyncIterator[api.LiveKitAPI]:
    """Open LiveKit's API; whatever it can't do is told in one line. Raises HostError."""
    require_livekit(settings)
    secret = settings.livekit_api_secret.get_secret_value()
    try:
        async with api.LiveKitAPI(
            settings.livekit_url, settings.livekit_api_key, secret
        ) as livekit:
            yield livekit
    except api.ServerError as error:
        if error.code == api.ServerErrorCode.UNAUTHENTICATED or error.status == 401:
            text = f"LiveKit at {settings.livekit_url} refuses LIVEKIT_API_KEY and its secret"
            raise LiveKitError(text) from None
        raise LiveKitError(f"LiveKit at {settings.livekit_url}: {error.message}") from None
    except (aiohttp.ClientError, rtc.ConnectError, TimeoutError, OSError) as error:
        text = f"LiveKit at {settings.livekit_url} can't be reached: {type(error).__name__}"
        raise LiveKitError(text) from None


def require_livekit(settings: Settings) -> None:
    """Raise SettingsError where LiveKit's address or key is missing or no such thing."""
    given = {
        "LIVEKIT_URL": settings.livekit_url,
        "LIVEKIT_API_KEY": settings.livekit_api_key,
        "LIVEKIT_API_SECRET": settings.livekit_api_secret.get_secret_value(),
    }
    missing = [name for name, value in given.items() if not value]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise SettingsError(
            f"{', '.join(missing)} {are} not set: put them into .env, or try `--local`"
        )
    if not settings.livekit_url.startswith(("ws://", "wss://", "http://", "https://")):
        raise SettingsError("LIVEKIT_URL must begin with ws:// or wss://")


async def place(
    settings: Settings, metadata: str, told: Callable[[str], None] = lambda status: None
) -> Placed:
    """Place a call with metadata from `metadata_of` and wait until it is over.

    `told` hears each status of the line. Raises LiveKitError where no host takes the call.
    """
    persona = json.loads(metadata)["persona"]
    name = f"{persona}-{secrets.token_hex(6)}"
    async with livekit_api(settings) as livekit:
        await livekit.room.list_rooms(api.ListRoomsRequest(names=[name]))  # address and key
        room = rtc.Room()
        watch = _Watch(room, told)
        # The watcher comes first: a call that is refused at once would be over before it looked.
        await room.connect(
            settings.livekit_url,
            _watcher_token(settings, name, metadata),
            rtc.RoomOptions(auto_subscribe=False),
        )
        try:
            if settings.agent_name:
                dispatch = api.CreateAgentDispatchRequest(
                    agent_name=settings.agent_name, room=name, metadata=metadata
                )
                await livekit.agent_dispatch.create_dispatch(dispatch)
            try:
                await asyncio.wait_for(watch.taken.wait(), TAKEN_LIMIT)
            except TimeoutError:
                with contextlib.suppress(api.ServerError):
                    await livekit.room.delete_room(api.DeleteRoomRequest(room=name))
                raise LiveKitError(
                    f"no host took the call within {TAKEN_LIMIT:.0f} s: "
                    f"is one running with the agent name {settings.agent_name!r}?"
                ) from None
            if watch.turned_away:
                raise LiveKitError("the host did not take the call: are all its lines busy?")
            deployment = settings.persona(persona)
            longest = (deployment.max_duration or 0) + (deployment.ringing_timeout or 0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watch.over.wait(), longest + AFTER_LIMIT)
            return watch.placed(name)
        except asyncio.CancelledError:
            # Whoever waited for the call has had enough: nobody talks on behind their back.
            with contextlib.suppress(api.ServerError):
                await livekit.room.delete_room(api.DeleteRoomRequest(room=name))
            raise
        finally:
            with contextlib.suppress(Exception):
                await room.disconnect()


class _Watch:
    """Watches a call's room: the host tells how it stands in its own participant's attributes.

    Where the call's process has died, the host tells the end of it in the room's metadata.
    """

    def __init__(self, room: rtc.Room, told: Callable[[str], None]) -> None:
        self.taken, self.over = asyncio.Event(), asyncio.Event()
        self._told = told
        self._facts: dict[str, str] = {}
        self._status: str | None = None
        self._closed = False
        """Whether somebody deleted the room before the host could tell."""
        self.turned_away = False
        """Whether the room was closed before a host had joined it."""
        room.on("participant_connected", self._look)
        room.on("participant_attributes_changed", lambda changed, who: self._look(who))
        room.on("room_metadata_changed", lambda old, new: self._read(new))
        room.on("disconnected", self._gone)

    def _look(self, participant: rtc.Participant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.taken.set()
            self._facts.update(participant.attributes)
            if "host.outcome" in self._facts:
                self.over.set()
        status = participant.attributes.get("sip.callStatus")
        if status and status != self._status:
            self._status = status
            self._told(status)

    def _read(self, metadata: str) -> None:
        with contextlib.suppress(ValueError):
            facts = json.loads(metadata)
            self._facts.update(facts if isinstance(facts, dict) else {})

    def _gone(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._closed = reason == rtc.DisconnectReason.ROOM_DELETED
        self.turned_away = not self.taken.is_set()
        self.taken.set()
        self.over.set()

    def placed(self, room: str) -> Placed:
        """How the call went, as far as the host told."""
        facts = self._facts
        if "host.outcome" not in facts and self._closed:
            if self._status == "active":
                return Placed(Outcome.COMPLETED, "The room was closed.", room, retryable=False)
            return Placed(Outcome.CANCELLED, "The room was closed before an answer.", room)
        if "host.outcome" not in facts:
            reason = "The host did not tell how the call went."
            return Placed(Outcome.FAILED, reason, room)
        status = facts.get("host.sip_status")
        outcome = Outcome(facts["host.outcome"])
        return Placed(
            outcome,
            facts["host.reason"],
            room,
            int(status) if status else None,
            facts.get("host.retryable") != "False",
        )


def _watcher_token(settings: Settings, room: str, metadata: str) -> str:
    """A token that sees and is not seen.

    A host without a name joins every new room by itself, so its metadata has to be there when the
    watcher makes the room. Otherwise it stays out of the token, which travels in an address.
    """
    secret = settings.livekit_api_secret.get_secret_value()
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        hidden=True,
        can_publish=False,
        can_publish_data=False,
        can_subscribe=False,
    )
    token = (
        api.AccessToken(settings.livekit_api_key, secret)
        .with_identity(f"watcher-{secrets.token_hex(4)}")
        .with_grants(grants)
    )
    if not settings.agent_name:
        unnamed = api.RoomAgentDispatch(agent_name="", metadata=metadata)
        token = token.with_room_config(api.RoomConfiguration(agents=[unnamed]))
    return token.to_jwt()


def details_of(pairs: list[str]) -> dict[str, str]:
    """Read `key=value` words of the command line. Raises HostError."""
    details: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise HostError(f"{pair!r} is not of the form key=value")
        if key in ("persona", "phone_number"):
            raise HostError(f"{key} is not a detail: it has its own place on the command line")
        details[key] = value
    return details
