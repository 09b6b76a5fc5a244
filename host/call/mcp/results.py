"""What the LLM reads of an MCP server's results: text, and not without end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents.llm.mcp import MCPToolResultContext

LONGEST = 8000
"""Maximum length of a result, in characters."""
LONGEST_ERROR = 300
"""Maximum length of a server's error message, in characters."""


def as_text(context: MCPToolResultContext) -> str:
    """Return the text of a result; images and the like are named, and left out."""
    result = context.result
    parts = [_text_of(part) or f"[{part.type}]" for part in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    return "\n".join(parts) or "Done."


def _text_of(part: Any) -> str:
    """Return the text of a part, or of the resource in it; empty if it has none."""
    return getattr(part, "text", "") or getattr(getattr(part, "resource", None), "text", "")


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text that says so if it was cut."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} [cut: {longest} of {len(text)} characters]"
