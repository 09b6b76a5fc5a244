"""The table of endings: calls that come in."""

from __future__ import annotations

from endings import APOLOGY, DESK, FAR_END, GREETED, taken, untaken
from people import (
    goes,
    goes_at_once,
    goes_in_a_word,
    goes_in_an_answer,
    goes_in_the_greeting,
    goes_when_greeted,
    presses_a_key,
    says,
    talks,
)
from ways import (
    Dispatches,
    Rings,
    Visits,
    add_a_telephone,
    delete_the_room,
    dispatch_again,
    drop_it,
    once_it_is_taken,
    once_it_talks,
    put_it_out,
)

from host.local.phone import FailsTransfer, IgnoresTransfer, RefusesTransfer, TransferReply
from host.records.outcome import Outcome

GOODBYE = "Thank you very much for your call. Goodbye."

UNTAKEN = [
    untaken(
        "the caller gives up while it rings",
        Rings("slow", patience=1.5),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
    ),
    untaken(
        "nobody comes",
        Dispatches("desk", '{"persona": "desk"}'),
        Outcome.ABANDONED,
        FAR_END,
        again=True,
        invites=0,
    ),
    untaken(
        "the room is deleted while the caller waits",
        Rings("slow", meanwhile=once_it_is_taken(delete_the_room)),
        Outcome.CANCELLED,
        "livekit",
        again=True,
    ),
    untaken("a caller without details", Rings("leaves"), Outcome.REFUSED, "host"),
    untaken(
        "details that the persona refuses",
        Rings("fragile", details={"breaks": "metadata"}),
        Outcome.REFUSED,
        "host",
    ),
    untaken("a caller for nobody", Rings("nobody"), Outcome.REFUSED, "host"),
]
"""Callers who are not answered."""

FRAGILE = [
    *(
        taken(
            f"{question} raises",
            Rings("fragile", details={"breaks": question}),
            Outcome.FAILED,
            "host",
            greeted=0,
            again=True,
            hears=APOLOGY,
        )
        for question in (
            *("parse_metadata", "instructions", "agent", "stt", "llm", "tts"),
            *("session_options", "room_options", "tools", "greeting"),
        )
    ),
    *(
        taken(
            f"{event} raises",
            Rings("fragile", goes("nothing breaks"), details={"breaks": event}),
        )
        for event in ("prepare_call", "call_greeted", "call_ended")
    ),
    taken(
        "no llm",
        Rings("unplugged", talks("pulled the plug", "Who is it?"), details={"lacks": "llm"}),
        Outcome.FAILED,
        "host",
        again=True,
    ),
    *(
        taken(
            f"no {provider}",
            Rings("unplugged", says("Hello?", 20.0), details={"lacks": provider}),
            Outcome.FAILED,
            "host",
            greeted=None,
            again=True,
        )
        for provider in ("tts", "stt", "realtime")
    ),
]
"""Callers of a persona of which something is broken."""

TAKEN = [
    taken(
        "the caller goes before a word",
        Rings("wordless", goes_at_once),
        Outcome.ABANDONED,
        greeted=0,
        again=True,
    ),
    *(
        taken(name, Rings("ends", script), greeted=greeted)
        for name, script, greeted in (
            ("the caller goes in the greeting", goes_in_the_greeting, None),
            ("the caller goes after the greeting", goes(GREETED), 1),
            ("the caller goes in an answer", goes_in_an_answer, 1),
            ("the caller goes in a word", goes_in_a_word, 1),
            ("a tool raises", goes(GREETED, "I have fallen over", says="Please fall over."), 1),
        )
    ),
    *(
        taken(name, Rings("ends", script, details=details), by="persona")
        for name, script, details in (
            ("an agent closes its session", talks(GREETED, "Please close the door."), {}),
            ("a key hangs up", presses_a_key, {}),
            ("the persona hangs up when it has greeted", None, {"hasty": True}),
        )
    ),
    *(
        taken(name, Rings("ends", talks(GREETED, words)), by="persona", hears=goodbye)
        for name, words, goodbye in (
            ("the model hangs up", "Thank you and goodbye.", GOODBYE),
            ("a tool hangs up", "Please leave me alone.", "It was nice to talk to you. Goodbye."),
        )
    ),
    taken(
        "the time is up",
        Rings("timed"),
        by="host",
        hears="I am sorry, our time is up. Goodbye.",
    ),
    *(
        taken(name, Rings("ends", meanwhile=once_it_talks(act)), by=by)
        for name, act, by in (
            ("the telephone is lost", drop_it, FAR_END),
            ("the room is deleted", delete_the_room, "livekit"),
            ("the caller is removed", put_it_out, "livekit"),
            ("a second telephone is in the room", add_a_telephone, FAR_END),
        )
    ),
    taken(
        "the call is dispatched twice",
        Rings("ends", says("", 5.0), meanwhile=once_it_talks(dispatch_again)),
    ),
    taken(
        "the caller is transferred",
        Rings("desk", talks(DESK, "Please put me through."), on_transfer=TransferReply(notify=200)),
        Outcome.TRANSFERRED,
        "persona",
    ),
    *(
        taken(
            name,
            Rings("desk", goes(DESK, last, says="Please put me through."), on_transfer=reply),
        )
        for name, last, reply in (
            ("a transfer is refused", "let us go on then", RefusesTransfer(603)),
            ("a transfer's target is busy", "let us go on then", FailsTransfer(486)),
            ("the caller goes in a transfer", "connecting you to", IgnoresTransfer()),
        )
    ),
    taken("a visitor goes", Visits("desk", goes(DESK))),
    taken(
        "the persona hangs up on a visitor",
        Visits("desk", talks(DESK, "Thank you and goodbye.")),
        by="persona",
        hears=GOODBYE,
    ),
]
"""Callers who are answered."""

REALTIME = [taken("the caller of a realtime model goes", Rings("realtime", goes_when_greeted))]
