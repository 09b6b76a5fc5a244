"""Whole calls: a host in its own process, on the local world, judged from the far end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from scene import HERE, a_scene
from turns import turn

from host.testing import Scene


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All whole calls share one event loop, in which their world lives."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.calls)
            # A world takes ten seconds to come up: those that few tests need come up once.
            if "2025" in item.name or "one_line" in getattr(item, "fixturenames", ()):
                group = "2025" if "2025" in item.name else "one line"
                item.add_marker(pytest.mark.xdist_group(group))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host on the livekit-sip of now."""
    async with a_scene(tmp_path_factory.mktemp("now"), "now") as scene:
        yield scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene_of_2025(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host on the livekit-sip of 2025."""
    async with a_scene(tmp_path_factory.mktemp("of-2025"), "2025") as scene:
        yield scene


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def its_turn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[None]:
    """Have no other whole call go on beside a test that is marked `alone`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all workers have it
    async with turn(folder, alone=request.node.get_closest_marker("alone") is not None):
        yield


@pytest.fixture(autouse=True)
def another_story(request: pytest.FixtureRequest) -> None:
    """Ears know the sentences of one test: with those of all they would take most of a core."""
    for name in {"scene", "scene_of_2025", "either_scene"} & set(request.fixturenames):
        scene: Scene = request.getfixturevalue(name)
        scene.world.forget()


@pytest.fixture(params=["now", "2025"])
def either_scene(request: pytest.FixtureRequest) -> Scene:
    """Failures look different to both generations of livekit-sip, and must end alike."""
    name = "scene" if request.param == "now" else "scene_of_2025"
    scene: Scene = request.getfixturevalue(name)
    return scene
