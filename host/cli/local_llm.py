"""The local LLM of conversations in text: by rules, in this process, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from host import registry
from host.call.call import Call
from host.registry import Registry
from host.settings import Settings

if TYPE_CHECKING:
    from host.local.rules import Rule

Llm = Callable[[Call], Any]
"""What answers the hook `llm`."""


def by_rules(settings: Settings) -> Llm:
    """Let every persona answer by the rules beside it. Raises SettingsError for wrong ones."""
    from host.local.rule_llm import RuleLlm

    rules = rules_of(settings, registry.load(settings))
    return lambda call: RuleLlm(rules, lambda: call.persona)


def rules_of(settings: Settings, loaded: Registry) -> tuple[Rule, ...]:
    """Return the rules beside the personas, and the bundled ones. Raises SettingsError."""
    from host.local.rule_files import read_rules
    from host.local.scripts import RULES

    return (*read_rules(settings.personas_dir, loaded.personas), *RULES)


def in_place_of_openai(settings: Settings) -> Llm | None:
    """Let personas whose LLM is OpenAI's answer by rules; None if there is a key for it.

    A configured LLM is kept: `--local` with a real LLM is a good way to try a persona.
    """
    if os.environ.get("HOST_OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY"):
        return None
    local = by_rules(settings)
    loaded = registry.load(settings)

    def llm(call: Call) -> Any:
        own = loaded.view(call.persona).llm(call=call)
        openai = isinstance(own, str) and own.partition("/")[0] == "openai"
        return local(call) if openai else own

    return llm
