"""README's example of a persona's test is what an author can run."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from deployment import HERE
from programs import without_pytest

from host.base.paths import EXAMPLE_PERSONAS
from host.local.process import bare_environment


@pytest.mark.promise("Authors test a persona with `host.testing`")
@pytest.mark.whole("an author's pytest is a process")
async def test_an_author_can_run_the_readmes_test(tmp_path: Path) -> None:
    readme = (HERE.parent / "README.md").read_text()
    (example,) = re.findall(r"```python\n(# conftest.py\n.*?)```", readme, re.DOTALL)
    conftest, test = example.split("# test_receptionist.py\n")
    (tmp_path / "personas").symlink_to(EXAMPLE_PERSONAS)
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_receptionist.py").write_text(test)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)),
        cwd=tmp_path,
        env=without_pytest(bare_environment()),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, out.decode()
    assert "1 passed" in out.decode()
