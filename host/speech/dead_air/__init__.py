"""Dead air: the far end waits for a word of ours, and none comes."""

from host.speech.dead_air.watch import watch

__all__ = ["watch"]
