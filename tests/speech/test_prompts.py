"""Sounds on disk: made in each persona's voice, made anew when they change, found without it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from deployment import HERE, Deployment

from host.local.cartesia import CartesiaServer
from host.local.speech import Sentences, speak
from host.local.trouble import Trouble
from host.registry import read_settings
from host.settings import Words
from host.speech.prompts import sound_of
from host.speech.prompts.cache import PromptCache, wanted
from host.speech.prompts.refresh import _make
from host.speech.prompts.render import make_sounds
from host.speech.prompts.sound import RATE

pytestmark = pytest.mark.processes

WORDS = Words()


@pytest.fixture
async def voice(deployment: Deployment) -> AsyncIterator[CartesiaServer]:
    """The voice of a deployment with the persona Ann and the bundled plugins."""
    async with CartesiaServer(Sentences()) as server:
        os.environ.update(
            HOST_CARTESIA_BASE_URL=server.url,
            CARTESIA_API_KEY="local",
        )
        deployment.persona("ann")
        yield server


def files(deployment: Deployment) -> set[Path]:
    return set((deployment.folder / ".host" / "sounds").glob("*.wav"))


async def test_all_that_is_said_without_a_provider_is_made_once(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.persona("bea")
    deployment.load()
    assert await make_sounds(read_settings()) == []
    assert sorted(voice.spoken) == sorted(wanted(WORDS))
    assert await make_sounds(read_settings()) == []
    assert len(voice.spoken) == len(wanted(WORDS))
    assert len(files(deployment)) == len(wanted(WORDS))


async def test_a_call_finds_them_with_no_provider(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    call = deployment.call_of("ann")
    await make_sounds(call.settings)
    voice.fail_with = 500
    sound = await sound_of(call, WORDS.filler)
    seconds = sum(frame.samples_per_channel for frame in sound) / RATE
    expected = await speak(WORDS.filler, RATE)
    assert seconds == pytest.approx(expected.size / RATE, abs=0.05)


async def test_words_and_voices_that_change_are_made_anew(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.load()
    await make_sounds(read_settings())
    before = files(deployment)
    deployment.write("host.toml", '[words]\nfiller = "Wait a moment."')
    await make_sounds(read_settings())
    assert len(files(deployment) - before) == 1
    assert len(files(deployment)) == len(before)  # and the old one is gone
    os.environ["HOST_CARTESIA_VOICE"] = "another"
    await make_sounds(read_settings())
    assert not files(deployment) & before


async def test_a_persona_with_words_of_its_own_says_them(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.write("host.toml", '[personas.ann.words]\napology = "Sorry from Ann."')
    call = deployment.call_of("ann")
    await make_sounds(call.settings)
    assert "Sorry from Ann." in voice.spoken
    assert PromptCache(call.settings.state_dir).find("ann", "Sorry from Ann.")
    assert PromptCache(call.settings.state_dir).find("ann", WORDS.apology) is None


async def test_a_voice_that_is_down_is_one_line_and_made_later(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.persona("bea")
    deployment.load()
    voice.fail_with = 503
    missing = await make_sounds(read_settings())
    assert [line.partition(":")[0] for line in missing] == ["ann", "bea"]
    voice.fail_with = None
    assert await make_sounds(read_settings()) == []


async def test_a_persona_whose_voice_can_not_be_made_has_the_plugins_voice(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.write(
        "personas/cid.py",
        """\
        from host import hookimpl


        @hookimpl
        def instructions(call):
            return "cid"


        @hookimpl
        def tts(call):
            return call.details["voice"]
        """,
    )
    call = deployment.call_of("cid")
    assert await make_sounds(call.settings) == []
    assert PromptCache(call.settings.state_dir).find("cid", WORDS.apology)


async def test_what_is_not_on_disk_is_said_by_the_voice_within_a_short_time(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    from livekit.agents.utils import http_context

    call = deployment.call_of("ann")
    async with http_context.open():
        assert await sound_of(call, "Hello there.")
        voice.troubles.set("sonic-3", Trouble.HANG)
        assert await sound_of(call, "Hello again.") == []


async def test_a_file_that_is_no_sound_is_passed_over(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    from livekit.agents.utils import http_context

    call = deployment.call_of("ann")
    await make_sounds(call.settings)
    for file in files(deployment):
        file.write_bytes(b"RIFF of nothing")
    async with http_context.open():
        assert await sound_of(call, WORDS.filler)


async def test_they_are_made_in_a_process_of_their_own(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    os.environ["PYTHONPATH"] = str(HERE.parent)
    assert await _make(read_settings()) == []
    assert PromptCache(read_settings().state_dir).find("ann", WORDS.filler)


async def test_a_persona_that_leaves_the_process_harms_nobody_before_it(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    os.environ["PYTHONPATH"] = str(HERE.parent)
    deployment.write(
        "personas/aaron.py",
        """\
        import os

        from host import hookimpl


        @hookimpl
        def instructions(call):
            return "aaron"


        @hookimpl
        def tts(call):
            os._exit(3)
        """,
    )
    assert await _make(read_settings()) == ["the rendering process exited with 3"]
    assert PromptCache(read_settings().state_dir).find("ann", WORDS.filler)
