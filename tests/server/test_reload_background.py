"""The parent's background tasks go on through a reload, or are restarted by it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import pytest
from deployment import Deployment
from reloading import says, start

from host.server.reload import Background, Reloader
from host.server.reload import background as module
from host.settings import Settings

TELLS = '''\
"""Tells when it begins and ends to serve."""

import asyncio

from host import hookimpl
from pydantic import BaseModel


class Tells(BaseModel):
    word: str = "hello"


@hookimpl
def plugin_settings():
    return Tells


@hookimpl
async def while_serving(settings):
    told, word = asyncio.told, settings.plugin(Tells).word
    told.append(f"{word} {version}")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        told.append(f"bye {version}")
'''


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the plugin, the prompts and the purge have told."""
    told: list[str] = []

    async def runs(settings: Settings) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "keep_sounds", runs)
    monkeypatch.setattr(module, "purge_daily", runs)
    monkeypatch.setattr(asyncio, "told", told, raising=False)
    return told


@pytest.fixture
async def serving(served: Deployment, told: list[str]) -> AsyncIterator[Reloader]:
    """A host whose plugin serves."""
    tells(served, 1)
    reloader, background = start(), Background()
    background.use(reloader.settings, reloader.loaded)
    reloader.follow(background.use)
    await settled()
    assert told == ["hello 1"]
    yield reloader
    await background.stop()


def tells(deployment: Deployment, version: int) -> None:
    """Save the plugin."""
    deployment.write("plugins/tells.py", TELLS.replace("{version}", str(version)))


async def settled() -> None:
    """Let tasks go as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_plugin_that_has_not_changed_serves_on(
    served: Deployment, serving: Reloader, told: list[str]
) -> None:
    says(served, "desk", "two")
    served.write("host.toml", "max_calls = 3")
    serving.reload()
    await settled()
    assert told == ["hello 1"]


async def test_a_saved_plugin_serves_anew_when_the_old_one_has_ended(
    served: Deployment, serving: Reloader, told: list[str]
) -> None:
    tells(served, 2)
    serving.reload()
    await settled()
    assert told == ["hello 1", "bye 1", "hello 2"]
    served.write("plugins/tells.py", "def (")
    serving.reload()
    await settled()
    assert told == ["hello 1", "bye 1", "hello 2"]


async def test_a_plugin_with_other_settings_serves_anew(
    served: Deployment, serving: Reloader, told: list[str]
) -> None:
    served.write("host.toml", '[plugins.tells]\nword = "hi"\n')
    serving.reload()
    await settled()
    assert told == ["hello 1", "bye 1", "hi 1"]


async def test_a_plugin_that_is_gone_serves_no_more(
    served: Deployment, serving: Reloader, told: list[str]
) -> None:
    (served.folder / "plugins" / "tells.py").unlink()
    serving.reload()
    await settled()
    assert told == ["hello 1", "bye 1"]


async def test_a_plugin_that_is_added_serves(
    served: Deployment, serving: Reloader, told: list[str]
) -> None:
    served.write("plugins/more.py", TELLS.replace("{version}", "of more"))
    serving.reload()
    await settled()
    # The other one is restarted, too: it may import the new file.
    assert sorted(told) == ["bye 1", "hello 1", "hello 1", "hello of more"]


async def test_what_serves_on_keeps_no_old_registry(served: Deployment, serving: Reloader) -> None:
    persona = weakref.ref(serving.loaded.personas["desk"].module)
    views = weakref.ref(serving.loaded.views)
    says(served, "desk", "two")
    serving.reload()
    await settled()
    gc.collect()
    assert (persona(), views()) == (None, None)
