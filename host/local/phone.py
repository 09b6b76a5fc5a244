"""Telephones for the local exchange, and scripts for them.

    async def asks_for_the_hours(line: Line) -> None:
        await line.heard("how can I help")
        await line.say("What are your opening hours?")
        await line.heard("nine to five")
        await line.hang_up()

    exchange.connect("+15552220001", Telephone(answer_after=1.0, script=asks_for_the_hours))
    exchange.connect("+15552220002", Busy())
    exchange.connect("+15552220004", voicemail("Please leave a message after the tone."))
    call = await exchange.ring("+15557770001", "+15550001111", asks_for_the_hours)

Without a script, and after its end, a telephone waits until the far end hangs up.
"""

from dataclasses import dataclass

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
from host.local.exchange.expected import check_script

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
    "Voicemail",
    "voicemail",
]


def Telephone(
    answer_after: float = 0.5,
    script: PersonScript | None = None,
    *,
    early: PersonScript | None = None,
    first_packet: float = 0.0,
    on_transfer: TransferReply | None = None,
) -> Subscriber:
    """A telephone that rings, answers after so many seconds, and plays a script.

    `early` is what its network plays into the room until then (183 with early media), such as a
    ringback tone of its own, or an announcement. It sends nothing in the first `first_packet`
    seconds after the answer. Raises TypeError for a script that is no function.
    """
    if callable(answer_after):
        name = getattr(answer_after, "__name__", "...")
        raise TypeError(f"answer_after is a number of seconds: did you mean script={name}?")
    check_script("the script of a Telephone", script)
    check_script("`early` of a Telephone", early)
    return Subscriber(
        200,
        answer_after,
        script=script,
        early=early,
        first_packet=first_packet,
        on_transfer=on_transfer or TransferReply(),
    )


def Busy(after: float = 0.1) -> Subscriber:
    """A busy number: 486 without ringing."""
    return Subscriber(486, after, rings=False)


def Declines(after: float = 0.5) -> Subscriber:
    """A telephone that rejects the call: 603 after some ringing."""
    return Subscriber(603, after)


def Invalid(after: float = 0.1) -> Subscriber:
    """A number unknown to the carrier: 404, as for a number that is not connected."""
    return Subscriber(404, after, rings=False)


def Unavailable(after: float = 0.1) -> Subscriber:
    """A telephone that is switched off: 480."""
    return Subscriber(480, after, rings=False)


def Fails(
    status: int,
    after: float = 0.1,
    reason: str = "",
    *,
    rings: bool = False,
    early: PersonScript | None = None,
) -> Subscriber:
    """A number whose carrier answers with any final SIP status from 300 to 699.

    `early` is what the carrier says before, such as "the number is not in service".
    """
    if not 300 <= status <= 699:
        raise ValueError(f"{status} is no SIP status of a failure")
    return Subscriber(status, after, rings, reason, early=early)


def NoAnswer(*, early: PersonScript | None = None) -> Subscriber:
    """A telephone that rings until the host gives up.

    `early` is what its network plays meanwhile: some play a voicemail, and never answer.
    """
    return Subscriber(0, 0.0, early=early)


def NoResponse() -> Subscriber:
    """A trunk that never responds, not even with 180 Ringing."""
    return Subscriber(0, 0.0, rings=False)


def Overloaded(then: Subscriber | None = None) -> Subscriber:
    """LiveKit SIP is too busy to dial: always, or once before the number is `then`."""
    busy = TwirpError("unavailable", FROM_SIP_NODE + "cpu exhausted")
    return Subscriber(0, 0.0, error=busy, dialled=False, then=then)


def Unreachable(after: float = 0.3) -> Subscriber:
    """A number whose trunk becomes unreachable after the INVITE."""
    lost = "write udp 192.0.2.1:5060: network is unreachable"
    error = TwirpError("failed_precondition", FROM_SIP_NODE + lost)
    return Subscriber(503, after, rings=False, error=error)


def RefusesTransfer(status: int = 603) -> TransferReply:
    """Rejects the REFER itself."""
    return TransferReply(refused=status)


def FailsTransfer(status: int = 486) -> TransferReply:
    """Accepts the REFER, and reports in a NOTIFY that the target answered with `status`."""
    return TransferReply(notify=status)


def IgnoresTransfer() -> TransferReply:
    """Accepts the REFER, and sends no final NOTIFY."""
    return TransferReply(notify=0)


@dataclass(frozen=True)
class Voicemail(Subscriber):
    """A voicemail: a telephone, and also the script of one, such as of a Telephone."""

    async def __call__(self, line: Line) -> None:
        """Play the voicemail on an answered call."""
        assert self.script is not None
        await self.script(line)


def voicemail(
    greeting: str,
    *,
    answer_after: float = 0.5,
    pause: float = 0.5,
    beep_hz: float = 1000,
    beep_seconds: float = 0.4,
    records: float = 120.0,
) -> Voicemail:
    """Return a telephone with a voicemail: greeting, pause, beep, and recording until hang-up.

    It hangs up itself after recording `records` seconds. `Telephone(script=voicemail(...))` is the
    same with the Telephone's own `answer_after` and answer to a REFER.
    """

    async def script(line: Line) -> None:
        await line.say(greeting)
        await line.wait(pause)
        await line.beep(beep_hz, beep_seconds)
        await line.wait(records)
        await line.hang_up()

    return Voicemail(200, answer_after, script=script)
