"""The record of a call: what its fields say, and that old ones can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from stored import RECORDS

from host.records.record import (
    CallRecord,
    KeyPress,
    MenuChoice,
    PersonaShare,
    ToolUse,
    Transfer,
    Usage,
    Utterance,
)

MODELS: tuple[type[BaseModel], ...] = (
    *(CallRecord, Utterance, ToolUse, KeyPress, MenuChoice, Transfer, PersonaShare, Usage),
)
FIELDS = [(model, name) for model in MODELS for name in model.model_fields]


@pytest.mark.parametrize("file", sorted(RECORDS.glob("*.json")), ids=lambda file: file.stem)
def test_a_record_that_was_once_written_can_be_read_and_loses_nothing(file: Path) -> None:
    written = json.loads(file.read_text())
    read = json.loads(CallRecord.model_validate(written).model_dump_json())
    assert as_far_as(written, read) == written


def as_far_as(written: Any, read: Any) -> Any:
    """What was read, without the fields that records have got since."""
    if isinstance(written, dict):
        return {name: as_far_as(value, read[name]) for name, value in written.items()}
    if isinstance(written, list):
        return [as_far_as(one, other) for one, other in zip(written, read, strict=True)]
    return read


def test_a_record_of_another_version_is_not_taken_for_one_of_this() -> None:
    written = json.loads((RECORDS / "v1.json").read_text()) | {"version": 2}
    with pytest.raises(ValueError, match="version"):
        CallRecord.model_validate(written)


@pytest.mark.parametrize(
    ("model", "name"), FIELDS, ids=lambda part: getattr(part, "__name__", part)
)
def test_every_field_says_what_it_is_and_in_which_unit(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    assert field.description
    if "datetime" in str(field.annotation):
        assert "UTC" in field.description
    if "float" in str(field.annotation):
        assert "seconds" in field.description


def test_half_a_character_does_not_keep_a_record_from_being_written() -> None:
    half = "Good \ud83d"  # the first half of an emoji, as a stream may be cut
    line = Utterance(at=datetime.now(UTC), who="persona", text=half)
    assert json.loads(line.model_dump_json())["text"] == "Good ?"
