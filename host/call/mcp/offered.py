"""Which of the tools that an MCP server lists an LLM can be offered.

A provider rejects every request of the call for one tool that it does not take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from livekit.agents.llm import RawFunctionTool

MOST = 40
"""Maximum number of tools of one server. OpenAI takes 128 in all."""
LARGEST_SCHEMA = 16_000
"""Maximum length of a tool's parameters as JSON, in characters."""
LONGEST_DESCRIPTION = 1024
"""Maximum length of a description, in characters, as of OpenAI; a longer one is cut."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
"""Names that OpenAI, Anthropic and Google take."""
_REJECTED = ("oneOf", "anyOf", "allOf", "enum", "not")
"""Keywords that OpenAI and Anthropic do not take at the top of a schema."""


def usable(
    listed: Sequence[RawFunctionTool[..., Any]], wanted: Collection[str]
) -> tuple[list[RawFunctionTool[..., Any]], list[str]]:
    """Return the tools to offer, and what is wrong with the others, a clause each."""
    good: dict[str, RawFunctionTool[..., Any]] = {}
    faults: list[str] = []
    for tool in listed:
        name = tool.info.name
        if wanted and name not in wanted:
            continue
        if fault := "is there twice" if name in good else _fault(name, tool.info.raw_schema):
            faults.append(f"its tool {ascii(name)[:80]} {fault}")
        else:
            good[name] = tool
    names = [tool.info.name for tool in listed]
    faults += [
        f"it has no tool {ascii(name)[:80]}{_known(names)}" for name in wanted if name not in names
    ]
    if len(good) > MOST:
        faults.append(f"it has {len(good)} tools, more than {MOST}: choose some with `tools`")
    return [*good.values()][:MOST], faults


def schema_of(tool: RawFunctionTool[..., Any]) -> dict[str, Any]:
    """Return a tool's schema as an LLM's provider takes it."""
    schema = tool.info.raw_schema
    description = " ".join((schema.get("description") or "").split())
    # Without properties, OpenAI rejects it.
    parameters = {"properties": {}, **(schema.get("parameters") or {}), "type": "object"}
    return {
        "name": tool.info.name,
        "description": description[:LONGEST_DESCRIPTION],
        "parameters": parameters,
    }


def _fault(name: str, schema: dict[str, Any]) -> str:
    parameters = schema.get("parameters") or {}
    if not _NAME.fullmatch(name):
        return "has a name that LLMs do not take"
    if len(json.dumps(parameters)) > LARGEST_SCHEMA:
        return "has too many parameters"
    rejected = parameters.get("type", "object") != "object" or any(
        keyword in parameters for keyword in _REJECTED
    )
    if rejected or not _is_schema(parameters):
        return "has parameters that LLMs do not take"
    return ""


def _is_schema(parameters: dict[str, Any]) -> bool:
    from jsonschema import Draft202012Validator, SchemaError  # the package `mcp` needs it, too

    try:
        Draft202012Validator.check_schema(parameters)
    except SchemaError:
        return False
    return True


def _known(names: Sequence[str]) -> str:
    shown = ", ".join(ascii(name)[1:-1][:40] for name in names[:10])
    return f", but {shown}{', ...' if names[10:] else ''}" if names else ""
