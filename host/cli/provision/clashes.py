"""What host.toml and LiveKit say against each other, a line each. Pure.

A fault stands in the way of every change; a warning stands beside the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

from host.call.dispatch import Dispatch
from host.cli.layout import printable
from host.cli.provision.fields import kind_of
from host.cli.provision.mark import made_for
from host.cli.provision.plan import Ours
from host.cli.provision.wanted import Wanted
from host.cli.routing import Info, Routing, agents_of, has_number, id_of
from host.registry import Registry
from host.settings import Settings

A_ROOM = "{prefix}_+15550000000_abcdefghijkl"
"""How LiveKit names the room of an inbound call."""


def faults_of_settings(settings: Settings, loaded: Registry, wanted: Wanted) -> Iterator[str]:
    """Yield what is wrong with host.toml and the environment alone."""
    table, routes = settings.sip, loaded.routes
    room = A_ROOM.format(prefix=table.room_prefix)
    for number in wanted.numbers:
        owner = routes.numbers.get(number)
        taker = routes.choose(Dispatch(room=room, number=number)).persona
        if owner and taker not in (None, owner):
            yield (
                f"[sip] room_prefix {table.room_prefix!r} begins the rooms of {taker}, who would "
                f"take the calls of {owner}, too: choose another"
            )
            break
    if table.address and wanted.outbound and not wanted.outbound.numbers:
        yield "[sip] address: an outbound trunk needs a number: set caller_id, or numbers"
    pairs = (
        ("username", table.username, "HOST_SIP_PASSWORD", settings.sip_password),
        (
            "inbound_username",
            table.inbound_username,
            "HOST_SIP_INBOUND_PASSWORD",
            settings.sip_inbound_password,
        ),
    )
    for name, user, variable, password in pairs:
        if user and not password.get_secret_value():
            yield f"[sip] {name} has no password: set {variable}"
        elif password.get_secret_value() and not user:
            yield f"{variable} is set, and [sip] {name} is not"


def faults_in(found: Routing, settings: Settings, wanted: Wanted, ours: Ours) -> Iterator[str]:
    """Yield what in LiveKit stands in the way, and was not made by this command."""
    foreign = _foreign(found.inbound, ours.inbound)
    claimed: dict[str, list[str]] = {}
    for number in wanted.numbers:
        if claims := _claiming(foreign, number):
            claimed.setdefault(f"{_names(claims)}, made by {_makers(claims)}", []).append(number)
    for trunks, numbers in claimed.items():
        be, it = ("is", "it") if len(numbers) == 1 else ("are", "them")
        yield (
            f"{', '.join(numbers)} {be} in {trunks}: take {it} out there, or list the numbers to "
            "provision as [sip] numbers"
        )
    for rule in _foreign(found.rules, ours.rules):
        if _takes_trunk(rule, ours.inbound[:1]) and not (rule.inbound_numbers or rule.numbers):
            yield (
                f"{_names([rule])}, made by {_makers([rule])}, takes the calls of "
                f"{ours.inbound[0].sip_trunk_id}, which is this command's: delete the rule"
            )
    used = {trunk: name for name, trunk in trunks_of(settings).items()}
    for trunk in ours.outbound[1:] if wanted.outbound else ours.outbound:
        if name := used.get(trunk.sip_trunk_id):
            yield (
                f"{_names([trunk])} would be deleted, and {name} is still {trunk.sip_trunk_id}: "
                "set [sip] address, or another trunk"
            )


def warnings_in(
    found: Routing, settings: Settings, loaded: Registry, wanted: Wanted, ours: Ours
) -> Iterator[str]:
    """Yield what would go wrong with calls, and is not this command's to change."""
    foreign = _foreign(found.inbound, ours.inbound)
    nameless: dict[str, tuple[SIPDispatchRuleInfo, list[str]]] = {}
    for number, persona in loaded.routes.numbers.items():
        claims = _claiming(foreign, number)
        if len(claims) > 1 and not all(trunk.allowed_numbers for trunk in claims):
            yield f"{number} is in {_names(claims)}: LiveKit turns its callers away (503)"
        if claims:
            trunk_id = claims[0].sip_trunk_id
            if not found.rules_of_some(trunk_id, number):
                yield (
                    f"no dispatch rule takes the calls to {number}: its callers hear it ring for "
                    "ever"
                )
            for rule in found.rules_of(trunk_id, number)[:1]:
                if not _serves(rule, wanted.agent):
                    nameless.setdefault(id_of(rule), (rule, []))[1].append(number)
        elif number not in wanted.numbers and all(trunk.numbers for trunk in found.inbound):
            yield f"{number} of {persona} is in no inbound trunk: its callers hear it ring for ever"
    for rule, numbers in nameless.values():
        yield _without_agent(rule, f"the calls to {', '.join(numbers)}", wanted.agent)
    yield from _without_persona(settings, loaded, wanted)
    for rule in _foreign(found.rules, ours.rules):
        narrow = rule.inbound_numbers or rule.numbers
        if narrow and _takes_trunk(rule, ours.inbound[:1]) and not _serves(rule, wanted.agent):
            yield _without_agent(
                rule, f"some calls of {ours.inbound[0].sip_trunk_id}", wanted.agent
            )
    known = {trunk.sip_trunk_id for trunk in found.outbound}
    for name, trunk in trunks_of(settings).items():
        if trunk not in known:
            yield f"{name}: {trunk} is no outbound trunk of this LiveKit"
    if wanted.outbound and ours.outbound:
        made = ours.outbound[0].sip_trunk_id
        if made not in trunks_of(settings).values():
            yield f'no persona calls through {made} yet: set trunk = "{made}", or HOST_TRUNK'


def _without_persona(settings: Settings, loaded: Registry, wanted: Wanted) -> Iterator[str]:
    """Yield numbers whose callers the host would refuse."""
    room = A_ROOM.format(prefix=settings.sip.room_prefix)
    for number in wanted.numbers:
        if loaded.choose(Dispatch(room=room, number=number)).persona is None:
            if owner := loaded.routes.numbers.get(number):
                why = f"{number} is a number of {owner}, who is not loaded"
            else:
                why = f"no persona has {number}, and there is no default one"
            yield f"{why}: its callers hear busy"


def trunks_of(settings: Settings) -> dict[str, str]:
    """Return the outbound trunks that the settings name, by the setting."""
    trunks = {"trunk": settings.trunk} | {
        f"[personas.{name}] trunk": table.trunk
        for name, table in settings.personas.items()
        if "trunk" in table.model_fields_set
    }
    return {name: trunk for name, trunk in trunks.items() if trunk}


def _without_agent(rule: SIPDispatchRuleInfo, calls: str, agent: str) -> str:
    named = [name for name in agents_of(rule) if name]
    there = (
        f"dispatches {', '.join(map(repr, map(printable, named)))}" if named else "names no agent"
    )
    ours = f"agent_name is {agent!r}" if agent else "agent_name is empty"
    return f"{_names([rule])} takes {calls} and {there}, while {ours}"


def _serves(rule: SIPDispatchRuleInfo, agent: str) -> bool:
    return agent in agents_of(rule)


def _takes_trunk(rule: SIPDispatchRuleInfo, trunks: Iterable[SIPInboundTrunkInfo]) -> bool:
    return any(trunk.sip_trunk_id in rule.trunk_ids for trunk in trunks)


def _foreign(found: Sequence[Info], ours: Sequence[Info]) -> list:  # type: ignore[type-arg]
    mine = {id_of(each) for each in ours}
    return [each for each in found if id_of(each) not in mine]


def _claiming(trunks: Iterable[SIPInboundTrunkInfo], number: str) -> list[SIPInboundTrunkInfo]:
    return [trunk for trunk in trunks if has_number(trunk.numbers, number)]


def _names(several: Sequence[Info]) -> str:
    """Name trunks or rules: `inbound trunk 'ours' (ST_1) and inbound trunk 'theirs' (ST_2)`."""
    return " and ".join(
        f"{kind_of(each)} {printable(each.name)!r} ({id_of(each)})" for each in several
    )


def _makers(several: Sequence[Info]) -> str:
    agents = [made_for(each.metadata) for each in several]
    known = [repr(printable(agent)) for agent in agents if agent is not None]
    return f"`provision` for agent {', '.join(known)}" if known else "others"
