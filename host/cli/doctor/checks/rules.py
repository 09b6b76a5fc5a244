"""Dispatch rules: which of them takes a call, and whether it brings it to this host's agent."""

from __future__ import annotations

from collections.abc import Iterable

from livekit import api

from host.cli.doctor.checks.trunks import RINGS
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.cli.routing import (
    Routing,
    agents_of,
    named,
    normalize,
    rank,
)

UPDATE = "lk sip dispatch update"


def _numbers(deployment: Deployment, routing: Routing) -> dict[str, api.SIPInboundTrunkInfo]:
    """Return the personas' numbers that a trunk takes, each with its trunk."""
    ours = deployment.loaded.routes.numbers
    return {number: trunks[0] for number in ours if (trunks := routing.trunks_of(number))}


def brings(deployment: Deployment, rule: api.SIPDispatchRuleInfo) -> bool:
    """Return whether a rule dispatches our agent."""
    return deployment.settings.agent_name in agents_of(rule)


def rules_of_ours(deployment: Deployment, routing: Routing) -> list[api.SIPDispatchRuleInfo]:
    """Return the rules that dispatch our agent."""
    return [rule for rule in routing.rules if brings(deployment, rule)]


async def missing(deployment: Deployment) -> Iterable[Finding]:
    """Find numbers that no rule takes."""
    routing = await deployment.routing()
    name = deployment.settings.agent_name
    found = []
    for number, trunk in _numbers(deployment, routing).items():
        if routing.rules_of_some(trunk.sip_trunk_id, number):
            continue
        spelt = [
            (rule, each)
            for rule in routing.rules
            for each in rule.numbers
            if normalize(each) == normalize(number) and each != number
        ]
        mend = (
            f"create a rule for trunk {trunk.sip_trunk_id} that dispatches {name!r}: "
            "lk sip dispatch create"
        )
        if spelt:
            rule, each = spelt[0]
            mend = f'write "{number}" instead of "{each}" in rule {named(rule)}: rules compare text'
        found.append(failure(f"no dispatch rule takes calls to {number}", RINGS, mend))
    if (
        routing.inbound
        and not deployment.loaded.routes.numbers
        and not rules_of_ours(deployment, routing)
    ):
        found.append(
            warning(
                f"no dispatch rule dispatches {name!r}",
                "no inbound call reaches this host",
                "create one: lk sip dispatch create",
            )
        )
    return found


async def agent(deployment: Deployment) -> Iterable[Finding]:
    """Find rules that take our calls to somebody else, or to two agents."""
    routing = await deployment.routing()
    name = deployment.settings.agent_name
    found: dict[str, Finding] = {}
    for number, trunk in _numbers(deployment, routing).items():
        for rule in routing.rules_of(trunk.sip_trunk_id, number)[:1]:
            agents = agents_of(rule)
            if name in agents:
                if len(agents) > 1:
                    found[rule.sip_dispatch_rule_id] = warning(
                        f"rule {named(rule)} dispatches {len(agents)} agents: {_listed(agents)}",
                        "the caller hears both of them at the same time",
                        f"leave {name!r} alone in roomConfig.agents: {UPDATE}",
                    )
                continue
            found[rule.sip_dispatch_rule_id] = failure(
                f"rule {named(rule)} takes calls to {number}, and dispatches {_listed(agents)} "
                f"instead of {name!r}",
                "the call is put into a room to which no host is sent: the caller hears ringing",
                f'set roomConfig.agents of {named(rule)} to [{{"agentName": "{name}"}}]: {UPDATE}',
            )
    return found.values()


def _listed(agents: Iterable[str]) -> str:
    return ", ".join(repr(name) if name else "the agent without a name" for name in agents)


async def twice(deployment: Deployment) -> Iterable[Finding]:
    """Find numbers that two rules take with the same right."""
    routing = await deployment.routing()
    found: dict[tuple[str, ...], Finding] = {}
    for number, trunk in _numbers(deployment, routing).items():
        fitting = routing.rules_of(trunk.sip_trunk_id, number)
        tied = [rule for rule in fitting if rank(rule) == rank(fitting[0])]
        if len(tied) > 1:
            names = tuple(sorted(map(named, tied)))
            found[names] = failure(
                f"{len(tied)} dispatch rules take calls to {number}: {', '.join(names)}",
                "LiveKit takes either of them",
                "delete one, or give each its own trunk_ids or numbers: lk sip dispatch delete",
            )
    return found.values()


async def trunks(deployment: Deployment) -> Iterable[Finding]:
    """Find rules for trunks that there are not."""
    routing = await deployment.routing()
    known = {trunk.sip_trunk_id for trunk in routing.inbound}
    outbound = {trunk.sip_trunk_id for trunk in routing.outbound}
    found = []
    for rule in rules_of_ours(deployment, routing):
        gone = [id for id in rule.trunk_ids if id not in known]
        if not gone:
            continue
        what = ", ".join(f"{id}, an outbound trunk" if id in outbound else id for id in gone)
        tell = failure if len(gone) == len(rule.trunk_ids) else warning
        found.append(
            tell(
                f"rule {named(rule)} is for trunk {what}, and LiveKit has no such inbound trunk",
                "it matches no call" if tell is failure else "it matches none of that trunk's",
                f"set trunkIds of {named(rule)} to one of {', '.join(sorted(known)) or 'none'}: "
                f"{UPDATE}",
            )
        )
    return found


async def every_trunk(deployment: Deployment) -> Iterable[Finding]:
    """Find rules of ours that also take calls to numbers which are not ours."""
    routing = await deployment.routing()
    routes = deployment.loaded.routes
    if routes.default or routes.only:
        return []  # which takes any call
    ours = {normalize(number) for number in routes.numbers}
    others = sorted(
        number
        for trunk in routing.inbound
        for number in (trunk.numbers or ["any number"])
        if normalize(number) not in ours
    )
    return [
        warning(
            f"rule {named(rule)} has no trunk_ids: it takes the calls of every trunk, also to "
            f"{others[0]}",
            "this host gets the calls of others, and refuses them: those callers hear busy",
            f"set trunkIds of {named(rule)} to the trunk of your numbers: {UPDATE}",
        )
        for rule in rules_of_ours(deployment, routing)
        if not (rule.trunk_ids or rule.numbers) and others and routes.numbers
    ]


async def callers(deployment: Deployment) -> Iterable[Finding]:
    """Find rules whose callers' numbers are our own: callers and callees mixed up."""
    routing = await deployment.routing()
    dialled = {normalize(number) for number in deployment.loaded.routes.numbers}
    dialled |= {normalize(number) for trunk in routing.inbound for number in trunk.numbers}
    return [
        failure(
            f"rule {named(rule)} takes calls only from {', '.join(mixed)}, a number of our own",
            "inbound_numbers are the callers' numbers: nobody else's call matches, and each rings "
            "until they give up",
            f"move them from inboundNumbers of {named(rule)} to numbers: {UPDATE}",
        )
        for rule in routing.rules
        if (mixed := [each for each in rule.inbound_numbers if normalize(each) in dialled])
    ]
