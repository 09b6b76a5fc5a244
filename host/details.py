"""Asks a persona what a dispatch's metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from host.errors import MetadataError
from host.outside import clean

if TYPE_CHECKING:
    from host.registry import View

LONGEST = 400
"""Characters of the longest refusal: a log line, or a line in a terminal."""
LONGEST_FIELD = 60
"""Characters of the longest name of a field in it."""
MOST_FAULTS = 5
"""How many fields that do not fit are named; the others are counted."""


def parse_details(hook: View, metadata: Mapping[str, Any]) -> object:
    """Return what `parse_metadata` makes of the metadata. Raises MetadataError, one line.

    What the metadata says is not in that line, but where the persona's own words repeat it.
    """
    try:
        return hook.parse_metadata(metadata=metadata)
    except ValidationError as error:
        raise _refusal(_faults(error)) from None
    except KeyError as error:
        raise _refusal(f"{error} is missing") from None
    except ValueError as error:
        raise _refusal(str(error)) from None


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{_field(fault['loc'])}: {fault['msg']}" for fault in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        told.append(f"and {len(faults) - MOST_FAULTS} more")
    return "; ".join(told)


def _field(path: tuple[int | str, ...]) -> str:
    return clean(".".join(str(part) for part in path), LONGEST_FIELD) or "metadata"


def _refusal(why: str) -> MetadataError:
    return MetadataError(clean(f"the metadata does not fit: {why}", LONGEST))
