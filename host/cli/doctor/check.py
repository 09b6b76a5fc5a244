"""Runs checks: all at the same time, each with a time limit, none able to harm another."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from host.cli.doctor.finding import Finding, Result, Skip, Status

if TYPE_CHECKING:
    from host.cli.doctor.deployment import Deployment

Findings = Iterable[Finding]
Examine = Callable[["Deployment"], Findings | Awaitable[Findings]]

LIMIT = 30.0
"""Seconds that a check may take; what asks a network has shorter limits of its own."""
OFFLINE = "it needs the network (--offline)"


@dataclass(frozen=True)
class Check:
    """A check of the catalogue."""

    id: str
    """Stable: programs may rely on it."""
    about: str
    """What is looked at, as a noun."""
    examine: Examine
    """Returns findings, or raises Skip. What is not async runs in a thread of its own."""
    network: bool = False
    """Whether it makes no sense without a network."""
    limit: float = LIMIT


async def run_all(checks: Sequence[Check], deployment: Deployment) -> list[Result]:
    """Run checks at the same time; return their results in the order of the checks."""
    return await asyncio.gather(*(run(check, deployment) for check in checks))


async def run(check: Check, deployment: Deployment) -> Result:
    """Run one check. Never raises: one that fails is reported as broken."""
    if check.network and deployment.offline:
        return Result(check.id, check.about, Status.SKIPPED, reason=OFFLINE)
    begun = time.monotonic()
    status, findings, reason = Status.BROKEN, tuple[Finding, ...](), ""
    try:
        async with asyncio.timeout(check.limit):
            findings = await _findings(check.examine, deployment)
        status = _worst(findings)
    except Skip as skip:
        status, reason = Status.SKIPPED, str(skip)
    except TimeoutError:
        reason = f"it was not done within {check.limit:g} s"
    except Exception as error:
        reason = f"it failed itself: {type(error).__name__} at {_place(error)}"
    return Result(check.id, check.about, status, findings, reason, time.monotonic() - begun)


async def _findings(examine: Examine, deployment: Deployment) -> tuple[Finding, ...]:
    if inspect.iscoroutinefunction(examine):
        return tuple(await examine(deployment))
    found: tuple[Finding, ...] = await in_thread(lambda: tuple(cast(Findings, examine(deployment))))
    return found


async def in_thread(work: Callable[[], Any]) -> Any:
    """Do something in a thread that holds nothing up, not even the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def do() -> None:
        set_it: Callable[[Any], None] = done.set_result
        value: Any = None
        try:
            value = work()
        except BaseException as error:  # a persona's code may raise anything
            kind = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
            set_it, value = done.set_exception, kind
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(settle, set_it, value)

    threading.Thread(target=do, daemon=True).start()
    return await done


def _worst(findings: Sequence[Finding]) -> Status:
    levels = {finding.level for finding in findings}
    order = (Status.FAILURE, Status.WARNING)
    return next((level for level in order if level in levels), Status.OK)


def _place(error: Exception) -> str:
    """Say where an exception was raised; its text may contain what is private."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
