"""Tokens with which a person at a browser joins a call's room, by LiveKit's own grants."""

from __future__ import annotations

import secrets
from datetime import timedelta

from livekit import api

from host.dispatch.livekit import token_of
from host.settings import Settings

TOKEN_LASTS = timedelta(seconds=60)
"""Time in which a token has to be used; LiveKit renews it for whoever has joined."""
MICROPHONE = "microphone"
LISTENER = "listener-"
"""Beginning of the identity of whoever listens in."""
OPERATOR = "operator-"
"""Beginning of the identity of an operator who takes a call over."""
CALLER = "console"
"""Name of a caller at the console, and the `reference` of the call's record."""


def caller_token(settings: Settings, room: str, metadata: str) -> str:
    """Return a token for a caller with a microphone, who also may press keys.

    Joining creates the room, whose agent is dispatched then: nobody waits in a room that nobody
    joins.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_publish_sources=[MICROPHONE],
        can_publish_data=True,  # keys are data
        can_subscribe=True,
    )
    agent = api.RoomAgentDispatch(agent_name=settings.agent_name, metadata=metadata)
    token = _token(settings, f"{CALLER}-{secrets.token_hex(4)}", grants).with_name(CALLER)
    return token.with_room_config(api.RoomConfiguration(agents=[agent])).to_jwt()


def listener_token(settings: Settings, room: str) -> str:
    """Return a token for a hidden participant, who hears a call and can't be heard."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        hidden=True,
        can_publish=False,
        can_publish_data=False,
        can_subscribe=True,
    )
    return _token(settings, f"{LISTENER}{secrets.token_hex(4)}", grants).to_jwt()


def operator_identity() -> str:
    """Return a new identity of an operator."""
    return f"{OPERATOR}{secrets.token_hex(8)}"


def operator_token(settings: Settings, room: str, identity: str) -> str:
    """Return a token for an operator, whose microphone everybody in the room hears."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_publish_sources=[MICROPHONE],
        can_publish_data=False,
        can_subscribe=True,
    )
    return _token(settings, identity, grants).to_jwt()


def _token(settings: Settings, identity: str, grants: api.VideoGrants) -> api.AccessToken:
    return token_of(settings).with_identity(identity).with_grants(grants).with_ttl(TOKEN_LASTS)
