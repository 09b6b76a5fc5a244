"""A deployment that a test changes, and what a host serves of it."""

from __future__ import annotations

import gc
from pathlib import Path

from deployment import Deployment

from host import registry
from host.registry import Registry
from host.server.admission import check
from host.server.reload import Reloader

SAYS = '''\
"""{name}: says {says}."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "{says}"
'''

KEYS = ("DEEPGRAM_API_KEY", "CARTESIA_API_KEY", "OPENAI_API_KEY")


def says(deployment: Deployment, name: str, what: str) -> Path:
    """Save a persona whose instructions are these words."""
    return deployment.write(f"personas/{name}.py", SAYS.format(name=name, says=what))


def start(*, strict: bool = False) -> Reloader:
    """What a host serves at its start."""
    gc.freeze()  # each reload collects garbage, among all that other tests have left
    settings = registry.read_settings()
    assert check(settings) == []  # which imports the providers' libraries
    return Reloader(settings, registry.load(settings).require(), strict=strict)


def said_by(loaded: Registry, persona: str = "desk") -> str:
    """The instructions of a persona."""
    answer: str = loaded.view(persona).instructions(call=None)
    return answer
