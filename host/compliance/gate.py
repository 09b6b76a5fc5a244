"""The gate: what one persona may dial, transfer to and press."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from host.base.errors import HostError
from host.compliance import hours, number
from host.compliance.attempts import Attempts
from host.compliance.budget import Budget, Exhausted, next_day
from host.compliance.caller_id import NOT_OWN, may_show
from host.compliance.do_not_call import DoNotCall
from host.compliance.keys import KeyRules
from host.compliance.rules import NumberRules, as_uri, is_caribbean
from host.compliance.verdict import Rule, Verdict, refuse
from host.settings import PersonaSettings, Settings, is_sip

MIDNIGHTS = 30
"""How often a day may begin before all counts of a number have, in all of its time zones."""


class Gate:
    """Judges everything that a persona's calls want to dial."""

    def __init__(self, settings: Settings, deployment: PersonaSettings, persona: str = "") -> None:
        """`persona` adds the check of the persona's daily budget.

        A call itself omits it, because it was counted on admission.
        """
        self._settings, self._deployment, self._persona = settings, deployment, persona
        self._targets = {
            as_uri(target.number)
            for first in deployment.transfers.values()
            for target in first.in_order()
        }
        self.numbers = NumberRules(
            countries=frozenset(deployment.countries) or own_countries(settings),
            types=frozenset(deployment.number_types),
            allowed=deployment.allow_numbers,
            denied=deployment.deny_numbers,
            named=frozenset(filter(is_sip, self._targets)),
        )
        self.do_not_call = do_not_call(settings)
        own = (*deployment.numbers, deployment.caller_id or "")
        self._homes = number.countries_of(own) or self.numbers.countries
        self._budget = Budget(settings.state_dir)
        self._attempts = Attempts(settings.state_dir)

    def transfer(self, target: str, keys: Sequence[str | float] = ()) -> Verdict:
        """Judge a transfer target of host.toml: by the number rules only, at any hour.

        `keys`: the keys pressed after its answer, and pauses in seconds.
        """
        if as_uri(target) not in self._targets:
            return refuse(Rule.DENIED, "the transfer target is not in host.toml")
        verdict = self.numbers.judge(as_uri(target).removeprefix("tel:"))
        return (self.refuse_keys(verdict.number, keys) if verdict.allowed else None) or verdict

    def refuse_keys(self, number: str | None, keys: Sequence[str | float]) -> Verdict | None:
        """Judge keys pressed after the answer of a number, and pauses; None if they are allowed."""
        if not keys or self._deployment.keys_may_dial:
            return None
        verdict = KeyRules(self.numbers, number).judge(keys)
        return None if verdict.allowed else verdict

    def dial(
        self,
        text: str,
        at: datetime | None = None,
        *,
        attempt: bool = True,
        caller_id: str | None = None,
    ) -> Verdict:
        """Judge a number to be dialled, now or at another time.

        `attempt` counts an allowed number as dialled. `caller_id` is what this call alone is to
        show. Reads files, which takes milliseconds.
        """
        verdict = self.numbers.judge(text)
        if not verdict.allowed or verdict.number is None:
            return verdict
        if caller_id is not None and not may_show(caller_id, self._settings, self._deployment):
            return refuse(Rule.CALLER_ID, NOT_OWN, verdict.number)
        moment = at or datetime.now(UTC)
        return (
            self._who_is_called(verdict.number, moment, attempt=attempt)
            or self._who_calls(verdict.number, moment)
            or verdict
        )

    def exhausted(self, text: str, error: Exhausted) -> Verdict:
        """Return the refusal of a number whose call a daily limit of the persona keeps back."""
        dialled = self.numbers.judge(text).number
        again = self._allowed_from(dialled, datetime.now(UTC)) if dialled else None
        return refuse(Rule.BUDGET, str(error), dialled, retry_at=again)

    def opt_out(self, shown: str, ours: str | None) -> None:
        """Add a caller's number to the do-not-call list, in all its possible readings.

        `ours` is the number it called. Raises HostError if it is not a number, or the list can't be
        written.
        """
        home = number.country_of(ours) if ours else None
        meant = number.meant_by(shown, [home] if home else self._homes)
        if not meant:
            raise HostError("the number of the other party is unknown")
        for each in sorted(meant):
            self.do_not_call.add(each)

    def _who_is_called(self, dialled: str, at: datetime, *, attempt: bool) -> Verdict | None:
        """Return a refusal that protects the called party; None if there is none."""
        try:
            if self.do_not_call.has(dialled):
                return refuse(Rule.DO_NOT_CALL, "the number is on the do-not-call list", dialled)
        except HostError as error:
            return refuse(Rule.DO_NOT_CALL, str(error), dialled)
        if reason := hours.why_not_now(dialled, self._deployment.calling_hours, at):
            again = self._allowed_from(dialled, at)
            return refuse(Rule.HOURS, reason, dialled, retry_at=again)
        most = self._deployment.max_attempts_a_day
        if not most:
            return None
        count = self._attempts.begin if attempt else self._attempts.are_left
        try:
            left = count(dialled, hours.day_began(dialled, at), most)
        except (OSError, sqlite3.Error) as error:
            return refuse(Rule.ATTEMPTS, f"today's attempts can't be counted: {error}", dialled)
        if left:
            return None
        times = "once" if most == 1 else f"{most} times"
        reason = f"the number was already dialled {times} today"
        again = self._allowed_from(dialled, hours.next_day(dialled, at))
        return refuse(Rule.ATTEMPTS, reason, dialled, retry_at=again)

    def _allowed_from(self, dialled: str, at: datetime) -> datetime | None:
        """Return when, from `at` on, hours, attempts and budget allow a number.

        None if that can't be told.
        """
        moment = at
        for _ in range(MIDNIGHTS):
            found = hours.when_allowed(dialled, self._deployment.calling_hours, moment)
            if found is None:
                return None
            try:
                anew = self._counted_anew(dialled, found)
            except (OSError, sqlite3.Error):
                return None
            if anew is None:
                return found
            moment = anew
        return None

    def _counted_anew(self, dialled: str, at: datetime) -> datetime | None:
        """Return when the count begins anew that is used up; None if there is none."""
        most = self._deployment.max_attempts_a_day
        if most and not self._attempts.are_left(dialled, hours.day_began(dialled, at), most):
            return hours.next_day(dialled, at)
        try:
            if self._persona:
                self._budget.require(self._persona, self._deployment, at)
        except Exhausted:
            return _next_budget(dialled, at)
        return None

    def _who_calls(self, dialled: str, at: datetime) -> Verdict | None:
        """Return a refusal by the persona's daily budget; None if there is none."""
        if not self._persona:
            return None
        try:
            self._budget.require(self._persona, self._deployment, at)
        except Exhausted as error:
            again = self._allowed_from(dialled, _next_budget(dialled, at))
            return refuse(Rule.BUDGET, str(error), dialled, retry_at=again)
        except (OSError, sqlite3.Error) as error:
            reason = f"the calls of {self._persona} can't be counted: {error}"
            return refuse(Rule.BUDGET, reason, dialled)
        return None


def do_not_call(settings: Settings) -> DoNotCall:
    """Return the deployment's do-not-call list; one named in the settings must exist."""
    named = "do_not_call" in settings.model_fields_set
    return DoNotCall(settings.do_not_call.absolute(), must_exist=named)


def own_countries(settings: Settings) -> frozenset[str]:
    """Return the countries of the host's own numbers, except Caribbean ones.

    Calls to the Caribbean are expensive, and its numbers look North American; host.toml must list
    those countries.
    """
    found = number.countries_of(_own_numbers(settings))
    return frozenset(each for each in found if not is_caribbean(each))


def _next_budget(dialled: str, at: datetime) -> datetime:
    """Return when the persona's daily budget begins anew, as a clock near a number shows it."""
    return hours.in_a_zone_of(dialled, next_day(at))


def _own_numbers(settings: Settings) -> Iterator[str]:
    yield settings.caller_id or ""
    for persona in settings.personas.values():
        yield persona.caller_id or ""
        yield from persona.numbers
