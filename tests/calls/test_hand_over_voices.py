"""Three personas, three voices and two languages in one call, handed over in every way there is.

In memory, the far end hears the voice in the samples. All voices of the local TTS sound alike, so
in a whole call it hears the words, and the voice is the one that the TTS was asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from in_memory.telephones import voices_heard
from in_memory.world import MemoryScene
from scene import checkpoints_of, kill_its_process
from ways import Dials, Rings, Seen, nothing

from host.local.phone import Line, PersonScript, PhoneCall, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard, heard_once, not_heard

ASKS = "What do you know?"
BACK = "I am sorry, we were cut off for a moment. I am here again, please go on."


@dataclass(frozen=True)
class Persona:
    """What the far end can tell a persona by."""

    voice: tuple[str, str, str]
    """Its TTS's model, voice and language."""
    ears: tuple[str, str]
    """Its STT's model and language."""
    joins: str
    """Its first words after a handover."""
    tool: str
    answer: str
    """What it says of its tool's result."""
    silence: float
    """Seconds after which it asks whether somebody is there."""
    silent: str
    targets: tuple[str, ...] = ()

    @staticmethod
    def greets(name: str) -> str:
        """Its first words if it takes the call first."""
        return f"The {name} of the garage wishes you a good day."


PERSONAS = {
    "lobby": Persona(
        ("sonic-3", "the-voice-of-the-lobby", "en"),
        ("nova-3", "en"),
        "Welcome back at the front.",
        "find_car",
        "There are two red cars outside.",
        5,
        "Is anybody still in the lobby?",
    ),
    "workshop": Persona(
        ("sonic-2", "the-voice-of-the-workshop", "de"),
        ("nova-2", "de"),
        "Our mechanics are listening to you.",
        "find_bay",
        "The lift is free on Thursday.",
        4,
        "Do the mechanics still hear you?",
        ("tow",),
    ),
    "parts": Persona(
        ("sonic-2", "the-voice-of-the-parts", "en"),
        ("nova-3", "en"),
        "We have every screw that you need.",
        "find_part",
        "The mirror costs forty dollars.",
        6,
        "Are you still looking for something?",
        ("store",),
    ),
}
KEYS = {"key": {"lobby": "1", "workshop": "2", "parts": "3"}}
KEYS["plugin"] = {"lobby": "7", "workshop": "8", "parts": "9"}
WORDS = {"model": "Give me the {to} please.", "call": "Walk me over to the {to} please."}
TOOLS = {"model": "hand_over", "call": "walk_over"}


@dataclass(frozen=True)
class Row:
    """One call: who has it in turn, and in which way it is handed over."""

    direction: str
    way: str
    """By the model's tool, a key, a plugin, or a tool that awaits `call.hand_over`."""
    order: tuple[str, ...]
    killed: bool = False
    """Whether the call's process is killed with the second persona."""

    def __str__(self) -> str:
        order = "-".join(self.order)
        return f"{self.direction}-{self.way}-{order}{'-killed' if self.killed else ''}"

    @property
    def questions(self) -> list[str]:
        """Who is asked, in order; after a takeover once more."""
        return [*self.order[:2], *self.order[1 if self.killed else 2 :]]

    def script(self) -> PersonScript:
        """What the far end does."""

        async def talks(line: Line) -> None:
            if self.direction == "outbound":
                await line.say("Hello?")
            for at, name in enumerate(self.order):
                persona = PERSONAS[name]
                await line.heard(persona.joins if at else persona.greets(name), 30)
                await line.say(ASKS)
                await line.heard(persona.answer)
                if self.killed and at == 1:
                    await line.heard("please go on", 40)
                    await line.say(ASKS)
                    await line.heard(persona.answer)
                if at + 1 < len(self.order):
                    await self._wants(line, self.order[at + 1])
            await line.heard(PERSONAS[self.order[-1]].silent)
            await line.hang_up()

        return talks

    async def _wants(self, line: Line, to: str) -> None:
        if self.way in KEYS:
            await line.press(KEYS[self.way][to])
        else:
            await line.say(WORDS[self.way].format(to=to))

    async def make(self, scene: Scene) -> Seen:
        """Make the call."""
        details = {"forward_by_key": "yes"}
        meanwhile = self._kill if self.killed else nothing
        if self.direction == "inbound":
            return await Rings(self.order[0], self.script(), meanwhile, details).make(scene)
        telephone = Telephone(script=self.script())
        return await Dials(self.order[0], telephone, meanwhile, details).make(scene)

    async def _kill(self, scene: Scene, call: PhoneCall) -> None:
        """Kill the process once the answer of the second persona is in a checkpoint."""
        answer = PERSONAS[self.order[1]].answer

        def answered() -> bool:
            checkpoints = checkpoints_of(scene, call.room)
            said = [line["text"] for each in checkpoints for line in each["state"]["transcript"]]
            return answer in said and any(answer in found.text for found in call.heard)

        await call.pulse.until(answered, 90, "the second persona's answer")
        kill_its_process(scene, call.room)


THERE = ("lobby", "workshop", "parts")
AND_BACK = ("parts", "workshop", "lobby", "workshop")
WAYS = ("model", "key", "plugin", "call")
DIRECTIONS = ("inbound", "outbound")
ROWS = [
    *(
        Row(direction, way, order)
        for direction in DIRECTIONS
        for way in WAYS
        for order in (THERE, AND_BACK)
    ),
    *(
        Row(direction, way, order, killed=True)
        for direction, way, order in zip(
            DIRECTIONS * 2, WAYS, (THERE, AND_BACK, AND_BACK, THERE), strict=True
        )
    ),
]


# Each two of direction, way, order and a killed process come together in one of these eight.
PAIRED = (
    "killed",
    "outbound-model-parts",
    "inbound-key-lobby",
    "outbound-plugin-lobby",
    "inbound-call-parts",
)


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.table(quick=5)
@pytest.mark.sample(*PAIRED)
async def test_each_persona_is_itself_while_it_has_the_call(scene: Scene, row: Row) -> None:
    before = _Before(scene)
    seen = await row.make(scene)
    assert seen.call is not None
    record = await scene.over(seen.call, 150)
    order, last = row.order, PERSONAS[row.order[-1]]

    # The far end hears each in its voice, and is heard by its ears
    first = PERSONAS[order[0]]
    heard_once(seen.call, first.greets(order[0]))
    assert before.voices(seen.call, first.greets(order[0])) == {first.voice}
    for name, persona in PERSONAS.items():
        assert _times(seen.call, persona.joins) == order[1:].count(name)
        assert _times(seen.call, persona.answer) == row.questions.count(name)
        for words in (persona.joins, persona.answer):
            assert before.voices(seen.call, words) <= {persona.voice}
    assert before.ears(ASKS) == [PERSONAS[name].ears for name in row.questions]
    if row.killed:
        heard_once(seen.call, BACK)
        assert before.voices(seen.call, BACK) == {PERSONAS[order[1]].voice}

    # Its limits and tools hold
    asked = heard_once(seen.call, last.silent)
    assert before.voices(seen.call, last.silent) == {last.voice}
    answered = [found.end for found in heard(seen.call, last.answer) if found.whole]
    assert last.silence - 0.5 <= asked.start - answered[-1] < last.silence + 3
    for name, persona in PERSONAS.items():
        if persona is not last:
            not_heard(seen.call, persona.silent)
        for offered in before.tools(name):
            own = {persona.tool for persona in PERSONAS.values()} & offered.keys()
            assert own == {persona.tool}
            others = set(_choices(offered["hand_over"], "to"))
            assert others == PERSONAS.keys() - {name}
            transfer = offered.get("transfer_call")
            targets = set(_choices(transfer, "to")) - {"billing", "desk"} if transfer else set()
            assert targets == set(persona.targets)

    _is_right(record, row)
    if row.way in KEYS:
        assert "".join(key.digit for key in record.keys) == "".join(
            KEYS[row.way][to] for to in order[1:]
        )
    late = 0.01 if isinstance(scene, MemoryScene) else 0.3  # it is counted just before
    assert _counted(scene, record) == pytest.approx(_talked(record), abs=late)


def _is_right(record: CallRecord, row: Row) -> None:
    """Look for what has happened in the record."""
    assert (record.direction, record.persona) == (row.direction, row.order[0])
    assert tuple(share.name for share in record.personas) == row.order
    assert all(share.until for share in record.personas)
    assert [share.since for share in record.personas[1:]] == [
        share.until for share in record.personas[:-1]
    ]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert record.taken_over == (1 if row.killed else 0)
    used: list[str] = []
    for at, name in enumerate(row.order):
        used += [f"{name} has found it."] * (2 if row.killed and at == 1 else 1)
        if row.way in TOOLS and at + 1 < len(row.order):
            used.append(TOOLS[row.way])
    found = [tool.name if tool.name in TOOLS.values() else tool.result for tool in record.tools]
    assert found == used
    assert not any(tool.failed for tool in record.tools)
    said = [line.text for line in record.transcript if line.who == "persona"]
    expected = [Persona.greets(row.order[0])]
    for at, name in enumerate(row.order):
        persona = PERSONAS[name]
        expected += [persona.joins] * (at > 0) + [persona.answer]
        if row.killed and at == 1:
            expected += [BACK, persona.answer]
    assert said == [*expected, PERSONAS[row.order[-1]].silent]


class _Before:
    """What the providers of a scene had done before a call, to tell what they did in it."""

    def __init__(self, scene: Scene) -> None:
        self._scene, world = scene, scene.world
        self._spoken, self._heard = len(world.cartesia.spoken), len(world.deepgram.heard)
        self._asked = len(world.llm.requests)

    def voices(self, call: PhoneCall, text: str) -> set[Any]:
        """In which voices a text was spoken: as the far end heard it, or as the TTS was asked."""
        if isinstance(self._scene, MemoryScene):
            return voices_heard(call, text)
        side = self._scene.world.cartesia
        said = zip(side.spoken[self._spoken :], side.voices[self._spoken :], strict=True)
        return {voice for part, voice in said if part.strip() and part.strip() in text}

    def ears(self, text: str) -> list[tuple[str, str]]:
        """Which STT has heard a text, each time."""
        side = self._scene.world.deepgram
        heard_by = zip(side.heard[self._heard :], side.ears[self._heard :], strict=True)
        return [ears for words, ears in heard_by if words.strip() == text]

    def tools(self, name: str) -> list[dict[str, Any]]:
        """What a persona's model was offered, each time that it was asked for a reply."""
        asked = self._scene.world.llm.requests[self._asked :]
        return [
            {tool["function"]["name"]: tool["function"] for tool in request["tools"]}
            for request in asked
            if f"You are the {name} of the garage" in str(request["messages"][0]["content"])
            and request.get("tools")
        ]


def _choices(tool: dict[str, Any], argument: str) -> Sequence[str]:
    schema = tool["parameters"]["properties"][argument]
    return schema.get("enum") or [schema["const"]]


def _times(call: PhoneCall, words: str) -> int:
    """How often a text was heard, each time from its first sound to its last."""
    found = heard(call, words)
    assert all(each.whole for each in found), f"{words!r} was broken off: {found}"
    return len(found)


def _talked(record: CallRecord) -> dict[str, float]:
    """Seconds from the answer in which each persona had the call, by the record."""
    assert record.answered_at is not None
    seconds: dict[str, float] = {}
    for share in record.personas:
        assert share.until is not None
        had = share.until - max(share.since, record.answered_at)
        seconds[share.name] = seconds.get(share.name, 0.0) + max(had.total_seconds(), 0.0)
    return seconds


def _counted(scene: Scene, record: CallRecord) -> dict[str, float]:
    """What counts of a call in the budgets of its personas."""
    query = "SELECT persona, seconds FROM counted_calls WHERE id = ? OR id LIKE ? || ' %'"
    with closing(sqlite3.connect(scene.settings.state_dir / "state.db")) as state:
        return dict(state.execute(query, (record.id, record.id)).fetchall())
