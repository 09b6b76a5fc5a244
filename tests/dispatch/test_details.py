"""What a persona makes of a dispatch's metadata, and how its refusal reads."""

from datetime import date
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from waiting import logged_by_the_host

from host.base.errors import MetadataError
from host.dispatch.details import parse_details


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
    assert str(refused.value) == "the metadata is invalid: patient must be text; time is missing"


def test_a_value_error_keeps_its_authors_words() -> None:
    def parse(metadata: Any) -> None:
        raise ValueError("the appointment is in the past")

    with pytest.raises(MetadataError, match="the appointment is in the past"):
        parse_details(view(parse), {})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(MetadataError, match="'patient' is missing"):
        parse_details(view(lambda metadata: metadata["patient"]), {})


def lookup(metadata: Any) -> None:
    {"gold": 1}[metadata["plan"]]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    plan: int = 1
    counts: dict[int, int] = {}


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


def known(plan: str) -> str:
    raise ValueError(f"there is no plan {plan!r}")


class Planned(BaseModel):
    plan: Annotated[str, AfterValidator(known)]


@pytest.mark.parametrize(
    ("parse", "metadata", "told"),
    [
        (lookup, {"plan": "hunter2"}, "'…' is missing"),
        (lambda metadata: {}[metadata["plan"].strip().lower()], {"plan": " HUNTER2"}, "missing"),
        (lambda metadata: int(metadata["plan"]), {"plan": "hunter2"}, "invalid literal for int"),
        (lambda metadata: date.fromisoformat(metadata["plan"]), {"plan": "hunter2"}, "isoformat"),
        (Strict.model_validate, {"hunter2": 1}, "metadata has unknown fields"),
        (Strict.model_validate, {"counts": {"hunter2": 1}}, "counts must be a whole number"),
        (Strict.model_validate, {"plan": "hunter2"}, "plan must be a whole number"),
        (Owner.model_validate, {"pet": {"kind": "hunter2"}}, "pet is of no known kind"),
        (Planned.model_validate, {"plan": "hunter2"}, "plan is wrong: there is no plan '…'"),
    ],
)
def test_a_refusal_does_not_repeat_what_the_metadata_says(
    parse: Any, metadata: Any, told: str
) -> None:
    with pytest.raises(MetadataError) as refused:
        parse_details(view(parse), metadata)
    assert told in str(refused.value)
    assert "hunter2" not in str(refused.value).lower()
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None, "no traceback repeats it"


@pytest.mark.parametrize(
    "parse",
    [
        lambda metadata: metadata["plan"] + 1,
        lambda metadata: metadata["plan"].hunter2,
        lambda metadata: [][len(metadata["plan"])],
        lambda metadata: float(10**400 * len(metadata["plan"])),
    ],
    ids=["type", "attribute", "index", "overflow"],
)
def test_what_a_persona_trips_over_is_refused_and_the_log_says_where(
    parse: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(MetadataError, match="parse_metadata raised an error"):
        parse_details(view(parse), {"plan": "hunter2"})
    (said,) = logged_by_the_host(caplog)
    line = said.getMessage()
    assert "test_details.py:" in line
    assert "Error at " in line
    assert "hunter2" not in line


def test_a_persona_that_breaks_over_anything_else_is_no_refusal() -> None:
    def parse(metadata: Any) -> None:
        raise RuntimeError("the customers can't be reached")

    with pytest.raises(RuntimeError, match="can't be reached"):
        parse_details(view(parse), {})
