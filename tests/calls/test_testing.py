"""The tests that README and docs/authors.md show are what an author can run."""

from pathlib import Path

import pytest
from authors import AUTHORS, README, examples, run_pytest, write_deployment

from host.base.paths import EXAMPLE_PERSONAS


@pytest.mark.promise("Authors test a persona with `host.testing`")
@pytest.mark.whole("an author's pytest is a process")
async def test_an_author_can_run_the_tests_of_readme_and_the_docs(tmp_path: Path) -> None:
    write_deployment(tmp_path)
    (tmp_path / "personas" / "receptionist.py").symlink_to(EXAMPLE_PERSONAS / "receptionist.py")
    *_, unit, conftest, telephone = examples(AUTHORS)
    [readme] = [each for each in examples(README) if "# conftest.py" in each]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_unit.py").write_text(unit)
    (tmp_path / "test_dentist.py").write_text(telephone)
    (tmp_path / "test_receptionist.py").write_text(readme.split("# test_receptionist.py\n")[1])
    told = await run_pytest(tmp_path, HOST_CRM_BASE_URL="http://127.0.0.1:9")
    assert "5 passed" in told


BROKEN_OFF = """
import pytest

from host.testing import Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stays(line):
    await line.heard("nobody says this")


async def test_that_fails_in_the_middle_of_a_call(scene: Scene):
    call = await scene.ring("receptionist", stays)
    await call.answered()
    assert False, "broken off"


async def test_that_comes_next(scene: Scene):
    assert [call.done for call in scene.exchange.calls] == [True]
"""


@pytest.mark.whole("an author's pytest is a process")
async def test_a_test_that_fails_leaves_no_call_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "receptionist.py").symlink_to(EXAMPLE_PERSONAS / "receptionist.py")
    *_, conftest, _telephone = examples(AUTHORS)
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_two.py").write_text(BROKEN_OFF)
    told = await run_pytest(tmp_path, returns=1)
    assert "1 failed, 1 passed" in told
