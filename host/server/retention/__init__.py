"""Removes the records and recordings of calls that are older than they may be kept."""

from host.server.retention.daily import purge_daily
from host.server.retention.old_calls import Purged, purge

__all__ = ["Purged", "purge", "purge_daily"]
