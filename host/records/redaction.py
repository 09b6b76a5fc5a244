"""Redacts a call's record for the call log, the database, webhooks and hooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host.base.e164 import E164
from host.privacy import (
    BULLETS,
    Pseudonyms,
    mask_room,
    mask_said,
    mask_words,
    names_a_secret,
    without_secrets,
)
from host.records.record import (
    CallRecord,
    KeyPress,
    MenuChoice,
    ToolUse,
    Transfer,
    Utterance,
)
from host.settings import Shared

MASKED_KEY = "\N{BULLET}"
"""Replaces one key."""


def redacted(record: CallRecord, settings: Shared, state: Path) -> CallRecord:
    """Mask secrets, and everything that the persona's settings keep private, in a record.

    Masked numbers get a pseudonym: calls of one number can be counted, but only the key in `state`
    relates them to it.
    """
    words = _Words(settings, [line.text for line in record.transcript])
    changed: dict[str, object] = {
        "transcript": [words.of_line(line) for line in record.transcript]
        if settings.record_transcripts
        else [],
        "tools": [words.of_tool(tool) for tool in record.tools],
        "results": words.inside(record.results),
        "keys": [words.of_key(key) for key in record.keys],
        "menus": [words.of_choice(choice) for choice in record.menus],
        "transfers": [words.of_transfer(transfer) for transfer in record.transfers],
        "reason": words.written(record.reason),
        "error": words.maybe(record.error),
        "conclusions_error": words.maybe(record.conclusions_error),
        "voicemail_reason": words.maybe(record.voicemail_reason),
    }
    for field in ("reference", "idempotency_key"):
        changed[field] = masked_id(getattr(record, field), record.number, settings, state)
    if not settings.record_numbers:
        names = Pseudonyms(state)
        changed["transfers"] = [
            each.model_copy(update={"number": words.of_target(each.number, names)})
            for each in map(words.of_transfer, record.transfers)
        ]
        changed["room"] = mask_room(record.room, record.number)
        for field in ("number", "our_number"):
            number = getattr(record, field)
            changed[field] = names.of(number) if number else None
    return record.model_copy(update=changed)


def redacted_line(line: Utterance, settings: Shared) -> Utterance | None:
    """Mask an utterance of a live call as its record will have it; None if it will have none."""
    return _Words(settings, ()).of_line(line) if settings.record_transcripts else None


def redacted_tool(tool: ToolUse, settings: Shared) -> ToolUse:
    """Mask a tool call of a live call as its record will have it."""
    return _Words(settings, ()).of_tool(tool)


def masked_id(text: str | None, number: str | None, settings: Shared, state: Path) -> str | None:
    """Mask secrets and telephone numbers in an ID that others chose, `number` in any spelling."""
    if text is None:
        return None
    text = without_secrets(text)
    return text if settings.record_numbers else Pseudonyms(state).within(text, number)


class _Words:
    """Masks what was said and done, by the settings."""

    def __init__(self, settings: Shared, said: Sequence[str]) -> None:
        self._settings, self._said = settings, said

    def __call__(self, text: str) -> str:
        settings = self._settings
        return mask_words(
            text, numbers=not settings.record_numbers, digits=not settings.record_digits
        )

    def written(self, text: str) -> str:
        """Mask written text, which may contain a secret or quote the call."""
        if not self._settings.record_transcripts:
            text = mask_said(text, self._said)
        return self(without_secrets(text))

    def in_json(self, text: str) -> str:
        """Mask text that may be JSON; JSON remains valid."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.written(text)
        if not isinstance(value, dict | list):
            return self.written(text)
        masked = self.inside(value)
        return text if masked == value else json.dumps(masked, ensure_ascii=False)

    def inside(self, value: Any) -> Any:
        """Mask a JSON value."""
        if isinstance(value, dict):
            return {self.written(name): self._called(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.inside(each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        masked = self.written(str(value))
        return value if masked == str(value) else masked

    def _called(self, name: str, value: Any) -> Any:
        secret = names_a_secret(name) and value and value is not True
        return BULLETS if secret else self.inside(value)

    def maybe(self, text: str | None) -> str | None:
        return None if text is None else self.written(text)

    def of_line(self, line: Utterance) -> Utterance:
        return line.model_copy(update={"text": self(line.text)})

    def of_tool(self, tool: ToolUse) -> ToolUse:
        shown = self._settings.record_transcripts  # a tool's arguments repeat what was said
        return tool.model_copy(
            update={
                "arguments": self.in_json(tool.arguments) if shown else "",
                "result": self.in_json(tool.result) if shown else "",
            }
        )

    def of_key(self, key: KeyPress) -> KeyPress:
        if self._settings.record_digits:
            return key
        return key.model_copy(update={"digit": MASKED_KEY})

    def of_choice(self, choice: MenuChoice) -> MenuChoice:
        shown = self._settings.record_digits or choice.key is None
        return choice.model_copy(
            update={
                "menu": self.written(choice.menu),
                "key": choice.key if shown else MASKED_KEY,
                # A choice tells its key. It is noted masked, except by another persona of the call.
                "choice": BULLETS if self._settings.mask_digits else self.maybe(choice.choice),
            }
        )

    def of_transfer(self, transfer: Transfer) -> Transfer:
        return transfer.model_copy(update={"reason": self.written(transfer.reason)})

    def of_target(self, target: str | None, names: Pseudonyms) -> str | None:
        """Mask a transfer target; in a SIP address, only what looks like a number."""
        number = (target or "").removeprefix("tel:")
        return names.of(number) if E164.fullmatch(number) else self.maybe(target)
