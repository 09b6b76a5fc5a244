"""Parses a dispatch's metadata with the persona's `parse_metadata` hook."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from host.base.errors import MetadataError
from host.base.text import sanitize
from host.base.validation import faults_in, sentence

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from host.call.parts import Hooks

log = logging.getLogger("host")

LONGEST = 400
"""Maximum length of the error message, in characters."""
LONGEST_FIELD = 60
"""Maximum length of a field's name in it, in characters."""
MOST_FAULTS = 5
"""Maximum number of invalid fields named; the rest are counted."""
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")


def parse_details(hook: Hooks, metadata: Mapping[str, Any]) -> object:
    """Return what `parse_metadata` returns. Raises MetadataError with one line.

    Values of the metadata are left out of that line, unless the persona's own text contains them.
    """
    try:
        return hook.parse_metadata(metadata=metadata)
    except ValidationError as error:
        why = _faults(error)
    except KeyError as error:
        why = f"{error} is missing"
    except ValueError as error:
        why = str(error)
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        # The location only: the message may contain metadata.
        log.error("parse_metadata: %s at %s:%s", type(error).__name__, last.filename, last.lineno)
        why = "parse_metadata raised an error"
    raise _refusal(_without(set(_said_in(metadata)), why))


def _faults(error: ValidationError) -> str:
    faults = faults_in(error)
    described = [sentence(_field(_known_path(fault)), fault) for fault in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        described.append(f"and {len(faults) - MOST_FAULTS} more")
    return "; ".join(described)


def _known_path(fault: ErrorDetails) -> tuple[int | str, ...]:
    """Return the path of a fault, without keys that the persona does not define."""
    path = fault["loc"]
    if fault["type"] == "extra_forbidden":
        return path[:-1]
    return path[:-2] if path[-1:] == ("[key]",) else path


def _field(path: tuple[int | str, ...]) -> str:
    return sanitize(".".join(str(part) for part in path), LONGEST_FIELD) or "metadata"


def _said_in(value: object) -> Iterator[str]:
    """Yield all values in the metadata, normalised."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _said_in(each)
    else:
        yield str(value).strip().casefold()


def _without(said: Collection[str], text: str) -> str:
    """Replace quoted values of the metadata in a text: 'x', "x" or `x`."""

    def hidden(quoted: re.Match[str]) -> str:
        mark = quoted[0][0]
        return f"{mark}…{mark}" if quoted[0][1:-1].strip().casefold() in said else quoted[0]

    return _QUOTED.sub(hidden, text)


def _refusal(why: str) -> MetadataError:
    return MetadataError(sanitize(f"the metadata is invalid: {why}", LONGEST))
