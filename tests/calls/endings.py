"""The table of endings: how each call is made, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass

from people import (
    MAILBOX,
    goes,
    goes_at_once,
    goes_in_a_word,
    goes_in_an_answer,
    goes_in_the_greeting,
    is_full,
    presses_a_key,
    says_hello,
    says_hello_and_goes,
    takes_no_time,
    talks,
)
from sip_statuses import SIP_STATUSES
from ways import (
    Dials,
    Dispatches,
    Rings,
    Visits,
    Way,
    add_a_telephone,
    delete_the_room,
    drop_it,
    hang_it_up,
    once_it_rings,
    once_it_talks,
    put_it_out,
)

from host.local.phone import (
    Fails,
    FailsTransfer,
    IgnoresTransfer,
    NoAnswer,
    NoResponse,
    Overloaded,
    RefusesTransfer,
    Telephone,
    TransferReply,
    Unreachable,
    voicemail,
)
from host.outcome import Outcome
from host.record import Who


@dataclass(frozen=True)
class Row:
    """One ending."""

    name: str
    way: Way
    outcome: Outcome
    by: Who
    sip_status: int | None = None
    again: bool = False
    """Whether a retry makes sense."""
    greeted: int | None = 0
    """How often the greeting is heard, whole; None: once at most, and maybe not to its end."""
    answered: bool = False
    invites: int = 1


def refused(status: int) -> Row:
    """A dial that a telephone or a trunk answers with a SIP status."""
    outcome, again = SIP_STATUSES[status]
    way = Dials("patient", Fails(status, rings=status == 603))
    return Row(f"SIP {status}", way, outcome, "far end", status, again)


FAR_END: Who = "far end"
DONE = Outcome.COMPLETED
ANN = {"name": "Ann"}
GREETED = "how are you this morning"
DESK = "what can I do for you"

BY_SIP_STATUS = [
    refused(status)
    for status in (
        *(400, 402, 403, 404, 405, 406, 408, 410, 480, 484, 486, 487, 488, 500, 501, 502, 503),
        *(504, 600, 603, 604, 606, 607, 608),
    )
]
"""Every SIP status of LiveKit SIP's own table."""

UNANSWERED = [
    Row(
        "a trunk without credentials",
        Dials("patient", Fails(407)),
        Outcome.TRUNK_ERROR,
        "livekit",
    ),
    Row("no answer", Dials("patient", NoAnswer()), Outcome.NO_ANSWER, FAR_END, again=True),
    Row("no response", Dials("patient", NoResponse()), Outcome.NO_ANSWER, FAR_END, again=True),
    Row(
        "declined by hand",
        Dials("patient", NoAnswer(), once_it_rings(hang_it_up)),
        Outcome.DECLINED,
        FAR_END,
        603,
    ),
    Row(
        "lost in the network",
        Dials("patient", Unreachable()),
        Outcome.TRUNK_ERROR,
        "livekit",
        again=True,
    ),
    Row(
        "too busy to dial",
        Dials("patient", Overloaded()),
        Outcome.TRUNK_ERROR,
        "livekit",
        again=True,
        invites=0,
    ),
    Row(
        "a trunk that does not exist",
        Dials("trunkless", Telephone()),
        Outcome.TRUNK_ERROR,
        "livekit",
        invites=0,
    ),
    Row(
        "the room is deleted while it rings",
        Dials("patient", NoAnswer(), once_it_rings(delete_the_room)),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    Row(
        "the callee is removed while it rings",
        Dials("patient", NoAnswer(), once_it_rings(put_it_out)),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    Row(
        "given up by whoever placed it",
        Dials("patient", NoAnswer(), given_up=True),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    Row(
        "metadata that the persona refuses",
        Dispatches("leaves", '{"persona": "leaves", "phone_number": "NUMBER"}'),
        Outcome.REFUSED,
        "host",
        invites=0,
    ),
    Row(
        "a persona that nobody knows",
        Dispatches("", '{"persona": "nobody", "phone_number": "NUMBER"}'),
        Outcome.REFUSED,
        "host",
        invites=0,
    ),
    Row(
        "metadata that is no object", Dispatches("", "not json"), Outcome.REFUSED, "host", invites=0
    ),
    *(
        Row(
            f"{question} raises before the dial",
            Dials("fragile", Telephone(), details={"breaks": question}),
            Outcome.FAILED,
            "host",
            again=True,
            invites=0,
        )
        for question in ("instructions", "agent", "stt", "llm", "tts", "tools", "session_options")
    ),
]
"""Calls that are placed and that nobody takes."""

ANSWERED = [
    Row(
        "the callee goes at once",
        Dials("leaves", Telephone(script=goes_at_once), details=ANN),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
        answered=True,
    ),
    Row(
        "the callee goes in the greeting",
        Dials("leaves", Telephone(script=says_hello_and_goes), details=ANN),
        DONE,
        FAR_END,
        greeted=None,
        answered=True,
    ),
    Row(
        "the callee goes after the greeting",
        Dials("leaves", Telephone(script=says_hello), details=ANN),
        DONE,
        FAR_END,
        greeted=1,
        answered=True,
    ),
    Row(
        "the persona hangs up on the callee",
        Dials("ends", Telephone(script=talks(GREETED, "Please leave me alone."))),
        DONE,
        "persona",
        greeted=1,
        answered=True,
    ),
    Row(
        "too busy to dial, once",
        Dials("ends", Overloaded(then=Telephone(script=goes(GREETED)))),
        DONE,
        FAR_END,
        greeted=1,
        answered=True,
    ),
    Row(
        "a message is left",
        Dials("ends", Telephone(script=voicemail(MAILBOX)), details={"machine": "leave"}),
        Outcome.VOICEMAIL_LEFT,
        "persona",
        answered=True,
    ),
    Row(
        "a machine is skipped",
        Dials("ends", Telephone(script=voicemail(MAILBOX)), details={"machine": "skip"}),
        Outcome.VOICEMAIL_SKIPPED,
        "persona",
        again=True,
        answered=True,
    ),
    Row(
        "a mailbox is full",
        Dials("ends", Telephone(script=is_full), details={"machine": "leave"}),
        Outcome.VOICEMAIL_SKIPPED,
        "persona",
        again=True,
        answered=True,
    ),
    Row(
        "a machine is talked to",
        Dials("ends", Telephone(script=voicemail(MAILBOX, records=1)), details={"machine": "talk"}),
        DONE,
        FAR_END,
        greeted=1,
        answered=True,
    ),
    Row(
        "a machine hangs up before the message",
        Dials("ends", Telephone(script=takes_no_time), details={"machine": "leave"}),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
        answered=True,
    ),
    Row(
        "the greeting raises after the answer",
        Dials("fragile", Telephone(), details={"breaks": "greeting"}),
        Outcome.FAILED,
        "host",
        again=True,
        answered=True,
    ),
    Row(
        "the callee is transferred",
        Dials(
            "ends",
            Telephone(
                script=talks(GREETED, "Please put me through."),
                on_transfer=TransferReply(notify=200),
            ),
        ),
        Outcome.TRANSFERRED,
        "persona",
        greeted=1,
        answered=True,
    ),
]
"""Calls that are placed and taken."""

UNTAKEN = [
    Row(
        "the caller gives up while it rings",
        Rings("slow", patience=1.5),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
    ),
    Row(
        "the room is deleted while the caller waits",
        Rings("slow", meanwhile=once_it_rings(delete_the_room)),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    Row("a caller without details", Rings("leaves"), Outcome.REFUSED, "host"),
    Row(
        "details that the persona refuses",
        Rings("fragile", details={"breaks": "metadata"}),
        Outcome.REFUSED,
        "host",
    ),
    Row("a caller for nobody", Rings("nobody"), Outcome.REFUSED, "host"),
]
"""Callers who are not answered."""

FRAGILE = [
    *(
        Row(
            f"{question} raises",
            Rings("fragile", details={"breaks": question}),
            Outcome.FAILED,
            "host",
            again=True,
            answered=True,
        )
        for question in (
            *("parse_metadata", "instructions", "agent", "stt", "llm", "tts"),
            *("session_options", "tools", "greeting"),
        )
    ),
    *(
        Row(
            f"{event} raises",
            Rings("fragile", goes("nothing breaks"), details={"breaks": event}),
            DONE,
            FAR_END,
            greeted=1,
            answered=True,
        )
        for event in ("prepare_call", "call_greeted", "call_ended")
    ),
    *(
        Row(
            f"no {provider}",
            Rings(
                "unplugged",
                talks("pulled the plug", "Tell me a long story."),
                details={"lacks": provider},
            ),
            Outcome.FAILED,
            "host",
            again=True,
            greeted=None,
            answered=True,
        )
        for provider in ("llm", "tts", "stt", "realtime")
    ),
]
"""Callers of a persona of which something is broken."""

TAKEN = [
    Row(
        "the caller goes before a word",
        Rings("wordless", goes_at_once),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
        answered=True,
    ),
    *(
        Row(name, Rings("ends", script), DONE, FAR_END, greeted=greeted, answered=True)
        for name, script, greeted in (
            ("the caller goes in the greeting", goes_in_the_greeting, None),
            ("the caller goes after the greeting", goes(GREETED), 1),
            ("the caller goes in an answer", goes_in_an_answer, 1),
            ("the caller goes in a word", goes_in_a_word, 1),
            ("a tool raises", goes(GREETED, "I have fallen over", says="Please fall over."), 1),
        )
    ),
    *(
        Row(name, Rings("ends", script), DONE, "persona", greeted=1, answered=True)
        for name, script in (
            ("the model hangs up", talks(GREETED, "Thank you and goodbye.")),
            ("a tool hangs up", talks(GREETED, "Please leave me alone.")),
            ("an agent closes its session", talks(GREETED, "Please close the door.")),
            ("a key hangs up", presses_a_key),
        )
    ),
    Row(
        "the persona hangs up when it has greeted",
        Rings("ends", details={"hasty": True}),
        DONE,
        "persona",
        greeted=1,
        answered=True,
    ),
    Row("the time is up", Rings("short"), DONE, "host", greeted=1, answered=True),
    *(
        Row(name, Rings("ends", meanwhile=once_it_talks(act)), DONE, by, greeted=1, answered=True)
        for name, act, by in (
            ("the telephone is lost", drop_it, FAR_END),
            ("the room is deleted", delete_the_room, "livekit"),
            ("the caller is removed", put_it_out, "livekit"),
            ("a second telephone is in the room", add_a_telephone, FAR_END),
        )
    ),
    Row(
        "the caller is transferred",
        Rings("desk", talks(DESK, "Please put me through."), on_transfer=TransferReply(notify=200)),
        Outcome.TRANSFERRED,
        "persona",
        greeted=1,
        answered=True,
    ),
    *(
        Row(
            name,
            Rings(
                "desk",
                goes(DESK, "let us go on then", says="Please put me through."),
                on_transfer=reply,
            ),
            DONE,
            FAR_END,
            greeted=1,
            answered=True,
        )
        for name, reply in (
            ("a transfer is refused", RefusesTransfer(603)),
            ("a transfer's target is busy", FailsTransfer(486)),
        )
    ),
    Row(
        "the caller goes while being transferred",
        Rings(
            "desk",
            goes(DESK, "connecting you to", says="Please put me through."),
            on_transfer=IgnoresTransfer(),
        ),
        DONE,
        FAR_END,
        greeted=1,
        answered=True,
    ),
    Row(
        "the caller of a realtime model goes",
        Rings("realtime", goes("speak by myself")),
        DONE,
        FAR_END,
        greeted=1,
        answered=True,
    ),
    Row("a visitor goes", Visits("desk", goes(DESK)), DONE, FAR_END, greeted=1, answered=True),
    Row(
        "the persona hangs up on a visitor",
        Visits("desk", talks(DESK, "Thank you and goodbye.")),
        DONE,
        "persona",
        greeted=1,
        answered=True,
    ),
]
"""Callers who are answered."""
