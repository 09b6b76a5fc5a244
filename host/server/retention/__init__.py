"""Removes records and recordings after their retention period."""

from host.server.retention.daily import purge_daily
from host.server.retention.old_calls import Purged, purge

__all__ = ["Purged", "purge", "purge_daily"]
