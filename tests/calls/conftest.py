"""Calls, judged from the far end: each test plays in memory, and some on real processes and sound.

A test that takes `scene`, `scene_of_2025` or `either_scene` plays in memory: the host and LiveKit's
agents in this process, rooms and sound in `tests/in_memory`, on a virtual clock. The same test as a
whole call has a host in a process of its own, a real livekit-server, and a voice.

    @pytest.mark.promise("what README says")    also a whole call in `make test`; with
                                                only="llm-broken", of its variations this one
    @pytest.mark.whole("why")                   a whole call only: nothing in memory would do
    @pytest.mark.memory                         in memory only: a whole call would show no more than
                                                those beside it; ("why"): none could play it
    @pytest.mark.sample("a row", "another")     of a table, only these rows also as whole calls
    @pytest.mark.both_generations               in memory, `scene` is on LiveKit SIP of now, and on
                                                that of 2025 as well: for what can fail

A whole call without a promise is marked `every`: it is for `make test-all` alone. A test that takes
none of these fixtures is a whole call, too, and must say why.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import turns
from in_memory.clock import VirtualClockLoop, virtual_time
from in_memory.world import MemoryScene
from scene import HERE, a_memory_scene, a_scene, together

from host.local.exchange import Subscriber
from host.testing import Scene
from host.testing.report import pytest_runtest_makereport, watch

if TYPE_CHECKING:
    from user_agents.world import SipCalls

__all__ = ["pytest_runtest_makereport"]

MEMORY, WHOLE = "memory", "whole"
WHOLE_SCENE = pytest.StashKey[Scene]()
"""The whole scene in which a test plays."""
GENERATION = "generation"
"""The parameter that `both_generations` adds to a test."""
SCENES = {"scene", "scene_of_2025", "either_scene"}

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """In which worlds a test plays: its loop has the clock of its world."""
    if item.get_closest_marker("whole") or not _plays(item):
        return {WHOLE: asyncio.new_event_loop}
    if item.get_closest_marker("memory"):
        return {MEMORY: VirtualClockLoop}
    return {MEMORY: VirtualClockLoop, WHOLE: asyncio.new_event_loop}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Iterator[None]:
    """Scope the choice of a loop, not the loops, to the session.

    Its scope is that of the marker which is there at this moment. With a function's, pytest would
    tear down the loop of the session, and the world with it, after every single test.
    """
    if HERE in metafunc.definition.path.parents:
        metafunc.definition.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    yield
    if metafunc.definition.get_closest_marker("both_generations"):
        metafunc.fixturenames.append(GENERATION)
        metafunc.parametrize(GENERATION, ["now", "2025"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark whole calls, which share a loop in which their world lives."""
    unsaid = []
    played = {item: _in_memory(item) or _has_a_whole_call(item) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if not played[item]])
    items[:] = [item for item in items if played[item]]
    for item in items:
        heavy = item.get_closest_marker("heavy")
        if _in_memory(item) and "2025" in _variation(item):
            # The same scene as on the livekit-sip of now: the long ones are for `make test-all`.
            item.add_marker("every" if heavy else "corpus")
        elif _in_memory(item) and heavy:
            item.add_marker("corpus")  # a second each
        if HERE not in item.path.parents or _in_memory(item):
            continue
        if not inspect.iscoroutinefunction(getattr(item, "obj", None)):
            continue  # no call
        if not (_plays(item) or item.get_closest_marker("whole")):
            unsaid.append(item.nodeid)
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        item.add_marker(pytest.mark.calls)
        promise = item.get_closest_marker("promise")
        if promise is None or promise.kwargs.get("only", "") not in _variation(item):
            item.add_marker(pytest.mark.every)
        # A world takes ten seconds to come up: those that few tests need come up once.
        if "2025" in item.name:
            item.add_marker(pytest.mark.xdist_group("2025"))
        elif "one_line" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("one line"))
    if unsaid:
        raise pytest.UsageError(f"whole calls that don't say why: {', '.join(unsaid)}")


def _plays(item: pytest.Item) -> bool:
    """Whether a test takes one of the scenes that there are in memory."""
    return not SCENES.isdisjoint(getattr(item, "fixturenames", ()))


def _has_a_whole_call(item: pytest.Item) -> bool:
    return _generation(item) == "now" and not _is_a_row_for_memory_alone(item)


def _is_a_row_for_memory_alone(item: pytest.Item) -> bool:
    """Whether other rows of its table stand for this one in whole calls.

    Rows that differ in what is said, and not in how it sounds, would only take an hour together.
    """
    sample = item.get_closest_marker("sample")
    if sample is None or _in_memory(item):
        return False
    variation = _variation(item)
    return not any(row in variation for row in sample.args)


def _in_memory(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    # The parameter is pytest-asyncio's own (1.5).
    return callspec is not None and callspec.params.get("_asyncio_loop_factory") is VirtualClockLoop


def _generation(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    generation: str = callspec.params.get(GENERATION, "now") if callspec else "now"
    return generation


def _variation(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.id if callspec is not None else ""


@pytest.fixture
def in_memory(request: pytest.FixtureRequest) -> bool:
    """Whether a test plays in memory."""
    return _in_memory(request.node)


@pytest.fixture(scope="session")
def deployment_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The personas and plugins of all scenes in memory: they are loaded once."""
    folder = tmp_path_factory.mktemp("deployment")
    together(folder, "personas")
    together(folder, "plugins", in_memory=True)
    return folder


@pytest.fixture
async def virtual_clock() -> AsyncIterator[None]:
    """All clocks of Python follow the loop's."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    with virtual_time(loop):
        yield


@pytest.fixture
async def memory_scene(
    deployment_in_memory: Path, tmp_path: Path, virtual_clock: None
) -> AsyncIterator[MemoryScene]:
    """A host in memory, on the livekit-sip of now."""
    async with a_memory_scene(tmp_path, deployment_in_memory, "now") as scene:
        yield scene


@pytest.fixture
async def memory_scene_of_2025(
    deployment_in_memory: Path, tmp_path: Path, virtual_clock: None
) -> AsyncIterator[MemoryScene]:
    """A host in memory, on the livekit-sip of 2025."""
    async with a_memory_scene(tmp_path, deployment_in_memory, "2025") as scene:
        yield scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host in a process of its own, on the livekit-sip of now."""
    async with a_scene(tmp_path_factory.mktemp("now"), "now") as scene:
        yield scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_scene_of_2025(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host in a process of its own, on the livekit-sip of 2025."""
    async with a_scene(tmp_path_factory.mktemp("of-2025"), "2025") as scene:
        yield scene


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sip(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """A host on a real livekit-sip; with PASSWORD in a test's module, for softphones anywhere."""
    from user_agents.world import sip_scene

    password = getattr(request.module, "PASSWORD", "")
    async with sip_scene(tmp_path_factory.mktemp("sip"), password=password) as scene:
        yield scene


@pytest_asyncio.fixture(loop_scope="session")
async def calls(sip: Scene, tmp_path: Path) -> AsyncIterator[SipCalls]:
    """One test's calls over SIP."""
    from user_agents.world import calls_of

    async with calls_of(sip, tmp_path) as calls:
        yield calls


@pytest.fixture
def scene(request: pytest.FixtureRequest, in_memory: bool) -> Scene:
    """A host on the livekit-sip of now, in the world in which the test plays.

    With the mark `both_generations`, it is also one on that of 2025.
    """
    name = "scene" if _generation(request.node) == "now" else "scene_of_2025"
    return _scene(request, name, in_memory)


@pytest.fixture
def scene_of_2025(request: pytest.FixtureRequest, in_memory: bool) -> Scene:
    """A host on the livekit-sip of 2025, in the world in which the test plays."""
    return _scene(request, "scene_of_2025", in_memory)


@pytest.fixture(params=["now", "2025"])
def either_scene(request: pytest.FixtureRequest, in_memory: bool) -> Scene:
    """Failures look different to both generations of livekit-sip, and must end alike."""
    name = "scene" if request.param == "now" else "scene_of_2025"
    return _scene(request, name, in_memory)


def _scene(request: pytest.FixtureRequest, name: str, in_memory: bool) -> Scene:
    scene: Scene = request.getfixturevalue(f"{MEMORY if in_memory else WHOLE}_{name}")
    if not in_memory:
        # Ears know the sentences of one test: with those of all they would take most of a core.
        scene.world.forget()
        # The next test may expect nobody where this one connects a telephone.
        telephones = scene.exchange.telephones
        request.addfinalizer(partial(_restore, telephones, dict(telephones)))
        request.node.stash[WHOLE_SCENE] = scene
    watch(request.node, scene, log=not in_memory)  # there, pytest captures it
    return scene


def _restore(telephones: dict[str, Subscriber], before: dict[str, Subscriber]) -> None:
    telephones.clear()
    telephones.update(before)


@pytest.fixture(scope="session", autouse=True)
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which whole calls of all workers take turns."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all workers have it
    turns.places = folder
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def turn_of_a_whole_call(request: pytest.FixtureRequest, places: Path) -> AsyncIterator[None]:
    """Have no other whole call go on beside a test that is marked `alone` or `heavy`."""
    alone = any(map(request.node.get_closest_marker, ("alone", "heavy")))
    async with turns.turn(places, alone=alone):
        yield
        # A failed test's call would keep the line and the caller's number from the next test.
        if scene := request.node.stash.get(WHOLE_SCENE, None):
            await scene.hang_up_all()


@pytest.fixture(autouse=True)
def its_turn(request: pytest.FixtureRequest, in_memory: bool) -> None:
    """Whole calls wait for their turn; those in memory need none."""
    if not in_memory:
        request.getfixturevalue("turn_of_a_whole_call")


@pytest.fixture
def threads_that_the_clock_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette answers in threads of anyio, of which the clock in memory knows nothing."""

    async def run_sync(work: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(work)

    monkeypatch.setattr("anyio.to_thread.run_sync", run_sync)
