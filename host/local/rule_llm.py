"""The local model by rules as LiveKit's LLM: in this process, without a server."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, llm

from host.local.rules import Reply, Rule, read_turn, reply_to


class Answer(llm.LLMStream):
    """One answer of a `RuleLlm`."""

    tool_choice: Any = "auto"

    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, RuleLlm)
        schemas = model.schemas_of(self._tools)
        request = request_of(self._chat_ctx, schemas, self.tool_choice)
        reply = reply_to(read_turn(request, model.persona()), model.rules)
        for delta in deltas(reply):
            self._event_ch.send_nowait(llm.ChatChunk(id=secrets.token_hex(4), delta=delta))


class RuleLlm(llm.LLM[Any]):
    """Answers by the rules of `host.local.rules`."""

    answers: type[Answer] = Answer

    def __init__(self, rules: Iterable[Rule], persona: Callable[[], str | None]) -> None:
        """`persona` returns the name of the persona that asks."""
        super().__init__()
        self.rules, self.persona = tuple(rules), persona
        self._tools: list[llm.Tool] = []
        self._schemas: list[dict[str, Any]] = []

    def schemas_of(self, tools: list[llm.Tool]) -> list[dict[str, Any]]:
        """Describe tools as OpenAI's API does; those of the turn before are remembered.

        Most of a conversation's time would be spent on it.
        """
        if tools != self._tools:
            self._tools, self._schemas = tools, schemas_of(tools)
        return self._schemas

    @property
    def model(self) -> str:
        return "rules"

    @property
    def provider(self) -> str:
        return "host"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: Any = NOT_GIVEN,
        tool_choice: Any = NOT_GIVEN,
        extra_kwargs: Any = NOT_GIVEN,
        **more: Any,
    ) -> llm.LLMStream:
        stream = self.answers(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)
        stream.tool_choice = tool_choice if tool_choice is not NOT_GIVEN else "auto"
        return stream


def request_of(
    chat_ctx: llm.ChatContext, tools: list[dict[str, Any]], tool_choice: Any
) -> dict[str, Any]:
    """Return what a model behind OpenAI's API would be asked."""
    messages, _ = chat_ctx.to_provider_format(format="openai")
    return {"messages": messages, "tools": tools, "tool_choice": tool_choice}


def schemas_of(tools: list[llm.Tool]) -> list[dict[str, Any]]:
    """Describe tools as OpenAI's API does."""
    return llm.ToolContext(tools).parse_function_tools("openai")


def deltas(reply: Reply) -> Iterator[llm.ChoiceDelta]:
    """Yield a reply in the pieces in which a model sends it."""
    for word in re.findall(r"\S+\s*", reply.text):
        yield llm.ChoiceDelta(role="assistant", content=word)
    if reply.tool:
        name, arguments = reply.tool
        call = llm.FunctionToolCall(
            name=name,
            arguments=json.dumps(dict(arguments)),
            call_id=f"call_{secrets.token_hex(8)}",
        )
        yield llm.ChoiceDelta(role="assistant", tool_calls=[call])
