"""Detects what answered an outbound call, and applies the persona's voicemail policy.

LiveKit's AMD classifies the greeting. The host weighs its result against known phrases, a beep
and, if in doubt, the answer to a question. Networks and call screeners answer calls, too.
"""

from host.telephony.voicemail.watch import Voicemail
from host.telephony.voicemail.weighing import Verdict

__all__ = ["Verdict", "Voicemail"]
