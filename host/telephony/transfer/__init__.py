"""Transfers a call: cold by SIP REFER, or warm after consulting a colleague."""

from host.telephony.transfer.handover import Handover
from host.telephony.transfer.room import is_consultation

__all__ = ["Handover", "is_consultation"]
