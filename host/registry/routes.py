"""From a job's metadata, its room and the dialled number to a persona. Pure: nothing is looked up.

1. `persona` in the metadata. Any other name than a loaded persona's refuses the call.
2. The room's name: the longest persona's name followed by `-` or `_`, or prefix of host.toml.
3. The number that was dialled, from host.toml.
4. The default persona, or the only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from host.base.errors import SettingsError
from host.base.text import quote
from host.call.dispatch import Dispatch


@dataclass(frozen=True)
class Choice:
    """Which persona takes a call, by which rule, and why. No persona: the call is refused."""

    persona: str | None
    by: str | None
    reason: str


@dataclass(frozen=True)
class Routes:
    """The four rules, ready to be asked."""

    personas: frozenset[str]
    absent: frozenset[str]
    """Personas that are known but not loaded: their calls are refused, nobody stands in."""
    prefixes: Mapping[str, str]
    """Prefix of host.toml -> persona."""
    numbers: Mapping[str, str]
    """Dialled number -> persona."""
    default: str | None
    only: str | None
    """The persona that is alone in the deployment, no other having been set aside."""
    lengths: tuple[int, ...]
    """Lengths of the prefixes, longest first."""

    def choose(self, dispatch: Dispatch) -> Choice:
        """Choose the persona of a call."""
        if dispatch.persona is not None:
            return self._by_metadata(dispatch.persona)
        if chosen := self._by_room(dispatch.room):
            return chosen
        if dispatch.number and (persona := self.numbers.get(dispatch.number)):
            return self._loaded(persona, "number", f"{dispatch.number} is a number of {persona}")
        if self.default:
            return self._loaded(self.default, "default", f"{self.default} is the default persona")
        if self.only:
            return Choice(self.only, "default", f"{self.only} is the only persona")
        return Choice(
            None,
            None,
            "nothing names a persona: no `persona` in the metadata, no prefix of room "
            f"{quote(dispatch.room)}, no number, and no default persona is set",
        )

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
) -> Routes:
    """Make the rules of a deployment from persona -> its prefixes and persona -> its numbers.

    `absent` names personas that were set aside; one that only host.toml knows counts as absent.
    Raises SettingsError where two personas claim one number or prefix.
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
    return Routes(names, known - names, by_prefix, by_number, default, only, lengths)


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
