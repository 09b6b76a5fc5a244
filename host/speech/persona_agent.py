"""What a persona brings into a session: its agent, its models and its tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import Agent, StopResponse, function_tool, llm

from host.call.call import Call
from host.call.data import as_data, with_data_notice
from host.call.live import LiveCall
from host.speech.providers import with_fallbacks

TAKEN_OVER = (
    "You have taken over this call from {by}, another assistant, in the middle of the "
    "conversation. Go on with it, and do not greet the caller again."
)
NOTE = "{by} has told you: {note}"


class PersonaAgent(Agent):
    """A persona as LiveKit's Agent. It does not reply before the greeting."""

    def __init__(self, call: LiveCall, instructions: str) -> None:
        super().__init__(instructions=instructions)
        self._call = call

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Suppress replies before the greeting, on hold and while the host holds them."""
        call = self._call
        if call.hold.active and not new_message.text_content:
            call.hold.suppressed = True  # a realtime model's transcript comes later
        if not call.state.greeted or call.replies_held or call.hold.active:
            raise StopResponse


@dataclass(frozen=True)
class Models:
    """A persona's models. None: without one, as a realtime model is without an STT."""

    stt: Any
    llm: Any
    tts: Any

    @property
    def hears(self) -> bool:
        """Whether the host can listen to what the STT returns."""
        return self.stt is not None and not isinstance(self.llm, llm.RealtimeModel)


def models_of(call: LiveCall, *, text: bool = False) -> Models:
    """Create a persona's models from its hooks. A `text` conversation has no STT and TTS."""
    model = with_fallbacks(call, "llm", call.hooks.llm(call=call.call))
    stt, tts = (None, None) if text else stt_and_tts(call, model)
    return Models(stt, model, tts)


def stt_and_tts(call: LiveCall, model: Any) -> tuple[Any, Any]:
    """Create STT and TTS from the hooks, except those that a realtime model replaces."""
    can = model.capabilities if isinstance(model, llm.RealtimeModel) else None
    # A realtime model with text output only (modalities=["text"]) uses the `tts` hook.
    stt = None if can and can.user_transcription else call.hooks.stt(call=call.call)
    tts = None if can and can.audio_output else call.hooks.tts(call=call.call)
    return with_fallbacks(call, "stt", stt), with_fallbacks(call, "tts", tts)


def agent_of(call: LiveCall) -> Agent:
    """Return the persona's agent: that of its hook `agent`, or one with its instructions."""
    agent: Agent | None = call.hooks.agent(call=call.call)
    if agent is None:
        agent = PersonaAgent(call, call.hooks.instructions(call=call.call))
    return agent


async def brief(call: LiveCall, agent: Agent, note: str | None = None) -> None:
    """Append the host's rules to an agent's instructions, before it starts.

    They say who has handed the call over, and why, and what data is. `note` is what the other
    persona has just said; None: what the call's state has of it.
    """
    by, note = call.state.handed_over_by, call.state.note if note is None else note
    if by and isinstance(agent.instructions, str):
        told = f" {NOTE.format(by=by, note=as_data(note))}" if note else ""
        taken_over = TAKEN_OVER.format(by=by)
        await agent.update_instructions(f"{agent.instructions}\n\n{taken_over}{told}")
    await explain_data(agent)


async def explain_data(agent: Agent) -> None:
    """Append the rule about data to the instructions of an agent, before it starts."""
    if isinstance(agent.instructions, str):
        await agent.update_instructions(with_data_notice(agent.instructions))


def tools_of(call: Call) -> list[llm.Tool | llm.Toolset]:
    """Collect the tools of all hooks; plain async functions become LiveKit function tools."""
    made: list[llm.Tool | llm.Toolset] = []
    for offered in call.hooks.tools(call=call):
        tools: Sequence[Any] = offered
        made.extend(
            tool if isinstance(tool, llm.Tool | llm.Toolset) else function_tool(tool)
            for tool in tools
        )
    return made
