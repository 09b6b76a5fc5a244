"""The faults, each with how it is brought about."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from livekit import api

from faults import words
from faults.callers import NotReady, Victim
from faults.ground import Ground
from faults.many import equal_requests, overload
from faults.pairs import one_of_two_workers, two_dispatches
from faults.rounds import LiveCalls, Play, Strike
from faults.unserved import nobody_there

SLOW = 10
"""Tries of a fault where one takes over 30 s."""
LLM_PATIENCE = 60.0
"""Seconds of a try with a provider that is gone: LiveKit itself gives up after 46."""
IN_AN_ANSWER = 3000
"""Bytes of an answer of the model: the first sentence of the story, and some words of the next."""
OUTAGE = 3.0
"""Seconds without a livekit-server, as when it is restarted."""
LONG_OUTAGE = 30.0
"""The same, longer than LiveKit's SDK waits for it: nothing can be saved but the record."""


@dataclass(frozen=True)
class Fault:
    """One fault: its name for `--only`, its name in the table, and how a round of it is played."""

    name: str
    title: str
    play: Play
    tries: int = 20
    """How many are wanted; fewer where one takes over 30 s, as the page then says."""
    slow_on_plain: bool = False
    """Whether a try takes over 30 s on the plain worker alone, where callers hang on."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the host that this fault is about."""

    def wanted(self, arm: str) -> int:
        """Return how many tries are wanted of an arm."""
        return min(self.tries, SLOW) if self.slow_on_plain and arm == "plain" else self.tries


def at_once(strike: Callable[[Ground, Victim], Awaitable[None]]) -> Strike:
    """Make one caller's fault that of all in the round, at the same moment."""

    async def all_of_them(ground: Ground, victims: list[Victim]) -> None:
        await asyncio.gather(*(strike(ground, victim) for victim in victims))

    return all_of_them


def noted(strike: Callable[[Ground], Awaitable[None]]) -> Strike:
    """Note the moment in every victim, then let it happen to what they all share."""

    async def now(ground: Ground, victims: list[Victim]) -> None:
        for victim in victims:
            victim.struck = time.time()
        await strike(ground)

    return now


async def nothing(ground: Ground, victim: Victim) -> None:
    """Nothing happens: what the measuring itself finds."""
    victim.struck = time.time()


async def kill_process(ground: Ground, victim: Victim) -> None:
    """The process of the call is killed, as when the machine has no memory left."""
    pid = ground.process_of(victim.call)
    if pid is None:
        raise NotReady(f"{victim.call!r} has no process")
    victim.struck = time.time()
    os.kill(pid, signal.SIGKILL)


async def by_its_tool(ground: Ground, victim: Victim) -> None:
    """The caller asks for something, and the model's tool does what breaks."""
    await victim.ask_for_it(ground)


async def by_itself(ground: Ground, victim: Victim) -> None:
    """It happens in the code that runs after the greeting."""
    try:
        victim.struck = await ground.struck(victim.call)
    except TimeoutError as error:
        raise NotReady(f"{victim.call!r} was not struck") from error


async def delete_room(ground: Ground, victim: Victim) -> None:
    """Somebody deletes the room with LiveKit's API."""
    victim.struck = time.time()
    async with ground.livekit() as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=victim.call.room))


async def terminate(ground: Ground) -> None:
    """The orchestrator sends SIGTERM, as for every deployment."""
    ground.worker.signal(signal.SIGTERM)


async def terminate_twice(ground: Ground) -> None:
    """The orchestrator, or a person with Ctrl-C, loses patience."""
    ground.worker.signal(signal.SIGTERM)
    await asyncio.sleep(1.0)
    ground.worker.signal(signal.SIGTERM)


async def kill_parent(ground: Ground) -> None:
    """The worker's parent process is killed; those of its calls live."""
    ground.worker.signal(signal.SIGKILL)


def without_livekit(seconds: float) -> Callable[[Ground], Awaitable[None]]:
    """Let livekit-server be killed, and be there again after so many seconds."""

    async def strike(ground: Ground) -> None:
        await ground.world.livekit.kill()
        await asyncio.sleep(seconds)
        await ground.world.livekit.start()

    return strike


async def asks_for_a_story(ground: Ground, victim: Victim) -> None:
    """The caller asks something that the provider is needed for."""
    victim.struck = await victim.say(words.TELL)


def then_asks(prepare: Callable[[Ground], None]) -> Strike:
    """Make a strike of a provider's fault, and of callers who need the provider."""

    async def strike(ground: Ground, victims: list[Victim]) -> None:
        prepare(ground)
        await at_once(asks_for_a_story)(ground, victims)

    return strike


def model_hangs(ground: Ground) -> None:
    """The model takes requests and answers nothing."""
    ground.wires["llm"].stall()


def model_stops(ground: Ground) -> None:
    """The model goes silent in the middle of its answer."""
    ground.wires["llm"].stall(IN_AN_ANSWER)


def model_fails(ground: Ground) -> None:
    """The model answers every request with a 500."""
    ground.world.llm.fail_with = 500


def ears_die(ground: Ground) -> None:
    """The speech recogniser's connections break, and no new one is taken."""
    ground.wires["stt"].cut()


def voice_dies(ground: Ground) -> None:
    """The voice's connections break, and no new one is taken."""
    ground.wires["tts"].cut()


def _in_a_tool(does: str, victims: int = 1) -> LiveCalls:
    return LiveCalls(at_once(by_its_tool), does, victims, others=5 - victims)


def _provider(prepare: Callable[[Ground], None]) -> LiveCalls:
    return LiveCalls(then_asks(prepare), victims=5, limit=LLM_PATIENCE, asks=False)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("nothing", "nothing (control)", LiveCalls(at_once(nothing), others=4, limit=6)),
        Fault(
            "kill",
            "kill -9 of a call's process",
            LiveCalls(at_once(kill_process), others=4),
            slow_on_plain=True,
        ),
        Fault(
            "fail-at-start",
            "exception before the greeting: a question, the entrypoint",
            LiveCalls(at_once(nothing), "fail at the start", 3, 2, from_the_start=True),
        ),
        Fault(
            "fail-when-greeted",
            "exception after the greeting: a hook, the entrypoint",
            LiveCalls(at_once(by_itself), "fail when greeted", 3, 2),
        ),
        Fault("fail-in-tool", "exception in a tool", _in_a_tool("fail", 3)),
        Fault("sleep", "event loop blocked by time.sleep", _in_a_tool("sleep", 3)),
        Fault("spin", "event loop blocked by an endless loop", _in_a_tool("spin"), SLOW),
        Fault("backtrack", "interpreter lock held by re", _in_a_tool("backtrack"), SLOW),
        Fault("leak", "memory leak, 500 MB/s up to 1.6 GB", _in_a_tool("leak"), SLOW),
        Fault(
            "mute",
            "an agent that never publishes sound",
            LiveCalls(at_once(nothing), "mute", 3, 2, from_the_start=True),
        ),
        Fault(
            "sigterm",
            "SIGTERM with live calls",
            LiveCalls(noted(terminate), victims=5, limit=8, fresh=True, drains=True),
        ),
        Fault(
            "sigterm-twice",
            "SIGTERM with live calls, and again after 1 s",
            LiveCalls(noted(terminate_twice), victims=5, fresh=True),
        ),
        Fault(
            "kill-parent",
            "kill -9 of the parent",
            LiveCalls(noted(kill_parent), victims=5, fresh=True),
        ),
        Fault(
            "one-of-two",
            "kill -9 of one of two workers' parents",
            one_of_two_workers,
            SLOW,
        ),
        Fault(
            "livekit-restart",
            f"livekit-server killed, back after {OUTAGE:.0f} s",
            LiveCalls(
                noted(without_livekit(OUTAGE)), victims=5, limit=60, asks_after=20, fresh=True
            ),
        ),
        Fault(
            "livekit-gone",
            f"livekit-server killed, back after {LONG_OUTAGE:.0f} s",
            LiveCalls(
                noted(without_livekit(LONG_OUTAGE)), victims=5, limit=100, asks_after=60, fresh=True
            ),
            tries=SLOW,
        ),
        Fault("llm-hangs", "the model hangs before its first byte", _provider(model_hangs)),
        Fault("llm-stops", "the model hangs in the middle of an answer", _provider(model_stops)),
        Fault("llm-500", "the model answers 500", _provider(model_fails)),
        Fault("stt-dies", "the speech recogniser dies", _provider(ears_die)),
        Fault("tts-dies", "the voice dies", _provider(voice_dies)),
        Fault(
            "silent-caller",
            "a caller who says nothing",
            LiveCalls(at_once(nothing), victims=5, limit=75, asks=False),
            tries=SLOW,
        ),
        Fault(
            "room-deleted",
            "the room is deleted from outside",
            LiveCalls(at_once(delete_room), victims=3, others=2),
        ),
        Fault("two-dispatches", "a second dispatch into the call's room", two_dispatches),
        Fault("equal-requests", "equal requests at once: the host 50, plain 10", equal_requests),
        Fault(
            "overload",
            "three times as many callers as max_calls (5) at once",
            overload,
            tries=30,
            settings={"HOST_MAX_CALLS": "5"},
        ),
        Fault("no-worker", "an outbound request while no worker is there", nobody_there),
    )
}
