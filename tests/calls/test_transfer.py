"""Calls that are handed over: cold by REFER, and warm after asking a colleague."""

import asyncio

from host.local.phone import (
    Busy,
    Declines,
    FailsTransfer,
    IgnoresTransfer,
    Line,
    NoAnswer,
    PersonScript,
    PhoneCall,
    RefusesTransfer,
    Subscriber,
    Telephone,
    voicemail,
)
from host.local.sound import loud
from host.outcome import Outcome
from host.record import CallRecord
from host.testing import Scene, heard_once, not_heard

CALLER, SWITCHBOARD = "+15557770001", "+15550001130"
SALES, LAWYER = "+15550003101", "+15550003102"
ANNOUNCED = "One moment please, I am connecting you to sales."
SUMMARY = "Ann from Boston wants to buy a house."
QUESTION = f"Hello, I have a caller on the line for sales. {SUMMARY}"
ACCEPTED = "Thank you. I will ring you again at once, with the caller on the line."
NOBODY = "I am sorry, sales can't take your call right now."
GOES_ON = "What else can I do for you?"


# What callers do


async def asks_for_sales(line: Line) -> None:
    await line.heard("whom do you want")
    await line.say("Give me the sales people.")
    await line.stay()


async def comes_back(line: Line) -> None:
    """Ask for sales, come back to the persona, and go on talking with it."""
    await line.heard("whom do you want")
    await line.say("Give me the sales people.")
    await line.heard("what else can I do for you", limit=90)
    await line.say("Nothing at all.")
    await line.heard("then have a nice day")
    await line.hang_up()


# What colleagues do


async def presses_one(line: Line) -> None:
    await line.heard("otherwise say no")
    await line.press("1")
    await line.stay()


def says(words: str) -> PersonScript:
    async def script(line: Line) -> None:
        await line.say("Yes?")  # as one does who picks up
        await line.heard("otherwise say no")
        await line.silence_for(1.0)
        await line.say(words)
        await line.stay()

    return script


async def talks_with_the_caller(line: Line) -> None:
    await line.wait(1.0)
    await line.say("Good morning Ann, this is Bob of the sales department.")
    await line.sound()
    await line.silence_for(1.5)
    await line.hang_up()


def colleague(consulted: PersonScript, then: Subscriber | None = None) -> Subscriber:
    """Make somebody who picks up when consulted, and once more with the caller."""
    return Subscriber(
        200, 0.5, script=consulted, then=then or Telephone(script=talks_with_the_caller)
    )


async def gone(scene: Scene, call: PhoneCall) -> CallRecord:
    """Wait until nothing is left of a call: its rooms, and the one record."""
    record = await scene.over(call, 120)
    await scene.no_room(f"{call.room}-consult", 0.5)
    return record


async def test_a_colleague_who_accepts_talks_with_the_caller(scene: Scene) -> None:
    scene.exchange.connect(SALES, colleague(presses_one))

    async def asks(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the sales people.")
        await line.heard("connecting you to sales")
        await line.say("Nice music that you have.")
        await line.heard("bob of the sales department", limit=60)
        await line.say("Hello Bob, how much is the house?")
        await line.stay()

    scene.world.agents.add("Good morning Ann, this is Bob of the sales department.")
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks)
    record = await gone(scene, call)
    consulted = await scene.exchange.call_to(SALES, nth=1)
    connected = await scene.exchange.call_to(SALES, nth=2)
    heard_once(consulted, QUESTION)
    print(record)
    announcement = heard_once(call, ANNOUNCED)
    print(announcement, connected.answered_at - call.answered_at)
    print(loud(call.recording[:, 1], block=0.5))
    heard_once(call, "Good morning Ann, this is Bob of the sales department.")
    heard_once(connected, "Hello Bob, how much is the house?")
