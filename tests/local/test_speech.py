"""The voice is the same each time; transcriber hear a scene's sentences and nothing else."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fixtures_speech import RATE, SCENE, events_in, heard_in, mulaw, on_a_line, opus, tone

from host.base.errors import HostError
from host.local.speech import (
    Heard,
    Sentences,
    SpeechEnded,
    SpeechStarted,
    Transcriber,
    sentences_of,
    speak,
)
from host.local.speech.audio import Samples, silence
from host.local.speech.recogniser import recogniser

# One worker runs them all: the recogniser is a process that takes 2 s to start.
pytestmark = pytest.mark.xdist_group("recogniser")


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    yield
    recogniser.close()
    children = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    assert "speech.recognise" not in children.stdout


@pytest.fixture(scope="module")
def scene() -> Sentences:
    return Sentences(SCENE)


async def test_the_voice_says_a_sentence_the_same_way_wherever_it_stands() -> None:
    alone = await speak("How can I help you?", RATE)
    after_another = await speak("Hello there. How can I help you?", RATE)
    assert np.array_equal(after_another[-alone.size :], alone)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
async def test_the_voice_speaks_at_every_rate_with_little_silence_around(rate: int) -> None:
    said = await speak("Good morning.", rate)
    assert said.dtype == np.int16
    assert said.size / rate == pytest.approx((await speak("Good morning.", 8000)).size / 8000, 1e-3)
    loud = np.flatnonzero(np.abs(said.astype(int)) > 300)
    assert loud[0] < 0.1 * rate
    assert said.size - loud[-1] < 0.15 * rate


async def test_resampling_leaves_no_mirror_image_above_the_band() -> None:
    spectrum = np.abs(np.fft.rfft((await speak("She sells sea shells.", 24000)).astype(float)))
    hertz = np.fft.rfftfreq(2 * spectrum.size - 1, 1 / 24000)
    assert spectrum[hertz > 8200].sum() < 0.01 * spectrum.sum()


async def test_nothing_to_say_is_silence_of_no_length() -> None:
    assert (await speak(" ... ", RATE)).size == 0


async def test_without_flite_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(HostError, match="make setup"):
        await speak("Nobody has said this before.", RATE)


def test_a_text_is_split_where_its_sentences_end() -> None:
    text = 'He said "yes." Then Dr. No came at 3.30 p.m.! Really?'
    assert sentences_of(text) == ['He said "yes."', "Then Dr. No came at 3.30 p.m.!", "Really?"]


@pytest.mark.corpus(one_of=2)
@pytest.mark.parametrize("line", [mulaw, opus], ids=["mu-law", "Opus"])
@pytest.mark.parametrize("sentence", SCENE)
async def test_a_sentence_is_heard_as_it_was_written(
    sentence: str, line: Callable[[Samples], Samples], scene: Sentences
) -> None:
    said = await speak(sentence, RATE)
    (heard,) = await heard_in(line(on_a_line(said)), scene)
    assert heard.text == sentence
    assert heard.start == pytest.approx(0.5, abs=0.15)
    assert heard.end == pytest.approx(0.5 + said.size / RATE, abs=0.15)
    assert 0 < heard.confidence <= 1


@pytest.mark.parametrize(
    "said", [[SCENE[1], SCENE[3], SCENE[6]], [SCENE[12], SCENE[5]], [SCENE[7], SCENE[0], SCENE[2]]]
)
async def test_sentences_in_a_row_are_heard_one_by_one(said: list[str], scene: Sentences) -> None:
    heard = await heard_in(on_a_line(await speak(" ".join(said), RATE)), scene)
    assert [each.text for each in heard] == said
    assert all(one.end < other.start for one, other in zip(heard, heard[1:], strict=False))


@pytest.mark.corpus(one_of=5)  # with all pauses and all pairs, though not each with each
@pytest.mark.parametrize("pause", [0.0, 0.03, 0.06, 0.1, 0.14, 0.2, 0.3, 0.5])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SCENE[3], SCENE[5]),
        (SCENE[5], SCENE[3]),
        (SCENE[0], SCENE[1]),
        (SCENE[1], SCENE[0]),
        (SCENE[12], SCENE[7]),
        (SCENE[5], SCENE[6]),
    ],
)
async def test_two_texts_are_both_heard_however_close_they_follow(
    one: str, other: str, pause: float, scene: Sentences
) -> None:
    first, second = await speak(one, RATE), await speak(other, RATE)
    sound = on_a_line(np.concatenate([first, silence(pause, RATE), second]))
    heard = await heard_in(sound, scene)
    assert [each.text for each in heard] == [one, other]
    assert heard[0].end == pytest.approx(0.5 + first.size / RATE, abs=0.15)
    assert heard[1].start == pytest.approx(0.5 + first.size / RATE + pause, abs=0.15)


async def test_many_texts_without_a_pause_are_heard_one_by_one(scene: Sentences) -> None:
    said = [SCENE[5], SCENE[1], SCENE[13], SCENE[0], SCENE[6]]
    sound = opus(np.concatenate([await speak(text, RATE) for text in said]))
    assert [each.text for each in await heard_in(on_a_line(sound), scene)] == said


@pytest.mark.parametrize("cut_off", [SCENE[9], SCENE[8]])
async def test_a_text_is_heard_though_the_next_one_is_cut_off(
    cut_off: str, scene: Sentences
) -> None:
    begun = await speak(cut_off, RATE)
    sound = np.concatenate([await speak(SCENE[3], RATE), begun[: begun.size // 2]])
    assert [each.text for each in await heard_in(on_a_line(sound), scene)] == [SCENE[3]]


async def test_a_text_that_the_network_tore_apart_is_heard_after_another(scene: Sentences) -> None:
    said = await speak(SCENE[2], RATE)
    torn = [said[:16000], silence(0.2, RATE), said[16000:]]
    for sound, texts in (
        ([await speak(SCENE[0], RATE), *torn], [SCENE[0], SCENE[2]]),
        ([*torn, await speak(SCENE[5], RATE)], [SCENE[2], SCENE[5]]),
    ):
        heard = await heard_in(on_a_line(np.concatenate(sound)), scene)
        assert [each.text for each in heard] == texts


async def test_the_same_sound_is_heard_the_same_way_whatever_was_heard_before(
    scene: Sentences,
) -> None:
    sound = on_a_line(await speak("No.", RATE))
    before = await heard_in(sound, scene)
    await heard_in(on_a_line(await speak(SCENE[2], RATE)), scene)
    assert await heard_in(sound, scene) == before


async def test_speech_is_noticed_at_once_guessed_in_a_pause_and_final_after_it(
    scene: Sentences,
) -> None:
    events = await events_in(on_a_line(await speak(SCENE[3], RATE)), scene)
    kinds = [(type(event), getattr(event, "final", None)) for event in events]
    assert kinds[0] == (SpeechStarted, None)
    assert kinds[-2:] == [(Heard, True), (SpeechEnded, None)]
    assert (Heard, False) in kinds


async def test_ears_hear_at_the_rate_of_a_model_too(scene: Sentences) -> None:
    said = np.concatenate([silence(0.5, 16000), await speak(SCENE[4], 16000), silence(0.5, 16000)])
    assert [heard.text for heard in await heard_in(said, scene, 16000)] == [SCENE[4]]


async def test_a_sentence_can_be_heard_as_soon_as_it_is_added() -> None:
    growing = Sentences(["Hello."])
    sound = on_a_line(await speak("The dentist is in.", RATE))
    assert await heard_in(sound, growing) == []
    growing.add("The dentist is in. Please come in.")
    assert len(growing) == 3
    assert [heard.text for heard in await heard_in(sound, growing)] == ["The dentist is in."]


async def test_another_story_knows_what_was_kept_and_what_is_added_again() -> None:
    stories = Sentences(["Hello."])
    stories.add("The dentist is in.")
    stories.add("Please come in.", kept=True)
    sounds = [on_a_line(await speak(text, RATE)) for text in stories]

    async def heard() -> list[str]:
        return [each.text for sound in sounds for each in await heard_in(sound, stories)]

    everything = ["Hello.", "The dentist is in.", "Please come in."]
    assert await heard() == everything
    stories.forget()
    assert await heard() == ["Hello.", "Please come in."]
    stories.add("The dentist is in.")
    assert await heard() == everything


async def test_flushing_ends_an_utterance_without_silence(scene: Sentences) -> None:
    transcriber = Transcriber(scene)
    transcriber.push(on_a_line(await speak("No.", RATE), after=0.0))
    transcriber.flush()
    assert (await anext(aiter(transcriber))).text == "No."


async def test_what_the_network_tore_apart_is_put_together(scene: Sentences) -> None:
    said = await speak(SCENE[2], RATE)
    torn = np.concatenate([said[:16000], silence(0.45, RATE), said[16000:]])
    assert [heard.text for heard in await heard_in(on_a_line(torn), scene)] == [SCENE[2]]


async def test_a_greeting_is_heard_though_a_beep_follows_it(scene: Sentences) -> None:
    said = await speak(SCENE[8], RATE)
    sound = np.concatenate([said, silence(0.1, RATE), tone(1000, seconds=0.5)])
    assert [heard.text for heard in await heard_in(on_a_line(sound), scene)] == [SCENE[8]]


NOISE = np.random.default_rng(0).normal(0, 1, 2 * RATE)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(tone(1000), id="beep"),
        pytest.param(tone(440, 480, seconds=2), id="ringback"),
        pytest.param(tone(425, seconds=2), id="European ringback"),
        pytest.param(np.concatenate([tone(770, 1336), tone(697, 1209)]), id="keys"),
        pytest.param(np.concatenate([tone(f) for f in (950, 1400, 1800)]), id="SIT"),
        pytest.param((NOISE * 3000).astype(np.int16), id="loud noise"),
        pytest.param((NOISE * 300).astype(np.int16), id="soft noise"),
    ],
)
async def test_what_is_no_speech_is_not_even_noticed(sound: Samples, scene: Sentences) -> None:
    assert await events_in(on_a_line(sound), scene) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The quick brown fox jumps over the lazy dog.",
        "Our flights to Lisbon leave every second evening.",
        "Seven horses were running along the river.",
        "Hello, is anybody home?",
        "A cup of coffee would be nice.",
        "Turn left at the second traffic light.",
        "Where is the nearest pharmacy?",
        "My name is Jonathan Whitaker.",
    ],
)
async def test_speech_that_is_not_of_the_scene_is_noticed_but_not_understood(
    sentence: str, scene: Sentences
) -> None:
    events = await events_in(on_a_line(await speak(sentence, RATE)), scene)
    assert isinstance(events[0], SpeechStarted)
    assert not any(isinstance(event, Heard) for event in events)


@pytest.mark.parametrize("sentence", [SCENE[2], SCENE[3], SCENE[7], SCENE[12]])
async def test_half_a_sentence_is_not_understood(sentence: str, scene: Sentences) -> None:
    said = await speak(sentence, RATE)
    for half in (said[: said.size // 2], said[said.size // 2 :]):
        assert await heard_in(on_a_line(half), scene) == []


async def test_the_ears_recover_when_their_process_is_killed(scene: Sentences) -> None:
    sound = on_a_line(await speak("No.", RATE))
    assert await heard_in(sound, scene)
    recogniser.close()
    assert [heard.text for heard in await heard_in(sound, scene)] == ["No."]
