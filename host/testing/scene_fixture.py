"""The fixture `scene`. Async fixtures are pytest-asyncio's, which `host[testing]` brings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from itertools import chain
from typing import TYPE_CHECKING

import pytest

try:
    import pytest_asyncio
except ModuleNotFoundError:  # whoever has the host installed may run other tests without it
    pytest_asyncio = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from host.local.rules import Rule
    from host.testing.scene import Scene


@pytest.fixture(scope="session")
def scene(_opened_scene: Scene) -> Scene:
    """A host with the personas and plugins of your settings, on the local world."""
    return _opened_scene


if pytest_asyncio is None:

    @pytest.fixture(scope="session")
    def _opened_scene() -> Scene:
        pytest.fail("the fixture `scene` needs pytest-asyncio: pip install 'host[testing]'")

    @pytest.fixture
    def _scene_hung_up() -> None:
        """Nothing to hang up."""

else:

    @pytest_asyncio.fixture(scope="session", loop_scope="session")
    async def _opened_scene(
        tmp_path_factory: pytest.TempPathFactory, model_rules: Iterable[Rule]
    ) -> AsyncIterator[Scene]:
        from host import registry
        from host.local.rule_files import before_bundled, read_rules
        from host.local.scripts import RULES
        from host.settings.plugins import variables_of
        from host.testing.scene import open_scene

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

    @pytest_asyncio.fixture(loop_scope="session")
    async def _scene_hung_up(_opened_scene: Scene) -> AsyncIterator[None]:
        """A failed test's call would keep the line and the caller's number from the next test."""
        yield
        await _opened_scene.hang_up_all()
