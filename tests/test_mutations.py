"""The bugs of benchmarks/mutations_table.py fit the code, and the tests that they name exist."""

from __future__ import annotations

import pytest
from deployment import HERE
from mutations_table import MUTATIONS, TESTS, Mutation

ROOT = HERE.parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: f"{each.module}: {each.name}")
def test_the_code_that_a_mutation_changes_is_there_once(mutation: Mutation) -> None:
    times = (ROOT / mutation.file).read_text().count(mutation.old)
    assert times == 1, f"adapt benchmarks/mutations_table.py to {mutation.file}"
    assert mutation.old != mutation.new


@pytest.mark.parametrize(
    "test", sorted({test for each in MUTATIONS for test in (*each.telling, *TESTS[each.module])})
)
def test_the_tests_that_a_mutation_names_are_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert (ROOT / file).exists()
    assert not name or f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()
