"""The examples of README and docs/authors.md, run as an author runs them."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from deployment import HERE
from programs import without_pytest

from host.local.process import bare_environment

AUTHORS = (HERE.parent / "docs" / "authors.md").read_text()
SETTINGS = (HERE.parent / "docs" / "settings.md").read_text()
README = (HERE.parent / "README.md").read_text()


def examples(page: str) -> list[str]:
    """The Python examples of a page, in order."""
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def write_deployment(folder: Path) -> None:
    """Write the persona and the plugin of docs/authors.md, as an author does."""
    dentist, _, crm, *_ = examples(AUTHORS)
    (folder / "personas").mkdir()
    (folder / "plugins").mkdir()
    (folder / "personas" / "dentist.py").write_text(dentist)
    (folder / "plugins" / "crm.py").write_text(crm)


async def run_pytest(folder: Path, *, returns: int = 0, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)),
        cwd=folder,
        env={**without_pytest(bare_environment()), **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == returns, out.decode()
    return out.decode()
