"""Dead air: the caller waits for a reply and none comes."""

from host.speech.dead_air.watch import watch

__all__ = ["watch"]
