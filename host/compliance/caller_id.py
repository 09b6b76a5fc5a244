"""Which numbers a persona's calls may show as their caller ID: its own, and no others."""

from __future__ import annotations

from host.base.e164 import canonical
from host.settings import PersonaSettings, Settings

NOT_OWN = "the caller ID is none of the persona's own numbers (caller_id, numbers)"


def may_show(caller_id: str, settings: Settings, deployment: PersonaSettings) -> bool:
    """Return whether a number in E.164 is `caller_id` or one of `numbers` of the persona."""
    own = [*deployment.numbers, *filter(None, [deployment.caller_id])]
    if caller_id in own:
        return True
    regions = settings.regions
    return caller_id in {canonical(number, regions) for number in own}
