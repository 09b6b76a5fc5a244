"""Where sounds are kept: one WAV for each text in each voice, and who says what with which."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from host.privacy import write_whole
from host.settings import Words


def wanted(words: Words) -> tuple[str, ...]:
    """Return what must be said when no provider can say it."""
    said = (words.apology, words.apology_transfer, words.filler, words.not_heard)
    return tuple(dict.fromkeys(text for text in said if text))


class PromptCache:
    """The sounds of a host, in `sounds` of its state_dir."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "sounds"

    def find(self, persona: str, words: str) -> Path | None:
        """Return the WAV in which a persona says these words; None where it is not made yet."""
        name = self._index(persona).get(words)
        file = self.folder / name if name else None
        return file if file and file.is_file() else None

    def has(self, voice: str, words: str) -> bool:
        """Tell whether these words were made in this voice, for whomever."""
        return (self.folder / _name(voice, words)).is_file()

    def put(self, voice: str, words: str, wav: bytes) -> None:
        """Keep a sound. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / _name(voice, words), wav)

    def note(self, persona: str, voice: str, words: tuple[str, ...]) -> None:
        """Note that a persona says these words in this voice, and nothing else. Raises OSError."""
        index = {each: _name(voice, each) for each in words if self.has(voice, each)}
        if index != self._index(persona):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / f"{persona}.json", json.dumps(index).encode())

    def tidy(self, personas: list[str]) -> None:
        """Remove what none of these personas says any more."""
        known = {f"{persona}.json" for persona in personas}
        known |= {name for persona in personas for name in self._index(persona).values()}
        for file in self.folder.glob("*"):
            if file.name not in known:
                file.unlink(missing_ok=True)

    def _index(self, persona: str) -> dict[str, str]:
        try:
            index: dict[str, str] = json.loads((self.folder / f"{persona}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return index


def _name(voice: str, words: str) -> str:
    return f"{sha256(json.dumps([voice, words]).encode()).hexdigest()[:32]}.wav"
