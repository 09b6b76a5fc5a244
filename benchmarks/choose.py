"""What it costs to choose a call's persona and build its view: `python benchmarks/choose.py`.

Writes 500 personas with every hook that a persona can have, and ten plugins, as real files, and
loads them through the real loader. Prints microseconds for each call; the aim is under 100. The
last lines show what the same costs with all personas in one manager (see registry/view.py).
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from host.call.dispatch import read_dispatch
from host.registry import HOOKS, Registry, View, load, load_afresh, view
from host.registry.hooks import FOR_PLUGINS
from host.settings import Settings

PERSONAS = 500
PLUGINS = 10


def write_module(file: Path, hooks: Sequence[str]) -> None:
    """Write a module with these hooks."""
    lines = [f'"""{file.stem}: takes calls."""', "", "from host import hookimpl"]
    for name in hooks:
        hook = HOOKS[name]
        start = "async def" if hook.is_async else "def"
        lines += ["", "", "@hookimpl", f"{start} {name}{hook.takes}:", "    return None"]
    file.write_text("\n".join(lines) + "\n")


def write_deployment(folder: Path) -> Settings:
    """Write personas and plugins; return the settings that point at them."""
    own = [name for name in HOOKS if name not in FOR_PLUGINS]
    for kind, count, hooks in (
        ("personas", PERSONAS, own),
        ("plugins", PLUGINS, ["tools", "session_options", "call_ended"]),
    ):
        (folder / kind).mkdir()
        for number in range(count):
            write_module(folder / kind / f"{kind}-{number}.py", hooks)
    return Settings(personas_dir=folder / "personas", plugins_dir=folder / "plugins")


def microseconds(work: Callable[[str], object], names: Sequence[str]) -> str:
    """Time a piece of work, once for each name; say its median and its 99th percentile."""
    taken = []
    for name in names:
        begun = time.perf_counter_ns()
        work(name)
        taken.append((time.perf_counter_ns() - begun) / 1000)
    taken.sort()
    return f"{statistics.median(taken):8.1f} µs   p99 {taken[int(len(taken) * 0.99)]:8.1f} µs"


def take(registry: Registry, room: str) -> View:
    """Do what every call does first: read its dispatch, choose, build the view."""
    choice = registry.choose(read_dispatch('{"patient": "Ann", "time": "3pm"}', room))
    return registry.view(choice.persona)


def take_whole(registry: Registry, room: str) -> None:
    """Do the same, and make the caller of every hook at once."""
    asked = take(registry, room)
    for hook in HOOKS:
        getattr(asked, hook)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = write_deployment(Path(folder))
        for label in ("first", "again, from bytecode"):
            begun = time.perf_counter()
            registry = load_afresh(settings).require()
            seconds = time.perf_counter() - begun
            print(f"load {PERSONAS} personas, {label:<20}{seconds * 1000:8.0f} ms")
        assert len(registry.personas) == PERSONAS, registry.broken[:3]
        rooms = [f"{name}-1555_abc" for name in registry.personas]
        random.Random(0).shuffle(rooms)
        remembered = microseconds(lambda _: load(settings), ["once", *rooms])
        print(f"{'load again, remembered':<56}{remembered}")
        for size, batches in ((view.BATCH_SIZE, "batches of 8"), (PERSONAS, "one batch of all")):
            view.BATCH_SIZE = size
            for label, work in (
                ("choose + view", take),
                ("choose + view + a caller of every hook", take_whole),
            ):
                registry = load_afresh(settings)
                gc.collect()
                for state in ("cold", "cached"):
                    figures = microseconds(partial(work, registry), rooms)
                    print(f"{label:<39} {batches:<17}{state:<8}{figures}")


if __name__ == "__main__":
    main()
