"""Do the tests notice a bug? `python benchmarks/mutations.py [--module dial] [--only hello]`.

Sixty bugs that somebody could make, ten in each of six modules, are put one at a time into a copy
of this repository. The tests most likely to fail are run, and where they stay green all unit tests
and calls in memory that concern the module, until one fails. `--quick` leaves the latter out;
`--all-tests` runs a bug that survives them against all the others as well. Printed: which test has
noticed which bug, what survived, and how many. All of it takes half an hour or more.

First the same tests must be green without any bug. A text that is not there exactly once, and tests
that can't be collected, are errors of the table: they count for nothing, and the exit code is 2.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutations_table import MUTATIONS, TESTS, Mutation

ROOT = Path(__file__).resolve().parent.parent
AT_LEAST = 0.9
"""The share of the bugs that must be noticed."""
RUN_LIMIT = 1500.0
"""Seconds that one run of tests may take. The tests themselves may take a minute each."""
MEMORY = 9_000_000
"""Kilobytes of memory that the tests of one bug may take: a bug may be an endless loop."""
IN_MEMORY = "not every and not calls and not processes"
"""The tests that a bug must turn red: unit tests and calls in memory, corpora included."""
NOT_NOTICED = "SURVIVED"
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py::.*?)(?: - .*)?$", re.MULTILINE)


class Broken(Exception):
    """What was run says nothing about the tests."""


@dataclass(frozen=True)
class Tried:
    """One bug, and what came of it."""

    mutation: Mutation
    verdict: str
    """The test that noticed it, NOT_NOTICED, or an error."""
    error: bool = False

    @property
    def noticed(self) -> bool:
        """Whether a test turned red."""
        return not self.error and self.verdict != NOT_NOTICED


def main() -> int:
    """Try what was asked for; 0 where enough was noticed, 1 where not, 2 where something broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module", choices=TESTS, help="only the bugs of one module")
    parser.add_argument("--only", default="", help="only bugs with this in their name")
    parser.add_argument("--quick", action="store_true", help="only the tests most likely to fail")
    parser.add_argument("--all-tests", action="store_true", help="survivors meet all others")
    parser.add_argument("--trust", action="store_true", help="the tests were just seen to be green")
    asked = parser.parse_args()
    chosen = [
        each
        for each in MUTATIONS
        if asked.module in (None, each.module) and asked.only.lower() in each.name.lower()
    ]
    with _a_copy() as copy:
        if not asked.trust and (red := _first_red(copy, _tests_of(chosen, asked))):
            print(f"without any bug, {red} fails", file=sys.stderr)
            return 2
        tried = [_try(copy, each, asked) for each in chosen]
    _tell(tried)
    if any(each.error for each in tried):
        return 2
    return 0 if sum(each.noticed for each in tried) >= AT_LEAST * len(tried) else 1


def _tests_of(chosen: Iterable[Mutation], asked: argparse.Namespace) -> list[str]:
    """Name the tests that these bugs meet, each once."""
    if asked.all_tests:
        return ["tests"]
    named = [test for each in chosen for test in each.telling]
    if not asked.quick:
        named = [*(test for each in chosen for test in TESTS[each.module]), *named]
    whole = {test for test in named if "::" not in test}
    return [test for test in dict.fromkeys(named) if test in whole or _file(test) not in whole]


def _file(test: str) -> str:
    return test.partition("::")[0]


def _folder(test: str) -> Path:
    file = Path(_file(test))
    return file.parent if file.suffix else file


def _try(copy: Path, mutation: Mutation, asked: argparse.Namespace) -> Tried:
    begun = time.monotonic()
    try:
        with _put_in(copy, mutation):
            red = _first_red(copy, mutation.telling)
            if red is None and not asked.quick:
                red = _first_red(copy, TESTS[mutation.module])
            if red is None and asked.all_tests:
                red = _first_red(copy, ["tests"], without=TESTS[mutation.module])
        tried = Tried(mutation, red or NOT_NOTICED)
    except Broken as error:
        tried = Tried(mutation, f"ERROR: {error}", error=True)
    took = time.monotonic() - begun
    print(f"{mutation.module}: {mutation.name}: {tried.verdict} ({took:.0f} s)", flush=True)
    return tried


@contextlib.contextmanager
def _put_in(copy: Path, mutation: Mutation) -> Iterator[None]:
    """Have a bug in the copy. Raises Broken where its text is not there exactly once."""
    file = copy / mutation.file
    text = file.read_text()
    if (times := text.count(mutation.old)) != 1:
        raise Broken(f"its text is {times} times in {mutation.file}")
    changed = text.replace(mutation.old, mutation.new)
    try:
        compile(changed, mutation.file, "exec")
    except SyntaxError as error:
        raise Broken(f"it is no Python: {error}") from error
    file.write_text(changed)
    try:
        yield
    finally:
        file.write_text(text)


def _first_red(copy: Path, tests: Sequence[str], *, without: Sequence[str] = ()) -> str | None:
    """Run tests until one fails; name it. Raises Broken where they did not run."""
    # Files of one folder together: pytest 9.1 loses a folder's fixtures where it comes back to it.
    folders = list(dict.fromkeys(map(_folder, tests)))
    tests = sorted(tests, key=lambda test: folders.index(_folder(test)))
    command = [
        *(sys.executable, "-m", "pytest", *tests, *(f"--ignore={file}" for file in without)),
        *("-m", IN_MEMORY, "-n", "0", "-x", "-q", "-p", "no:cacheprovider", "-rfE"),
        *("--show-capture=no", "--tb=line", "--timeout", "60"),
    ]
    limited = f'ulimit -v {MEMORY}; exec nice -n 10 "$@"'
    # No file of bytecode: one that is as long and as old as another would be taken for it.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            ["bash", "-c", limited, "tests", *command],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise Broken(f"the tests did not end within {RUN_LIMIT:.0f} s") from error
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return None
    red = _RED.search(done.stdout)
    never_ran = "ERROR collecting" in said or re.search("fixture '.*' not found", said)
    if done.returncode != 1 or red is None or never_ran:
        raise Broken(f"pytest gave {done.returncode}: {said.strip()[-1500:]}")
    return red[1]


@contextlib.contextmanager
def _a_copy() -> Iterator[Path]:
    """Copy this repository as it stands, without what git ignores."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copy = Path(folder)
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():  # it may be deleted, and not yet for git
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        asked = [sys.executable, "-c", "import host; print(host.__file__)"]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        found = subprocess.run(
            asked, cwd=copy, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()
        if Path(found) != copy / "host" / "__init__.py":
            raise SystemExit(f"the tests would run {found}, and not the copy in {copy}")
        yield copy


def _tell(tried: Sequence[Tried]) -> None:
    """Print the table and its totals."""
    print("\n| module | bug | noticed by |\n|---|---|---|")
    for each in tried:
        verdict = each.verdict if each.error else each.verdict.removeprefix("tests/")
        print(f"| {each.mutation.module} | {each.mutation.name} | {verdict.splitlines()[0]} |")
    print()
    for module in TESTS:
        of_it = [each for each in tried if each.mutation.module == module]
        if of_it:
            print(f"{module}: {sum(each.noticed for each in of_it)} of {len(of_it)}")
    errors = sum(each.error for each in tried)
    noticed = sum(each.noticed for each in tried)
    print(f"together: {noticed} of {len(tried)} noticed, {errors} errors")


if __name__ == "__main__":
    sys.exit(main())
