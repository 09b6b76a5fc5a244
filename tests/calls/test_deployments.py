"""Callers without a telephone, automatic dispatch, and more callers than there are lines."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from livekit import api, rtc
from scene import a_scene, end_of

from host.local.phone import Busy, Line
from host.local.process import bare_environment
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

CALLER, DESK = "+15557770001", "+15550001101"
with socket.socket() as trial:
    trial.bind(("127.0.0.1", 0))
    HEALTH = trial.getsockname()[1]
GREETING = "This is the desk. What can I do for you?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def one_line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host without a name, which joins every new room, one call at a time."""
    folder = tmp_path_factory.mktemp("one-line")
    settings = {
        "HOST_MAX_CALLS": "1",
        "HOST_HEALTH_PORT": str(HEALTH),
        "HOST_TURN_DETECTION": "model",  # as it is where nobody sets it
    }
    async with a_scene(folder, "now", settings, agent_name="") as scene:
        yield scene


async def a_free_line() -> None:
    """Wait until the host has no call: the last one may still be writing its record."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as web:
        while True:
            async with web.get(f"http://127.0.0.1:{HEALTH}/worker") as answer:
                if not (await answer.json()).get("active_jobs"):
                    return
            await asyncio.sleep(0.05)  # the host has no event for it


@pytest.mark.promise("A browser talks to the same persona")
async def test_a_browser_gets_the_same_persona_and_the_same_end(scene: Scene) -> None:
    async def visitor(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.exchange.browse("desk-from-the-web", script=visitor)
    record = await scene.over(call)
    heard_once(call, GREETING)
    heard_once(call, "Thank you very much for your call. Goodbye.")
    assert call.ended_by == "far end"
    assert (record.persona, record.outcome) == ("desk", Outcome.COMPLETED)
    assert record.number is None


async def test_a_browser_that_goes_away_ends_its_call(scene: Scene) -> None:
    async def visitor(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.hang_up()

    call = await scene.exchange.browse("desk-again", script=visitor)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


@pytest.mark.whole("a browser has a camera")
async def test_of_a_browsers_tracks_only_the_sound_is_taken(scene: Scene) -> None:
    key = scene.settings.livekit_api_key.get_secret_value()
    token = (
        api.AccessToken(key, scene.world.livekit.api_secret)
        .with_identity("visitor")
        .with_grants(api.VideoGrants(room_join=True, room="desk-with-a-camera"))
        .with_room_config(api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="host")]))
    )
    room = rtc.Room()
    await room.connect(scene.settings.livekit_url, token.to_jwt())
    try:
        camera = rtc.LocalVideoTrack.create_video_track("camera", rtc.VideoSource(320, 240))
        sound = rtc.LocalAudioTrack.create_audio_track("sound", rtc.AudioSource(48000, 1))
        video = await room.local_participant.publish_track(camera)
        audio = await room.local_participant.publish_track(sound)
        await asyncio.wait_for(audio.wait_for_subscription(), 15)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(video.wait_for_subscription(), 1)
    finally:
        await room.disconnect()
    assert (await scene.record("desk-with-a-camera")).persona == "desk"


@pytest.mark.whole("a host without a name is one of its own")
async def test_a_host_without_a_name_answers_by_the_dialled_number(one_line: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.silence_for(1.0)
        await line.hang_up()

    call = await one_line.exchange.ring(CALLER, DESK, listens)
    record = await one_line.over(call)
    heard_once(call, GREETING)
    assert record.persona == "desk"


@pytest.mark.whole("a host without a name is one of its own")
async def test_a_host_without_a_name_places_calls_too(one_line: Scene) -> None:
    await a_free_line()
    number = "+15552229001"
    one_line.exchange.connect(number, Busy())
    placed = await one_line.place("skips", number)
    assert placed.outcome is Outcome.BUSY
    assert len(one_line.exchange.ledger.of("INVITE", number=number)) == 1


@pytest.mark.promise("A caller above `max_calls` hears busy at once")
@pytest.mark.whole("a host with one line is one of its own")
async def test_one_caller_too_many_hears_busy_at_once(one_line: Scene) -> None:
    await a_free_line()
    first = await one_line.exchange.ring(CALLER, DESK)
    await first.answered()
    second = await one_line.exchange.ring("+15557770002", DESK)
    await second.ended(5)
    assert second.sip_status == 486
    assert end_of(second) - second.started_at < 2
    await first.hang_up()
    record = await one_line.over(first)
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.whole("a command is a process")
async def test_keys_that_livekit_refuses_are_named(scene: Scene) -> None:
    wrong = {**scene.environment, "LIVEKIT_API_SECRET": "no-secret-of-this-server-" * 2}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "start"),
        env={**bare_environment(), **wrong},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    last = errors.decode().strip().splitlines()[-1]
    assert last.startswith("host: LiveKit at ws://127.0.0.1")
    assert last.endswith("rejects LIVEKIT_API_KEY and its secret")
    assert "Traceback" not in errors.decode()


@pytest.mark.whole("a host with one line is one of its own")
async def test_two_callers_at_the_same_moment_do_not_both_get_one_line(one_line: Scene) -> None:
    await a_free_line()
    calls = await asyncio.gather(
        one_line.exchange.ring("+15557770003", DESK), one_line.exchange.ring("+15557770004", DESK)
    )
    answers = await asyncio.gather(*(call.answered() for call in calls), return_exceptions=True)
    assert sorted(call.sip_status or 0 for call in calls) == [200, 486]
    assert sum(isinstance(answer, ConnectionError) for answer in answers) == 1
    await asyncio.gather(*(call.hang_up() for call in calls))


@pytest.mark.whole("a host is stopped")
async def test_a_host_that_is_told_to_stop_lets_its_calls_come_to_their_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with a_scene(tmp_path_factory.mktemp("drains"), "now") as scene:

        async def asks(line: Line) -> None:
            await line.heard("what can I do for you")
            os.kill(scene.host.pid, signal.SIGTERM)
            await line.say("What day is it?")
            await line.heard("today is monday")
            await line.hang_up()

        call = await scene.exchange.ring(CALLER, DESK, asks)
        record = await scene.over(call)
        heard_once(call, "Today is Monday.")
        assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
        assert await scene.host.ended(limit=10) == 0
