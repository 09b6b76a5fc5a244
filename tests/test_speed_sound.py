"""The benchmark of speed: what its callers hear and ask, and what its providers take for speech."""

from __future__ import annotations

import numpy as np
import pytest
from speed.figures.reply import parts, with_pause
from speed.providers import Moment, Moments
from speed.sound import end_of_sound, longest_gap, onset, trimmed
from speed.stt import Utterances

from host.local.sound import RATE, Samples, silence, tone

STEP = 0.005


def sounds(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def test_the_first_sound_is_found_to_five_milliseconds() -> None:
    assert onset(sounds(silence(0.123), tone(440, 0.5))) == pytest.approx(0.123, abs=2 * STEP)
    assert onset(tone(440, 0.5)) == pytest.approx(0.0, abs=STEP)
    assert onset(silence(1.0)) is None
    assert onset(silence(0.0)) is None


def test_the_longest_gap_counts_silence_at_the_ends_only_where_it_is_asked_for() -> None:
    heard = sounds(silence(1.0), tone(440, 0.5), silence(0.2), tone(440, 0.5), silence(2.0))
    assert longest_gap(heard) == pytest.approx(2.0, abs=4 * STEP)
    assert longest_gap(heard, whole=False) == pytest.approx(0.2, abs=4 * STEP)


def test_where_nothing_sounds_everything_is_a_gap() -> None:
    assert longest_gap(silence(1.5), whole=False) == pytest.approx(1.5)
    assert longest_gap(silence(0.0)) == 0.0
    assert longest_gap(tone(440, 1.0)) <= 2 * STEP


def test_speech_is_cut_to_its_first_and_last_sample() -> None:
    spoken = trimmed(sounds(silence(0.3), tone(440, 0.5), silence(0.4)))
    assert spoken.size / RATE == pytest.approx(0.5, abs=2 * STEP)
    assert end_of_sound(spoken) == pytest.approx(spoken.size / RATE, abs=STEP)


def test_a_pause_goes_where_a_question_is_quietest() -> None:
    question = sounds(tone(440, 0.8), tone(440, 0.05, -40.0), tone(440, 0.8))
    asked = with_pause(question, 0.6)
    assert asked.size == question.size + 0.6 * RATE
    assert longest_gap(asked) == pytest.approx(0.6, abs=0.02)
    assert onset(asked[round(1.42 * RATE) :]) == pytest.approx(0.0, abs=0.06)


def heard_by_stt(samples: Samples, piece: float = 0.05) -> list[tuple[float, str]]:
    """What happened in a stream, each with the seconds that had been pushed by then."""
    utterances, found, size = Utterances(RATE), [], round(piece * RATE)
    for at in range(0, samples.size, size):
        for what in utterances.push(samples[at : at + size]):
            found.append((round((at + size) / RATE, 2), what))
    return found


def test_an_utterance_is_final_after_a_fixed_silence() -> None:
    told = heard_by_stt(sounds(silence(0.5), tone(440, 1.0), silence(1.0)))
    assert [what for _, what in told] == ["started", "interim", "final"]
    assert told[-1][0] == pytest.approx(1.7, abs=0.05)


def test_a_question_with_a_pause_is_two_utterances_and_a_short_one_is_none() -> None:
    paused = sounds(tone(440, 0.8), silence(0.4), tone(440, 0.8), silence(0.5))
    assert [what for _, what in heard_by_stt(paused)].count("final") == 2
    halting = sounds(tone(440, 0.8), silence(0.15), tone(440, 0.8), silence(0.5))
    assert [what for _, what in heard_by_stt(halting)].count("final") == 1


def test_a_click_is_no_utterance() -> None:
    assert heard_by_stt(sounds(tone(440, 0.05), silence(1.0))) == []


def test_pieces_of_any_size_make_the_same_utterances() -> None:
    speech = sounds(tone(440, 1.0), silence(0.5))
    whole = [what for _, what in heard_by_stt(speech, 1.5)]
    assert [what for _, what in heard_by_stt(speech, 0.0133)] == whole


def moments(**at: float) -> list[Moment]:
    """Moments in seconds after the caller's last sample, which is at 100."""
    return [Moment(what.replace("_", " "), 100 + seconds) for what, seconds in at.items()]


def test_a_reply_is_taken_apart() -> None:
    noted = moments(stt_final=0.2, llm_asked=0.21, first_token=0.41, tts_asked=0.6, first_byte=0.72)
    assert parts(noted, 100.0, 100.8, 100.55) == pytest.approx(
        {
            "stt final": 200,
            "llm asked": 210,
            "first token": 410,
            "turn": 550,
            "tts asked": 600,
            "first byte": 720,
            "heard": 800,
        }
    )


def test_of_a_reply_that_was_begun_twice_the_one_that_was_heard_counts() -> None:
    thrown_away = moments(llm_asked=0.1, first_token=0.3, tts_asked=0.3)
    noted = thrown_away + moments(
        stt_final=0.35, llm_asked=0.36, first_token=0.56, tts_asked=0.56, first_byte=0.68
    )
    found = parts(noted, 100.0, 100.75, None)
    assert (found["llm asked"], found["tts asked"]) == pytest.approx((360, 560))


def test_what_a_target_does_not_show_is_left_out() -> None:
    assert parts([], 100.0, 100.5, None) == pytest.approx({"heard": 500})
    assert "turn" not in parts([], 100.0, 100.5, 100.9)  # said after the reply was heard


def test_moments_are_those_between_two_times() -> None:
    noted = Moments()
    noted.all = moments(llm_asked=0.1, first_token=0.3, first_byte=0.9)
    assert [each.what for each in noted.between(100.2, 100.5)] == ["first token"]
