"""The table of endings: calls that are placed.

test_endings.py plays each row: `pytest tests/calls/test_endings.py -k "memory and WORD"`.
`taken(name, way, outcome, by, greeted=1, again=False)` is a row: `greeted` is how often the
persona's greeting is heard, `again` whether a retry makes sense. The callees are telephones, or
scripts of people.py. The persona `ends` greets with "...how are you this morning"; its metadata
`machine` is its voicemail policy: leave, skip (also screeners), or talk, the default, which detects
neither machines nor screeners.
"""

from __future__ import annotations

from endings import APOLOGY, FAR_END, GREETED, Row, taken, untaken
from people import (
    MAILBOX,
    SCREENER,
    goes,
    goes_at_once,
    is_full,
    says,
    says_hello,
    says_hello_and_goes,
    talks,
)
from sip_statuses import SIP_STATUSES
from ways import (
    Dials,
    Dispatches,
    delete_the_room,
    hang_it_up,
    once_it_rings,
    put_it_out,
)

from host.local.phone import (
    Fails,
    NoAnswer,
    NoResponse,
    Overloaded,
    Telephone,
    TransferReply,
    Unreachable,
    voicemail,
)
from host.records.outcome import Outcome

ANN = {"name": "Ann"}


def refused(status: int) -> Row:
    """A dial that a telephone or a trunk answers with a SIP status."""
    outcome, again = SIP_STATUSES[status]
    way = Dials("patient", Fails(status, rings=status == 603))
    return Row(f"SIP {status}", way, outcome, FAR_END, status, again)


NO_ANSWER = untaken(
    "no answer", Dials("patient", NoAnswer()), Outcome.NO_ANSWER, FAR_END, again=True
)
NO_RESPONSE = untaken(
    "no response", Dials("patient", NoResponse()), Outcome.NO_ANSWER, FAR_END, again=True
)
NO_CREDENTIALS = untaken(
    "a trunk without credentials", Dials("patient", Fails(407)), Outcome.TRUNK_ERROR, "livekit"
)
DELETED = untaken(
    "the room is deleted while it rings",
    Dials("patient", NoAnswer(), once_it_rings(delete_the_room)),
    Outcome.CANCELLED,
    "livekit",
    again=True,
)

BY_SIP_STATUS = [
    refused(status)
    for status in (
        *(400, 402, 403, 404, 405, 406, 408, 410, 480, 484, 486, 487, 488, 500, 501, 502, 503),
        *(504, 600, 603, 604, 606, 607, 608),
    )
]
"""Every SIP status of LiveKit SIP's own table."""

UNANSWERED = [
    NO_ANSWER,
    NO_RESPONSE,
    DELETED,
    untaken(
        "no response for as long as LiveKit SIP waits, which is less than it may ring",
        Dials("polite", NoResponse()),
        Outcome.NO_ANSWER,
        FAR_END,
        again=True,
    ),
    Row(
        "dispatched twice at the same moment",
        Dispatches("ends", '{"persona": "ends", "phone_number": "NUMBER"}', times=2),
        Outcome.INVALID_NUMBER,
        FAR_END,
        404,
    ),
    NO_CREDENTIALS,
    Row(
        "declined by hand",
        Dials("patient", NoAnswer(), once_it_rings(hang_it_up)),
        Outcome.DECLINED,
        FAR_END,
        603,
    ),
    untaken(
        "lost in the network",
        Dials("patient", Unreachable()),
        Outcome.TRUNK_ERROR,
        "livekit",
        again=True,
    ),
    untaken(
        "too busy to dial",
        Dials("patient", Overloaded()),
        Outcome.TRUNK_ERROR,
        "livekit",
        again=True,
        invites=0,
    ),
    untaken(
        "a trunk that does not exist",
        Dials("trunkless", Telephone()),
        Outcome.TRUNK_ERROR,
        "livekit",
        invites=0,
    ),
    untaken(
        "the callee is removed while it rings",
        Dials("patient", NoAnswer(), once_it_rings(put_it_out)),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    untaken(
        "given up by whoever placed it",
        Dials("patient", NoAnswer(), given_up=True),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    untaken(
        "metadata that the persona refuses",
        Dispatches("leaves", '{"persona": "leaves", "phone_number": "NUMBER"}'),
        Outcome.REFUSED,
        "host",
        invites=0,
    ),
    untaken(
        "a persona that nobody knows",
        Dispatches("", '{"persona": "nobody", "phone_number": "NUMBER"}'),
        Outcome.REFUSED,
        "host",
        invites=0,
    ),
    untaken(
        "metadata that is no object", Dispatches("", "not json"), Outcome.REFUSED, "host", invites=0
    ),
    *(
        untaken(
            f"{question} raises before the dial",
            Dials("fragile", Telephone(), details={"breaks": question}),
            Outcome.FAILED,
            "host",
            again=True,
            invites=0,
        )
        for question in (
            *("instructions", "agent", "stt", "llm", "tts", "tools", "session_options"),
            "room_options",
        )
    ),
]
"""Calls that nobody takes."""

TRANSFERRED = TransferReply(notify=200)

ANSWERED = [
    taken(
        "the callee goes at once",
        Dials("leaves", Telephone(script=goes_at_once), details=ANN),
        Outcome.ABANDONED,
        greeted=0,
        again=True,
    ),
    taken(
        "the callee goes in the greeting",
        Dials("leaves", Telephone(script=says_hello_and_goes), details=ANN),
        greeted=None,
    ),
    taken(
        "the callee goes after the greeting",
        Dials("leaves", Telephone(script=says_hello), details=ANN),
    ),
    taken(
        "the persona hangs up on the callee",
        Dials("ends", Telephone(script=talks(GREETED, "Please leave me alone."))),
        by="persona",
    ),
    taken(
        "too busy to dial, once",
        Dials("leaves", Overloaded(Telephone(script=says_hello)), details=ANN),
    ),
    taken(
        "the callee never speaks, and goes",
        Dials("leaves", Telephone(script=goes("this is a test call")), details=ANN),
        Outcome.NO_ANSWER,
        again=True,
    ),
    taken(
        "the callee never speaks, and stays",
        Dials("quiet", Telephone()),
        Outcome.NO_ANSWER,
        "host",
        again=True,
    ),
    taken(
        "the persona hangs up on a callee who never spoke",
        Dials("ends", Telephone(), details={"hasty": True}),
        Outcome.NO_ANSWER,
        "persona",
        again=True,
    ),
    taken(
        "the greeting raises after the answer",
        Dials("fragile", Telephone(), details={"breaks": "greeting"}),
        Outcome.FAILED,
        "host",
        greeted=0,
        again=True,
        hears=APOLOGY,
    ),
    taken(
        "the callee is transferred",
        Dials(
            "ends",
            Telephone(script=talks(GREETED, "Please put me through."), on_transfer=TRANSFERRED),
        ),
        Outcome.TRANSFERRED,
        "persona",
    ),
    taken(
        "a message is left",
        Dials("ends", Telephone(script=voicemail(MAILBOX)), details={"machine": "leave"}),
        Outcome.VOICEMAIL_LEFT,
        "persona",
        greeted=0,
        hears="This is the message of the test. Please call us back tomorrow.",
    ),
    taken(
        "a machine is skipped",
        Dials("ends", Telephone(script=voicemail(MAILBOX)), details={"machine": "skip"}),
        Outcome.VOICEMAIL_SKIPPED,
        "persona",
        greeted=0,
        again=True,
    ),
    taken(
        "a mailbox is full",
        Dials("ends", Telephone(script=is_full), details={"machine": "leave"}),
        Outcome.VOICEMAIL_SKIPPED,
        "persona",
        greeted=0,
        again=True,
    ),
    taken(
        "a machine is talked to",
        Dials("ends", Telephone(script=voicemail(MAILBOX, records=1)), details={"machine": "talk"}),
    ),
    taken(
        "a machine hangs up before the message",
        Dials("ends", Telephone(script=says(MAILBOX, 2.5)), details={"machine": "leave"}),
        Outcome.VOICEMAIL_SKIPPED,
        greeted=0,
        again=True,
    ),
    taken(
        "a screener is hung up on",
        Dials("ends", Telephone(script=says(SCREENER, 20.0)), details={"machine": "skip"}),
        Outcome.VOICEMAIL_SKIPPED,
        "persona",
        greeted=0,
        again=True,
    ),
]
"""Calls that are taken, by people and by machines."""
