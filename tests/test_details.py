"""What a persona makes of a dispatch's metadata, and how its refusal reads."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from host.details import parse_details
from host.errors import MetadataError


class Appointment(BaseModel):
    patient: str
    time: str


def view(parse: Any) -> Any:
    return SimpleNamespace(parse_metadata=lambda metadata: parse(metadata))


def test_the_details_are_what_the_persona_answers() -> None:
    details = parse_details(
        view(Appointment.model_validate), {"patient": "Ann", "time": "3pm", "persona": "reminder"}
    )
    assert details == Appointment(patient="Ann", time="3pm")


def test_every_field_that_does_not_fit_is_named() -> None:
    with pytest.raises(MetadataError) as refused:
        parse_details(view(Appointment.model_validate), {"patient": 7})
    assert str(refused.value) == (
        "the metadata does not fit: patient: Input should be a valid string; time: Field required"
    )


def test_a_value_error_keeps_its_authors_words() -> None:
    def parse(metadata: Any) -> None:
        raise ValueError("the appointment is in the past")

    with pytest.raises(MetadataError, match="the appointment is in the past"):
        parse_details(view(parse), {})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(MetadataError, match="'patient' is missing"):
        parse_details(view(lambda metadata: metadata["patient"]), {})
