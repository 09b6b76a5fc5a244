"""The steps of a test call, from what was seen of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from host.cli.doctor.finding import Status
from host.records.outcome import Kind, Outcome

_BY_SIP_STATUS = {
    400: "the carrier does not understand the request: write caller_id and the number in E.164",
    401: "the carrier wants a login: set authUsername and authPassword of the outbound trunk",
    403: "the carrier forbids the call: use a caller ID of yours, allow its country at the "
    "carrier (Twilio: Voice Geographic Permissions), verify the number of a trial account, and "
    "check the trunk's login",
    404: "the number does not exist, or the trunk's address is not one that takes calls",
    407: "the carrier wants a login: set authUsername and authPassword of the outbound trunk",
    408: "nothing answers at the trunk's address: correct it, or open UDP port 5060",
    484: "the number is incomplete: write it in E.164",
    488: "the carrier has no codec in common: allow PCMU, PCMA or G722 at the carrier",
    500: "the carrier fails: see its log of calls",
    502: "the carrier can't reach the number: try another one",
    503: "the carrier takes no calls from this trunk: check its address, transport and limits",
    603: "the call was declined, often by the carrier: use a caller ID of yours",
}
"""SIP statuses, and what is to be done about each."""


@dataclass(frozen=True)
class Step:
    """One step of the test call."""

    name: str
    status: Status
    """SKIPPED: the call did not get there."""
    seconds: float | None = None
    """Seconds from the request to it."""
    note: str = ""


@dataclass(frozen=True)
class TrialCall:
    """How the test call went."""

    persona: str
    room: str
    steps: tuple[Step, ...]
    outcome: str = ""
    reason: str = ""
    sip_status: int | None = None
    mend: str = ""
    ok: bool = True
    """False if a step failed for another reason than that nobody took the call."""


@dataclass
class Seen:
    """What was seen of a call, each with the seconds after which it was."""

    at: dict[str, float] = field(default_factory=dict)
    """`taken`, the SIP call statuses, and `speaking`."""
    outcome: Outcome | None = None
    reason: str = ""
    sip_status: int | None = None
    nobody: str = ""
    """Why no host took the call; empty if one did."""

    @property
    def gated(self) -> bool:
        """Whether the gate stopped it; a carrier's 403 has the same outcome."""
        return self.outcome is Outcome.BLOCKED and self.sip_status is None

    def note(self, what: str, seconds: float) -> None:
        """Note the first time of something."""
        self.at.setdefault(what, seconds)


def told(persona: str, room: str, seen: Seen) -> TrialCall:
    """Return the steps of a call that is over."""
    steps = (_taken(seen), _room(room, seen), _gate(seen), *_on_the_line(seen))
    return TrialCall(
        persona,
        room,
        steps,
        seen.outcome.value if seen.outcome else "",
        seen.reason or seen.nobody,
        seen.sip_status,
        _mend(persona, seen),
        all(step.status is not Status.FAILURE for step in steps),
    )


def _taken(seen: Seen) -> Step:
    if seen.nobody:
        return Step("dispatch taken", Status.FAILURE, None, seen.nobody)
    return Step("dispatch taken", Status.OK, seen.at.get("taken"))


def _room(room: str, seen: Seen) -> Step:
    if seen.nobody:
        return Step("room", Status.SKIPPED)
    return Step("room", Status.OK, seen.at.get("taken"), room)


def _gate(seen: Seen) -> Step:
    if seen.gated:
        return Step("gate", Status.FAILURE, None, seen.reason)
    dialled = seen.at.keys() & {"dialing", "ringing", "active"} or seen.sip_status
    return Step("gate", Status.OK if dialled else Status.SKIPPED)


def _is_unanswered(outcome: Outcome | None) -> bool:
    """Return whether nobody took the call, and there is nothing to mend at the trunk."""
    if outcome in (None, Outcome.INVALID_NUMBER, Outcome.BLOCKED):  # by the trunk, it may be
        return False
    return outcome.kind in (Kind.NOT_REACHED, Kind.STOPPED)


def _on_the_line(seen: Seen) -> tuple[Step, ...]:
    dialled, active = seen.at.get("dialing"), seen.at.get("active")
    not_there = Status.WARNING if _is_unanswered(seen.outcome) else Status.FAILURE
    lost = seen.nobody or seen.gated
    went_out = dialled is not None or active is not None or seen.sip_status is not None
    if not went_out:
        # Nobody took it, the gate stopped it, or LiveKit did not dial: that is told once.
        first = Step("dialling", Status.SKIPPED if lost else Status.FAILURE, None, seen.reason)
        rest = ("SIP status", "answered", "first audio")
        return (first, *(Step(name, Status.SKIPPED) for name in rest))
    status = seen.sip_status or (200 if active is not None else None)
    sip = Step(
        "SIP status",
        Status.OK if active is not None else not_there,
        seen.at.get("ringing") if active is None else active,
        str(status) if status else "none",
    )
    steps = [Step("dialling", Status.OK, dialled), sip]
    if active is None:
        steps += [Step("answered", not_there, None, seen.reason)]
        return (*steps, Step("first audio", Status.SKIPPED))
    spoke = seen.at.get("speaking")
    heard = Step("first audio", Status.OK, spoke)
    if spoke is None:
        why = "the persona did not speak before the call was over"
        heard = Step("first audio", Status.WARNING, None, why)
    return (*steps, Step("answered", Status.OK, active), heard)


def _mend(persona: str, seen: Seen) -> str:
    if seen.nobody.startswith("no host took"):
        return "run a host with this agent name: python -m host start (or dev)"
    if seen.nobody:
        return "correct what the checks above say of LiveKit"
    if seen.gated:
        return f"python -m host gate NUMBER --persona {persona} explains the rule"
    if seen.sip_status is not None and seen.outcome not in (Outcome.BUSY, Outcome.NO_ANSWER):
        return _BY_SIP_STATUS.get(seen.sip_status, "")
    if seen.outcome is Outcome.TRUNK_ERROR:
        return "correct the outbound trunk: its ID in HOST_TRUNK, its address, its login"
    if seen.outcome is Outcome.FAILED:
        return "see the log of the host"
    return ""
