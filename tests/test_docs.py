"""The site: its links lead somewhere, each page is in its navigation, each code block runs.

tests/doc_blocks.py runs the blocks. Those that another test runs are in ELSEWHERE, those that
nothing can run in SHOWN.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build_site
import doc_blocks
import pytest
import typer.main
from deployment import HERE, Deployment
from pages import ROOT, Block, blocks, lost, pages, read
from syntax import parsed

import host.cli

AN_AUTHORS_TESTS = "calls/test_testing.py::test_an_author_can_run_the_tests_of_readme_and_the_docs"
STEP_BY_STEP = "test_step_by_step.py::test_the_persona_answers_after_each_step"
ELSEWHERE = {
    ("README.md", "# test_receptionist.py"): AN_AUTHORS_TESTS,
    ("docs/persona-tests.md", "import pytest"): (
        "test_authors.py::test_the_unit_tests_and_those_in_text_of_the_page_pass"
    ),
    ("docs/persona-tests.md", "# test_dentist_in_text.py"): AN_AUTHORS_TESTS,
    ("docs/persona-tests.md", "# conftest.py"): AN_AUTHORS_TESTS,
    ("docs/persona-tests.md", "# test_dentist.py"): AN_AUTHORS_TESTS,
    ("docs/step-by-step.md", "from livekit.agents import ToolError"): STEP_BY_STEP,
    ("docs/step-by-step.md", "from pydantic import BaseModel, Field"): STEP_BY_STEP,
    ("docs/step-by-step.md", "@hookimpl"): STEP_BY_STEP,
    ("docs/step-by-step.md", "class Wish(BaseModel):"): STEP_BY_STEP,
    ("docs/step-by-step.md", "# test_tailor.py"): (
        "test_step_by_step.py::test_the_tests_of_the_page_pass"
    ),
    ("docs/moving.md", "# main.py"): (
        "calls/test_moved.py::test_each_tool_of_the_app_is_there_after_the_move"
    ),
}
"""Blocks, by page and first line, and the test that runs each."""

LAYOUT, OUTPUT, COMMANDS = "a folder", "what a program prints", "commands of this repository"
IMAGINARY = "an imaginary setting, and what it would need"
SIGNATURE = "a signature of the code, generated from it"
QUOTED = "a part of this repository, which its own tests run"
SHOWN = {
    ("CONTRIBUTING.md", "make setup"): COMMANDS,
    ("CONTRIBUTING.md", "greeting_pause: float = Field("): IMAGINARY,
    ("CONTRIBUTING.md", '"""Pauses: greets after a while."""'): IMAGINARY,
    ("CONTRIBUTING.md", "from host.local.phone import Line, Telephone"): IMAGINARY,
    ("CONTRIBUTING.md", "async def test_hold_changed_leaves"): QUOTED,
    ("CONTRIBUTING.md", "@hookspec"): QUOTED,
    ("CONTRIBUTING.md", "@hookimpl"): QUOTED,
    ("CONTRIBUTING.md", 'untaken("no answer"'): QUOTED,
    ("CONTRIBUTING.md", "import pytest"): IMAGINARY,
    ("CONTRIBUTING.md", "host/"): LAYOUT,
    ("docs/authors.md", "my-deployment/"): LAYOUT,
    ("docs/authors.md", "not reloaded, the last good code stays"): OUTPUT,
    ("docs/persona-tests.md", "---------- telephone: call 1 of 1"): OUTPUT,
    ("docs/campaigns.md", "number,reference,patient,time"): "a file that no language has",
    ("docs/hooks.md", "def "): SIGNATURE,
    ("docs/hooks.md", "async def "): SIGNATURE,
    ("docs/moving.md", "# pool.py"): "for openrtc, which needs an older livekit-agents",
    ("docs/testing.md", "alias t="): COMMANDS,
    ("docs/testing.md", "async def test_a_caller_who_asks_is_answered"): QUOTED,
}
"""Blocks, by page and the beginning of their first line, and why nothing can run them."""


def test_every_link_leads_to_a_file_and_an_anchor_of_it() -> None:
    assert {page: found for page in pages() if (found := lost(page))} == {}


def test_prose_has_lines_of_at_most_120_columns() -> None:
    long = [
        f"{page}: {line}"
        for page in pages()
        for line in re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE).split(
            "\n"
        )
        if len(line) > 120 and not line.startswith(("|", "<img", "    "))
    ]
    assert long == []


def test_every_page_is_in_the_navigation_once() -> None:
    config = tomllib.loads(build_site.CONFIG.read_text())
    assert sorted(in_navigation(config["project"]["nav"])) == sorted(
        build_site.place_of(page) for page in pages()
    )


def in_navigation(entry: object) -> list[str]:
    """The pages that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    inner = entry.values() if isinstance(entry, dict) else entry
    assert isinstance(inner, list | type({}.values()))
    return [page for each in inner for page in in_navigation(each)]


def test_the_pictures_of_a_page_come_with_it_or_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("light.png", "dark.png")
    (tmp_path / "benchmarks" / "speed").mkdir(parents=True)
    for name in names:
        (tmp_path / "benchmarks" / "speed" / name).write_bytes(name.encode())
    dark, light = '<source media="dark" srcset="speed/dark.png">', '<img src="speed/light.png">'
    (tmp_path / "benchmarks" / "speed.md").write_text(f"<picture>{dark}{light}</picture>\n")
    monkeypatch.setattr("pages.ROOT", tmp_path)
    monkeypatch.setattr(build_site, "pages", lambda: ["benchmarks/speed.md"])
    (tmp_path / "site").mkdir()
    build_site.gather(tmp_path / "site")
    page = (tmp_path / "site" / "speed.md").read_text()
    for name in names:
        assert f'="files/{name}"' in page
        assert (tmp_path / "site" / "files" / name).read_bytes() == name.encode()
    (tmp_path / "benchmarks" / "speed" / "dark.png").unlink()
    assert lost("benchmarks/speed.md") == ["speed/dark.png"]


@pytest.mark.processes
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    build_site.build(tmp_path)
    site = tmp_path / "site"
    assert {build_site.place_of(page).replace(".md", ".html") for page in pages()} <= {
        file.name for file in site.iterdir()
    }
    for file in site.glob("*.html"):
        page = file.read_text()
        assert 'src="http' not in page
        assert 'rel="stylesheet" href="http' not in page
        assert "fonts.g" not in page


@pytest.mark.processes
@pytest.mark.parametrize("link", ["calls.md#nowhere", "nowhere.md"])
def test_a_site_with_a_broken_link_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    gather = build_site.gather

    def with_a_broken_one(folder: Path) -> None:
        gather(folder)
        page = folder / "api.md"
        page.write_text(f"{page.read_text()}\n[lost]({link})\n")

    monkeypatch.setattr(build_site, "gather", with_a_broken_one)
    with pytest.raises(subprocess.CalledProcessError):
        build_site.build(tmp_path)


ALL = [block for page in pages() for block in blocks(page)]


def shown(block: Block) -> bool:
    return any(block.page == page and block.first.startswith(start) for page, start in SHOWN)


@pytest.mark.parametrize(
    "block",
    [block for block in ALL if (block.page, block.first) not in ELSEWHERE and not shown(block)],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_a_block_runs(
    block: Block, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert block.kind in doc_blocks.RUNNERS, f"no test runs it: {block.first}"
    doc_blocks.run(block, deployment, monkeypatch)


def test_every_block_that_another_test_runs_is_there_and_so_is_the_test() -> None:
    there = [(block.page, block.first) for block in ALL]
    assert [key for key in ELSEWHERE if there.count(key) != 1] == []
    for test in set(ELSEWHERE.values()):
        file, _, name = test.partition("::")
        defined = [node for node in ast.walk(parsed(HERE / file)) if isinstance(node, FUNCTIONS)]
        assert name in [node.name for node in defined], test


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_every_block_that_is_only_shown_is_there() -> None:
    assert [
        (page, start)
        for page, start in SHOWN
        if not any(block.page == page and block.first.startswith(start) for block in ALL)
    ] == []


def test_every_command_has_a_row() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    rows = re.findall(r"^\| `host ([a-z ]*[a-z])", page, re.MULTILINE)
    assert {*typed(typer.main.get_command(host.cli.cli))} == {*rows}


def typed(group: Any, before: str = "") -> Iterator[str]:
    """The words of each of the host's own commands; `calls` alone is `calls list`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from typed(command, f"{before}{name} ")
        elif command.callback.__module__.startswith("host."):
            yield f"{before}{name}".replace("calls list", "calls")
