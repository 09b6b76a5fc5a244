"""Conversations in text, for tests: no server, no audio, milliseconds each."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from host.call.call import Call
from host.dispatch.details import parse_details
from host.local.rule_files import before_bundled, read_rules
from host.local.rule_llm import RuleLlm
from host.local.rules import Rule
from host.local.scripts import RULES
from host.registry import Registry
from host.runner.text import Conversation, TextCall, converse
from host.settings import Settings
from host.testing.unit import Facts

OWN = "own"
"""As the `llm` of a conversation: the persona's own, with its fallbacks."""


@asynccontextmanager
async def open_conversation(
    persona: str,
    *,
    llm: Any = None,
    rules: Iterable[Rule] = RULES,
    busy: Collection[str] = (),
    number: str | None = None,
    our_number: str | None = None,
    outbound: bool = False,
    metadata: Mapping[str, Any] | None = None,
    plugins: Mapping[str, Mapping[str, Any]] | None = None,
    mcp: Mapping[str, Any] | None = None,
) -> AsyncIterator[Conversation]:
    """Have a conversation in text with a persona, as if by telephone; it greets first.

    The LLM answers by `rules` and those beside the personas, unless `llm` is another: a LiveKit
    LLM, a name such as "openai/gpt-4.1-mini", or `OWN`. Transfers succeed, except to targets that
    are `busy`. `mcp` are servers in place of those of host.toml, by the addresses of these: see
    `host.mcp`. The other arguments are those of `a_call`.

    Leaving the block hangs up, draws the persona's conclusions, and runs `call_ended`. Raises what
    `a_call` and the persona's hooks raise.
    """
    facts = Facts(number, our_number, outbound, metadata or {}, plugins or {}, mcp or {})
    with tempfile.TemporaryDirectory(prefix="conversation-") as folder:
        settings, loaded = facts.deployment(Path(folder))
        call = TextCall(
            settings,
            facts.state,
            persona=persona,
            hooks=loaded.view(persona),
            llm=_given(llm, rules, settings, loaded),
        )
        call.details = parse_details(call.hooks, call.state.metadata)
        async with converse(call, refusing=busy, emit_ended=True) as conversation:
            yield conversation


def _given(
    llm: Any, rules: Iterable[Rule], settings: Settings, loaded: Registry
) -> Callable[[Call], Any] | None:
    """Return what answers the hook `llm`; None is the persona's own LLM."""
    if llm == OWN:
        return None
    if llm is not None:
        return lambda call: llm
    every = before_bundled(rules, read_rules(settings.personas_dir, loaded.personas), RULES)
    return lambda call: RuleLlm(every, lambda: call.persona)
