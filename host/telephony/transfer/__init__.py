"""Hands a call over to somebody else: by REFER, or warm, after asking them."""

from host.telephony.transfer.handover import Handover
from host.telephony.transfer.room import is_consultation

__all__ = ["Handover", "is_consultation"]
