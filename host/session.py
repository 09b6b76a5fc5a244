"""From the answers of a call's hooks to LiveKit's AgentSession and Agent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    StopResponse,
    UserInputTranscribedEvent,
    function_tool,
    llm,
)

from host.answers import Greeting
from host.call import Call, Ending, say_exactly
from host.outcome import Outcome
from host.record import Line, ToolUse

log = logging.getLogger("host")


class PersonaAgent(Agent):
    """A persona as LiveKit's Agent. It answers nobody before it has greeted."""

    def __init__(self, call: Call, instructions: str) -> None:
        super().__init__(instructions=instructions)
        self._call = call

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Leave "hello?" to the greeting, and a machine's greeting to the voicemail policy."""
        if not self._call.greeted or self._call.occupied:
            raise StopResponse


def make_session(call: Call, *, text: bool = False) -> tuple[AgentSession[Any], Agent]:
    """Ask a call's hooks and build its session and its agent. A failing question raises.

    A conversation in `text` needs neither ears nor voice, nor their keys.
    """
    options: dict[str, Any] = {}
    for answer in reversed(call.hook.session_options(call=call)):  # the persona's comes first
        options.update(answer)
    if text:
        options.update(vad=None, turn_handling={"turn_detection": None})
    model = call.hook.llm(call=call)
    can = model.capabilities if isinstance(model, llm.RealtimeModel) else None
    # A realtime model that hears and speaks itself gets no second pair of ears and no second
    # voice; one that only writes (modalities=["text"]) gets the voice of the `tts` hook.
    ears: Any = None if text or (can and can.user_transcription) else call.hook.stt(call=call)
    voice: Any = None if text or (can and can.audio_output) else call.hook.tts(call=call)
    session: AgentSession[Any] = AgentSession(
        stt=ears,
        llm=model,
        tts=voice,
        tools=[*make_tools(call), *options.pop("tools", [])],
        **options,
    )
    agent = call.hook.agent(call=call)
    if agent is None:
        agent = PersonaAgent(call, call.hook.instructions(call=call))
    call.session = session
    _listen(call, session)
    return session, agent


def make_tools(call: Call) -> list[llm.Tool | llm.Toolset]:
    """Join what the hooks let the model do; plain async functions become LiveKit's tools."""
    made: list[llm.Tool | llm.Toolset] = []
    for offered in call.hook.tools(call=call):
        tools: Sequence[Any] = offered
        made.extend(
            tool if isinstance(tool, llm.Tool | llm.Toolset) else function_tool(tool)
            for tool in tools
        )
    return made


def first_agent(call: Call, agent: Agent) -> Agent:
    """Return the agent to open a session with, before the far end has answered.

    An author's own agent may speak when it enters, so it enters only in `greet`; until then a
    silent one holds its place.
    """
    return PersonaAgent(call, "") if _speaks_on_entering(agent) else agent


def _speaks_on_entering(agent: Agent) -> bool:
    return type(agent).on_enter is not Agent.on_enter


async def greet(call: Call, agent: Agent, heard: str = "", *, menu: bool = False) -> None:
    """Speak the first words, once. `heard` is what the far end said before them.

    A menu, or a machine that screens calls, is answered by the model: it asked for something.
    """
    session = call.session
    if call.greeted or session is None:
        return
    greeting = None if menu else call.hook.greeting(call=call)
    if isinstance(greeting, str):
        greeting = Greeting(greeting)
    words = greeting.text if greeting else ""
    if heard:
        turns = agent.chat_ctx.copy()
        turns.add_message(role="user", content=heard)
        await agent.update_chat_ctx(turns)
    call.greeted = True
    if _speaks_on_entering(agent):
        session.update_agent(agent)
    if greeting and greeting.notice:
        await call.say(greeting.notice, interruptible=False)
    if words:
        # Whoever picks up says "hello?" while we begin, unless somebody waited for it: that is no
        # reason to break off.
        say_exactly(session, words, interruptible=not call.outbound or call.voicemail is not None)
    elif not _speaks_on_entering(agent):
        session.generate_reply()


def _listen(call: Call, session: AgentSession[Any]) -> None:
    """Keep what is said and done for the record, and end the call when its session closes."""

    @session.on("user_input_transcribed")
    def heard(event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.transcript:
            call.transcript.append(
                Line(at=_time(event.created_at), who="caller", text=event.transcript)
            )

    @session.on("conversation_item_added")
    def said(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, llm.ChatMessage) and item.role == "assistant":
            text = item.text_content or ""
            call.transcript.append(Line(at=_time(item.created_at), who="persona", text=text))

    @session.on("speech_created")
    def answered_by_itself(event: SpeechCreatedEvent) -> None:
        # A realtime model that takes turns itself asks no PersonaAgent before it answers.
        if not event.user_initiated and not call.greeted:
            event.speech_handle.interrupt(force=True)

    @session.on("agent_state_changed")
    def stirred(event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking" and call.answered:
            call.mark("first_word")

    @session.on("function_tools_executed")
    def done(event: FunctionToolsExecutedEvent) -> None:
        for use, result in event.zipped():
            call.tools_used.append(
                ToolUse(
                    at=_time(event.created_at),
                    name=use.name,
                    arguments=use.arguments,
                    result=result.output if result else "",
                    failed=bool(result and result.is_error),
                )
            )

    @session.on("error")
    def failed(event: ErrorEvent) -> None:
        log.warning("%s: %s", type(event.source).__name__, getattr(event.error, "error", None))
        if isinstance(event.error, llm.RealtimeModelError) and not event.error.recoverable:
            # Closing its session then fails inside LiveKit (1.8.9), and "close" never comes.
            reason = "A provider failed for good."
            call.end(Ending(Outcome.FAILED, "host", reason, error=str(event.error.error)))

    @session.on("close")
    def closed(event: CloseEvent) -> None:
        if event.reason == CloseReason.ERROR:
            error = str(getattr(event.error, "error", event.error))
            reason = "A provider failed for good."
            call.end(Ending(Outcome.FAILED, "host", reason, error=error))
        elif event.reason == CloseReason.JOB_SHUTDOWN:
            call.end(Ending(Outcome.FAILED, "host", "The host was stopped."))
        else:
            call.end(Ending(Outcome.COMPLETED, "persona", f"{call.persona} hung up."))


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
