"""A call that ended before anyone saw the far end: what its job tells of it."""

from __future__ import annotations

import pytest
from deployment import Deployment

from host.base.errors import MetadataError
from host.call.state import CallState
from host.dispatch.known import fill_in
from host.settings import load_settings

RANDOM = "aB3dE5gH7jK9"
RUNG = f"call-_+15557770001_{RANDOM}"


async def known(room: str, metadata: str = "") -> CallState:
    state = CallState(id="AJ_1", room=room)
    await fill_in(state, metadata, load_settings())
    return state


@pytest.mark.parametrize(
    ("room", "metadata", "persona", "number"),
    [
        (RUNG, '{"persona": "ann"}', "ann", "+15557770001"),
        (f"bob-_+15557770001_{RANDOM}", "", "bob", "+15557770001"),
        (RUNG, "", None, "+15557770001"),
        (RUNG, '{"persona": "nobody"}', None, "+15557770001"),
        ("room-1", '{"phone_number": "+15552220001"}', "ann", "+15552220001"),
        ("visit-1", "", None, None),
    ],
    ids=["metadata", "room", "by a number only", "not loaded", "outbound", "a visitor"],
)
async def test_persona_and_number_are_told_by_the_metadata_and_the_room(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    room: str,
    metadata: str,
    persona: str | None,
    number: str | None,
) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", '[personas.bob]\nnumbers = ["+15550001111"]\n')
    monkeypatch.setenv("HOST_DEFAULT_PERSONA", "ann")
    state = await known(room, metadata)
    assert (state.persona, state.number) == (persona, number)
    assert state.outbound == ("phone_number" in metadata)


async def test_the_default_persona_is_told_where_no_number_could_choose_another(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    assert (await known(RUNG)).persona == "ann"


async def test_what_is_no_metadata_tells_nothing(deployment: Deployment) -> None:
    deployment.persona("ann")
    with pytest.raises(MetadataError):
        await known(RUNG, "not json")
