"""Whether an outbound call reached anybody: what separates `completed` from `no_answer`.

An answered call may have reached a line on which nobody speaks, a queue's announcements, a menu
that repeats itself, a call screener that puts nobody through, or a recording that nobody knows,
which says its words and stays on the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from host.call.hold_phrases import hold_in, is_recorded
from host.call.state import AnsweredBy, CallState
from host.call.unrecorded import MARK
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Utterance

NEVER_SPOKE = "the callee never spoke"
NEVER_REPLIED = "the callee never replied"
NOBODY_CAME = ", and nobody came on the line"
A_RECORDING = 8
"""Repeated words that tell a recording from a person who says "hello?" or "who is this?" twice."""


def truthful(ending: Ending, state: CallState, session: Any) -> Ending:
    """Return the ending, or `no_answer` in place of a conversation that reached nobody.

    What was missing follows the reason, unless a rule of the host ended the call, whose reason
    tells it. `session` is LiveKit's AgentSession, or None.
    """
    if not ending.outcome.conversation or not state.outbound or _unheard(session):
        return ending
    missing = _reached_nobody(state)
    if not missing and ending.by == "host" and _never_replied(state):
        missing = NEVER_REPLIED
    if missing:
        reason = ending.reason if ending.by == "host" else f"{ending.reason}; {missing}"
        return replace(ending, outcome=Outcome.NO_ANSWER, reason=reason, retryable=None)
    return ending


def only_recordings(heard: Iterable[Utterance]) -> bool:
    """Return whether what was heard is a queue's announcements and menus, and nothing else.

    "One moment please" alone does not tell a person either: queues say that, too.
    """
    words = [said.text for said in heard if said.who == "caller"]
    return bool(words) and all(is_recorded(each) or hold_in(each) for each in words)


def _reached_nobody(state: CallState) -> str:
    """Return why the call reached nobody; empty if it did."""
    if any(key.who == "caller" for key in state.keys):
        return ""
    if not any(said.who == "caller" for said in state.transcript):
        return "nothing that the callee said was understood" if state.sounded else NEVER_SPOKE
    if state.voicemail is AnsweredBy.SCREENING and not state.greeted:
        return f"a call screener answered{NOBODY_CAME}"
    repeated, answered = _heard(state.transcript)
    pressed = max((key.at for key in state.keys if key.who == "persona"), default=None)
    if state.voicemail is AnsweredBy.MACHINE_IVR and not (pressed or answered or state.hold_ended):
        return f"a menu answered{NOBODY_CAME}"
    # A menu that takes a key has done what it is for, unless it puts the call through to a queue.
    since = (said for said in state.transcript if pressed is None or said.at > pressed)
    recorded = only_recordings(since) or (repeated >= A_RECORDING and not answered)
    return f"a recording answered{NOBODY_CAME}" if recorded else ""


def _never_replied(state: CallState) -> bool:
    """Return whether the far end spoke first, and said nothing to anything that it was told.

    A person who says "hello?" and then nothing hangs up; a recording leaves that to the host.
    """
    if state.sounded_back or any(key.who == "caller" for key in state.keys):
        return False
    speakers = [said.who for said in state.transcript]
    return "persona" in speakers and "caller" not in speakers[speakers.index("persona") :]


def _heard(transcript: Sequence[Utterance]) -> tuple[int, bool]:
    """Return how many words the far end repeated, and whether it said new ones to the persona."""
    repeated, answered, spoke, known = 0, False, False, ""
    for said in transcript:
        if said.who == "persona":
            spoke = True
            continue
        if said.text == MARK:  # somebody spoke, and it is not known what
            answered = answered or spoke
            continue
        words = re.findall(r"\w+", said.text.lower())
        if (text := f" {' '.join(words)} ") in known:
            repeated += len(words)
        else:
            answered = answered or spoke
            known += text
    return repeated, answered


def _unheard(session: Any) -> bool:
    """Return whether the session has no transcript of the far end, with words or without.

    That of a realtime model may lack it, and an author's session may have no STT.
    """
    if session is None:
        return True
    if session.stt is not None:
        return False
    capabilities = getattr(session.llm, "capabilities", None)
    return not getattr(capabilities, "user_transcription", False)
