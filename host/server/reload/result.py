"""What comes of a reload."""

from __future__ import annotations

from pydantic import BaseModel


class Reloaded(BaseModel):
    """What a reload has changed, or why it changed nothing."""

    changed: list[str] = []
    """Files that later calls have anew."""
    faults: list[str] = []
    """What is wrong, a line each. If `refused`, the first ones are the reason."""
    refused: bool = False
    """Whether the last good code and settings stay."""
    after_restart: list[str] = []
    """Changed settings that take effect after a restart."""

    @property
    def lines(self) -> list[str]:
        """What to tell an operator."""
        if self.refused:
            told = [f"not reloaded, the last good code stays: {fault}" for fault in self.faults]
        else:
            what = ", ".join(self.changed) or "no file has changed"
            told = [f"reloaded for the next calls: {what}", *self.faults]
        if self.after_restart:
            verb = "takes" if len(self.after_restart) == 1 else "take"
            told.append(f"{', '.join(self.after_restart)} {verb} effect after a restart")
        return told
