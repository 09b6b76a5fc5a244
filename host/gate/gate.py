"""The gate itself: what one persona of a deployment may dial, transfer to, and press."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import phonenumbers

from host.errors import HostError
from host.gate import hours, number
from host.gate.attempts import Attempts
from host.gate.do_not_call import DoNotCall
from host.gate.rules import NumberRules, as_uri, is_sip
from host.gate.verdict import Rule, Verdict, refuse
from host.settings import PersonaSettings, Settings


class Gate:
    """Judges everything that one persona's calls might have dialled."""

    def __init__(self, settings: Settings, deployment: PersonaSettings) -> None:
        self._deployment = deployment
        self._targets = {as_uri(target.number) for target in deployment.transfers.values()}
        self.numbers = NumberRules(
            countries=frozenset(deployment.countries) or own_countries(settings),
            types=frozenset(deployment.number_types),
            allowed=deployment.allow_numbers,
            denied=deployment.deny_numbers,
            named=frozenset(filter(is_sip, self._targets)),
        )
        self.do_not_call = do_not_call(settings)
        self._attempts = Attempts(settings.state_dir)

    def transfer(self, target: str) -> Verdict:
        """Judge a transfer target of host.toml: by the number rules alone, at any hour."""
        if as_uri(target) not in self._targets:
            return refuse(Rule.DENIED, "host.toml names no such transfer target")
        return self.numbers.judge(target.removeprefix("tel:"))

    def dial(self, text: str, at: datetime | None = None, *, attempt: bool = True) -> Verdict:
        """Judge a number that is to be dialled, now or at another time.

        With `attempt`, one that is allowed counts as dialled. This reads files: it may take some
        milliseconds.
        """
        verdict = self.numbers.judge(text)
        if not verdict.allowed or verdict.number is None:
            return verdict
        moment = at or datetime.now(UTC)
        return self._person(verdict.number, moment, attempt=attempt) or verdict

    def _person(self, dialled: str, at: datetime, *, attempt: bool) -> Verdict | None:
        """Give the refusal that whoever has the number has a right to."""
        try:
            if self.do_not_call.has(dialled):
                return refuse(Rule.DO_NOT_CALL, "it is on the do-not-call list", dialled)
        except HostError as error:
            return refuse(Rule.DO_NOT_CALL, str(error), dialled)
        if reason := hours.why_not_now(dialled, self._deployment.calling_hours, at):
            return refuse(Rule.HOURS, reason, dialled)
        most = self._deployment.max_attempts_a_day
        if not most:
            return None
        count = self._attempts.begin if attempt else self._attempts.are_left
        try:
            left = count(dialled, hours.day_began(dialled, at), most)
        except (OSError, sqlite3.Error) as error:
            return refuse(Rule.ATTEMPTS, f"attempts can't be counted: {error}", dialled)
        times = "once" if most == 1 else f"{most} times"
        return None if left else refuse(Rule.ATTEMPTS, f"it was dialled {times} today", dialled)


def do_not_call(settings: Settings) -> DoNotCall:
    """The do-not-call list of a deployment; one that the settings name must be there."""
    named = "do_not_call" in settings.model_fields_set
    return DoNotCall(settings.do_not_call.absolute(), must_exist=named)


def own_countries(settings: Settings) -> frozenset[str]:
    """Name the countries of the host's own numbers."""
    parsed = map(number.parse, _own_numbers(settings))
    found = {phonenumbers.region_code_for_number(each) for each in parsed if each}
    return frozenset(country for country in found if country in phonenumbers.SUPPORTED_REGIONS)


def _own_numbers(settings: Settings) -> Iterator[str]:
    yield settings.caller_id or ""
    for persona in settings.personas.values():
        yield persona.caller_id or ""
        yield from persona.numbers
