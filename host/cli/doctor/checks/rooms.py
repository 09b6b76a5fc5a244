"""Rooms of dispatch rules: what becomes of a call that a rule has brought to this host."""

from __future__ import annotations

from collections.abc import Iterable

from host.base.e164 import EXTENSION
from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.cli.doctor.checks.rules import UPDATE, brings, rules_of_ours
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, Skip, failure, warning
from host.cli.routing import KINDS, named, normalize, room_of


async def shared(deployment: Deployment) -> Iterable[Finding]:
    """Find rules that put two callers into one room."""
    routing = await deployment.routing()
    found = []
    for rule in rules_of_ours(deployment, routing):
        kind = rule.rule.WhichOneof("rule")
        if kind == KINDS[0]:
            what = f"puts all callers into the room {rule.rule.dispatch_rule_direct.room_name!r}"
        elif kind == KINDS[2] and not rule.rule.dispatch_rule_callee.randomize:
            what = "puts all callers of a number into one room"
        else:
            continue
        found.append(
            failure(
                f"rule {named(rule)} {what}",
                "a second caller hears the first one, and no agent is dispatched for them",
                f"make {named(rule)} a dispatchRuleIndividual: each call has its own room",
            )
        )
    return found


async def metadata(deployment: Deployment) -> Iterable[Finding]:
    """Find metadata in rules with which the host refuses every call."""
    routing = await deployment.routing()
    loaded = deployment.loaded
    example = f'{{"persona": "{next(iter(loaded.personas), "NAME")}"}}'
    found = []
    for rule in rules_of_ours(deployment, routing):
        for each in rule.room_config.agents:
            if each.agent_name != deployment.settings.agent_name:
                continue
            try:
                dispatch = read_dispatch(each.metadata)
            except MetadataError as error:
                why = str(error)
            else:
                asked = dispatch.persona
                if dispatch.outbound:
                    why = "its metadata has phone_number, which makes the call an outbound one"
                elif asked is not None and asked not in loaded.personas:
                    why = f"its metadata asks for persona {asked!r}, which is not loaded"
                else:
                    continue
            found.append(
                failure(
                    f"rule {named(rule)}: {why}",
                    "the host refuses each of its calls, or dials instead of answering",
                    f"write metadata such as {example} into roomConfig.agents of {named(rule)}: "
                    f"{UPDATE}",
                )
            )
    return found


async def hidden(deployment: Deployment) -> Iterable[Finding]:
    """Find rules that hide the numbers by which the host chooses a persona."""
    routing = await deployment.routing()
    loaded = deployment.loaded
    return [
        failure(
            f"rule {named(rule)} has hide_phone_number",
            "the host is not told the dialled number, and no persona is chosen by it",
            f"set hidePhoneNumber of {named(rule)} to false, or name the persona in its room "
            f"prefix: {UPDATE}",
        )
        for rule in rules_of_ours(deployment, routing)
        if rule.hide_phone_number
        and loaded.routes.numbers
        and loaded.routes.choose(read_dispatch("", room_of(rule, "hidden"))).persona is None
    ]


async def personas(deployment: Deployment) -> Iterable[Finding]:
    """Find numbers that lead to this host, and to no persona or to another one."""
    routing = await deployment.routing()
    loaded = deployment.loaded
    if loaded.views.choosers:
        raise Skip("a plugin chooses the persona")
    found: dict[str, Finding] = {}
    for trunk in routing.inbound:
        for number in trunk.numbers:
            # An extension is compared as it is written: no route has `+1001`.
            called = number if EXTENSION.fullmatch(number) else normalize(number)
            for rule in routing.rules_of(trunk.sip_trunk_id, called)[:1]:
                if not brings(deployment, rule) or not (rule.trunk_ids or rule.numbers):
                    continue
                given = [
                    each.metadata
                    for each in rule.room_config.agents
                    if each.agent_name == deployment.settings.agent_name
                ]
                try:
                    dispatch = read_dispatch(next(iter(given), ""), room_of(rule, called), called)
                except MetadataError:
                    continue  # see `metadata`
                choice = loaded.routes.choose(dispatch)
                owner = loaded.routes.numbers.get(called)
                if choice.persona is None and dispatch.persona is None:
                    found[called] = warning(
                        f"{called} leads to this host, and no persona takes it: {choice.reason}",
                        "its callers hear busy",
                        f'[personas.NAME] numbers = ["{called}"] in host.toml',
                    )
                elif owner and choice.persona not in (None, owner):
                    found[called] = warning(
                        f"{called} is a number of {owner}, and {choice.persona} takes its calls: "
                        f"{choice.reason}",
                        "rule and room weigh more than a number",
                        f"change the metadata or the room prefix of {named(rule)}: {UPDATE}",
                    )
    return found.values()
