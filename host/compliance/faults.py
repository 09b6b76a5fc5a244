"""Finds configuration that the gate would refuse in every call, to report it at the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from host.base.errors import HostError
from host.compliance import number
from host.compliance.gate import Gate, do_not_call
from host.settings import PersonaSettings, Settings

ANYBODY = "+12125550123"
"""A number to look up, which shows whether the list is readable."""


def faults_of(settings: Settings, personas: Iterable[str]) -> Iterator[str]:
    """Report transfer targets that the gate refuses, and what prevents all dialling."""
    refused, idle = {}, []
    for persona in personas:
        deployment = settings.persona(persona)
        gate = Gate(settings, deployment)
        targets = [
            (name, target)
            for name, first in deployment.transfers.items()
            for target in first.in_order()
        ]
        for name, target in targets:
            verdict = gate.transfer(target.number, target.presses)
            if not verdict.allowed:
                refused[name, target.number] = f"of {persona} can't be dialled: {verdict}"
        if deployment.trunk and not (gate.numbers.countries or deployment.allow_numbers):
            idle.append((persona, _why_idle(deployment)))
    yield from (f"transfer target {name} {why}" for (name, _), why in refused.items())
    if idle:
        callers = ", ".join(persona for persona, _ in idle)
        yield f"{callers} can't place calls: {idle[0][1]} (set countries)"
    try:
        do_not_call(settings).has(ANYBODY)
    except HostError as error:
        yield f"no persona can place calls: {error}"


def _why_idle(deployment: PersonaSettings) -> str:
    """Say why no country is allowed: own numbers imply none."""
    if deployment.caller_id and not number.parse(deployment.caller_id):
        return "caller_id is not an E.164 number, so it implies no country"
    if not all(map(number.parse, deployment.numbers)):
        return "some of its numbers are not in E.164 format, so they imply no country"
    return "none of the host's own numbers is in a country that is allowed by default"
