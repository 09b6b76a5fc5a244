"""A spoken text is found where it was spoken, whole or clipped, and nowhere else."""

from collections.abc import Callable

import numpy as np
import pytest
from fixtures_speech import RATE, SCENE, on_a_line, opus, stretched

from host.local.speech import locate, synthesize
from host.local.speech.audio import Samples, silence

TEXT = "Hello, this is Molar Dental calling for Ann. Your appointment is at 3pm. Goodbye."
LINES: dict[str, Callable[[Samples], Samples]] = {
    "mu-law": on_a_line,
    "Opus": lambda said: on_a_line(opus(said)),
    "3 % lost": lambda said: on_a_line(opus(said, lost=0.03)),
    "time stretched": lambda said: on_a_line(opus(stretched(said))),
}


# One worker runs them all: what else the voice says takes a second to make.
pytestmark = pytest.mark.xdist_group("locate")


@pytest.mark.corpus(one_of=3)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("text", [TEXT, *SCENE[1:4], *SCENE[6:]])
def test_a_text_is_found_once_and_whole(text: str, line: str) -> None:
    said = synthesize(text, RATE)
    (found,) = locate(LINES[line](said), RATE, text)
    assert found.whole
    assert found.share > 0.7
    assert found.start == pytest.approx(0.52, abs=0.12)
    assert found.end == pytest.approx(0.5 + said.size / RATE - 0.06, abs=0.12)


@pytest.mark.parametrize("at", [0.1, 0.2, 0.3, 1.5, 2.7])
@pytest.mark.parametrize("still", [0.06, 0.15])
def test_a_sentence_in_which_the_line_stood_still_is_whole(at: float, still: float) -> None:
    """As a machine under load makes it: so many seconds of nothing, and the rest so much later."""
    text = "I am sorry, sales can't take your call right now."
    said, stop = synthesize(text, RATE), round(at * RATE)
    stalled = np.concatenate([said[:stop], silence(still, RATE), said[stop:]])
    (found,) = locate(on_a_line(stalled), RATE, text)
    assert found.whole
    assert found.share > 0.8


@pytest.mark.parametrize(("instead", "whole"), [("another hiss", True), ("nothing", False)])
def test_a_hiss_at_the_end_is_heard_however_a_lost_packet_of_it_was_made_up(
    instead: str, whole: bool
) -> None:
    text = "One moment please, I am connecting you to sales."
    said = synthesize(text, RATE)
    tail = said[-round(0.22 * RATE) :]
    hiss = np.random.default_rng(1).permutation(tail) // 2
    made_up = hiss if instead == "another hiss" else np.zeros_like(tail)
    (found,) = locate(on_a_line(np.concatenate([said[: -tail.size], made_up])), RATE, text)
    assert found.whole == whole


def test_a_text_spoken_twice_is_found_twice() -> None:
    said = synthesize(TEXT, RATE)
    twice = np.concatenate([said, silence(4, RATE), said])
    first, second = locate(on_a_line(twice), RATE, TEXT)
    assert first.whole
    assert second.whole
    assert second.start - first.start == pytest.approx(4 + said.size / RATE, abs=0.01)


@pytest.mark.parametrize("line", LINES)
def test_a_text_that_begins_with_a_short_sentence_is_whole_though_another_is_broken_off_by_it(
    line: str,
) -> None:
    text = "Hello? Is somebody there?"
    broken_off = synthesize("Good morning Ann, this is a test call.", RATE)[: round(2.1 * RATE)]
    said = np.concatenate([broken_off, synthesize(text, RATE)])
    (found,) = locate(LINES[line](said), RATE, text)
    assert found.whole
    assert found.start == pytest.approx(2.62, abs=0.12)


def test_a_recording_may_have_another_rate() -> None:
    said = np.concatenate([silence(1, 48000), synthesize(TEXT, 48000), silence(1, 48000)])
    (found,) = locate(said, 48000, TEXT)
    assert found.whole
    assert found.start == pytest.approx(1.02, abs=0.1)


@pytest.mark.parametrize("line", ["mu-law", "Opus"])
@pytest.mark.parametrize("text", SCENE[1:4])
def test_a_clipped_start_or_end_is_told(text: str, line: str) -> None:
    said, clip = synthesize(text, RATE), round(0.22 * RATE)
    for rest in (said[clip:], said[:-clip]):
        assert not any(found.whole for found in locate(LINES[line](rest), RATE, text))


def test_a_text_that_is_broken_off_is_found_with_its_share() -> None:
    said = synthesize(TEXT, RATE)
    (found,) = locate(on_a_line(said[: said.size // 2]), RATE, TEXT)
    assert not found.whole
    assert 0.3 < found.share < 0.7
    assert found.start == pytest.approx(0.5, abs=0.12)


@pytest.fixture(scope="module")
def others() -> Samples:
    return on_a_line(opus(np.concatenate([synthesize(text, RATE) for text in SCENE[1:]])))


@pytest.mark.parametrize(
    "text",
    [
        "Your appointment is at 4pm.",
        "Please hold the line while I look that up.",
        "Every morning the old man feeds the pigeons.",
        "Who is calling?",
        "Good morning.",
    ],
)
def test_another_sentence_by_the_same_voice_is_not_found(text: str, others: Samples) -> None:
    assert locate(others, RATE, text) == []


@pytest.mark.parametrize("seed", [9, 18, 161, 190])
def test_half_of_a_short_sentence_that_is_alike_by_chance_is_not_found(seed: int) -> None:
    said = synthesize("I am sorry, something went wrong on our side.", RATE)
    under_load = on_a_line(stretched(said, seed, 240))
    assert locate(under_load, RATE, "One moment please.") == []


def test_nothing_is_found_in_silence_or_in_a_sound_that_is_too_short() -> None:
    assert locate(silence(3, RATE), RATE, TEXT) == []
    assert locate(silence(0.1, RATE), RATE, TEXT) == []
    assert locate(silence(3, RATE), RATE, "") == []
