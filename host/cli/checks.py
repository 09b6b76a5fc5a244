"""Checks what a user typed for a call: its number and its details.

A fault is one line that says what is wrong and how to mend it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from host.base.e164 import E164
from host.base.errors import HostError, MetadataError
from host.compliance.verdict import Rule, Verdict
from host.records.filters import read_number


def number_to_dial(text: str, persona: str) -> str:
    """Return a number in E.164 from what stands behind the persona. Raises HostError."""
    if not re.search(r"[0-9]", text) or "=" in text:
        before = f" before {text!r}" if text else ""
        raise HostError(
            f"the number to dial is missing{before}: python -m host call {persona} +15550001111 ..."
        )
    read = read_number(text)
    if E164.fullmatch(read):
        return read
    raise HostError(f"{text!r} is not an E.164 number like +15550001111{meant_number(read)}")


def number_as_written(text: str) -> str:
    """Return a number without the spaces and dashes that people write; any other text as it is."""
    read = read_number(text)
    return read if E164.fullmatch(read) else text


def number_of_the_local_world(verdict: Verdict, number: str) -> str:
    """Say where a number can be dialled that is no real one."""
    if verdict.rule == Rule.INVALID and number_as_written(number).startswith("+1555"):
        return "; +1555... is dialled with `--local` alone"
    return ""


def meant_number(text: str) -> str:
    """Say which number somebody may have meant who wrote it without its plus."""
    with_plus = f"+{read_number(text).removeprefix('00')}"
    return f"; did you mean {with_plus}?" if E164.fullmatch(with_plus) else ""


def details(words: Sequence[str]) -> dict[str, str]:
    """Read `key=value` words. Raises HostError that says how the words were meant."""
    from host.dispatch.place import details_of

    keys: set[str] = set()
    for at, word in enumerate(words):
        key, equals, _ = word.partition("=")
        if not equals or not key:
            raise HostError(f"{word!r} is not of the form key=value{_meant_detail(words, at)}")
        if key in keys:
            raise HostError(f"{key} is given twice: leave one of them out")
        keys.add(key)
    return details_of(list(words))


def _meant_detail(words: Sequence[str], at: int) -> str:
    """Say how a word was meant that is no `key=value`: `key: value` and `key = value` are two."""
    word, following = words[at], list(words[at + 1 : at + 3])
    if E164.fullmatch(read_number(word)):
        return ": a number to dial stands right behind the persona of `call`, and nowhere else"
    key, colon, value = word.partition(":")
    if not colon and following[:1] == ["="]:
        following.pop(0)
    elif not colon:
        return ""
    value = value.strip() or next(iter(following), "")
    return f"; did you mean {key}={shlex.quote(value)}?" if key and value else ""


def told_to_a_person(error: MetadataError) -> HostError:
    """Say what does not fit in the words of the command line, which knows no metadata."""
    text = str(error).replace("idempotency_key in the metadata", "--key")
    text = text.replace("reference in the metadata", "--reference")
    text = text.replace("dtmf in the metadata", "--dtmf")
    text = text.replace("caller_id in the metadata", "--caller-id")
    lacking = re.findall(r"(?:: |; )(\w+) is missing", text)
    hint = f" (add {' '.join(f'{name}=...' for name in lacking)})" if lacking else ""
    return HostError(f"{text}{hint}")
