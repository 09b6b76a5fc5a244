"""Telephones for the local exchange, and what the people who hold them do.

    async def asks_for_the_hours(line: Line) -> None:
        await line.heard("how can I help")
        await line.say("What are your opening hours?")
        await line.heard("nine to five")
        await line.hang_up()

    exchange.connect("+15552220001", Telephone(answer_after=1.0, script=asks_for_the_hours))
    exchange.connect("+15552220002", Busy())
    call = await exchange.ring("+15557770001", "+15550001111", asks_for_the_hours)

Without a script, and after the end of one, a telephone stays on the line until the far end
hangs up.
"""

from host.local.exchange import (
    Heard,
    HungUp,
    Key,
    Line,
    NotHeard,
    PersonScript,
    PhoneCall,
    Subscriber,
    TransferReply,
)
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError

__all__ = [
    "Busy",
    "Declines",
    "Fails",
    "FailsTransfer",
    "Heard",
    "HungUp",
    "IgnoresTransfer",
    "Invalid",
    "Key",
    "Line",
    "NoAnswer",
    "NoResponse",
    "NotHeard",
    "Overloaded",
    "PersonScript",
    "PhoneCall",
    "RefusesTransfer",
    "Telephone",
    "TransferReply",
    "Unavailable",
    "Unreachable",
    "voicemail",
]


def Telephone(
    answer_after: float = 0.5,
    script: PersonScript | None = None,
    *,
    on_transfer: TransferReply | None = None,
) -> Subscriber:
    """A telephone that rings and is answered after so many seconds."""
    return Subscriber(200, answer_after, script=script, on_transfer=on_transfer or TransferReply())


def Busy(after: float = 0.1) -> Subscriber:
    """A number that is engaged: 486 without a ring."""
    return Subscriber(486, after, rings=False)


def Declines(after: float = 0.5) -> Subscriber:
    """A telephone whose owner sees the number and rejects the call: 603 after some ringing."""
    return Subscriber(603, after)


def Invalid(after: float = 0.1) -> Subscriber:
    """A number that the carrier doesn't know: 404. A number never connected does the same."""
    return Subscriber(404, after, rings=False)


def Unavailable(after: float = 0.1) -> Subscriber:
    """A telephone that is switched off: 480."""
    return Subscriber(480, after, rings=False)


def Fails(status: int, after: float = 0.1, reason: str = "", *, rings: bool = False) -> Subscriber:
    """A number whose carrier answers with any final SIP status from 300 to 699."""
    if not 300 <= status <= 699:
        raise ValueError(f"{status} is no SIP status of a failure")
    return Subscriber(status, after, rings, reason)


def NoAnswer() -> Subscriber:
    """A telephone that rings until the host gives up."""
    return Subscriber(0, 0.0)


def NoResponse() -> Subscriber:
    """A trunk that says nothing at all, not even that it rings."""
    return Subscriber(0, 0.0, rings=False)


def Overloaded(then: Subscriber | None = None) -> Subscriber:
    """No telephone: LiveKit SIP is too busy to dial, for good, or once and then finds `then`."""
    busy = TwirpError("unavailable", FROM_SIP_NODE + "cpu exhausted")
    return Subscriber(0, 0.0, error=busy, dialled=False, then=then)


def Unreachable(after: float = 0.3) -> Subscriber:
    """A number whose trunk is lost in the network after the INVITE went out."""
    lost = "write udp 192.0.2.1:5060: network is unreachable"
    error = TwirpError("failed_precondition", FROM_SIP_NODE + lost)
    return Subscriber(503, after, rings=False, error=error)


def RefusesTransfer(status: int = 603) -> TransferReply:
    """Refuses the REFER itself."""
    return TransferReply(refused=status)


def FailsTransfer(status: int = 486) -> TransferReply:
    """Accepts the REFER, and reports in a NOTIFY that the target answered with `status`."""
    return TransferReply(notify=status)


def IgnoresTransfer() -> TransferReply:
    """Accepts the REFER, and never says what became of it."""
    return TransferReply(notify=0)


def voicemail(
    greeting: str,
    *,
    pause: float = 0.5,
    beep_hz: float = 1000,
    beep_seconds: float = 0.4,
    records: float = 120.0,
) -> PersonScript:
    """Make a voicemail: it greets, pauses, beeps, and records until the far end hangs up.

    After `records` seconds it hangs up itself, as a full tape does.
    """

    async def script(line: Line) -> None:
        await line.say(greeting)
        await line.wait(pause)
        await line.beep(beep_hz, beep_seconds)
        await line.wait(records)
        await line.hang_up()

    return script
