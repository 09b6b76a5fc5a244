"""Who picked up a call that we placed, and what to do when it was no person.

LiveKit's AMD listens to the greeting; what it says is weighed against the words themselves, a
beep, and, where it stays in doubt, the answer to a question. The persona's policy decides what
follows.
"""

from host.telephony.voicemail.watch import Voicemail
from host.telephony.voicemail.weighing import Verdict

__all__ = ["Verdict", "Voicemail"]
