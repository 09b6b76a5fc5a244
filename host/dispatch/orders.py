"""Orders to a call, signed, as attributes of its agent in LiveKit's room.

They reach the call of any host of the deployment. Only LiveKit's API can set an attribute of the
agent, and an order is signed with the API secret as well, so that a token for the room is not
enough, whatever it allows.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from livekit import api

from host.dispatch.livekit import keys_of
from host.settings import Settings

ACCEPTED = "accepted"
"""What a call puts in place of an order that it obeys."""


def signed(attribute: str, facts: Mapping[str, Any], settings: Settings) -> str:
    """Return an attribute's value. The attribute's name is signed too: it says what is ordered."""
    text = json.dumps(facts, ensure_ascii=False)
    return f"{_signature(attribute, text, settings)} {text}"


def verified(attribute: str, value: str, settings: Settings) -> dict[str, Any] | None:
    """Return the facts of an attribute's value; None if it is not signed."""
    signature, _, text = value.partition(" ")
    if not hmac.compare_digest(signature.encode(), _signature(attribute, text, settings).encode()):
        return None
    facts: dict[str, Any] = json.loads(text)
    return facts


async def give(
    livekit: api.LiveKitAPI, room: str, agent: str, attributes: Mapping[str, str]
) -> None:
    """Set attributes of a call's agent, unless it has just left."""
    request = api.UpdateParticipantRequest(room=room, identity=agent, attributes=attributes)
    try:
        await livekit.room.update_participant(request)
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise


def _signature(attribute: str, text: str, settings: Settings) -> str:
    _, secret = keys_of(settings)
    signed = f"{attribute}\0{text}"
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
