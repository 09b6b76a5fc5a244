"""The examples of docs/plugins.md: one for each hook."""

from __future__ import annotations

import re
from typing import Any

from deployment import Deployment
from pages import blocks

EXAMPLES = [block.text for block in blocks("docs/plugins.md") if block.kind == "python"]


def defines(hook: str, text: str) -> bool:
    """Whether an example implements a hook."""
    return re.search(rf"^(async )?def {hook}\(", text, re.MULTILINE) is not None


def use(deployment: Deployment, hook: str) -> None:
    """Write the first example that implements a hook."""
    text = next(each for each in EXAMPLES if defines(hook, each))
    name = re.match(r"# (plugins/\w+\.py)\n", text)
    assert name
    deployment.write(name[1], text)


def module_of(deployment: Deployment, plugin: str) -> Any:
    """The module of a plugin: for hooks that bundled plugins have, too."""
    [found] = [each.module for each in deployment.load().plugins if each.name == plugin]
    return found
