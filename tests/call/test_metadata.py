"""Metadata that is no call is refused, and what is wrong with it is told without it."""

from __future__ import annotations

import json

import pytest
from deployment import Deployment
from hostile import KINDS, LONGEST, SECRET, VICTIM, Attack, attacks, refusal, with_personas

from host.base.errors import MetadataError
from host.call.metadata import MAX_DEPTH, MAX_METADATA, read_metadata
from host.registry import Registry

COUNT = 1000


@pytest.fixture
def personas(deployment: Deployment) -> Registry:
    """The personas that they try to reach."""
    return with_personas(deployment)


def begins(text: str) -> str:
    """Name a test by what it is about, which may be megabytes."""
    return ascii(text[:30])


def test_what_is_good_is_read(personas: Registry) -> None:
    good = {"persona": "desk", "phone_number": VICTIM, "patient": "Änn 😀\n", "time": "3pm"}
    assert refusal(personas, Attack("good", json.dumps(good))) is None
    assert refusal(personas, Attack("good", json.dumps(good, ensure_ascii=False))) is None
    del good["persona"]
    assert refusal(personas, Attack("good", json.dumps(good), "desk-1")) is None


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
@pytest.mark.table(quick=4)
def test_each_kind_is_refused_in_one_short_line_without_it(personas: Registry, kind: str) -> None:
    of_this_kind = [attack for attack in attacks(COUNT) if attack.kind == kind]
    assert len(of_this_kind) >= COUNT // len(KINDS)
    for attack in of_this_kind:
        reason = refusal(personas, attack)
        assert reason, f"this is taken for a call: {attack!r}"
        assert reason.isprintable()
        assert len(reason) < 500
        assert SECRET not in reason
        assert VICTIM not in reason


@pytest.mark.parametrize("metadata", LONGEST, ids=begins)
def test_the_longest_is_refused_whatever_it_is_made_of(metadata: str) -> None:
    with pytest.raises(MetadataError):
        read_metadata(metadata)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("[1]", "the metadata is a list, not a JSON object"),
        ("null", "the metadata is null, not a JSON object"),
        ('"sales"', "the metadata is a string, not a JSON object"),
        ("true", "the metadata is a boolean, not a JSON object"),
        ("1", "the metadata is a number, not a JSON object"),
        ("{", "the metadata is not JSON: Expecting property name"),
        ("persona=sales", "the metadata is not JSON: Expecting value: line 1 column 1"),
        ("NaN", "the metadata has a number that is infinite or NaN"),
        ('{"a": 1e999}', "the metadata has a number that is infinite or NaN"),
        ('{"a": ' + "9" * 41 + "}", "the metadata has a number of more than 40 characters"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', "the metadata has a duplicate key"),
        ('{"a\\u0000": 1}', "the metadata has a key with non-printable characters"),
        ('{"a": ["\\ud800"]}', "the metadata has an unpaired surrogate"),
        ("\ud800", "the metadata has an unpaired surrogate"),
        ('{"a": "' + "x" * 2_000_000 + '"}', "the metadata is longer than 16384 bytes"),
        ("[" * 9, "the metadata is nested more than 8 deep"),
    ],
    ids=begins,
)
def test_what_is_wrong_is_named(metadata: str, reason: str) -> None:
    with pytest.raises(MetadataError) as error:
        read_metadata(metadata)
    assert str(error.value).startswith(reason)
    assert error.value.__cause__ is None, "no traceback repeats it"


def test_the_longest_metadata_that_is_read_is_measured_in_bytes() -> None:
    shell = len('{"a": ""}')
    assert read_metadata('{"a": "' + "x" * (MAX_METADATA - shell) + '"}')
    with pytest.raises(MetadataError):
        read_metadata('{"a": "' + "é" * (MAX_METADATA - shell - 1) + '"}')


def test_the_deepest_that_is_read_has_the_outermost_counted() -> None:
    inside = MAX_DEPTH - 1
    assert read_metadata('{"a": ' + "[" * inside + "]" * inside + "}")
    with pytest.raises(MetadataError, match="nested"):
        read_metadata('{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}")


def test_brackets_in_text_are_no_depth() -> None:
    assert read_metadata(json.dumps({"a": '[[[[[[[[[[ "{{{{{{{{{{ \\" [', "[{" * 9: ["]]]]"]}))


def test_what_json_allows_is_read_as_it_is() -> None:
    text = '{"a": [0, -1, 1.5e3, true, null, "\\ud83d\\ude00 \\n\\t"], "b": {}, "c": {"a": 1}}'
    assert read_metadata(text) == json.loads(text)
    assert read_metadata(" \t\r\n") == {}
    digits = "9" * 40
    assert read_metadata(f'{{"uuid": {digits}}}') == {"uuid": int(digits)}
