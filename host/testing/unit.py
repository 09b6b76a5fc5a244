"""Calls without a telephone, for unit tests of personas and plugins: milliseconds each."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livekit.agents import llm

from host import registry
from host.base.errors import SettingsError
from host.call.call import Call
from host.call.live import LiveCall
from host.call.state import CallState
from host.dispatch.details import parse_details
from host.registry import HOOKS
from host.runner.text.apart import apart
from host.settings import Settings, load_settings
from host.speech.persona_agent import tools_of


def a_call(
    persona: str,
    *,
    number: str | None = None,
    our_number: str | None = None,
    outbound: bool = False,
    metadata: Mapping[str, Any] | None = None,
    plugins: Mapping[str, Mapping[str, Any]] | None = None,
) -> Call:
    """Return a call of a persona, with the personas and plugins of your settings.

    Settings come from the working directory and the environment, as for a host; `plugins` sets more
    for this call: plugin to field to value. `call.hooks.greeting(call=call)` asks a question, and
    `tell(call, "prepare_call")` runs an event. No session: `call.say` and the like raise. What a
    call writes goes into a temporary folder.

    Raises PersonaError, SettingsError, and MetadataError if the persona rejects the metadata.
    """
    facts = Facts(number, our_number, outbound, metadata or {}, plugins or {})
    settings, loaded = facts.deployment(Path(tempfile.mkdtemp(prefix="a-call-")))
    live = LiveCall(settings, facts.state, persona=persona, hooks=loaded.view(persona))
    live.details = parse_details(live.hooks, live.state.metadata)
    return live.call


@dataclass(frozen=True)
class Facts:
    """What a test says of a call, beside its persona."""

    number: str | None
    our_number: str | None
    outbound: bool
    metadata: Mapping[str, Any]
    plugins: Mapping[str, Mapping[str, Any]]
    mcp: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> CallState:
        """The state of a new call."""
        return CallState(
            id="test",
            room="test",
            number=self.number,
            our_number=self.our_number,
            outbound=self.outbound,
            metadata=dict(self.metadata),
        )

    def deployment(self, folder: Path) -> tuple[Settings, registry.Registry]:
        """Read the settings and load the personas; what a call writes goes into `folder`.

        Raises PersonaError and SettingsError.
        """
        settings = load_settings()
        loaded = registry.load(settings).require()
        for name in self.plugins:
            if not any(each.name == name and each.settings for each in loaded.plugins):
                raise SettingsError(f"there is no plugin {name} with settings")
        if unknown := self.mcp.keys() - {server.url for server in settings.mcp_servers}:
            raise SettingsError(f"no persona has the MCP server {min(unknown)}")
        return apart(settings, loaded, folder, self.plugins, self.mcp), loaded


def tool(call: Call, name: str) -> Callable[..., Any]:
    """Return a tool of the call, as the LLM would get it: `await tool(call, "book")("Monday")`.

    Raises LookupError if no persona or plugin offers it.
    """
    found = llm.ToolContext(tools_of(call)).function_tools
    if name not in found:
        raise LookupError(f"there is no tool {name!r}, but {', '.join(sorted(found))}")
    return found[name]


async def tell(call: Call, event: str, **facts: Any) -> None:
    """Run an event of a call, as `tell(call, "digit_pressed", digit="1")`.

    Unlike in a live call, where a failure is logged, it raises what a hook raises.
    """
    if not HOOKS[event].is_async:
        raise TypeError(f"{event} is a question: ask call.hooks.{event}(call=call)")
    await asyncio.gather(*getattr(call.hooks, event)(call=call, **facts))
