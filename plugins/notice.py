"""Speaks required notices before the greeting: disclosure of the AI, and of the recording."""

from collections.abc import Generator
from dataclasses import replace

from host import Call, Greeting, hookimpl

First = Greeting | str | None


@hookimpl(wrapper=True)
def greeting(call: Call) -> Generator[None, First, First]:
    """Prepend `disclosure` and, for recorded calls, `recording_notice` to the greeting."""
    answer = yield
    settings = call.persona_settings
    notices = [settings.disclosure, settings.recording_notice if settings.record else ""]
    words = answer if isinstance(answer, Greeting) else Greeting(answer or "")
    added = [notice for notice in notices if notice and notice not in words.notice]
    if not added:
        return answer
    return replace(words, notice=" ".join([*added, words.notice]).strip())
