"""The SDK's threads that send the sound of tracks: 100 wake-ups a second each."""

import asyncio
import gc
from pathlib import Path


def sources() -> int:
    """How many of them this process has."""
    names = Path("/proc/self/task").glob("*/comm")
    return sum(name.read_text().startswith("AudioSource") for name in names)


async def fall_to(number: int, limit: float = 5.0) -> None:
    """Wait until no more than so many are left; raise TimeoutError after `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            while sources() > number:
                gc.collect()
                await asyncio.sleep(0.05)  # the SDK has no event for it
    except TimeoutError:
        raise TimeoutError(f"{sources()} threads send sound, not {number}") from None
