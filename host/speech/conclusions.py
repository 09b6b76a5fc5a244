"""Conclusions: after the call, the LLM fills in a persona's model from the transcript.

It does so by calling a tool, like the judges of livekit-agents (1.8, `livekit.agents.evals`): each
LLM has tools, while LiveKit's interface of an LLM has no structured output.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from livekit.agents import APIConnectOptions, APIError, ToolError, function_tool, llm
from livekit.agents.metrics import ModelUsageCollector
from pydantic import BaseModel, ValidationError

from host.base.errors import HostError
from host.base.validation import faults_in, sentence
from host.call.data import as_data, with_data_notice
from host.call.live import LiveCall
from host.call.results import CONCLUSIONS
from host.call.unrecorded import MARK
from host.speech.providers import with_fallbacks
from host.speech.usage import note_usage

log = logging.getLogger("host")

TRIES = 2
"""How often the LLM is asked."""
LONGEST = 400_000
"""Maximum length of the transcript that it gets, in characters: hours of talk."""
TOOL = "conclude"
"""The tool that it calls."""
INTERRUPTED = "the call's process ended before they were made"
_ASKED = (
    "A telephone call is over, and you read its transcript. Draw the conclusions that the tool "
    f"`{TOOL}` asks for, and call it with them. Conclude only what was said; do not guess."
)


def may_conclude(call: LiveCall) -> bool:
    """Return whether the call was a conversation: the persona greeted, and the far end spoke.

    What it said off the record does not count: nothing can be concluded from that.
    """
    spoke = any(said.who == "caller" and said.text != MARK for said in call.state.transcript)
    return call.state.greeted and spoke and call.session is not None and call.has_hooks


def asked_for(call: LiveCall) -> type[BaseModel] | None:
    """Return the model that the persona wants filled in; None if there is none.

    If the hook fails, the call's state says so.
    """
    try:
        model: object = call.hooks.conclusions(call=call.call)
    except Exception as error:
        log.exception("the hook conclusions of %s failed", call.persona)
        _note(call, f"the hook failed: {type(error).__name__}: {error}")
        return None
    if model is None or (isinstance(model, type) and issubclass(model, BaseModel)):
        return model
    _fail(call, f"the hook returned {type(model).__name__}, and no class of a pydantic model")
    return None


async def conclude(call: LiveCall, model: type[BaseModel]) -> None:
    """Have the LLM fill in the model, and put that into the call's results.

    Takes at most `conclusions_timeout`. If it fails, the call's state says why.
    """
    limit = call.persona_settings.conclusions_timeout
    try:
        async with asyncio.timeout(limit):
            made = await _made(call, model, limit)
        call.results.put(CONCLUSIONS, made.model_dump(mode="json"))
        call.state.conclusions_error = None
    except TimeoutError:
        _fail(call, f"the LLM did not conclude within {limit:g} s")
    except HostError as error:
        _fail(call, str(error))
    except Exception as error:
        log.exception("the conclusions of %s failed", call.persona)
        _note(call, f"{type(error).__name__}: {error}")


def _fail(call: LiveCall, why: str) -> None:
    log.warning("the call has no conclusions: %s", why)
    _note(call, why)


def _note(call: LiveCall, why: str) -> None:
    call.state.conclusions_error = call.keypad.hide(why)


async def _made(call: LiveCall, model: type[BaseModel], limit: float) -> BaseModel:
    """Ask the LLM until what it answers is valid. Raises HostError after the last try."""
    asked = _llm_of(call)
    made: list[BaseModel] = []
    wrong: list[str] = []

    async def fill_in(raw_arguments: dict[str, object]) -> None:
        try:
            made.append(model.model_validate_json(json.dumps(raw_arguments)))
        except ValidationError as error:
            wrong.append(_wrong(error))
            raise ToolError(wrong[-1]) from None

    described = {
        "name": TOOL,
        "description": model.__doc__ or "Note the conclusions.",
        "parameters": model.model_json_schema(),
    }
    tool = function_tool(fill_in, raw_schema=described)
    context, why = _transcript(call), ""
    usage = ModelUsageCollector()
    asked.on("metrics_collected", usage.collect)
    try:
        for _ in range(TRIES):
            try:
                answer = await asked.chat(
                    chat_ctx=context,
                    tools=[tool],
                    tool_choice="required",
                    conn_options=APIConnectOptions(max_retry=0, timeout=limit),
                ).collect()
            except APIError as error:
                why = f"the LLM failed: {error.message}"
                continue
            if not answer.tool_calls:
                why = "the LLM answered with words"
                continue
            wrong.clear()
            done = await llm.execute_function_call(answer.tool_calls[0], llm.ToolContext([tool]))
            if made:
                return made[0]
            # Not what LiveKit says of them, which quotes arguments that are no JSON.
            told = "".join(wrong) or "they are no JSON object"
            why = f"the LLM's conclusions are not valid: {told}"
            context.insert([done.fnc_call, done.fnc_call_out])
    finally:
        asked.off("metrics_collected", usage.collect)
        note_usage(call, id(usage), usage.flatten())
    raise HostError(why)


def _llm_of(call: LiveCall) -> llm.LLM[Any]:
    """Return the persona's LLM; for a realtime model, which reads no transcript, that of `llm`.

    Raises HostError.
    """
    assert call.session is not None
    named = call.persona_settings.llm
    for model in (call.session.llm, named):
        made = with_fallbacks(call, "llm", model) if isinstance(model, str) else model
        if isinstance(made, llm.LLM):
            return made
    raise HostError(f'a realtime model draws no conclusions, and neither does llm = "{named}"')


def _transcript(call: LiveCall) -> llm.ChatContext:
    """Return what the LLM reads: the transcript as data, since the far end said half of it."""
    state = call.state
    lines = [f"{said.who}: {said.text}" for said in state.transcript]
    began = f"The call began on {state.dispatched_at:%A, %Y-%m-%d at %H:%M} UTC."
    placed = "placed" if state.outbound else "answered"
    party = f"`persona` is the AI assistant, who {placed} it, and `caller` the other party."
    context = llm.ChatContext.empty()
    context.add_message(role="system", content=_ASKED)
    context.add_message(
        role="user", content=with_data_notice(f"{began} {party}\n{as_data(lines, LONGEST)}")
    )
    return context


def _wrong(error: ValidationError) -> str:
    """Say what is wrong, without the values."""
    told = (sentence(".".join(map(str, fault["loc"])), fault) for fault in faults_in(error))
    return "; ".join(told)
