"""The mark of what `provision` has made, in the metadata of trunks and dispatch rules.

LiveKit stores metadata in every version, and nothing but its owner reads it; that of a rule is also
the metadata of the callers' participants. Names are for people, who may change them.
"""

from __future__ import annotations

import json

MAKER = "host provision"


def mark_of(agent: str) -> str:
    """Return the metadata of what belongs to a deployment, which its agent name tells apart."""
    return json.dumps({"made_by": MAKER, "agent_name": agent})


def made_for(metadata: str) -> str | None:
    """Return the agent name of the deployment that made it; None if `provision` did not."""
    try:
        read = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(read, dict) or read.get("made_by") != MAKER:
        return None
    agent = read.get("agent_name")
    return agent if isinstance(agent, str) else None
