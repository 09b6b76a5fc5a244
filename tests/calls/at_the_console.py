"""A person at the console who takes part in calls in memory, as the scripts of its pages do."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

import numpy as np
from console_client import TOKEN, Browser, a_browser_at
from in_memory.sound import Reader
from livekit import rtc
from pydantic import SecretStr

from host.base.tasks import Tasks
from host.local.exchange.pulse import Pulse
from host.testing import Scene

LIMIT = 40.0
"""Seconds that the console may take to show what has been heard: a second, on a slow machine."""
RATE = 48000


async def until(browser: Browser, path: str, text: str) -> str:
    """Ask for a part of a page every second, as its script does, until it has a text."""
    async with asyncio.timeout(LIMIT):
        while text not in (page := await browser.page(path)):
            await asyncio.sleep(1)
        return page


@contextlib.asynccontextmanager
async def signed_in(scene: Scene) -> AsyncIterator[Browser]:
    """Have somebody at the console of the scene's host."""
    settings = scene.settings.model_copy(update={"console_token": SecretStr(TOKEN)})
    async with a_browser_at(settings) as browser:
        await browser.sign_in()
        yield browser


@contextlib.asynccontextmanager
async def in_the_room(
    browser: Browser, path: str, room: rtc.Room | None = None, **form: str
) -> AsyncIterator[rtc.Room]:
    """Join a room as the script of a page does, with the ticket of a form."""
    answer = await browser.post(path, **form)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    room = room or rtc.Room()
    await room.connect(told["url"], told["token"])
    try:
        yield room
    finally:
        await room.disconnect()


async def publish_silence(room: rtc.Room) -> None:
    """Publish a microphone into which nobody speaks."""
    track = rtc.LocalAudioTrack.create_audio_track("microphone", rtc.AudioSource(48000, 1))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)


async def agent_in(room: rtc.Room) -> str:
    """Wait until a call's agent is in a room; return the call's ID."""
    came = asyncio.Event()
    room.on("participant_connected", lambda who: came.set())
    async with asyncio.timeout(LIMIT):
        while True:
            for who in room.remote_participants.values():
                if id := who.attributes.get("host.call"):
                    return id
            came.clear()
            await came.wait()


class Ears:
    """What is heard in a room, by the identity of whoever says it. Begins before the room."""

    def __init__(self, room: rtc.Room) -> None:
        self._said: defaultdict[str, list[str]] = defaultdict(list)
        """Of each track, what has been heard; a track that is subscribed to anew is another."""
        self._heard = Pulse()
        self._listening = Tasks()
        room.on("track_subscribed", self._on_track)

    def of(self, identity: str | None) -> str:
        """Return what has been heard of somebody."""
        return " / ".join(self._said[identity or ""])

    async def until(self, identity: str | None, text: str) -> None:
        """Wait until somebody has said a text."""
        await self._heard.until(lambda: text in self.of(identity), LIMIT, repr(text))

    def _on_track(self, track: rtc.Track, publication: object, who: rtc.RemoteParticipant) -> None:
        self._listening.start(self._listen(track, who.identity), "hearing a track")

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        said = self._said[identity]
        nth = len(said)
        said.append("")
        reader, stream = Reader(RATE), rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16)
            said[nth] += "".join(each.text for each in reader.push(samples))
            self._heard.beat()
