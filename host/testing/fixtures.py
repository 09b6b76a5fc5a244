"""The pytest plugin: `pytest_plugins = ["host.testing.fixtures"]` in conftest.py.

A failed test with the fixture `scene` shows its calls from both sides, and the host's log.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from itertools import chain

import pytest
import pytest_asyncio

from host import registry
from host.local.rule_files import before_bundled, read_rules
from host.local.rules import Rule
from host.local.scripts import RULES
from host.settings.plugins import variables_of
from host.testing.report import pytest_runtest_makereport, watch
from host.testing.scene import Scene, open_scene

__all__ = ["model_rules", "pytest_runtest_makereport", "scene"]


@pytest.fixture(scope="session")
def model_rules() -> Iterable[Rule]:
    """Answers of the local model; override the fixture with rules for your own tests.

    Rules beside the personas, in `personas/NAME.rules.toml`, follow yours and precede the bundled.
    """
    return RULES


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene(
    tmp_path_factory: pytest.TempPathFactory, model_rules: Iterable[Rule]
) -> AsyncIterator[Scene]:
    """A host with the personas and plugins of your settings, on the local world."""
    settings = registry.read_settings()
    environment = {
        "HOST_PERSONAS_DIR": str(settings.personas_dir.absolute()),
        "HOST_PLUGINS_DIR": str(settings.plugins_dir.absolute()),
    }
    loaded = registry.load(settings)
    beside = read_rules(settings.personas_dir, loaded.personas)
    for plugin in loaded.plugins:  # the world sets those of the bundled ones
        if plugin.settings and not plugin.bundled:
            names = chain.from_iterable(variables_of(plugin.name, plugin.settings).values())
            environment |= {name: os.environ[name] for name in names if name in os.environ}
    if settings.config.is_file():
        environment["HOST_CONFIG"] = str(settings.config.absolute())
    folder = tmp_path_factory.mktemp("host")
    rules = before_bundled(model_rules, beside, RULES)
    async with open_scene(folder, environment, rules=rules) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _next_test_finds_no_call(request: pytest.FixtureRequest) -> None:
    if "scene" in request.fixturenames:
        request.getfixturevalue("_hung_up")
        watch(request.node, request.getfixturevalue("scene"))


@pytest_asyncio.fixture(loop_scope="session")
async def _hung_up(scene: Scene) -> AsyncIterator[None]:
    """A failed test's call would keep the line and the caller's number from the next test."""
    yield
    await scene.hang_up_all()
