"""Reallooks: the looking one, as a realtime model."""

from .looks import digit_pressed, greeting, instructions, tools
from .realtime import llm

__all__ = ["digit_pressed", "greeting", "instructions", "llm", "tools"]
