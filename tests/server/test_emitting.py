"""The end of a call without a process is told with what the host serves, whatever is on disk."""

from __future__ import annotations

import json

import pytest
from deployment import Deployment

from host import registry
from host.call.state import CallState
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.emitting import emit_call_ended

pytestmark = pytest.mark.processes

TELLS = '''\
"""Desk: tells how its calls end."""

from pathlib import Path

from host import hookimpl


@hookimpl
def instructions(call):
    return "desk"


@hookimpl
async def call_ended(call, record):
    Path("told").write_text(record.outcome)
'''


async def test_a_record_is_written_while_the_files_are_broken(deployment: Deployment) -> None:
    deployment.write("personas/desk.py", TELLS)
    settings = registry.read_settings()
    registry.load(settings).require()
    deployment.write("personas/desk.py", "def (")
    deployment.write("host.toml", "max_calls =")
    state = CallState(id="AJ_1", room="desk-1", persona="desk")
    dead = Checkpoint(machine="", number=0, began=0, state=state)
    await emit_call_ended(settings, dead, dev=True)
    assert (deployment.folder / "told").read_text() == "failed"
    assert json.loads(settings.call_log.read_text())["id"] == "AJ_1"
    assert list(CheckpointStore(settings.state_dir).folder.iterdir()) == []
