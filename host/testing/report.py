"""What pytest shows of a failed test: its calls from both sides, and the end of the host's log.

A conftest.py with scenes of its own calls `watch(request.node, scene)` before the test, and imports
`pytest_runtest_makereport` from here, as `host.testing.fixtures` does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pytest
from pydantic import ValidationError

from host.privacy import mask_room
from host.records.record import CallRecord

if TYPE_CHECKING:  # what takes time to import, and most users of pytest don't need
    from host.local.exchange import PhoneCall
    from host.runner.text import Conversation
    from host.testing.scene import Scene

LOG_LINES = 30
"""Lines of the host's log that a failure shows, at most."""
TELEPHONE, HOST_LOG = "telephone", "host.log"
"""Beginnings of the titles of the sections."""

Section = tuple[str, str]


class Shows(Protocol):
    """What a test used, and a failure of it shows."""

    def sections(self) -> list[Section]:
        """Return the sections, as title and text."""
        ...


def watch(item: pytest.Item, scene: Scene, *, log: bool = True) -> None:
    """Show what happens in the scene from now on, if the test fails; with its host's log or not."""
    show(item, Watched(scene, len(scene.exchange.calls), len(scene.log()) if log else None))


def show(item: pytest.Item, what: Shows) -> None:
    """Show this if the test fails."""
    item.stash.setdefault(_SHOWN, []).append(what)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add sections to the report of a failed test."""
    report = yield
    shown = item.stash.get(_SHOWN, None)
    if shown is not None and (report.failed or report.when == "teardown"):
        # A tear-down that fails as well has nothing to add; and pytest keeps an item to its end,
        # which would keep all that its test has made.
        del item.stash[_SHOWN]
    if report.failed:
        for each in shown or ():
            report.sections += each.sections()
    return report


class Conversations:
    """The conversations in text of one test."""

    def __init__(self) -> None:
        self._had: list[Conversation] = []

    @asynccontextmanager
    async def have(
        self, opening: Callable[[], AbstractAsyncContextManager[Conversation]]
    ) -> AsyncIterator[Conversation]:
        """Open a conversation, and remember it."""
        async with opening() as talk:
            self._had.append(talk)
            yield talk

    def sections(self) -> list[Section]:
        """Return a section for each conversation: what was said and done, and how it ended."""
        sections = []
        for at, talk in enumerate(self._had, 1):
            lines = [f"{line.who:<9}  {line.what}" for line in talk.lines]
            if talk.over:
                lines.append(f"{talk.ending.outcome}: {talk.ending.reason}")
            if results := dict(talk.call.results):
                lines.append(f"results: {json.dumps(results, ensure_ascii=False)}")
            title = f"conversation {at} of {len(self._had)} with {talk.call.persona}"
            sections.append((title, "\n".join(lines)))
        return sections


@dataclass(frozen=True)
class Watched:
    """A scene, and the number of its calls and the length of its log when a test began."""

    scene: Scene
    calls: int = 0
    logged: int | None = 0
    """None: the log is not shown."""

    def sections(self) -> list[Section]:
        """Return a section for each call of the test, and one with the end of the host's log."""
        calls = self.scene.exchange.calls[self.calls :]
        sections = []
        for at, call in enumerate(calls, 1):
            title = f"{TELEPHONE}: call {at} of {len(calls)}, {call.caller} calls {call.called}"
            sections.append((title, "\n".join([*_seen(call), *self._recorded(call)])))
        if self.logged is None:
            return sections
        log = self.scene.log()[self.logged :].splitlines()[-LOG_LINES:]
        return [*sections, (f"{HOST_LOG}: {self.scene.folder / 'host.log'}", "\n".join(log))]

    def _recorded(self, call: PhoneCall) -> Iterator[str]:
        """Describe the record of a call: outcome, transcript, tools and keys."""
        file = self.scene.folder / "calls.jsonl"
        rooms = call.room, mask_room(call.room)
        found = False
        for line in file.read_text().splitlines() if file.exists() else []:
            try:
                record = CallRecord.model_validate_json(line)
            except ValidationError:
                continue  # still being written
            if record.room in rooms:
                found = True
                yield from _told(record)
        if not found:
            yield "no record" if call.done else "no record: the call goes on"


_SHOWN = pytest.StashKey[list[Shows]]()


def _seen(call: PhoneCall) -> Iterator[str]:
    """Describe a call as its telephone saw it; times are seconds from the answer."""
    if not call.answered_at:
        yield f"not answered: {call.status}, SIP status {call.sip_status}"
    happened = [
        *((heard.start, "persona", heard.text) for heard in call.heard),
        *((said.at, TELEPHONE, said.text) for said in call.said),
        *((key.at, "persona", f"presses {key.digit}") for key in call.keys),
        *((key.at, TELEPHONE, f"presses {key.digit}") for key in call.pressed),
    ]
    yield from (_line(*each) for each in sorted(happened))
    if call.transferred_to:
        yield f"transferred to {call.transferred_to}"
    if call.answered_at and call.ended_at and call.ending:
        who = TELEPHONE if call.ending.by == "phone" else call.ending.by
        yield _line(call.ended_at - call.answered_at, who, f"ends the call: {call.ending.how}")
    if call.failure:
        yield f"the telephone's script failed: {type(call.failure).__name__}: {call.failure}"


def _told(record: CallRecord) -> Iterator[str]:
    """Describe a call as the host recorded it; times are seconds from the answer."""
    yield f"record {record.id}: {record.outcome}: {record.reason}"
    begun = record.answered_at or record.dispatched_at

    def since(at: datetime) -> float:
        return (at - begun).total_seconds()

    happened = [
        *((since(said.at), said.who, said.text) for said in record.transcript),
        *((since(key.at), key.who, f"presses {key.digit}") for key in record.keys),
        *(
            (since(tool.at), "tool", f"{tool.name}({tool.arguments}): {tool.result}")
            for tool in record.tools
        ),
        *((since(each.at), "transfer", f"to {each.to}") for each in record.transfers),
    ]
    yield from (_line(*each) for each in sorted(happened))
    if record.results:
        yield f"results: {json.dumps(record.results, ensure_ascii=False)}"
    if record.error:
        yield f"error: {record.error}"


def _line(at: float, who: str, what: str) -> str:
    return f"{at:7.1f} s  {who:<9}  {what}"
