"""docs/step-by-step.md: the persona works after each step, and in the end passes its tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from authors import install_plugin, run_pytest
from deployment import Deployment
from pages import Block, blocks

from host.testing import Rule, open_conversation

PAGE = "docs/step-by-step.md"


def of_kind(kind: str) -> list[Block]:
    """The blocks of one language."""
    return [block for block in blocks(PAGE) if block.kind == kind]


*STEPS, TESTS = (block.text for block in of_kind("python"))


def write(folder: Path, steps: int) -> None:
    """Write the persona as it is after some of the steps, and what stands beside it."""
    (folder / "personas").mkdir(exist_ok=True)
    (folder / "personas" / "tailor.py").write_text("\n".join(STEPS[:steps]))
    rules, settings = of_kind("toml")
    (folder / rules.file).write_text(rules.text)
    (folder / "host.toml").write_text(settings.text)


@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1))
async def test_the_persona_answers_after_each_step(deployment: Deployment, steps: int) -> None:
    write(deployment.folder, steps)
    assert deployment.faults() == []
    async with open_conversation("tailor", rules=[Rule(hears="open", says="From ten.")]) as talk:
        assert talk.greeting.text == "Ann's tailor shop, good day. What can I do for you?"
        assert (await talk.say("When are you open?")).text == "From ten."


async def test_the_wish_is_concluded(deployment: Deployment) -> None:
    write(deployment.folder, len(STEPS))
    wish = {"wants": "the suit", "comes_by": True}
    rules = [Rule(hears="i come by", calls=("conclude", wish)), Rule(hears="come by", says="Good.")]
    async with open_conversation("tailor", rules=rules) as talk:
        await talk.say("Then I come by.")
    assert talk.record is not None
    assert talk.record.results["conclusions"] == wish


@pytest.mark.processes
async def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    write(tmp_path, len(STEPS))
    (tmp_path / "test_tailor.py").write_text(TESTS)
    installed = install_plugin(tmp_path / "installed")
    assert "2 passed" in await run_pytest(tmp_path, installed=installed)
