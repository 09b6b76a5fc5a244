"""Lets simulated callers talk with a persona, a few at a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livekit.agents import llm
from livekit.agents.evals import JudgmentResult

from host import registry
from host.base.errors import HostError
from host.call.call import Call
from host.call.state import CallState
from host.cli import persona_names
from host.cli.simulate.callers import Caller
from host.cli.simulate.judging import disapproved, judge, unmet
from host.cli.simulate.people import Person, Played, Scripted
from host.dispatch.details import parse_details
from host.registry.configure import with_plugin_settings
from host.runner.text import Conversation, Line, TextCall, converse
from host.runner.text.apart import apart
from host.settings import Settings
from host.speech.providers import with_fallbacks

AT_ONCE = 4
"""Conversations at a time."""
LIMIT = 300.0
"""Seconds that a conversation may take."""


@dataclass
class Simulated:
    """One simulated call, and what it came to."""

    caller: Caller
    faults: list[str] = field(default_factory=list)
    """Why it did not pass, one line each; empty if it did."""
    judgments: Mapping[str, JudgmentResult] = field(default_factory=dict)
    lines: Sequence[Line] = ()
    turns: int = 0
    """Turns of the caller."""
    outcome: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """True if nothing is wrong with it."""
        return not self.faults


@dataclass(frozen=True)
class Simulation:
    """What all callers share."""

    settings: Settings
    """Of the deployment, without those of its plugins."""
    persona: str
    details: Mapping[str, Any]
    turns: int
    """Turns of a caller, at most."""
    model: str | None = None
    """The LLM that plays and judges; None: the persona's."""
    persona_llm: Callable[[Call], Any] | None = None
    """The persona's LLM in place of its own."""

    def check(self, callers: Iterable[Caller]) -> None:
        """Raise HostError for what would keep a caller from talking: details, or a missing key."""
        loaded = registry.load(self.settings)
        settings = with_plugin_settings(self.settings, loaded)
        for caller in callers:
            call = self._call_of(caller, settings, loaded)
            if self.persona_llm is None and (caller.judged or not caller.lines):
                self._model_of(call)

    async def run(self, callers: Iterable[Caller]) -> list[Simulated]:
        """Let all callers talk with the persona."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(caller: Caller) -> Simulated:
            async with free:
                return await self._simulate(caller)

        async with asyncio.TaskGroup() as together:
            calls = [together.create_task(one(caller)) for caller in callers]
        return [call.result() for call in calls]

    async def _simulate(self, caller: Caller) -> Simulated:
        done = Simulated(caller)
        loaded = registry.load(self.settings)
        with tempfile.TemporaryDirectory(prefix="simulated-") as folder:
            settings = apart(self.settings, loaded, Path(folder))
            try:
                async with asyncio.timeout(LIMIT):
                    await self._talk(done, settings, loaded)
            except TimeoutError:
                done.faults.append(f"the conversation took more than {LIMIT:.0f} s")
            except HostError as error:
                done.faults.append(str(error))
            except Exception as error:
                done.faults.append(persona_names.where(error, loaded))
        return done

    async def _talk(self, done: Simulated, settings: Settings, loaded: registry.Registry) -> None:
        caller = done.caller
        call = self._call_of(caller, settings, loaded)
        person: Person = Scripted(caller) if caller.lines else Played(caller, self._model_of(call))
        async with converse(call, emit_ended=True) as talk:
            try:
                await self._converse(done, talk, person)
            finally:
                done.lines = talk.lines
            history = talk.session.history.copy()
        record = talk.record
        done.lines, done.outcome, done.reason = talk.lines, record.outcome, record.reason
        done.faults += unmet(caller.expects, record)
        if caller.judged and self.persona_llm is None:
            result = await judge(caller, history, self._model_of(call))
            done.judgments = result.judgments
            done.faults += disapproved(caller, result)

    def _call_of(self, caller: Caller, settings: Settings, loaded: registry.Registry) -> TextCall:
        metadata = {**self.details, **caller.details}
        state = CallState(id="simulated", room="simulated", metadata=metadata)
        hooks = loaded.view(self.persona)
        call = TextCall(settings, state, persona=self.persona, hooks=hooks, llm=self.persona_llm)
        call.details = parse_details(call.hooks, state.metadata)
        return call

    async def _converse(self, done: Simulated, talk: Conversation, person: Person) -> None:
        heard = talk.greeting
        while not talk.over and done.turns < self.turns:
            said = await person.next(heard)
            if said is None:
                return
            done.turns += 1
            heard = await (talk.press(said.keys) if said.keys else talk.say(said.text))
        if not talk.over:
            done.faults.append(f"the conversation went on after {self.turns} turns")

    def _model_of(self, call: TextCall) -> llm.LLM[Any]:
        """Return the LLM that plays and judges. Raises HostError."""
        model = with_fallbacks(call, "llm", self.model or call.hooks.llm(call=call.call))
        if not isinstance(model, llm.LLM):
            raise HostError(
                f"{self.persona} has a realtime model, which plays no callers: name an LLM, as in "
                "--model openai/gpt-4.1-mini"
            )
        return model
