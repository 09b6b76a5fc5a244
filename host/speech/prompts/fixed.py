"""What a persona says in the same words in every call, so that it can be rendered beforehand."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from host.call.answers import Greeting
from host.call.live import LiveCall
from host.call.parts import Hooks
from host.call.state import CallState
from host.settings import PersonaSettings, Settings
from host.speech.greeting import greeting_of
from host.speech.prompts.cache import wanted

LONGEST = 1000
"""Characters of a text that is rendered beforehand."""
ANSWER_LIMIT = 3.0
"""Seconds that the hook `greeting` may take; a thread that blocks is left behind."""
_CHANGED = re.compile(r"[*_`#~|<>\[\]\\]")
"""Characters that LiveKit may take for Markdown, and not give to the TTS."""


def own_words(settings: PersonaSettings) -> tuple[str, ...]:
    """Return the host's other words, and what a persona says on taking a call over."""
    words, names = settings.words, tuple(settings.transfers)
    told = [words.taken_over, settings.disclosure]
    for field in type(words).model_fields:
        text = getattr(words, field)
        # Those to a colleague are not said in the call's own session.
        if isinstance(text, str) and not field.startswith("consult"):
            told += [text.format(name=name) for name in names] if "{" in text else [text]
    others = set(told) - set(wanted(words))
    return tuple(text for text in dict.fromkeys(told) if text in others and can_be_rendered(text))


async def greetings(settings: Settings, persona: str, hooks: Hooks) -> tuple[str, ...]:
    """Return the notices and greetings of a persona, as far as they need nothing of a call.

    The hook is asked as for a caller and a callee who are not known. A text that depends on a call
    is never the same as in a call, and harms nothing.
    """
    told: list[str] = []
    for outbound in (False, True):
        call = LiveCall(settings, CallState(outbound=outbound), persona=persona, hooks=hooks)
        try:
            answer = await _answer(partial(greeting_of, call))
        except (Exception, SystemExit):  # it needs to know the call
            continue
        told += [answer.text, answer.notice]
    return tuple(dict.fromkeys(filter(can_be_rendered, told)))


def can_be_rendered(text: str) -> bool:
    """Return whether LiveKit gives a text to the TTS as it is, and it is not too long."""
    emoji = any(unicodedata.category(each) in ("So", "Sk") for each in text)
    return 0 < len(text.strip()) <= LONGEST and not emoji and not _CHANGED.search(text)


async def _answer(ask: Callable[[], Greeting]) -> Greeting:
    """Ask in a thread, which stays if it blocks. Raises what the hook raises, or TimeoutError."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="greeting")
    try:
        asked = asyncio.get_running_loop().run_in_executor(thread, ask)
        return await asyncio.wait_for(asked, ANSWER_LIMIT)
    finally:
        thread.shutdown(wait=False)
