"""What unit tests share: a clean environment, and deployments made of real files."""

from __future__ import annotations

import gc
import logging
import os
import ssl
import sys
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import canaries
import pytest
from deployment import HERE, KEY, SECRET, Deployment
from panics import show_panics

from host import privacy as private
from host.local.process import OF_A_DEPLOYMENT
from host.registry import Registry, bundled_plugins, load_afresh
from host.settings import Settings, load_settings

if TYPE_CHECKING:
    from dispatcher import Dispatcher


QUICK = "not every and not calls and not processes and not corpus"
"""What `--quick` runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick`: what can be waited for after every change."""
    what = "run unit tests and calls in memory alone: nothing that takes seconds"
    parser.addoption("--quick", action="store_true", help=what)


def pytest_configure(config: pytest.Config) -> None:
    """Fail the suite where anything that it wrote shows a secret, or a number that is private."""
    if config.option.quick:
        config.option.markexpr = QUICK
    gc.disable()  # until all is imported and collected, of which nothing is garbage
    canaries.watch(config)
    show_panics()
    # No test speaks TLS in this process, and each client of OpenAI would parse all certificates.
    setattr(ssl.SSLContext, "load_verify_locations", lambda *paths, **more: None)  # noqa: B010


_rows: Counter[object] = Counter()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave most rows of a `table` to `make test`, and of a corpus with `one_of` to `test-all`."""
    if rows := item.get_closest_marker("table"):
        callspec = getattr(item, "callspec", None)
        loop = callspec and callspec.params.get("_asyncio_loop_factory")  # memory's, or a whole one
        key = item.nodeid.partition("[")[0], loop
        if _rows[key] % rows.kwargs["quick"]:
            item.add_marker("corpus")
        _rows[key] += 1
    corpus = item.get_closest_marker("corpus")
    if corpus and "one_of" in corpus.kwargs:
        table = item.nodeid.partition("[")[0]
        if _rows[table] % corpus.kwargs["one_of"]:
            item.add_marker("every")
        _rows[table] += 1


@pytest.hookimpl(trylast=True)  # pytest itself sorts by the scopes of parameters
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole calls last, and the longest of them first: nobody waits for one at the end."""
    long = ("heavy", "alone")

    def when(item: pytest.Item) -> int:
        if not item.get_closest_marker("calls"):
            return 0
        return 1 if any(map(item.get_closest_marker, long)) else 2

    items.sort(key=when)


_known = 0
"""Modules whose objects the garbage collector is spared."""


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is imported: it took a tenth of all the time."""
    spare_what_is_imported()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Spare it what tests import: each look at LiveKit and its plugins takes 0.3 s."""
    if len(sys.modules) > _known + 200:
        spare_what_is_imported()


def spare_what_is_imported() -> None:
    """Let the garbage collector pass over all that there is now."""
    global _known
    with warnings.catch_warnings():
        # Of earlier tests, whose filters are not those of this one.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    gc.freeze()
    _known = len(sys.modules)


@pytest.fixture(autouse=True)
def log_levels_as_they_were() -> Iterator[None]:
    """Commands that run in this process silence LiveKit's log, which other tests read."""
    loggers = [logging.getLogger(name) for name in (None, "host", "livekit", "livekit.agents")]
    before = [(logger, logger.level) for logger in loggers]
    yield
    for logger, level in before:
        logger.setLevel(level)


@pytest.fixture
def clean_environment() -> Iterator[None]:
    """No setting of whoever runs the tests, and none left behind by `.env`."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(OF_A_DEPLOYMENT):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def served(deployment: Deployment) -> Deployment:
    """A deployment with one persona, and all keys that it needs."""
    from reloading import KEYS, says  # it imports the server, which takes a second

    os.environ.update(dict.fromkeys(KEYS, "a-key"))
    os.environ.update(LIVEKIT_URL="ws://127.0.0.1:9", LIVEKIT_API_KEY=KEY)
    os.environ.update(LIVEKIT_API_SECRET=SECRET)
    says(deployment, "desk", "one")
    return deployment


@pytest.fixture
def settings_of_a_call(clean_environment: None) -> Settings:
    """Settings with LiveKit's keys, and an environment without them, as a call's process has."""
    assert not [name for name in os.environ if name.startswith("LIVEKIT_")]
    return Settings(livekit_url="ws://127.0.0.1:9", livekit_api_key=KEY, livekit_api_secret=SECRET)


@pytest.fixture
def deployment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clean_environment: None,
    mask_of_a_process: None,
) -> Deployment:
    """An empty deployment; commands that run in this process mask what it has."""
    monkeypatch.chdir(tmp_path)
    return Deployment(tmp_path)


@pytest.fixture
def registry(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The good personas and plugins of tests/personas and tests/plugins."""
    monkeypatch.chdir(HERE.parent)
    os.environ["HOST_PERSONAS_DIR"] = str(HERE / "personas" / "good")
    os.environ["HOST_PLUGINS_DIR"] = str(HERE / "plugins" / "good")
    os.environ["HOST_DISABLE_PLUGINS"] = ",".join(plugin.name for plugin in bundled_plugins())
    return load_afresh(load_settings())


@pytest.fixture
async def dispatcher() -> AsyncIterator[Dispatcher]:
    """LiveKit, as far as a worker's registration goes."""
    from dispatcher import taking_workers  # it takes seconds, which most tests need not wait

    async with taking_workers() as dispatcher:
        yield dispatcher


@pytest.fixture
def mask_of_a_process() -> Iterator[None]:
    """Give this process the mask back that it had."""
    before = private.current()
    yield
    private.use(before)
