"""Hands a call over to somebody else: by REFER, or warm, after asking them."""

from host.handover.handover import Handover
from host.handover.room import is_consultation

__all__ = ["Handover", "is_consultation"]
