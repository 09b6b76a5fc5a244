"""Campaigns: many calls of one persona, from a file, on a queue that hosts may share."""

from host.dispatch.campaigns.model import Attempt, Campaign, Counts, Row, Step
from host.dispatch.campaigns.queue import CampaignQueue, Directory, open_campaigns

__all__ = [
    "Attempt",
    "Campaign",
    "CampaignQueue",
    "Counts",
    "Directory",
    "Row",
    "Step",
    "open_campaigns",
]
