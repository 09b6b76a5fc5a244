"""What the gate would refuse whatever happens: better told at the start than to a caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from host.errors import HostError
from host.gate.gate import Gate, do_not_call
from host.settings import Settings

ANYBODY = "+12125550123"
"""A number that the list is asked for, to see whether it can be read."""


def faults_of(settings: Settings, personas: Iterable[str]) -> Iterator[str]:
    """Tell of transfer targets that nobody is sent to, and of a list that stops all dialling."""
    refused = {}
    for persona in personas:
        deployment = settings.persona(persona)
        gate = Gate(settings, deployment)
        for name, target in deployment.transfers.items():
            verdict = gate.transfer(target.number)
            if not verdict.allowed:
                refused[name, target.number] = f"of {persona} is never reached: {verdict}"
    yield from (f"transfer target {name} {why}" for (name, _), why in refused.items())
    try:
        do_not_call(settings).has(ANYBODY)
    except HostError as error:
        yield f"nobody is called: {error}"
