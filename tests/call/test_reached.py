"""Whether an outbound call reached anybody, by what was said in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from host.call.reached import truthful
from host.call.state import AnsweredBy, CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import KeyPress, Utterance, Who

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HEARS = SimpleNamespace(stt=object(), llm=object())
"""A session with an STT."""
GREETING = "persona: Good morning Ann."
QUEUE = "All our agents are busy at the moment."
HOLD = "Please stay on the line."
MENU = "For sales press one, for support press two."


def key(who: Literal["persona", "caller"], *, before: bool = False) -> KeyPress:
    """A key pressed after all words, or before them."""
    at = NOW - timedelta(seconds=1) if before else NOW
    return KeyPress(at=at, who=who, digit="1")


def ended(
    *said: str,
    session: Any = HEARS,
    by: Outcome = Outcome.COMPLETED,
    hung_up: Who = "far end",
    **facts: Any,
) -> Ending:
    """How an outbound call ends in which this was said: the callee's words, and `persona: ...`."""
    lines = [
        Utterance(
            at=NOW,
            who="persona" if text.startswith("persona: ") else "caller",
            text=text.removeprefix("persona: "),
        )
        for text in said
    ]
    state = CallState(transcript=lines, **{"outbound": True, **facts})
    return truthful(Ending(by, hung_up, "the callee hung up"), state, session)


@pytest.mark.parametrize(
    "said",
    [
        ["Hello?", GREETING],
        [GREETING, "Who is this?"],
        ["Who is this?", GREETING, "Who is this?"],
        ["Hello, hello?", GREETING, "Hello?", "Hello?"],
        [QUEUE, GREETING, QUEUE, "Hello, this is sales."],
        ["Our office is in the old town.", GREETING],
    ],
)
def test_whoever_spoke_was_reached(said: list[str]) -> None:
    assert ended(*said) == Ending(Outcome.COMPLETED, "far end", "the callee hung up")


@pytest.mark.parametrize(
    ("said", "facts", "reason"),
    [
        ([GREETING], {}, "the callee never spoke"),
        ([GREETING], {"sounded": True}, "nothing that the callee said was understood"),
        ([QUEUE, GREETING, QUEUE], {}, "a recording answered, and nobody came on the line"),
        ([QUEUE, QUEUE, GREETING], {}, "a recording answered, and nobody came on the line"),
        (
            [QUEUE, GREETING, QUEUE, "All our agents"],
            {},
            "a recording answered, and nobody came on the line",
        ),
        (
            [MENU, GREETING, "For sales press"],
            {"voicemail": AnsweredBy.MACHINE_IVR},
            "a menu answered, and nobody came on the line",
        ),
        (
            ["State your name and reason.", "persona: Molar Dental."],
            {"voicemail": AnsweredBy.SCREENING},
            "a call screener answered, and nobody came on the line",
        ),
        ([GREETING, HOLD], {}, "a recording answered, and nobody came on the line"),
        (
            [MENU, HOLD],
            {"keys": [key("persona", before=True)]},
            "a recording answered, and nobody came on the line",
        ),
    ],
)
def test_nobody_was_reached(said: list[str], facts: dict[str, Any], reason: str) -> None:
    ending = ended(*said, **facts)
    assert (ending.outcome, ending.by, ending.reason) == (
        Outcome.NO_ANSWER,
        "far end",
        f"the callee hung up; {reason}",
    )
    assert ending.worth_a_retry


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ([GREETING], {"keys": [key("caller")]}),
        ([MENU, GREETING], {"voicemail": AnsweredBy.MACHINE_IVR, "keys": [key("persona")]}),
        ([MENU, GREETING], {"keys": [key("persona")]}),
        ([MENU, HOLD, "Billing, hello?"], {"keys": [key("persona", before=True)]}),
        ([MENU, GREETING, "Sales, good morning."], {"voicemail": AnsweredBy.MACHINE_IVR}),
        (
            ["State your name and reason.", GREETING],
            {"voicemail": AnsweredBy.SCREENING, "greeted": True},
        ),
        (
            [QUEUE, "Billing desk, good morning.", GREETING],
            {"voicemail": AnsweredBy.MACHINE_IVR, "hold_ended": True},
        ),
        ([GREETING], {"outbound": False}),
    ],
    ids=[
        "a key",
        "a key in a menu",
        "a key in what sounds like a menu",
        "a person after a key",
        "past a menu",
        "past a screener",
        "past a queue",
        "inbound",
    ],
)
def test_words_are_not_all_that_counts(said: list[str], facts: dict[str, Any]) -> None:
    assert ended(*said, **facts).outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("session", "outcome"),
    [
        (None, Outcome.COMPLETED),
        (SimpleNamespace(stt=None, llm=object()), Outcome.COMPLETED),
        (
            SimpleNamespace(
                stt=None,
                llm=SimpleNamespace(capabilities=SimpleNamespace(user_transcription=False)),
            ),
            Outcome.COMPLETED,
        ),
        (
            SimpleNamespace(
                stt=None, llm=SimpleNamespace(capabilities=SimpleNamespace(user_transcription=True))
            ),
            Outcome.NO_ANSWER,
        ),
    ],
    ids=["no session", "no STT", "realtime without transcripts", "realtime with transcripts"],
)
def test_without_a_transcript_nothing_is_concluded(session: Any, outcome: Outcome) -> None:
    assert ended(GREETING, session=session).outcome is outcome


RECORDED = "We have moved to the new building."
"""What tells neither a recording nor a person."""


@pytest.mark.parametrize(
    ("said", "by", "outcome"),
    [
        ([RECORDED, GREETING], "host", Outcome.NO_ANSWER),
        (["Hello?", GREETING, "persona: Are you still there?"], "host", Outcome.NO_ANSWER),
        ([RECORDED, GREETING], "far end", Outcome.COMPLETED),
        ([RECORDED, GREETING], "persona", Outcome.COMPLETED),
        (["Hello?", GREETING, "Hello?"], "host", Outcome.COMPLETED),
        ([RECORDED], "host", Outcome.COMPLETED),
    ],
    ids=["silent", "asked twice", "hangs up", "told goodbye", "hello again", "never greeted"],
)
def test_who_says_nothing_more_until_the_host_hangs_up_was_not_reached(
    said: list[str], by: Who, outcome: Outcome
) -> None:
    assert ended(*said, hung_up=by).outcome is outcome


@pytest.mark.parametrize("facts", [{"sounded_back": True}, {"keys": [key("caller")]}])
def test_but_who_was_not_understood_or_pressed_a_key_was(facts: dict[str, Any]) -> None:
    assert ended(RECORDED, GREETING, hung_up="host", **facts).outcome is Outcome.COMPLETED


def test_a_rule_of_the_host_keeps_its_reason() -> None:
    state = CallState(outbound=True)
    ending = truthful(Ending(Outcome.COMPLETED, "host", "the callee stayed silent"), state, HEARS)
    assert ending == Ending(Outcome.NO_ANSWER, "host", "the callee stayed silent")


@pytest.mark.parametrize("outcome", [each for each in Outcome if not each.conversation])
def test_no_other_outcome_is_touched(outcome: Outcome) -> None:
    assert ended(GREETING, by=outcome).outcome is outcome
