"""Parses a dispatch's metadata. It is untrusted: size and depth are checked before parsing.

Errors never quote the metadata, so that it can't reach a log.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from host.base.errors import MetadataError

MAX_METADATA = 16 * 1024
"""Maximum size of metadata, in bytes."""
MAX_DEPTH = 8
"""Maximum nesting of objects and lists, the outermost included."""
MAX_NUMBER = 40
"""Maximum length of a number, in characters: a UUID as an integer has 39."""

_JSON_NAMES: Mapping[type, str] = {
    bool: "a boolean",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
    type(None): "null",
}
# An unterminated string runs to the end, so that matching is linear for any input.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - {*b"[]{}"})


def read_metadata(metadata: str) -> dict[str, Any]:
    """Parse metadata: empty, or one JSON object. Raises MetadataError with one line."""
    _check_size(metadata)
    if not metadata.strip(" \t\r\n"):
        return {}
    _check_depth(metadata)
    try:
        value = json.loads(
            metadata,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_no_number,
        )
    except ValueError as error:
        raise MetadataError(f"the metadata is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise MetadataError(f"the metadata is {_JSON_NAMES[type(value)]}, not a JSON object")
    if "\\u" in metadata:
        _check_unicode(json.dumps(value, ensure_ascii=False))
    return value


def _check_size(metadata: str) -> None:
    # Checks characters first, so that an oversized text is not encoded.
    if len(metadata) > MAX_METADATA or len(_check_unicode(metadata)) > MAX_METADATA:
        raise MetadataError(f"the metadata is longer than {MAX_METADATA} bytes")


def _check_unicode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise MetadataError("the metadata has an unpaired surrogate") from None


def _check_depth(metadata: str) -> None:
    """Reject deep nesting before the recursive parser sees it."""
    brackets = _STRING.sub(b"", metadata.encode()).translate(_ALIKE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")  # the innermost pairs
    if b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH:
        raise MetadataError(f"the metadata is nested more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise MetadataError("the metadata has a duplicate key")
    if not "".join(read).isprintable():
        raise MetadataError("the metadata has a key with non-printable characters")
    return read


def _whole_number(digits: str) -> int:
    _check_number(digits)
    return int(digits)


def _number(digits: str) -> float:
    _check_number(digits)
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _check_number(digits: str) -> None:
    if len(digits) > MAX_NUMBER:
        raise MetadataError(f"the metadata has a number of more than {MAX_NUMBER} characters")


def _no_number(name: str) -> NoReturn:
    raise MetadataError("the metadata has a number that is infinite or NaN")
