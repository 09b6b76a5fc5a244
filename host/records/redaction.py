"""What is told of a call's record: to the call log, the database, the webhook, to every hook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host.privacy import (
    BULLETS,
    Pseudonyms,
    mask_room,
    mask_said,
    mask_words,
    names_a_secret,
    without_secrets,
)
from host.records.record import CallRecord, KeyPress, ToolUse, Transfer, Utterance
from host.settings import Shared

MASKED_KEY = "\N{BULLET}"
"""Stands for one key."""


def redacted(record: CallRecord, settings: Shared, state: Path) -> CallRecord:
    """Leave out of a record what the settings of its persona do not open, and secrets.

    Numbers are masked and named: the calls of one number can be counted, by no one who has not the
    key in `state`.
    """
    words = _Words(settings, [line.text for line in record.transcript])
    changed: dict[str, object] = {
        "transcript": [words.of_line(line) for line in record.transcript]
        if settings.record_transcripts
        else [],
        "tools": [words.of_tool(tool) for tool in record.tools],
        "keys": [words.of_key(key) for key in record.keys],
        "transfers": [words.of_transfer(transfer) for transfer in record.transfers],
        "reason": words.written(record.reason),
        "error": words.maybe(record.error),
        "voicemail_reason": words.maybe(record.voicemail_reason),
    }
    if not settings.record_numbers:
        names = Pseudonyms(state)
        changed["room"] = mask_room(record.room, record.number)
        for field in ("number", "our_number"):
            number = getattr(record, field)
            changed[field] = names.of(number) if number else None
    return record.model_copy(update=changed)


class _Words:
    """What was said and done, as far as it may be told."""

    def __init__(self, settings: Shared, said: Sequence[str]) -> None:
        self._settings, self._said = settings, said

    def __call__(self, text: str) -> str:
        settings = self._settings
        return mask_words(
            text, numbers=not settings.record_numbers, digits=not settings.record_digits
        )

    def written(self, text: str) -> str:
        """Mask what is written and not said: it may hold a secret, or quote the call."""
        if not self._settings.record_transcripts:
            text = mask_said(text, self._said)
        return self(without_secrets(text))

    def in_json(self, text: str) -> str:
        """Mask a text that may be JSON, and is still JSON then."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return self.written(text)
        if not isinstance(told, dict | list):
            return self.written(text)
        masked = self._inside(told)
        return text if masked == told else json.dumps(masked, ensure_ascii=False)

    def _inside(self, told: Any) -> Any:
        if isinstance(told, dict):
            return {self.written(name): self._called(name, value) for name, value in told.items()}
        if isinstance(told, list):
            return [self._inside(value) for value in told]
        if told is None or isinstance(told, bool):
            return told
        masked = self.written(str(told))
        return told if masked == str(told) else masked

    def _called(self, name: str, value: Any) -> Any:
        secret = names_a_secret(name) and value and value is not True
        return BULLETS if secret else self._inside(value)

    def maybe(self, text: str | None) -> str | None:
        return None if text is None else self.written(text)

    def of_line(self, line: Utterance) -> Utterance:
        return line.model_copy(update={"text": self(line.text)})

    def of_tool(self, tool: ToolUse) -> ToolUse:
        told = self._settings.record_transcripts  # what a tool is given was said before
        return tool.model_copy(
            update={
                "arguments": self.in_json(tool.arguments) if told else "",
                "result": self.in_json(tool.result) if told else "",
            }
        )

    def of_key(self, key: KeyPress) -> KeyPress:
        if self._settings.record_digits:
            return key
        return key.model_copy(update={"digit": MASKED_KEY})

    def of_transfer(self, transfer: Transfer) -> Transfer:
        return transfer.model_copy(update={"reason": self.written(transfer.reason)})
