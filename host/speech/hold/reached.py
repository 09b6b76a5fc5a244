"""Whether a call has reached a person, and how one ends that did not."""

from __future__ import annotations

from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.speech.hold.phrases import hold_in, is_recorded


def person_reached(state: CallState) -> bool:
    """Return whether the far end has said anything but a queue's announcements and menus.

    "One moment please" alone does not count either: queues say that, too.
    """
    heard = (said.text for said in state.transcript if said.who == "caller")
    return any(not (is_recorded(words) or hold_in(words)) for words in heard)


def outcome_of(state: CallState) -> Outcome:
    """Return the outcome of a conversation that ends: `no_answer` if it never reached a person.

    The caller of an inbound call is there in any case.
    """
    reached = not state.outbound or person_reached(state)
    return Outcome.COMPLETED if reached else Outcome.NO_ANSWER


def ending_of_hangup(state: CallState) -> Ending | None:
    """Return the ending of a call whose far end hangs up on hold, or played recordings only.

    None for a conversation, and for a far end that has not said a word.
    """
    reason = f"the {state.other_party} hung up"
    if state.on_hold_since is not None:
        return Ending(outcome_of(state), "far end", f"{reason} while the call was on hold")
    heard = any(said.who == "caller" for said in state.transcript)
    if heard and outcome_of(state) is Outcome.NO_ANSWER:
        return Ending(Outcome.NO_ANSWER, "far end", f"{reason} without putting a person through")
    return None
