"""The examples of docs/plugins.md: one for each hook."""

from __future__ import annotations

import re
from typing import Any

from deployment import Deployment
from pages import Block, blocks

EXAMPLES = [block for block in blocks("docs/plugins.md") if block.kind == "python"]


def defines(hook: str, example: Block) -> bool:
    """Whether an example implements a hook."""
    return re.search(rf"^(async )?def {hook}\(", example.text, re.MULTILINE) is not None


def use(deployment: Deployment, hook: str) -> None:
    """Write the first example that implements a hook."""
    example = next(each for each in EXAMPLES if defines(hook, each))
    assert example.file.startswith("plugins/")
    deployment.write(example.file, example.text)


def module_of(deployment: Deployment, plugin: str) -> Any:
    """The module of a plugin: for hooks that bundled plugins have, too."""
    [found] = [each.module for each in deployment.load().plugins if each.name == plugin]
    return found
