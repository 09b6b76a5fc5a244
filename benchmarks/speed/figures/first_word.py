"""From the moment at which a caller begins to join to the agent, and to the first word."""

from __future__ import annotations

from collections.abc import Sequence

from speed.bench import Bench, rest
from speed.plan import rotated
from speed.targets import Target


async def measure(bench: Bench, targets: Sequence[Target]) -> None:
    """Call the targets one after the other, again and again; the first round only warms up."""
    for at in range(bench.plan.first_words + 1):
        for target in rotated(targets, at):
            await bench.tried(_call(bench, target, at), "first word", target.name)
            await rest()


async def _call(bench: Bench, target: Target, at: int) -> None:
    async with bench.caller(target) as caller:
        heard, joined = await caller.heard(), await caller.agent()
    if at:
        bench.results.add("first word", target.name, 1000 * (heard - caller.dialled_at), at=at)
        bench.results.add("agent joined", target.name, 1000 * (joined - caller.dialled_at), at=at)
