"""Metadata is read in bounded time and memory, and what is wrong with it is told without it."""

from __future__ import annotations

import gc
import json
import math
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest
from deployment import HERE, Deployment
from hostile import KINDS, PERSONAS, SECRET, VICTIM, Attack, attacks

from host.details import parse_details
from host.dispatch import Dispatch, read_dispatch
from host.errors import MetadataError
from host.metadata import MAX_DEPTH, MAX_METADATA, read_metadata
from host.registry import Registry

COUNT = 1000
LIMIT = 0.005
"""Seconds in which 99 of 100 are refused."""


@pytest.fixture
def personas(deployment: Deployment) -> Registry:
    """The personas that they try to reach; the bundled reminder among them."""
    for name in PERSONAS:
        source = HERE.parent / "personas" / "reminder.py"
        deployment.write(f"personas/{name}.py", source.read_text())
    return deployment.load()


def refusal(loaded: Registry, attack: Attack) -> str | None:
    """Read, choose and parse as a call does; return why it was refused, None where it was not."""
    try:
        dispatch: Dispatch = read_dispatch(attack.metadata, attack.room)
        choice = loaded.choose(dispatch)
        if choice.persona is None:
            return choice.reason
        parse_details(loaded.view(choice.persona), dispatch.metadata)
    except MetadataError as error:
        return str(error)
    return None


def begins(text: str) -> str:
    """Name a test by what it is about, which may be megabytes."""
    return ascii(text[:30])


def seconds_of(work: Callable[[], object]) -> float:
    """Measure work in seconds of this thread, whatever else the machine does."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_what_is_good_is_read(personas: Registry) -> None:
    good = {"persona": "desk", "phone_number": VICTIM, "patient": "Änn 😀\n", "time": "3pm"}
    assert refusal(personas, Attack("good", json.dumps(good))) is None
    assert refusal(personas, Attack("good", json.dumps(good, ensure_ascii=False))) is None
    del good["persona"]
    assert refusal(personas, Attack("good", json.dumps(good), "desk-1")) is None


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
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


def test_a_thousand_are_refused_in_bounded_time_and_memory(personas: Registry) -> None:
    every = list(attacks(COUNT))
    assert all(refusal(personas, attack) for attack in every)  # what is made once is made
    took = sorted(seconds_of(partial(refusal, personas, each)) for each in every)
    assert took[math.ceil(COUNT * 0.99) - 1] < LIMIT, f"the slowest: {took[-12:]}"
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for attack in every:
            refusal(personas, attack)
        gc.collect()  # JSON's decoders are in cycles: how many wait to be collected is chance
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 64 * 1024, f"{after - before} bytes are kept of {COUNT}"


@pytest.mark.parametrize(
    "metadata",
    ["[" * MAX_METADATA, '{"a":' * 3000, '"\\"' * 5000, '"' * 16_000, '{"a":"' + '\\"' * 8000]
    + [
        "[{" * 8000,
        "]" * MAX_METADATA,
        '{"a":"' + "\\u0041" * 2000,
        "[" + "1," * 8000,
        "\\" * 16_000,
    ],
    ids=begins,
)
def test_the_longest_takes_no_longer_than_its_length(metadata: str) -> None:
    began = time.thread_time()
    with pytest.raises(MetadataError):
        read_metadata(metadata)
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("[1]", "the metadata is a list, not a JSON object"),
        ("null", "the metadata is null, not a JSON object"),
        ('"sales"', "the metadata is a string, not a JSON object"),
        ("true", "the metadata is a truth value, not a JSON object"),
        ("1", "the metadata is a number, not a JSON object"),
        ("{", "the metadata is not JSON: Expecting property name"),
        ("persona=sales", "the metadata is not JSON: Expecting value: line 1 column 1"),
        ("NaN", "the metadata has a number that is infinite, or none at all"),
        ('{"a": 1e999}', "the metadata has a number that is infinite, or none at all"),
        ('{"a": ' + "9" * 41 + "}", "the metadata has a number of more than 40 characters"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', "the metadata has the same key twice in one object"),
        ('{"a\\u0000": 1}', "the metadata has a key with characters that can't be printed"),
        ('{"a": ["\\ud800"]}', "the metadata has half of a character, which is no Unicode"),
        ("\ud800", "the metadata has half of a character, which is no Unicode"),
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
