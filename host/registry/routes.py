"""Routes a job to a persona by metadata, room and dialled number. Pure: no I/O.

1. `persona` in the metadata. A name that is not loaded refuses the call.
2. The room's name: the longest persona name followed by `-` or `_`, or prefix of host.toml.
3. The dialled number, from host.toml.
4. The default persona, or the only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from host.base.e164 import canonical
from host.base.errors import SettingsError
from host.base.text import quote
from host.call.dispatch import Dispatch

MOST_NUMBERS = 5
"""Configured numbers that a refusal names."""


@dataclass(frozen=True)
class Choice:
    """The persona of a call, the rule that chose it, and why. persona None: the call is refused."""

    persona: str | None
    by: str | None
    reason: str


@dataclass(frozen=True)
class Routes:
    """The routing rules of a deployment."""

    personas: frozenset[str]
    absent: frozenset[str]
    """Known but not loaded personas: their calls are refused, not routed elsewhere."""
    prefixes: Mapping[str, str]
    """Prefix of host.toml to persona."""
    numbers: Mapping[str, str]
    """Dialled number to persona."""
    default: str | None
    only: str | None
    """The deployment's only persona; None if there are others, broken ones included."""
    regions: tuple[str, ...]
    """Countries in which a number may be written nationally (ISO 3166)."""
    lengths: tuple[int, ...]
    """Distinct prefix lengths, longest first."""

    def choose(self, dispatch: Dispatch) -> Choice:
        """Choose the persona of a call."""
        if dispatch.persona is not None:
            return self._by_metadata(dispatch.persona)
        if chosen := self._by_room(dispatch.room):
            return chosen
        if dispatch.number and (persona := self._owner(dispatch.number)):
            return self._loaded(persona, "number", f"{dispatch.number} is a number of {persona}")
        if self.default:
            return self._loaded(self.default, "default", f"{self.default} is the default persona")
        if self.only:
            return Choice(self.only, "default", f"{self.only} is the only persona")
        return Choice(
            None,
            None,
            "nothing names a persona: no `persona` in the metadata, no prefix of room "
            f"{quote(dispatch.room)}, {self._no_owner(dispatch.number)}, and no default persona is "
            "set",
        )

    def _no_owner(self, number: str | None) -> str:
        """Say why the dialled number chooses no persona, and which numbers would."""
        if not number:
            return "no dialled number"
        if not self.numbers:
            return f"no `numbers` in host.toml to compare the dialled number {number} with"
        known = [f"{ours} ({persona})" for ours, persona in sorted(self.numbers.items())]
        rest = len(known) - MOST_NUMBERS
        more = f" and {rest} more" if rest > 0 else ""
        told = ", ".join(known[:MOST_NUMBERS])
        return f"the dialled number {number} is not among the `numbers` in host.toml: {told}{more}"

    def _owner(self, number: str) -> str | None:
        """Return whose number was dialled, however the trunk writes it."""
        if found := self.numbers.get(number):
            return found
        written = canonical(number, self.regions) if self.numbers else None
        return self.numbers.get(written) if written else None

    def _loaded(self, persona: str, by: str, reason: str) -> Choice:
        if persona in self.personas:
            return Choice(persona, by, reason)
        return Choice(None, None, f"{reason}, and {persona} is not loaded")

    def _by_metadata(self, name: object) -> Choice:
        if isinstance(name, str) and name in self.personas:
            return Choice(name, "metadata", f"the metadata asks for {name}")
        return Choice(
            None, None, f"the metadata asks for persona {quote(name)}, which is not loaded"
        )

    def _by_room(self, room: str) -> Choice | None:
        persona, matched = None, ""
        for at, letter in enumerate(room):
            if letter in "-_" and (room[:at] in self.personas or room[:at] in self.absent):
                persona, matched = room[:at], room[: at + 1]
        for length in self.lengths:
            if length < len(matched):
                break
            if owner := self.prefixes.get(room[:length]):
                persona, matched = owner, room[:length]
                break
        if persona is None:
            return None
        return self._loaded(persona, "room", f"room {quote(room)} begins with {matched!r}")


def make_routes(
    personas: Iterable[str],
    *,
    absent: Iterable[str] = (),
    prefixes: Mapping[str, Iterable[str]] | None = None,
    numbers: Mapping[str, Iterable[str]] | None = None,
    default: str | None = None,
    regions: Iterable[str] = (),
) -> Routes:
    """Build routes from each persona's prefixes and numbers.

    `absent` names personas that are not loaded; names known only from host.toml are added to it.
    Raises SettingsError if two personas claim one number or prefix.
    """
    names, absent = frozenset(personas), frozenset(absent)
    by_prefix = _owners(prefixes or {}, "prefix")
    by_number = _owners(numbers or {}, "number")
    known = names.union(absent, prefixes or (), numbers or ())
    for prefix, owner in by_prefix.items():
        if prefix[-1] in "-_" and prefix[:-1] in known - {owner}:
            raise SettingsError(f"prefix {prefix!r} of {owner} is what persona {prefix[:-1]} has")
    lengths = tuple(sorted({len(prefix) for prefix in by_prefix}, reverse=True))
    only = next(iter(names)) if len(names) == 1 and names.issuperset(absent) else None
    return Routes(
        names, known - names, by_prefix, by_number, default, only, tuple(regions), lengths
    )


def _owners(claims: Mapping[str, Iterable[str]], what: str) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    for persona, values in claims.items():
        for value in values:
            if not value:
                raise SettingsError(f"an empty {what} is given to {persona}")
            if owners.setdefault(value, persona) != persona:
                raise SettingsError(
                    f"{what} {value} is given to both {owners[value]} and {persona}"
                )
    return MappingProxyType(owners)
