"""Words pydantic's validation errors without their values, which may be secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool": "must be true or false",
    "dict": "must be a table",
    "extra_forbidden": "has unknown fields",
    "float": "must be a number",
    "finite_number": "must be a number",
    "frozen_set": "must be a list",
    "int": "must be a whole number",
    "list": "must be a list",
    "mapping": "must be a table",
    "missing": "is missing",
    "model": "must be a table",
    "model_attributes": "must be a table",
    "path": "must be a path",
    "set": "must be a list",
    "string": "must be text",
    "tuple": "must be a list",
    "union_tag_invalid": "is of no known kind",
    "url": "must be an address such as https://example.com",
}
"""Expectations by pydantic's error types, without suffixes (`int_parsing`, `int_type`)."""
_ENDINGS = ("_type", "_parsing", "_from_float", "_parsing_size", "_sub_type", "_unicode")
_LIMITS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


def faults_in(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors without values."""
    return error.errors(include_input=False, include_url=False)


def explain(fault: ErrorDetails) -> str:
    """Say what a value must be, to follow its name: `must be a whole number`."""
    kind, context = fault["type"], fault.get("ctx", {})
    context = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()
    }
    if kind == "value_error":
        return str(context.get("error") or fault["msg"])
    if kind == "string_pattern_mismatch":
        return "does not have the form that is expected"
    if template := _LIMITS.get(kind):
        return template.format(**context)
    for ending in _ENDINGS:
        kind = kind.removesuffix(ending)
    return _EXPECTED.get(kind, fault["msg"])


def sentence(name: str, fault: ErrorDetails) -> str:
    """Say it of a name: `base_url must be text`, or `calling_hours is wrong: ` and why."""
    told = " ".join(explain(fault).split())
    if not name:
        return told
    if told.startswith(("must ", "is ", "does ", "has ")):
        return f"{name} {told}"
    return f"{name} is wrong: {told}"  # with a colon right behind it, a token's name masks the rest
