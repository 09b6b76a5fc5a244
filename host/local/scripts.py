"""Rules for the bundled personas, and the script of a person who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.local.rules import Rule

if TYPE_CHECKING:
    from host.local.phone import Line

RECEPTIONIST = "receptionist of Molar Dental"
REMINDER = "Confirm that"
SURVEY = "how the visit at Molar Dental was"

RULES = (
    Rule(
        about=RECEPTIONIST,
        hears="opening hours|open|close",
        says="We are open from nine to five, Monday to Friday.",
    ),
    Rule(about=RECEPTIONIST, hears="billing|invoice", calls=("transfer_call", {"to": "billing"})),
    Rule(about=RECEPTIONIST, hears="dentist|doctor", calls=("transfer_call", {"to": "dentist"})),
    Rule(
        about=RECEPTIONIST,
        after="transfer_call",
        says="I am sorry, nobody takes the call there. Can I help you with anything else?",
    ),
    Rule(about=REMINDER, hears="can not|can't|another", says="No problem, we will call you again."),
    Rule(about=REMINDER, hears="i can|will be there|works", calls=("end_call", {})),
    Rule(
        about=REMINDER,
        hears="speaking|hello|this is",
        says="You have an appointment tomorrow. Can you come?",
    ),
    Rule(about=REMINDER, after="end_call", says="Thank you, see you tomorrow. Goodbye."),
    Rule(about=SURVEY, hears="five|great", calls=("record_score", {"score": 5})),
    Rule(about=SURVEY, hears="one|bad", calls=("record_score", {"score": 1})),
)


async def person(line: Line) -> None:
    """A person who answers, listens, says yes and waits for the goodbye."""
    await line.say("Hello?")
    await line.silence_for(1.0)
    await line.say("Yes, speaking.")
    await line.silence_for(1.5)
    await line.say("Yes, I can.")
    await line.stay()
