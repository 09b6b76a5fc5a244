"""On-disk cache: one WAV file for each text and TTS voice, and an index for each persona."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from host.privacy import write_whole
from host.settings import Words


def wanted(words: Words) -> tuple[str, ...]:
    """Return the texts that must be playable without a provider."""
    said = (words.apology, words.apology_transfer, words.filler, words.not_heard)
    return tuple(dict.fromkeys(text for text in said if text))


class PromptCache:
    """Cached prompts, in `state_dir/sounds`."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "sounds"

    def find(self, persona: str, words: str) -> Path | None:
        """Return the WAV file of a persona's words; None if it is not rendered yet."""
        name = self._index(persona).get(words)
        file = self.folder / name if name else None
        return file if file and file.is_file() else None

    def texts(self, persona: str) -> tuple[str, ...]:
        """Return what is known of a persona, in any voice."""
        return tuple(self._index(persona))

    def in_voice(self, voice: str, words: str) -> Path | None:
        """Return the WAV file of these words in this voice; None if they are not rendered."""
        file = self.folder / _name(voice, words)
        return file if file.is_file() else None

    @property
    def size(self) -> int:
        """Bytes of all prompts."""
        return sum(file.stat().st_size for file in self.folder.glob("*.wav"))

    def put(self, voice: str, words: str, wav: bytes) -> None:
        """Store a prompt. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / _name(voice, words), wav)

    def note(self, persona: str, voice: str, words: tuple[str, ...]) -> None:
        """Write the persona's index: these words in this voice. Raises OSError."""
        index = {each: _name(voice, each) for each in words if self.in_voice(voice, each)}
        if index != self._index(persona):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / f"{persona}.json", json.dumps(index).encode())

    def tidy(self, personas: list[str]) -> None:
        """Delete files that no index of these personas refers to."""
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
