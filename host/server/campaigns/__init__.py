"""Works on campaigns: takes rows from their queues, and places their calls."""

from host.server.campaigns.runner import CampaignRunner, working_on_campaigns

__all__ = ["CampaignRunner", "working_on_campaigns"]
