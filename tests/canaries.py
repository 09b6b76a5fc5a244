"""Secrets and a number that hosts of the tests get, and that nothing they write may show.

At the end of the suite, all that was written is searched for them: see `conftest.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.testing.report import TELEPHONE

SECRETS = {
    "DEEPGRAM_API_KEY": "canary-deepgram-4f1c9a7be2d05836",
    "CARTESIA_API_KEY": "sk_car_canary4f1c9a7be2d05836",
    "OPENAI_API_KEY": "sk-canary-openai-4f1c9a7be2d05836",
    "HOST_WEBHOOK_SECRET": "whsec_Y2FuYXJ5LXdlYmhvb2stNGYxYzlhN2JlMmQwNTgzNg==",
    "HOST_API_TOKEN": "canary-api-4f1c9a7be2d05836-4f1c9a7be2d05836",
    "CANARY_CRM_TOKEN": "canary-crm-4f1c9a7be2d05836",
}
"""Variables of a host, and their values: keys of providers, and one of a persona's own."""
TRUNK_PASSWORD = "canary-trunk-4f1c9a7be2d05836"
"""The SIP password of a trunk, which LiveKit's API may tell of."""
CARD = "4929 1186 0375 4429"
"""The number of a card, which is said off the record."""
UNRECORDED = f"My card is {CARD}, and the word is violet marmalade."
"""What is said with it."""
NUMBER = "+15550142857"
"""The number of people whose calls are private."""
_TOLD = 14
"""Signs of a secret that give it away: whoever hides the rest of it has not hidden it."""
_SIGNS = {
    name: value[:_TOLD].encode()
    for name, value in {**SECRETS, "TRUNK_PASSWORD": TRUNK_PASSWORD}.items()
}
_IN_EACH = (b"canary", b"Y2FuYXJ5")
"""Of these, each sign has one: two looks at a text, and not one for each sign."""
assert all(any(part in sign for part in _IN_EACH) for sign in _SIGNS.values())
_BETWEEN = rb"(?:%[0-9A-Fa-f]{2}|[^0-9]){0,4}"
_NUMBER = re.compile(_BETWEEN.join((b"555", b"014", b"2857")))
"""The number, however it is written: with spaces, dashes, or as an address has it."""
_CARD = re.compile(_BETWEEN.join(map(str.encode, CARD.split()[:2])))
_SPELT = (re.compile(rb"four,? nine,? two,? nine"), re.compile(rb"violet,? marmalade"))
"""Signs of what is said off the record; the spelt ones, in small letters."""
BLOCK = 1 << 22
"""Bytes of a file that are looked at together; the next ones begin with the last of them."""
_OVERLAP = 64
"""Bytes: more than a secret's beginning has, or the number with all that may be between."""


def found_in(text: bytes) -> list[str]:
    """Name the canaries in a text."""
    secrets = []
    if any(part in text for part in _IN_EACH):
        secrets = [name for name, sign in _SIGNS.items() if sign in text]
    small = text.lower()  # far faster than patterns that ignore case
    if _CARD.search(text) or any(sign.search(small) for sign in _SPELT):
        secrets.append("CARD")
    return [*secrets, "NUMBER"] if _NUMBER.search(text) else secrets


def found_below(folder: Path) -> Iterator[str]:
    """Name the files below a folder that show a canary, and which.

    Bytecode has what the source has from which it was made.
    """
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not file.is_file() or file.suffix == ".pyc":
            continue
        try:
            for name in sorted(set(_found_in_file(file))):
                yield f"{file}: {name}"
        except (FileNotFoundError, PermissionError):
            continue  # it went meanwhile, or a test has closed it even to us


def _found_in_file(file: Path) -> Iterator[str]:
    with file.open("rb") as opened:
        end = b""
        while block := opened.read(BLOCK):
            yield from found_in(end + block)
            end = block[-_OVERLAP:]


class Watch:
    """Sees what tests print, and at the end all that was written: a plugin of pytest.

    Under pytest-xdist, the process that the workers report to has it, and their folders.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at what a test has printed and logged."""
        for name, text in report.sections:
            if name.startswith(TELEPHONE):
                continue  # a telephone knows its own number
            shown = found_in(text.encode(errors="replace"))
            self.found += (f"{report.nodeid}, {name}: {each}" for each in shown)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look at the folders of all tests, and fail the suite where a canary is found."""
        factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        self.found += found_below(factory.getbasetemp())
        if self.found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where they were found."""
        for where in self.found:
            terminalreporter.write_line(f"a canary was found in {where}", red=True)


def watch(config: pytest.Config) -> None:
    """Watch a whole session of tests for canaries."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist, whose folders we see
        config.pluginmanager.register(Watch(), "canaries")
