"""The source of a registry: kept, and loaded again by another process."""

from __future__ import annotations

import os

from deployment import Deployment

from host import registry
from host.registry import Registry

SAYS = '''\
"""Ann: says a word that she shares, and one that she imports late."""

from host import hookimpl

from ._words import WORD


@hookimpl
def instructions(call):
    from .rules import RULE

    return f"{WORD} {RULE}"
'''


def said(loaded: Registry) -> str:
    """What Ann says."""
    answer: str = loaded.view("ann").instructions(call=None)
    return answer


def a_persona_of_three_files(deployment: Deployment) -> None:
    """Write Ann, as a package whose parts import each other."""
    deployment.write("personas/ann/__init__.py", SAYS)
    deployment.write("personas/ann/_words.py", "from .._shared import WORD")
    deployment.write("personas/ann/rules.py", "RULE = 'rule'")
    deployment.write("personas/_shared.py", "WORD = 'word'")


def test_another_process_loads_what_was_loaded_here(deployment: Deployment) -> None:
    a_persona_of_three_files(deployment)
    settings = registry.read_settings()
    handed = registry.hand_over(settings)
    for file in (deployment.folder / "personas").rglob("*.py"):
        file.write_text("def (")
    deployment.write("personas/late.py", "def (")
    with registry.forgotten():  # as another process
        there, _ = registry.take_over(handed)
        loaded = registry.load(there)
        assert (there, said(loaded), loaded.broken) == (settings, "word rule", ())
    for file in [*(deployment.folder / "personas").rglob("*.py")]:
        file.unlink()
    with registry.forgotten():
        assert said(registry.load(registry.take_over(handed)[0])) == "word rule"


def test_what_is_imported_late_is_what_was_there_when_it_was_loaded(deployment: Deployment) -> None:
    a_persona_of_three_files(deployment)
    loaded = deployment.load()
    deployment.write("personas/ann/rules.py", "def (")
    assert said(loaded) == "word rule"


def test_a_save_of_the_same_size_within_a_second_is_loaded(deployment: Deployment) -> None:
    a_persona_of_three_files(deployment)
    for word in ("word", "term", "name"):
        shared = deployment.write("personas/_shared.py", f"WORD = '{word}'")
        os.utime(shared, (1, 1))  # Python's own cache compares size and second
        assert said(deployment.load()) == f"{word} rule"


def test_a_fault_in_a_shared_module_is_named_there(deployment: Deployment) -> None:
    a_persona_of_three_files(deployment)
    deployment.write("personas/_shared.py", "\nWORD = 1 / 0")
    assert deployment.faults() == ["personas/_shared.py:2: ZeroDivisionError: division by zero"]
    deployment.write("personas/_shared.py", "WORD = (")
    assert deployment.faults() == ["personas/_shared.py:1: SyntaxError: '(' was never closed"]


def test_an_error_brings_back_what_was_forgotten(deployment: Deployment) -> None:
    a_persona_of_three_files(deployment)
    settings = registry.read_settings()
    loaded = registry.load(settings)
    deployment.write("personas/ann/rules.py", "RULE = 'other'")
    try:
        with registry.forgotten():
            assert said(registry.load(settings)) == "word other"
            raise LookupError
    except LookupError:
        pass
    assert registry.load(settings) is loaded
    assert said(loaded) == "word rule"
