"""What callers and colleagues do in the tests of transfers, and what they hear."""

from __future__ import annotations

import asyncio
import contextlib

from host.local.exchange import PersonScript, PhoneCall, Subscriber
from host.local.phone import Line, Telephone
from host.local.sound import loud
from host.records.record import CallRecord
from host.testing import Scene

CALLER, SWITCHBOARD = "+15557770001", "+15550001130"
SALES, LAWYER = "+15550003101", "+15550003102"
ANNOUNCED = "One moment please, I am connecting you to {}."
SUMMARY = "Ann from Boston wants to buy a house."
QUESTION = f"Hello, I have a caller on the line for sales. {SUMMARY}"
ACCEPTED = "Thank you. I will ring you again at once, with the caller on the line."
DECLINED = "All right, I will tell the caller. Goodbye."
NOBODY = "I am sorry, {} can't take your call right now."
MUSIC_BEGINS = 3.5
"""Seconds from the announcement until LiveKit's music has faded in."""
GOES_ON = "What else can I do for you?"
INTERRUPTED = "I should have kept silent."
"""What the model says to a caller who talks into a transfer."""
BOB, ANN = "Good morning Ann, this is Bob at your service.", "Hello Bob, how much is the house?"


def asks_for(whom: str) -> PersonScript:
    """A caller who wants to be put through, and stays on the line."""

    async def script(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say(f"Give me the {whom} please.")
        await line.stay()

    return script


def comes_back_from(whom: str, scene: Scene) -> PersonScript:
    """A caller who wants to be put through, and talks on with the persona when that fails."""

    async def script(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say(f"Give me the {whom} please.")
        # Ears that have heard music or ringing for a while do not know at once that it is over:
        # they look for sentences in it, for half a second of work a second.
        await _has_said(scene, GOES_ON, 90)
        await line.silence_for(1.0)
        await line.say("Nothing at all.")
        await line.heard("then have a nice day", 60)
        await line.hang_up()

    return script


async def _has_said(scene: Scene, words: str, limit: float) -> None:
    """Wait until a persona has said something in a call that lives."""
    checkpoints = scene.folder / "state" / "unfinished"
    async with asyncio.timeout(limit):
        while True:
            for file in checkpoints.glob("*.json"):
                with contextlib.suppress(FileNotFoundError):  # its call is over
                    if words in file.read_text():
                        return
            await asyncio.sleep(0.1)  # a file has no event


async def presses_one(line: Line) -> None:
    """A colleague who takes the call at the end of the question."""
    await line.heard("otherwise say no")
    await line.press("1")
    await line.stay()


async def presses_one_at_once(line: Line) -> None:
    """A colleague who knows what will be asked."""
    await line.sound()
    await line.press("1")
    await line.stay()


def says(words: str) -> PersonScript:
    """A colleague who answers in words."""

    async def script(line: Line) -> None:
        await line.say("Yes?")  # as one does who picks up
        await line.heard("otherwise say no")
        await line.silence_for(1.0)
        await line.say(words)
        await line.stay()

    return script


async def greets_the_caller(line: Line) -> None:
    """A colleague with the caller on the line."""
    await line.wait(1.5)
    await line.say(BOB)
    await line.stay()


def colleague(consulted: PersonScript, then: Subscriber | None = None) -> Subscriber:
    """Somebody who is consulted, and then rung to the caller."""
    then = then or Telephone(script=greets_the_caller)
    return Subscriber(200, 0.5, script=consulted, then=then)


async def has_talked(connected: PhoneCall) -> None:
    """Wait until a colleague has greeted the caller: nobody is transferred to silence."""
    await connected.answered()
    await connected.pulse.until(lambda: connected.since_answer() > 8, 20, "the greeting")


async def nothing_left(scene: Scene, call: PhoneCall) -> CallRecord:
    """Wait until a call is over, and both its rooms are gone; return its one record."""
    record = await scene.over(call, 120)
    await scene.no_room(f"{call.room}-consult", 0.5)
    return record


def music_share(call: PhoneCall, begin: float, end: float) -> float:
    """Say in how much of a stretch (seconds of the recording) something was to be heard."""
    stretch = call.recording[round(begin * 8000) : round(end * 8000), 1]
    return float(loud(stretch, block=0.5).mean())
