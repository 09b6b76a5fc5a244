"""Speaks the greeting once, without losing what the far end says meanwhile."""

from __future__ import annotations

import asyncio

from livekit.agents import NOT_GIVEN, Agent
from livekit.agents.voice import SpeechHandle

from host.call.answers import Greeting
from host.call.live import LiveCall
from host.speech.notice import give_notice
from host.speech.persona_agent import PersonaAgent

HELLO_LIMIT = 6.0
"""Seconds at the start of an outbound greeting in which a "hello?" does not interrupt it."""


def first_agent(call: LiveCall, agent: Agent) -> Agent:
    """Return the agent that the session starts with, before the far end has answered.

    An author's agent may speak in `on_enter`, so `greet` activates it; until then a silent
    placeholder is used.
    """
    if not _speaks_on_entering(agent):
        return agent
    placeholder = PersonaAgent(call, "")
    if call.listening:
        call.listening.attach(placeholder)
    return placeholder


def _speaks_on_entering(agent: Agent) -> bool:
    return type(agent).on_enter is not Agent.on_enter


def expect_greeting(call: LiveCall, agent: Agent) -> Greeting | None:
    """Ask for the greeting before it is due, and have it rendered meanwhile.

    None: the hook can't tell yet, and is asked again when it is due.
    """
    if call.over or call.state.greeted or call.rendered is None:
        return None
    try:
        greeting = greeting_of(call)
    except Exception:  # of a hook that fails, the greeting itself tells
        return None
    if not _speaks_on_entering(agent):  # its voice is not the session's yet
        call.rendered.begin(greeting.notice, greeting.text)
    return greeting


async def greet(
    call: LiveCall,
    agent: Agent,
    heard: str = "",
    *,
    menu: bool = False,
    expected: Greeting | None = None,
) -> None:
    """Speak the greeting, once. `heard` is what the far end said before it.

    `expected` is what `expect_greeting` has answered a moment ago. An IVR menu (`menu`) or a call
    screener gets a reply of the model instead. Returns when the greeting has started; speech during
    its uninterruptible part is answered after it.
    """
    session = call.session
    if call.state.greeted or session is None:
        return
    greeting = Greeting() if menu else expected or greeting_of(call)
    speaks = _speaks_on_entering(agent)
    due = call.first_words is not None and call.first_words.due and not speaks
    early = call.first_words.take(keep_due=due) if call.first_words else ""
    if heard := heard or early:
        turns = agent.chat_ctx.copy()
        turns.add_message(role="user", content=heard)
        await agent.update_chat_ctx(turns)
    call.state.greeted = True
    talked_into = await give_notice(call, greeting.notice)
    if speaks:
        session.update_agent(agent)
    speech = None
    # People answer with "hello?" just as the greeting starts, unless detection waited for it, and
    # for its transcript: it must not interrupt.
    hello_comes = call.state.outbound and (call.state.voicemail is None or due)
    if greeting.text:
        # Speech during the notice does not interrupt either; it is answered afterwards.
        interruptible = greeting.interruptible and not (hello_comes or talked_into)
        speech = call.speak(greeting.text, interruptible=interruptible and not call.state.outbound)
        if interruptible and call.state.outbound:
            call.spawn(_open_up(speech), "allowing interruptions")
    elif not speaks:
        speech = session.generate_reply(allow_interruptions=False if due else NOT_GIVEN)
    call.spawn(_after(call, speech, hello_comes=hello_comes), "following up the greeting")


async def greet_again(call: LiveCall, text: str, *, interruptible: bool) -> None:
    """Speak the greeting anew, to somebody who has heard none or a part of it.

    What they have just said was considered already: the end of their turn must not interrupt.
    """
    speech = call.speak(text, interruptible=False)
    if interruptible:
        call.spawn(_open_up(speech), "allowing interruptions")
    await speech.wait_for_playout()
    if call.first_words and not speech.interrupted:
        await call.first_words.answer(but_a_hello=True)


async def _open_up(speech: SpeechHandle) -> None:
    """Allow interruptions once the callee's "hello?" is over."""
    await asyncio.sleep(HELLO_LIMIT)
    if not speech.done():
        speech.allow_interruptions = True


def greeting_of(call: LiveCall) -> Greeting:
    """Return the answer of the `greeting` hook; without a text, the model writes the greeting."""
    greeting: Greeting | str | None = call.hooks.greeting(call=call.call)
    if isinstance(greeting, str):
        return Greeting(greeting)
    return greeting or Greeting()


async def _after(call: LiveCall, speech: SpeechHandle | None, *, hello_comes: bool) -> None:
    """Emit `call_greeted` after the greeting and answer what was said during it."""
    if speech:
        await speech.wait_for_playout()
    call.greeting_over.set()
    if call.rendered:
        call.rendered.drop()
    call.spawn(call.events.emit_and_wait("call_greeted", patiently=True), "call_greeted")
    if call.first_words and not (speech and speech.interrupted):
        await call.first_words.answer(but_a_hello=hello_comes)
