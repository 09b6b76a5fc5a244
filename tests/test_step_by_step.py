"""docs/step-by-step.md: the persona works after each step, and in the end passes its tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from authors import example, install_plugin, run_pytest
from deployment import HERE, Deployment
from pages import Block, blocks

from host.testing import Rule, open_conversation

PAGE = "docs/step-by-step.md"


def of_kind(kind: str) -> list[Block]:
    """The blocks of one language."""
    return [block for block in blocks(PAGE) if block.kind == kind]


*STEPS, _ = (block.text for block in of_kind("python"))


def write(deployment: Deployment, steps: int) -> None:
    """Write the persona as it is after some of the steps, and what stands beside it."""
    deployment.write("personas/tailor.py", "\n".join(STEPS[:steps]))
    rules, settings = of_kind("toml")
    deployment.write("personas/tailor.rules.toml", rules.text)
    deployment.write("host.toml", settings.text)


@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1))
async def test_the_persona_answers_after_each_step(deployment: Deployment, steps: int) -> None:
    write(deployment, steps)
    assert deployment.faults() == []
    async with open_conversation("tailor", rules=[Rule(hears="open", says="From ten.")]) as talk:
        assert talk.greeting.text == "Ann's tailor shop, good day. What can I do for you?"
        assert (await talk.say("When are you open?")).text == "From ten."


async def test_the_wish_is_concluded(deployment: Deployment) -> None:
    write(deployment, len(STEPS))
    wish = {"wants": "the suit", "comes_by": True}
    rules = [Rule(hears="i come by", calls=("conclude", wish)), Rule(hears="come by", says="Good.")]
    async with open_conversation("tailor", rules=rules) as talk:
        await talk.say("Then I come by.")
    assert talk.record is not None
    assert talk.record.results["conclusions"] == wish


@pytest.mark.processes
async def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "tailor.py").write_text("\n".join(STEPS))
    rules, settings = of_kind("toml")
    (tmp_path / "personas" / "tailor.rules.toml").write_text(rules.text)
    (tmp_path / "host.toml").write_text(settings.text)
    page = (HERE.parent / PAGE).read_text()
    (tmp_path / "test_tailor.py").write_text(example(page, "test_tailor.py"))
    installed = install_plugin(tmp_path / "installed")
    assert "2 passed" in await run_pytest(tmp_path, installed=installed)
