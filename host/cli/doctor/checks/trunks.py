"""SIP trunks: numbers that lead nowhere, or that two trunks claim; what calls go out by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from livekit import api

from host.base.e164 import E164, canonical
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.cli.routing import is_open, named, normalize

RINGS = "callers hear ringing until they give up, or are told that the number is not in service"


async def numbers(deployment: Deployment) -> Iterable[Finding]:
    """Find personas' numbers that no inbound trunk has."""
    routing = await deployment.routing()
    # LiveKit Cloud sells numbers, too, which need no trunk.
    cloud = (urlsplit(deployment.settings.livekit_url).hostname or "").endswith(".livekit.cloud")
    tell = warning if cloud else failure
    found = []
    for number, persona in deployment.loaded.routes.numbers.items():
        if routing.trunks_of(number):
            continue
        end = number.lstrip("+")[-7:]
        like = [
            (trunk, each)
            for trunk in routing.inbound
            for each in trunk.numbers
            # An extension is too short to tell another spelling from another number.
            if len(end) == 7 and normalize(each).endswith(end)
        ]
        mend = f'add "{number}" to the numbers of an inbound trunk: lk sip inbound update'
        if like:
            trunk, each = like[0]
            mend = f'write "{number}" instead of "{each}" in trunk {named(trunk)}'
        elif not routing.inbound:
            mend = f'create an inbound trunk with the number "{number}": lk sip inbound create'
        found.append(tell(f"no inbound trunk has {number}, a number of {persona}", RINGS, mend))
    return found


async def claimed_twice(deployment: Deployment) -> Iterable[Finding]:
    """Find numbers that two inbound trunks claim, in whatever spelling."""
    routing = await deployment.routing()
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for trunk in routing.inbound:
        if not trunk.allowed_numbers:  # which may part the callers among trunks
            for number in {normalize(each) for each in trunk.numbers} or {"every number"}:
                claims[number].append(named(trunk))
    return [
        failure(
            f"{len(trunks)} inbound trunks have {number}: {', '.join(trunks)}",
            "LiveKit SIP rejects its calls with 503, since it can't choose",
            f"keep {number} in one of them: lk sip inbound update, or lk sip inbound delete",
        )
        for number, trunks in claims.items()
        if len(trunks) > 1
    ]


async def callers(deployment: Deployment) -> Iterable[Finding]:
    """Find trunks that take calls from our own numbers only: callers and callees mixed up."""
    routing = await deployment.routing()
    return [
        failure(
            f"trunk {named(trunk)} takes calls only from {', '.join(mixed)}, a number of our own",
            "allowed_numbers are the callers' numbers: everybody else is rejected",
            f"empty allowed_numbers of {named(trunk)}: the dialled numbers stand in numbers",
        )
        for trunk in routing.inbound
        if (mixed := _own_among(deployment, trunk.allowed_numbers, trunk.numbers))
    ]


def _own_among(
    deployment: Deployment, given: Iterable[str], of_trunk: Iterable[str] = ()
) -> list[str]:
    own = {normalize(number) for number in (*deployment.loaded.routes.numbers, *of_trunk)}
    return [number for number in given if normalize(number) in own]


async def open_to_all(deployment: Deployment) -> Iterable[Finding]:
    """Find trunks that take any call from anywhere."""
    routing = await deployment.routing()
    return [
        warning(
            f"trunk {named(trunk)} takes every call from every address",
            "scanners of the Internet call it day and night, and each call costs speech and LLM",
            f"give {named(trunk)} your numbers, and the addresses of your carrier",
        )
        for trunk in routing.inbound
        if is_open(trunk)
    ]


async def written(deployment: Deployment) -> Iterable[Finding]:
    """Find numbers of trunks that are not written in E.164."""
    routing = await deployment.routing()
    regions = deployment.loaded.routes.regions
    found = []
    trunks: tuple[Any, ...] = (*routing.inbound, *routing.outbound)
    for trunk in trunks:
        for number in trunk.numbers:
            if number == "*" or E164.fullmatch(number):
                continue
            meant = canonical(number, regions)
            if meant is None or not E164.fullmatch(meant):
                continue  # an extension, or a SIP user
            inbound = isinstance(trunk, api.SIPInboundTrunkInfo)
            if inbound and normalize(number) == meant:
                continue  # punctuation, which trunks ignore
            why = "it matches no dialled number" if inbound else "carriers reject this caller ID"
            mend = f'write "{meant}"'
            found.append(warning(f"trunk {named(trunk)} has the number {number!r}", why, mend))
    return found


async def outbound(deployment: Deployment) -> Iterable[Finding]:
    """Find personas whose outbound trunk there is not."""
    routing = await deployment.routing()
    settings = deployment.settings
    known = {trunk.sip_trunk_id for trunk in routing.outbound}
    listed = ", ".join(map(named, routing.outbound)) or "none: lk sip outbound create"
    inbound = {trunk.sip_trunk_id for trunk in routing.inbound}
    using: defaultdict[str, list[str]] = defaultdict(list)
    for persona in deployment.loaded.personas:
        using[settings.persona(persona).trunk or ""].append(persona)
    found = []
    for id, personas in using.items():
        whose = f"of {', '.join(personas)}"
        why = "every call that they place ends as trunk_error"
        mend = f"set HOST_TRUNK, or trunk in host.toml, to an outbound trunk (there are: {listed})"
        if id in inbound:
            found.append(failure(f"trunk {id} {whose} is an inbound trunk", why, mend))
        elif id and id not in known:
            found.append(failure(f"LiveKit has no trunk {id}, {whose}", why, mend))
        elif not id and known:
            what = f"no outbound trunk is set for {', '.join(personas)}, and LiveKit has one"
            found.append(warning(what, why, mend))
    return found


async def caller_ids(deployment: Deployment) -> Iterable[Finding]:
    """Find caller IDs that the trunk by which they go out does not have."""
    routing = await deployment.routing()
    found = {}
    for persona in deployment.loaded.personas:
        own = deployment.settings.persona(persona)
        for trunk in routing.outbound:
            if trunk.sip_trunk_id != own.trunk or not own.caller_id or "*" in trunk.numbers:
                continue
            if not any(normalize(each) == normalize(own.caller_id) for each in trunk.numbers):
                found[own.caller_id, own.trunk] = warning(
                    f"caller ID {own.caller_id} is not among the numbers of trunk {named(trunk)}",
                    "carriers reject a caller ID that is not yours (SIP 403 or 603), or replace it",
                    f"set caller_id to one of {', '.join(trunk.numbers)}, or add it to the trunk",
                )
    return found.values()


async def addresses(deployment: Deployment) -> Iterable[Finding]:
    """Find outbound trunks whose address is not the one that the carrier takes calls at."""
    routing = await deployment.routing()
    found = []
    for trunk in routing.outbound:
        host = trunk.address.partition(":")[0].lower()
        if host.endswith("twilio.com") and not _terminates(host):
            found.append(
                failure(
                    f"trunk {named(trunk)} calls {trunk.address}, no termination URI of Twilio",
                    "Twilio answers calls with 404, or not at all",
                    "use the Termination URI of the Elastic SIP Trunk: NAME.pstn.twilio.com",
                )
            )
        elif host.endswith(".livekit.cloud"):
            found.append(
                failure(
                    f"trunk {named(trunk)} calls {trunk.address}, which is LiveKit itself",
                    "calls go in a circle, and to nobody",
                    "set the address to your carrier's: LiveKit's own belongs into the carrier's "
                    "configuration, for inbound calls",
                )
            )
    return found


def _terminates(host: str) -> bool:
    """Return whether it is `NAME.pstn.twilio.com`, or with a region: `NAME.pstn.dublin....`."""
    name, _, rest = host.partition(".")
    return bool(name) and rest.startswith("pstn.")


async def durations(deployment: Deployment) -> Iterable[Finding]:
    """Find inbound trunks that end calls earlier than the host."""
    routing, settings = await deployment.routing(), deployment.settings
    longest = max(map(settings.longest_call, deployment.loaded.personas), default=0.0)
    return [
        warning(
            f"trunk {named(trunk)} ends calls after {limit:.0f} s, the host after {longest:.0f} s",
            "the caller is cut off in the middle of a word, without a warning or a goodbye",
            f"raise max_call_duration of {named(trunk)} above max_duration, which each persona "
            "of a call has for itself, or remove it",
        )
        for trunk in routing.inbound
        if 0 < (limit := trunk.max_call_duration.ToTimedelta().total_seconds()) < longest
    ]
