"""What the gate's tests share: a clean deployment, and a LiveKit that keeps a ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from carrier import Carrier

from host.base import presses


@pytest.fixture(autouse=True)
def deployment_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: None
) -> Path:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    """LiveKit's SIP API over HTTP, which writes down what it is asked to dial."""
    async with Carrier() as carrier:
        yield carrier


@pytest.fixture
def keys_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and pauses take no time."""
    monkeypatch.setattr("host.telephony.keys.DIGIT_GAP", 0.0)
    monkeypatch.setitem(presses.PAUSES, "W", 0.0)
    monkeypatch.setitem(presses.PAUSES, ",", 0.0)
