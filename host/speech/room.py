"""Options of LiveKit's RoomOptions, merged from every answer of the hook `room_options`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from livekit import rtc
from livekit.agents import room_io

from host.base.errors import HostError
from host.base.text import close_to

_PARTS: dict[str, type[Any]] = {
    "audio_input": room_io.AudioInputOptions,
    "audio_output": room_io.AudioOutputOptions,
    "text_output": room_io.TextOutputOptions,
}
"""What a persona or a plugin may set. The rest decides who is heard, and is the host's: with text
input, anyone with a token for the room could steer the session."""


def room_options(answers: Iterable[Mapping[str, Any]], identity: str) -> room_io.RoomOptions:
    """Return the options of a session that hears only the participant `identity`.

    Merges the answers option by option: what comes later wins. Raises HostError for an option that
    LiveKit does not have, or that is the host's.
    """
    merged: dict[str, dict[str, Any]] = {"audio_input": {"pre_connect_audio": False}}
    for answer in answers:
        if not isinstance(answer, Mapping):
            raise HostError(f"room_options: a dict is expected, not {type(answer).__name__}")
        for part, options in answer.items():
            if part not in _PARTS:
                known = ", ".join(_PARTS)
                raise HostError(f"room_options: no option {part!r} can be set (these can: {known})")
            merged.setdefault(part, {}).update(_options(part, options))
    return room_io.RoomOptions(
        participant_identity=identity,
        video_input=False,
        text_input=False,
        close_on_disconnect=False,
        **{part: _PARTS[part](**options) for part, options in merged.items()},
    )


def _options(part: str, given: Any) -> dict[str, Any]:
    """Return the options of one part, from a dict or from LiveKit's own class."""
    kind = _PARTS[part]
    known = [field.name for field in fields(kind)]
    if isinstance(given, kind):
        default = kind()
        return {
            name: getattr(given, name)
            for name in known
            if getattr(given, name) != getattr(default, name)
        }
    if not isinstance(given, Mapping):
        raise HostError(
            f"room_options: {part} is a dict or {kind.__name__}, not {type(given).__name__}"
        )
    for name in given:
        if name not in known:
            hint = close_to(str(name), known)
            raise HostError(f"room_options: {kind.__name__} has no option {name}{hint}")
    if not _cancels_noise(given.get("noise_cancellation")):
        wrong = type(given["noise_cancellation"]).__name__
        raise HostError(
            "room_options: noise_cancellation is an object of a LiveKit plugin, such as "
            f"noise_cancellation.BVCTelephony(), not {wrong}"
        )
    return dict(given)


def _cancels_noise(given: Any) -> bool:
    kinds = (rtc.NoiseCancellationOptions, rtc.FrameProcessor)
    return given is None or isinstance(given, kinds) or callable(given)
