"""What people, and machines, do with their telephones in the table of endings, and elsewhere."""

from __future__ import annotations

from canaries import UNRECORDED

from host.local.phone import Line, PersonScript

MAILBOX = "You have reached the voicemail of Ann. Please leave a message after the tone."
SCREENER = (
    "Hi, if you record your name and reason for calling, I will see if this person is available."
)


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


async def asks_into_the_greeting(line: Line) -> None:
    """Ask while the greeting is spoken, and hang up after the answer."""
    await line.sound()
    await line.wait(1.0)
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()


async def asks_two_personas(line: Line) -> None:
    """Ask the persona lobby, have it hand over to the workshop, and ask that one, too."""
    await line.heard("wishes you a good day")
    await line.say("What do you know?")
    await line.heard("two red cars")
    await line.say("Give me the workshop please.")
    await line.heard("mechanics are listening")
    await line.say("What do you know?")
    await line.heard("free on thursday")
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


async def goes_when_greeted(line: Line) -> None:
    """Hang up when the first words are over, whatever they were."""
    await line.sound()
    await line.silence_for(1.0)
    await line.hang_up()


def says(*parts: str | float) -> PersonScript:
    """Somebody, or a machine, who says texts with pauses of so many seconds, and hangs up."""

    async def script(line: Line) -> None:
        for part in parts:
            await (line.say(part) if isinstance(part, str) else line.wait(part))
        await line.hang_up()

    return script


async def tells_of_a_crown(line: Line) -> None:
    """Tell a persona that concludes of a wish, and hear it ask again."""
    await line.heard("what is it about")
    await line.say("I need a crown by Monday.")
    await line.heard("say that again")


async def asks_to_pay(line: Line) -> None:
    """Hear a payer ask for the number of a card."""
    await line.heard("this is the payer")
    await line.say("I would like to pay.")
    await line.heard("tell me the number of your card")


async def tells_the_card(line: Line) -> None:
    """Say the number of a card off the record, and hear that it was charged."""
    await line.say(UNRECORDED)
    await line.heard("it is paid")


async def pays(line: Line) -> None:
    """Pay by card, and go on talking on the record."""
    await asks_to_pay(line)
    await tells_the_card(line)
    await line.wait(2.5)
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()
