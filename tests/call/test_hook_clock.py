"""The time limit of event hooks: it counts a hook's own time, and none of its actions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from sample_calls import call_of

from host import Menu
from host.call.hook_clock import HookClock, action
from host.call.keypad import Keypad
from host.call.keypad.asking import Asking
from host.call.live import LiveCall
from host.call.unrecorded import Unrecorded
from host.settings import Settings

SHORT = 0.05
"""Seconds that a hook may take here."""
LONG = 4 * SHORT

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "say": ("Hello.",),
    "hang_up": (),
    "transfer": ("billing",),
    "hand_over": ("billing",),
    "press": ("1",),
    "opt_out": (),
    "call_back": (datetime(2026, 12, 1),),
    "meet_machine": (),
    "collect_digits": (),
    "collect_letters": ("Whom?", ["Ann"]),
    "choose": (Menu("Press one.", {"1": 1}),),
    "pause_recording": (),
    "resume_recording": (),
    "stop_recording": (),
}


def actions() -> set[str]:
    """Return what a hook can await of a call."""
    call = call_of(Settings()).call
    names = (name for name in dir(call) if not name.startswith("_"))
    return {name for name in names if inspect.iscoroutinefunction(getattr(call, name, None))}


@action
async def takes_long() -> str:
    """Act for longer than a hook may take."""
    await asyncio.sleep(LONG)
    return "done"


def test_these_are_all_actions_of_a_call() -> None:
    assert actions() == ARGUMENTS.keys()


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_an_action_does_not_count(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(*given: Any, **more: Any) -> None:
        if asking := next((each for each in given if inspect.iscoroutine(each)), None):
            asking.close()
        await asyncio.sleep(LONG)

    monkeypatch.setattr(Asking, "question", slowly)
    for method in ("pause", "resume", "stop"):
        monkeypatch.setattr(Unrecorded, method, slowly)
    monkeypatch.setattr(Keypad, "keep_secret", lambda *given: None)
    for method in (
        *("say", "hang_up", "transfer", "hand_over", "press", "opt_out", "meet_machine"),
        "call_back",
    ):
        monkeypatch.setattr(LiveCall, method, slowly)
    act: Callable[..., Awaitable[Any]] = getattr(call_of(Settings()).call, name)

    async def hook() -> str:
        await act(*ARGUMENTS[name])
        return "done"

    assert await HookClock(SHORT).limit(hook()) == "done"


async def test_a_hook_that_takes_long_by_itself_is_cut_off() -> None:
    with pytest.raises(TimeoutError):
        await HookClock(SHORT).limit(asyncio.sleep(LONG))


async def test_its_own_time_before_and_after_an_action_adds_up() -> None:
    async def hook() -> None:
        await asyncio.sleep(0.7 * SHORT)
        await takes_long()
        await asyncio.sleep(0.7 * SHORT)

    with pytest.raises(TimeoutError):
        await HookClock(SHORT).limit(hook())


async def test_the_clock_goes_on_when_the_last_of_several_actions_is_over() -> None:
    async def hook() -> None:
        await asyncio.gather(takes_long(), asyncio.sleep(0))
        await asyncio.gather(takes_long(), takes_long())
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(HookClock(SHORT).limit(hook()), 20)


async def test_an_action_that_outlasts_its_hook_disturbs_nothing() -> None:
    async def hook() -> asyncio.Task[str]:
        begun = asyncio.create_task(takes_long())
        await asyncio.sleep(0)
        return begun

    begun = await HookClock(SHORT).limit(hook())
    assert await begun == "done"


async def test_an_action_that_fails_or_is_cancelled_starts_the_clock_again() -> None:
    @action
    async def fails() -> None:
        raise ValueError("not today")

    async def hook() -> None:
        with pytest.raises(ValueError, match="not today"):
            await fails()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(takes_long(), SHORT / 4)
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(HookClock(SHORT).limit(hook()), 20)


async def test_without_a_hook_there_is_no_limit() -> None:
    assert await takes_long() == "done"
