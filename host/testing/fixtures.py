"""The pytest plugin, which pytest loads wherever the host is installed.

Until a test uses one of its fixtures, it imports neither LiveKit nor anything of the local world.
`pytest_plugins = ["host.testing.fixtures"]` in conftest.py loads it where the entry point does not,
as from a clone that is not installed.

A failed test shows its conversations, or its calls from both sides and the host's log.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from host.testing.report import Conversations, pytest_runtest_makereport, show, watch
from host.testing.scene_fixture import _opened_scene, _scene_hung_up, scene

if TYPE_CHECKING:
    from host.local.rules import Rule
    from host.runner.text import Conversation

__all__ = [
    "Converse",
    "_opened_scene",
    "_scene_hung_up",
    "conversation",
    "model_rules",
    "pytest_runtest_makereport",
    "scene",
]


class Converse(Protocol):
    """The fixture `conversation`; see `host.testing.open_conversation` for its arguments."""

    def __call__(
        self, persona: str, **options: Any
    ) -> AbstractAsyncContextManager[Conversation]: ...


@pytest.fixture(scope="session")
def model_rules() -> Iterable[Rule]:
    """Answers of the local model; override the fixture with rules for your own tests.

    Rules beside the personas, in `personas/NAME.rules.toml`, follow yours and precede the bundled.
    """
    from host.local.scripts import RULES

    return RULES


@pytest.fixture
def conversation(request: pytest.FixtureRequest, model_rules: Iterable[Rule]) -> Converse:
    """Conversations in text: `async with conversation("dentist") as talk:`."""
    from host.testing.text import open_conversation

    had = Conversations()
    show(request.node, had)

    def converse(persona: str, **options: Any) -> AbstractAsyncContextManager[Conversation]:
        rules = [*options.pop("rules", ()), *model_rules]
        return had.have(partial(open_conversation, persona, rules=rules, **options))

    return converse


@pytest.fixture(autouse=True)
def _next_test_finds_no_call(request: pytest.FixtureRequest) -> None:
    # A `scene` of somebody else's own does not depend on this one.
    if "_opened_scene" in request.fixturenames:
        request.getfixturevalue("_scene_hung_up")
        watch(request.node, request.getfixturevalue("scene"))
