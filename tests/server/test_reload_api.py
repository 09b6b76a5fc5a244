"""The API after a reload: its personas, and what it checks details with."""

from __future__ import annotations

import json
import os

import pytest
from deployment import Deployment
from in_process_api import NUMBER, TOKEN, an_api_in_process
from reloading import says, start

from host.dispatch.place import encode_metadata
from host.registry import Registry
from host.server.api.details_validator import DetailsValidator
from host.server.live_calls import LiveCalls

ASKS = """\

@hookimpl
def parse_metadata(metadata):
    return metadata["{field}"]
"""


async def test_the_api_knows_the_personas_and_settings_that_there_are_now(
    served: Deployment,
) -> None:
    os.environ["HOST_API_TOKEN"] = TOKEN
    reloader = start()
    async with an_api_in_process(reloader.settings) as api:
        reloader.follow(api.calls.use)
        assert personas_of(api.app.openapi()) == ["desk"]
        says(served, "night", "good night")
        reloader.reload()
        assert personas_of(api.app.openapi()) == ["desk", "night"]
        status, told = await api.place(persona="nobody", number=NUMBER)
        assert status == 422
        assert "(there are: desk, night)" in json.dumps(told)


def personas_of(described: dict[str, object]) -> list[str]:
    """The personas that the API's description names."""
    text = json.dumps(described)
    named: list[str] = json.loads(text)["components"]["schemas"]["WantedCall"]["properties"][
        "persona"
    ]["enum"]
    return named


def test_live_calls_are_masked_as_the_settings_say_now(served: Deployment) -> None:
    reloader = start()
    live = LiveCalls(reloader.settings)

    def use(settings: object, loaded: Registry) -> None:
        live.use(reloader.settings)

    reloader.follow(use)
    assert live._mask.number(NUMBER, ["desk"]) != NUMBER
    served.write("host.toml", "record_numbers = true\n")
    reloader.reload()
    assert live._mask.number(NUMBER, ["desk"]) == NUMBER


@pytest.mark.processes
async def test_details_are_validated_with_the_newest_code(served: Deployment) -> None:
    says(served, "desk", "one")
    with (served.folder / "personas/desk.py").open("a") as persona:
        persona.write(ASKS.format(field="first"))
    reloader = start()
    validator = DetailsValidator(reloader.settings)
    reloader.follow(validator.use)
    metadata = encode_metadata("desk", NUMBER, {}, "key")
    try:
        (fault,) = await validator.faults(metadata)
        assert fault.msg == "'first' is missing"
        says(served, "desk", "two")
        with (served.folder / "personas/desk.py").open("a") as persona:
            persona.write(ASKS.format(field="second"))
        reloader.reload()
        served.write("personas/desk.py", "def (")
        (fault,) = await validator.faults(metadata)
        assert fault.msg == "'second' is missing"
    finally:
        await validator.close()
