"""How `chat` waits for a person to type."""

import asyncio
import threading

import pytest

from host.cli.chat import wait_for_line


def test_ctrl_c_ends_a_chat_that_waits_for_a_line() -> None:
    typed = threading.Event()

    def ask() -> str:
        typed.wait(30)
        return "too late"

    async def chat() -> None:
        waiting = asyncio.create_task(wait_for_line(ask))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(chat())  # which would wait for a thread of its own executor
    assert not typed.is_set()
    typed.set()


async def test_a_line_and_a_fault_reach_who_waits() -> None:
    def fails() -> str:
        raise ValueError("no text")

    assert await wait_for_line(lambda: "hello") == "hello"
    assert await wait_for_line(lambda: None) is None
    with pytest.raises(ValueError, match="no text"):
        await wait_for_line(fails)
