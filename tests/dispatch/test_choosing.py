"""The persona of a call: by plugins, which may look something up, and else by the routes."""

from __future__ import annotations

import os

import pytest
from deployment import Deployment

from host.call.dispatch import Dispatch
from host.dispatch.choosing import choose
from host.registry.routes import Choice

SLOW = """
    import time
    from host import hookimpl

    @hookimpl
    def choose_persona(dispatch, personas):
        time.sleep(float(dispatch.metadata["seconds"]))
        return "bob"
    """


async def chosen(deployment: Deployment, seconds: float) -> Choice:
    """Choose for a call whose plugin takes so many seconds."""
    for name in ("ann", "bob"):
        deployment.persona(name)
    deployment.write("plugins/slow.py", SLOW)
    os.environ["HOST_DEFAULT_PERSONA"] = "ann"
    return await choose(deployment.load(), Dispatch(metadata={"seconds": seconds}))


async def test_a_plugin_may_take_its_time_to_choose(deployment: Deployment) -> None:
    assert (await chosen(deployment, 0.05)).persona == "bob"


async def test_a_plugin_that_does_not_choose_in_time_leaves_it_to_the_routes(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("host.dispatch.choosing.CHOICE_LIMIT", 0.05)
    assert await chosen(deployment, 0.3) == Choice("ann", "default", "ann is the default persona")
    assert "no plugin has chosen the persona within 0 s" in caplog.text
