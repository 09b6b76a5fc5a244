"""What pytest shows of a failed test, and what it keeps of one that is over."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from host.testing.report import Section, pytest_runtest_makereport, show


class Scene:
    """Something that a test used."""

    def sections(self) -> list[Section]:
        return [("telephone", "it rang")]


def reported(item: Any, when: str, *, failed: bool = False) -> list[Section]:
    """The sections of a report of one phase of a test."""
    report: Any = SimpleNamespace(when=when, failed=failed, sections=[])
    making = pytest_runtest_makereport(item)
    next(making)
    with pytest.raises(StopIteration):
        making.send(report)
    sections: list[Section] = report.sections
    return sections


def a_test_that_used(scene: Scene) -> Any:
    item: Any = SimpleNamespace(stash=pytest.Stash())
    show(item, scene)
    return item


def test_a_failure_shows_once_what_its_test_used() -> None:
    item = a_test_that_used(Scene())
    assert reported(item, "setup") == []
    assert reported(item, "call", failed=True) == [("telephone", "it rang")]
    assert reported(item, "teardown", failed=True) == []


def test_a_failed_tear_down_shows_it_as_well() -> None:
    item = a_test_that_used(Scene())
    assert reported(item, "call") == []
    assert reported(item, "teardown", failed=True) == [("telephone", "it rang")]


def test_nothing_of_a_test_that_is_over_is_kept() -> None:
    scene = Scene()
    item, kept = a_test_that_used(scene), weakref.ref(scene)
    for when in ("setup", "call", "teardown"):
        reported(item, when)
    del scene
    gc.collect()
    assert kept() is None
