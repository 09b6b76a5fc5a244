"""What is rendered before it is due, and for which voice it may be used."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment
from livekit.agents import tts
from livekit.plugins import cartesia, openai

from host.local.cartesia import CartesiaServer
from host.local.speech import Sentences
from host.local.trouble import Trouble
from host.registry import read_settings
from host.settings import Words
from host.speech.prompts import render
from host.speech.prompts.cache import wanted
from host.speech.prompts.fixed import can_be_rendered, greetings, own_words
from host.speech.prompts.render import make_all
from host.speech.prompts.voice import tts_key


async def greetings_of(deployment: Deployment, body: str, settings: str = "") -> tuple[str, ...]:
    """What a persona whose greeting has this body says in each of its calls."""
    persona = deployment.persona("ann")
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    with persona.open("a") as file:
        file.write(f"\n\n@hookimpl\ndef greeting(call):\n{lines}")
    persona.write_text(persona.read_text().replace("import hookimpl", "import Greeting, hookimpl"))
    deployment.write("host.toml", f"[personas.ann]\n{settings}\n")
    assert not deployment.faults()
    call = deployment.call_of("ann")
    return await greetings(call.settings, "ann", call.hooks)


@pytest.mark.parametrize(
    ("body", "settings", "texts"),
    [
        ("return 'Hello.'", "", {"Hello."}),
        ("return 'Hello.'", "disclosure = 'A machine.'", {"Hello.", "A machine."}),
        ("return Greeting('Hello.', notice='Mind the step.')", "", {"Hello.", "Mind the step."}),
        ("return 'Out.' if call.outbound else 'In.'", "", {"Out.", "In."}),
        ("return None", "", set()),
        ("return f'Hello {call.details[0]}.'", "", set()),
        ("return 'Out.' if call.outbound else call.details['name']", "", {"Out."}),
        ("raise SystemExit(3)", "", set()),
        ("return '**Hello.**'", "", set()),
        ("return 'Hello \N{WAVING HAND SIGN}'", "", set()),
        ("return 'Hello. ' * 200", "", set()),
    ],
    ids=[
        "words",
        "a disclosure",
        "a notice",
        "by direction",
        "the model opens",
        "a detail of the call",
        "a detail of a caller's call",
        "a hook that exits",
        "Markdown",
        "an emoji",
        "a speech",
    ],
)
async def test_a_greeting_is_known_as_far_as_it_needs_no_call(
    deployment: Deployment, body: str, settings: str, texts: set[str]
) -> None:
    assert set(await greetings_of(deployment, body, settings)) == texts


async def test_a_greeting_that_blocks_is_given_up(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.speech.prompts.fixed.ANSWER_LIMIT", 0.1)
    body = "import time\ntime.sleep(0.5)\nreturn 'Hello.'"
    assert await greetings_of(deployment, body) == ()


def test_all_sentences_of_the_host_that_are_always_the_same_are_rendered(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", '[transfers]\nsales = "+15550003001"\n')
    call = deployment.call_of("ann")
    words = own_words(call.persona_settings)
    own = [text for text in Words().model_dump().values() if isinstance(text, str)]
    not_ours = {text for name, text in Words() if name.startswith("consult")}
    fixed = {text for text in own if "{" not in text} - not_ours
    assert set(words) | set(wanted(Words())) >= fixed
    assert not set(words) & (set(wanted(Words())) | not_ours)
    assert Words().transfer.format(name="sales") in words


@pytest.mark.parametrize("text", ["", "  ", "a_b", "<b>", "# 1", "x" * 1001])
def test_what_livekit_may_change_on_the_way_is_not_rendered(text: str) -> None:
    assert not can_be_rendered(text)


@pytest.mark.parametrize("text", ["Grüß Gott, Frau Müller!", "Press 1 & 2.", "It is 50 %."])
def test_ordinary_words_are_rendered(text: str) -> None:
    assert can_be_rendered(text)


def cartesia_voice(**options: Any) -> cartesia.TTS:
    return cartesia.TTS(api_key="a key", **options)


async def test_two_voices_have_different_keys() -> None:
    voices = [
        cartesia_voice(),
        cartesia_voice(voice="another"),
        cartesia_voice(language="de"),
        cartesia_voice(model="sonic-2"),
        cartesia_voice(speed=1.2),
        cartesia_voice(volume=0.6),
        cartesia_voice(pronunciation_dict_id="names"),
        openai.TTS(api_key="a key", voice="ash"),
        openai.TTS(api_key="a key", voice="coral"),
        openai.TTS(api_key="a key", voice="ash", instructions="Whisper."),
    ]
    assert not [pair for pair in combinations(map(tts_key, voices), 2) if pair[0] == pair[1]]


async def test_one_voice_has_one_key_whoever_pays_and_whatever_it_has_said() -> None:
    one, two = cartesia_voice(), cartesia.TTS(api_key="of somebody else")
    two.on("error", print)
    two._set_expressive(False)
    assert tts_key(one) == tts_key(two)
    assert "key" not in tts_key(one)


async def test_a_voice_with_fallbacks_is_the_voice_without() -> None:
    both = tts.FallbackAdapter([cartesia_voice(), openai.TTS(api_key="a key")])
    assert tts_key(both) == tts_key(cartesia_voice())


@pytest.fixture
async def voice(deployment: Deployment) -> AsyncIterator[CartesiaServer]:
    """The voice of a deployment with the persona Ann, who greets."""
    async with CartesiaServer(Sentences()) as server:
        os.environ.update(HOST_CARTESIA_BASE_URL=server.url, CARTESIA_API_KEY="local")
        greets(deployment, "Hello from Ann.")
        yield server


def greets(deployment: Deployment, words: str, name: str = "ann") -> None:
    persona = deployment.persona(name)
    with persona.open("a") as file:
        file.write(f"\n\n@hookimpl\ndef greeting(call):\n    return {words!r}\n")


def sounds(deployment: Deployment) -> set[Path]:
    return set((deployment.folder / ".host" / "sounds").glob("*.wav"))


@pytest.mark.processes
async def test_the_necessary_is_rendered_first_and_all_of_it_once(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.load()
    assert await make_all(read_settings()) == []
    first = wanted(Words())
    assert tuple(voice.spoken[: len(first)]) == first
    assert voice.spoken[len(first)] == "Hello from Ann."
    assert len(voice.spoken) == len(set(voice.spoken)) == len(sounds(deployment))
    asked = len(voice.spoken)
    assert await make_all(read_settings()) == []
    assert len(voice.spoken) == asked


@pytest.mark.processes
async def test_a_disclosure_that_changes_replaces_the_one_before(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    deployment.write("host.toml", 'disclosure = "I am a machine."')
    deployment.load()
    await make_all(read_settings())
    before = sounds(deployment)
    deployment.write("host.toml", 'disclosure = "I am an assistant."')
    deployment.load()
    assert await make_all(read_settings()) == []
    assert voice.spoken[-1] == "I am an assistant."
    assert len(sounds(deployment)) == len(before)
    assert len(sounds(deployment) - before) == 1


@pytest.mark.processes
async def test_where_there_is_no_room_only_the_necessary_is_rendered(
    deployment: Deployment, voice: CartesiaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "ROOM", 1)
    deployment.load()
    assert await make_all(read_settings()) == []
    assert sorted(voice.spoken) == sorted(wanted(Words()))


@pytest.mark.processes
async def test_a_persona_may_leave_it_at_the_necessary(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    greets(deployment, "Hello from Bea.", "bea")
    deployment.write("host.toml", "render_ahead = false\n[personas.bea]\nrender_ahead = true\n")
    deployment.load()
    assert await make_all(read_settings()) == []
    assert "Hello from Bea." in voice.spoken
    assert "Hello from Ann." not in voice.spoken


@pytest.mark.processes
async def test_a_persona_that_fails_keeps_the_others_greetings_from_nobody(
    deployment: Deployment, voice: CartesiaServer
) -> None:
    bea = deployment.persona("bea")
    with bea.open("a") as file:
        file.write("\n\n@hookimpl\ndef tts(call):\n    return 'cartesia/none'\n")
    deployment.load()
    voice.troubles.set("none", Trouble.BROKEN)
    (missing,) = await make_all(read_settings())
    assert missing.startswith("bea: ")
    assert "Hello from Ann." in voice.spoken
