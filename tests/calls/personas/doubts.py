"""Doubts: wants to know after the call what its LLM never gets right."""

from .concludes import conclusions, greeting, instructions

__all__ = ["conclusions", "greeting", "instructions"]
