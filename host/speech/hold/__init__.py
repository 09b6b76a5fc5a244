"""Waits while the far end has put the call on hold, and resumes when somebody talks to the persona.

`host.call.hold` keeps the state; `phrases` tells a hold from words that sound alike.
"""

from host.speech.hold.phrases import offers_menu
from host.speech.hold.reached import ending_of_hangup, outcome_of, person_reached
from host.speech.hold.watch import HoldWatch

__all__ = ["HoldWatch", "ending_of_hangup", "offers_menu", "outcome_of", "person_reached"]
