"""Watches the files of personas, plugins and settings during development.

It looks at them twice a second. Notifications of the operating system are missing on network
file systems and in mounted folders of containers, and would have to be asked for each folder of a
project whose personas are at its top.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from host.base.paths import is_bundled
from host.registry.code import files_below
from host.settings import Settings

log = logging.getLogger("host")

EVERY = 0.5
"""Seconds between two looks."""
SETTLED = 0.2
"""Seconds without a change after which a save is complete: editors write in several steps."""
SUFFIXES = frozenset((".py", ".toml", ".txt", ".md", ".json", ".yaml", ".yml", ".csv", ".j2"))
"""Files that a persona or plugin is made of. `.jsonl` is none: the call log may be beside them."""
DOTENV = Path(".env")

Look = Mapping[str, tuple[float, int, int]]
"""File to its modification time (seconds since the epoch), its size and its inode."""


async def watch(
    settings: Callable[[], Settings], reload: Callable[[], object], since: float
) -> None:
    """Reload after each save, until cancelled.

    `settings` returns the current ones; `since` is when the host began to read them, in seconds
    since the epoch: what was saved after that is reloaded at once.
    """
    known: Look = {file: facts for file, facts in look(settings()).items() if facts[0] < since}
    while True:
        seen, before = look(settings()), known
        if seen == known:
            await asyncio.sleep(EVERY)
            continue
        while seen != before:  # until the save is complete
            before = seen
            await asyncio.sleep(SETTLED)
            seen = look(settings())
        changed = {file for file in {*known, *seen} if known.get(file) != seen.get(file)}
        known = seen
        if str(DOTENV) in changed:
            log.warning("%s takes effect after a restart", DOTENV)
        if changed - {str(DOTENV)}:
            reload()


def look(settings: Settings) -> Look:
    """Return the files that make up what the host serves, as they are now."""
    files = [settings.config, DOTENV, *files_below(settings.personas_dir, SUFFIXES)]
    if not is_bundled(settings.plugins_dir):
        files += files_below(settings.plugins_dir, SUFFIXES)
    seen = {}
    for file in files:
        try:
            facts = file.stat()
        except OSError:
            continue
        seen[str(file)] = (facts.st_mtime, facts.st_size, facts.st_ino)
    return seen
