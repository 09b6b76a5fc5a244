"""The call of a text conversation, with another LLM than its persona's if a test wants one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from host.call.call import Call
from host.call.live import LiveCall
from host.call.parts import Hooks
from host.call.state import CallState
from host.settings import Settings

Llm = Callable[[Call], Any]
"""What answers the hook `llm`: a LiveKit LLM, or a name such as "openai/gpt-4.1-mini"."""


class TextCall(LiveCall):
    """A call whose LLM may be given; every persona that gets the call then has this one."""

    def __init__(
        self,
        settings: Settings,
        state: CallState | None = None,
        *,
        persona: str,
        hooks: Hooks,
        llm: Llm | None = None,
    ) -> None:
        self._llm = llm
        super().__init__(settings, state, persona=persona, hooks=hooks)

    def take(self, persona: str, hooks: Hooks) -> None:
        """Assign the call to a persona."""
        super().take(persona, hooks if self._llm is None else _WithLlm(hooks, self._llm))
        if self._llm is not None:  # the fallbacks of host.toml are for the persona's own LLM
            none = {"llm_fallbacks": ()}
            self.persona_settings = self.persona_settings.model_copy(update=none)


class _WithLlm:
    """A persona's hooks, except that its LLM is the given one."""

    def __init__(self, hooks: Hooks, llm: Llm) -> None:
        self._hooks = hooks
        self.llm = llm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hooks, name)

    def in_turn(self, hook: str) -> Any:
        return self._hooks.in_turn(hook)

    def of_those_without(self, missing: str, hook: str) -> Any:
        return self._hooks.of_those_without(missing, hook)
