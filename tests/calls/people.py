"""What people, and machines, do with their telephones in the table of endings."""

from __future__ import annotations

from host.local.phone import Line, PersonScript

MAILBOX = "You have reached the voicemail of Ann. Please leave a message after the tone."


def talks(hears: str, *says: str) -> PersonScript:
    """Somebody who waits for some words, says these, and stays on the line."""

    async def script(line: Line) -> None:
        await line.heard(hears)
        for words in says:
            await line.say(words)
        await line.stay()

    return script


def goes(*hears: str, says: str = "") -> PersonScript:
    """Somebody who hangs up on the last of these words, and says something on the first."""

    async def script(line: Line) -> None:
        for words in hears:
            await line.heard(words)
            if says and words == hears[0]:
                await line.say(says)
        await line.hang_up()

    return script


async def goes_at_once(line: Line) -> None:
    """Hang up before anybody has said a word."""
    await line.wait(0.2)
    await line.hang_up()


async def goes_in_the_greeting(line: Line) -> None:
    """Hang up in the middle of the first sentence."""
    await line.sound()
    await line.wait(0.5)
    await line.hang_up()


async def goes_in_an_answer(line: Line) -> None:
    """Hang up while the persona tells a long story."""
    await line.heard("how are you this morning")
    await line.say("Tell me a long story.")
    await line.sound()
    await line.wait(1.0)
    await line.hang_up()


async def goes_in_a_word(line: Line) -> None:
    """Hang up in the middle of a sentence of one's own."""
    await line.heard("how are you this morning")
    await line.begin("And another thing is that I really have to")
    await line.wait(0.7)
    await line.hang_up()


async def presses_a_key(line: Line) -> None:
    """Press a key."""
    await line.heard("how are you this morning")
    await line.press("1")
    await line.stay()


async def says_hello(line: Line) -> None:
    """Pick up and say so, as the machine detection expects; hang up on the greeting."""
    await line.say("Hello?")
    await line.heard("this is a test call")
    await line.hang_up()


async def says_hello_and_goes(line: Line) -> None:
    """Pick up, say so, and hang up in the middle of the greeting."""
    await line.say("Hello?")
    await goes_in_the_greeting(line)


async def is_full(line: Line) -> None:
    """A mailbox that takes no messages."""
    await line.say("The mailbox is full. You can not leave a message.")
    await line.stay()


async def takes_no_time(line: Line) -> None:
    """A mailbox that hangs up before anybody could leave a message."""
    await line.say(MAILBOX)
    await line.hang_up()
