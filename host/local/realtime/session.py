"""A client's session settings: instructions, tools and turn detection."""

from typing import Any

from host.local.realtime.conversation import Refused

RATE = 24000
"""Sample rate of all audio in Hz, mono int16, in both directions."""
SILENCE = 0.5
"""Default seconds of silence that end a turn."""

_FORMAT = {"type": "audio/pcm", "rate": RATE}


class Session:
    """The session in OpenAI's format."""

    def __init__(self, session_id: str, model: str) -> None:
        self._turns = {
            "type": "server_vad",
            "silence_duration_ms": round(SILENCE * 1000),
            "create_response": True,
            "interrupt_response": True,
        }
        self.fields: dict[str, Any] = {
            "id": session_id,
            "object": "realtime.session",
            "type": "realtime",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "audio": {
                "input": {"format": _FORMAT, "transcription": None, "turn_detection": self._turns},
                "output": {"format": _FORMAT, "voice": "marin"},
            },
        }

    def update(self, changes: dict[str, Any]) -> None:
        """Merge a client's changes, all of them or none."""
        audio = {way: dict(now) for way, now in self.fields["audio"].items()}
        for way, wanted in _object(changes, "audio").items():
            if way not in audio or not isinstance(wanted, dict):
                raise Refused(f"session.audio.{way} is not understood")
            if wanted.get("format", _FORMAT) != _FORMAT:
                raise Refused(f"session.audio.{way}.format: only {_FORMAT} is spoken here")
            audio[way] |= wanted
        _object(audio["input"], "turn_detection")
        if not isinstance(changes.get("instructions", ""), str):
            raise Refused("session.instructions must be a string")
        if changes.get("output_modalities", ["audio"]) not in (["audio"], ["text"]):
            raise Refused('session.output_modalities is ["audio"] or ["text"]')
        tools = changes.get("tools", [])
        if not isinstance(tools, list) or not all(_is_tool(tool) for tool in tools):
            raise Refused("session.tools is a list of tools, each with its name")
        if isinstance(choice := changes.get("tool_choice"), dict) and "name" not in choice:
            raise Refused("session.tool_choice must name the tool")
        self.fields |= {**changes, "audio": audio}

    @property
    def instructions(self) -> str:
        """Instructions for the whole session."""
        return str(self.fields["instructions"])

    @property
    def turn_detection(self) -> dict[str, Any] | None:
        """Settings of the server's turn detection; None if the client commits turns."""
        found: dict[str, Any] | None = self.fields["audio"]["input"].get("turn_detection")
        return found

    @property
    def silence(self) -> float:
        """Seconds of silence that end a turn."""
        asked = (self.turn_detection or {}).get("silence_duration_ms")
        return asked / 1000 if isinstance(asked, int) and 100 <= asked <= 5000 else SILENCE

    @property
    def transcribes(self) -> bool:
        """Whether the client wants transcripts of the caller."""
        return bool(self.fields["audio"]["input"].get("transcription"))

    @property
    def modalities(self) -> list[str]:
        """Output modalities: audio or text."""
        return list(self.fields["output_modalities"])


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    if found is not None and not isinstance(found, dict):
        raise Refused(f"session.{name} must be an object")
    return found or {}


def _is_tool(tool: object) -> bool:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return False
    return isinstance(tool.get("parameters", {}), dict)
