"""Tells the parent what happens in a call while it goes on: for `GET /events`.

All of it is masked as the call's record will be, by the strictest settings of the personas that
have the call or may yet get it: what was told can't be taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from host.base.clock import now
from host.call.facts import facts_of
from host.call.live import LiveCall
from host.call.status import LiveStatus, live_status
from host.records.record import CallRecord, ToolUse, Utterance
from host.records.redaction import redacted_line, redacted_tool
from host.runner.event_line import EventLine
from host.settings import PersonaSettings

log = logging.getLogger("host")

LONGEST_TEXT = 4000
"""Maximum length of an utterance, or of a tool's arguments or result, in characters."""
TOLD_BEFORE = frozenset({"transcript", "tools", "keys", "menus"})
"""Parts of a record that its event does not have: they are long."""


class LiveEvents:
    """What the parent is told of one call. No error in it affects the call."""

    def __init__(self, call: LiveCall, *, resumed: bool = False) -> None:
        """`resumed`: another process had the call, and has told what its checkpoint has."""
        state = call.state
        self._call, self._line = call, EventLine(state.id)
        self._begun = self._started = resumed
        self._answered = state.answered
        self._status: LiveStatus | str = live_status(state) if resumed else ""
        self._lines, self._shares = len(state.transcript), max(len(state.personas), 1)
        self._operators = (
            len(state.operators),
            sum(each.until is not None for each in state.operators),
        )
        self._discarded = state.recording_discarded
        self._failed = False
        self._masks: tuple[list[str], PersonaSettings] | None = None

    def begin(self) -> None:
        """Tell what happens from now on. A call that is refused before has only its end."""
        self._begun = True
        self.look()

    async def connect(self) -> None:
        """Connect to the parent."""
        await self._line.connect()

    async def close(self) -> None:
        """Close the connection after everything is sent."""
        await self._line.close()

    def look(self) -> None:
        """Tell what is new in the call's state."""
        try:
            self._look()
        except Exception:
            if not self._failed:
                log.exception("telling what happens in a call failed")
            self._failed = True

    def tool_started(self, tool: str, name: str, arguments: str) -> None:
        """Tell that the model calls a tool; `tool` is the ID of the tool call."""
        use = ToolUse(at=now(), name=name, arguments=arguments, result="", failed=False)
        self.look()
        masked = redacted_tool(use, self._strictest)
        facts = {"tool": tool, "name": masked.name, "arguments": _cut(masked.arguments)}
        self._tell("call.tool_started", use.at, facts)

    def tool_ended(self, tool: str, use: ToolUse) -> None:
        """Tell that a tool call has ended."""
        self.look()
        masked = redacted_tool(use, self._strictest)
        facts = {"tool": tool, "name": masked.name, "result": _cut(masked.result)}
        self._tell("call.tool_ended", now(), facts | {"failed": masked.failed})

    def ended(self, record: CallRecord) -> None:
        """Tell of the call's record, which is redacted already."""
        self.look()
        data = record.model_dump(mode="json", exclude=set(TOLD_BEFORE))
        self._line.tell("call.ended", record.ended_at, data)

    def saved(self) -> None:
        """Tell that the call's checkpoint is new: the console shows what it has."""
        self._line.tell_change()

    def _look(self) -> None:
        state = self._call.state
        if not self._begun:
            return
        if not self._started:
            self._started = True
            self._line.tell("call.started", now(), self._facts())
        status = "ending" if self._call.over else live_status(state)
        if status != self._status:
            self._status = status
            self._tell("call.status", now(), {"status": status})
        if state.answered_at and not self._answered:
            self._answered = True
            self._line.tell("call.answered", state.answered_at, self._facts())
        for at, type, facts in sorted(self._story(), key=lambda told: told[0]):
            self._tell(type, at, facts)
        if state.recording_discarded and not self._discarded:
            self._discarded = True
            self._tell("call.recording_discarded", now(), {})

    def _story(self) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
        """Yield the handovers, operators and utterances that are new, with the time of each."""
        state = self._call.state
        shares, self._shares = self._shares, max(len(state.personas), 1)
        for before, share in pairwise(state.personas[shares - 1 :]):
            yield share.since, "call.handed_over", {"from": before.name, "persona": share.name}
        yield from self._talks()
        lines, self._lines = self._lines, len(state.transcript)
        for position, line in enumerate(state.transcript[lines:], lines):
            if masked := redacted_line(line, self._strictest):
                facts = {"persona": state.persona_at(line.at), "position": position}
                yield line.at, "call.transcript", facts | _of_line(masked)

    def _talks(self) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
        """Yield the beginnings and ends of operators' talks that are new."""
        talks = self._call.state.operators
        (begun, ended), over = self._operators, [each for each in talks if each.until]
        self._operators = len(talks), len(over)
        for talk in talks[begun:]:
            yield talk.since, "call.operator_began", {}
        for talk in over[ended:]:
            if talk.until:
                yield talk.until, "call.operator_ended", {"ended": talk.ended}

    def _tell(self, type: str, at: datetime, facts: dict[str, Any]) -> None:
        state = self._call.state
        self._line.tell(type, at, {"id": state.id, "persona": state.owner} | facts)

    def _facts(self) -> dict[str, Any]:
        return facts_of(self._call.state, self._call.settings, self._strictest)

    @property
    def _strictest(self) -> PersonaSettings:
        settings, names = self._call.settings, self._call.state.names
        if self._masks is None or self._masks[0] != names:
            later = {other for name in names for other in settings.reachable_from(name)}
            self._masks = names, settings.of_a_call([*names, *sorted(later)])
        return self._masks[1]


def _of_line(line: Utterance) -> dict[str, Any]:
    return {"who": line.who, "text": _cut(line.text)}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
