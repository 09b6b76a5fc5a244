"""$title, without a telephone: each test takes milliseconds."""

from pathlib import Path

import pytest

from host.testing import a_call, tell

ANN, STRANGER = "+15550002222", "+15550003333"
SETTINGS = {"$name": {"customers": {ANN: "Ann"}}}
SOMEBODY = """
from host import hookimpl

@hookimpl
def instructions(call):
    return "Help the caller."
"""


@pytest.fixture(autouse=True)
def _somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide a plain persona: a plugin works on the calls of all of them."""
    (tmp_path / "somebody.py").write_text(SOMEBODY)
    monkeypatch.setenv("HOST_PERSONAS_DIR", str(tmp_path))


@pytest.mark.asyncio
async def test_the_persona_learns_who_calls() -> None:
    call = a_call("somebody", number=ANN, plugins=SETTINGS)
    await tell(call, "prepare_call")
    assert 'The caller is <data>"Ann"</data>.' in call.hooks.instructions(call=call)


@pytest.mark.asyncio
async def test_of_a_stranger_it_learns_nothing() -> None:
    call = a_call("somebody", number=STRANGER, plugins=SETTINGS)
    await tell(call, "prepare_call")
    assert "The caller is" not in call.hooks.instructions(call=call)
