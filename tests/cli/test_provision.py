"""`host provision` on the local exchange, over HTTP: what LiveKit has then, and what was said."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from deployment import KEY, SECRET, Deployment
from google.protobuf import json_format
from livekit import api
from livekit.protocol import sip
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration
from typer.testing import CliRunner, Result

from host.base.errors import HostError
from host.cli import cli
from host.cli.provision import show
from host.cli.provision.plan import Change
from host.local.exchange import Exchange
from host.local.exchange.errors import TwirpError
from host.local.exchange.rules import match_rule, match_trunk

OURS, SECOND, THEIRS = "+15550001111", "+15550002222", "+15550007777"
CALLER = "+15557770001"
TOML = """\
[sip]
address = "sip.carrier.example"
transport = "tls"
username = "ann"
allowed_addresses = ["203.0.113.0/24"]

[personas.ann]
numbers = ["+15550001111"]

[personas.bob]
numbers = ["+1 (555) 000-2222"]
"""
NUMBERS_ALONE = '[personas.ann]\nnumbers = ["+15550001111"]\n[personas.bob]\n'


class Provisioned:
    """A deployment with the personas ann and bob, and a LiveKit that has nothing yet."""

    def __init__(self, deployment: Deployment, exchange: Exchange) -> None:
        self._deployment, self._exchange = deployment, exchange
        self.directory = exchange.directory
        for name in ("ann", "bob"):
            deployment.persona(name)
        os.environ.update(LIVEKIT_URL=exchange.url, LIVEKIT_API_KEY=KEY, LIVEKIT_API_SECRET=SECRET)
        os.environ["HOST_SIP_PASSWORD"] = "the carrier's"
        self.write(TOML)

    def write(self, toml: str) -> None:
        """Write host.toml."""
        self._deployment.write("host.toml", toml)
        os.environ["HOST_SIP_PASSWORD"] = "the carrier's" if "username" in toml else ""

    async def run(self, *words: str, code: int = 0) -> Result:
        """Run the command, which must end with this code."""
        done = await asyncio.to_thread(CliRunner().invoke, cli, ["provision", *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    async def refused(self, *words: str) -> list[str]:
        """Run the command, which something stands in the way of; return what it says of it."""
        done = await self.run(*words, code=1)
        return [line.removeprefix("host: ") for line in done.stderr.splitlines()]

    def has(self) -> tuple[Any, Any, Any]:
        """Return copies of what LiveKit has: inbound trunks, outbound trunks, rules."""
        stores = (self.directory.inbound, self.directory.outbound, self.directory.rules)
        return tuple([_copy(item) for item in store.pick(())] for store in stores)  # type: ignore[return-value]

    async def trunk(self, *numbers: str, **fields: Any) -> sip.SIPInboundTrunkInfo:
        """Let somebody else make an inbound trunk."""
        info = sip.SIPInboundTrunkInfo(name="theirs", numbers=numbers, **fields)
        return await self.directory.create_inbound(sip.CreateSIPInboundTrunkRequest(trunk=info))

    async def rule(self, *trunks: str, agent: str = "", **fields: Any) -> sip.SIPDispatchRuleInfo:
        """Let somebody else make a dispatch rule."""
        info = sip.SIPDispatchRuleInfo(
            name="theirs",
            trunk_ids=trunks,
            rule=sip.SIPDispatchRule(
                dispatch_rule_individual=sip.SIPDispatchRuleIndividual(room_prefix="theirs")
            ),
            room_config=RoomConfiguration(agents=[RoomAgentDispatch(agent_name=agent)]),
            **fields,
        )
        if not agent:
            info.ClearField("room_config")
        made = sip.CreateSIPDispatchRuleRequest(dispatch_rule=info)
        return await self.directory.create_rule(made)

    def taken_by(self, number: str) -> list[str]:
        """Ring a number; return the agents that the call's rule dispatches."""
        trunk = match_trunk(self.directory.inbound.pick(()), CALLER, number)
        rule = match_rule(self.directory.rules.pick(()), trunk.sip_trunk_id, CALLER, number)
        return [agent.agent_name for agent in rule.room_config.agents]


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


@pytest.fixture
async def lk(deployment: Deployment) -> AsyncIterator[Provisioned]:
    """The exchange alone: no livekit-server is needed for its SIP API."""
    async with Exchange("ws://127.0.0.1:9", KEY, SECRET, deaf=True) as exchange:
        yield Provisioned(deployment, exchange)


# The plan, and making it so


async def test_the_plan_shows_what_is_missing_and_changes_nothing(lk: Provisioned) -> None:
    done = await lk.run()
    assert done.stdout.splitlines() == [
        "+ inbound trunk 'host'",
        "    numbers            +15550001111, +15550002222",
        "    allowed_addresses  203.0.113.0/24",
        "",
        "+ outbound trunk 'host'",
        "    address        sip.carrier.example",
        "    transport      tls",
        "    numbers        +15550001111, +15550002222",
        "    auth_username  ann",
        "    auth_password  set",
        "",
        "+ dispatch rule 'host'",
        "    trunk_ids  (the new inbound trunk)",
        "    rule       rooms call_... per call",
        "    agents     host",
        "",
        "3 to create",
    ]
    assert lk.has() == ([], [], [])


async def test_apply_lets_callers_reach_the_agent_and_a_second_run_has_nothing_to_do(
    lk: Provisioned,
) -> None:
    await lk.run("--apply")
    assert lk.taken_by(OURS) == lk.taken_by("15550002222") == ["host"]
    _, (outbound,), _ = made = lk.has()
    assert (outbound.address, outbound.auth_password) == ("sip.carrier.example", "the carrier's")
    assert outbound.transport == sip.SIPTransport.SIP_TRANSPORT_TLS
    for words in ([], ["--apply"], ["--check"]):
        assert (await lk.run(*words)).stdout.splitlines()[-1] == "nothing to do"
    assert lk.has() == made


async def test_what_changes_in_host_toml_is_changed_in_place_and_the_rest_is_kept(
    lk: Provisioned,
) -> None:
    await lk.run("--apply")
    before = lk.has()
    lk.directory.inbound.pick(())[0].krisp_enabled = True
    lk.directory.rules.pick(())[0].room_config.empty_timeout = 7
    lk.write(TOML.replace("+15550001111", THEIRS).replace("tls", "udp"))
    done = await lk.run("--apply")
    assert f"    numbers  {OURS}, {SECOND} -> {THEIRS}, {SECOND}" in done.stdout
    assert "    transport  tls -> udp" in done.stdout
    (inbound,), (outbound,), (rule,) = lk.has()
    assert list(inbound.numbers) == list(outbound.numbers) == [THEIRS, SECOND]
    assert inbound.krisp_enabled
    assert rule.room_config.empty_timeout == 7
    assert [inbound.sip_trunk_id, outbound.sip_trunk_id] == [
        kind[0].sip_trunk_id for kind in before[:2]
    ]
    assert (await lk.run()).stdout.splitlines()[-1] == "nothing to do"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"numbers": [OURS]}, f"numbers  {OURS} -> none"),
        ({"inbound_numbers": [OURS]}, f"inbound_numbers  {OURS} -> none"),
        ({"hide_phone_number": True}, "hide_phone_number  true -> false"),
        (
            {"room_config": RoomConfiguration(agents=[RoomAgentDispatch(agent_name="other")])},
            "agents  other -> host",
        ),
        ({"room_config": RoomConfiguration()}, "agents  none -> host"),
        (
            {
                "rule": sip.SIPDispatchRule(
                    dispatch_rule_direct=sip.SIPDispatchRuleDirect(room_name="all", pin="1")
                )
            },
            "rule  room all, with a PIN -> rooms call_... per call",
        ),
    ],
)
async def test_a_rule_that_was_changed_by_hand_is_put_right(
    lk: Provisioned, spoil: dict[str, Any], told: str
) -> None:
    await lk.run("--apply")
    (rule,) = lk.directory.rules.pick(())
    good = _copy(rule)
    for name in spoil:
        rule.ClearField(name)
    rule.MergeFrom(sip.SIPDispatchRuleInfo(**spoil))
    assert f"    {told}" in (await lk.run("--apply")).stdout
    _, _, (rule,) = lk.has()
    good.updated_at.CopyFrom(rule.updated_at)
    assert rule == good


async def test_a_host_without_a_name_has_a_rule_without_agents(lk: Provisioned) -> None:
    lk.write(NUMBERS_ALONE)
    os.environ["HOST_AGENT_NAME"] = ""
    await lk.run("--apply")
    assert lk.taken_by(OURS) == []
    assert (await lk.run()).stdout == "nothing to do\n"


async def test_the_numbers_of_a_broken_persona_are_provisioned_all_the_same(
    lk: Provisioned,
) -> None:
    Path("personas/ann.py").write_text("1 / 0")
    lk.write(NUMBERS_ALONE)
    broken = f"{OURS} is a number of ann, who is not loaded: its callers hear busy"
    assert warnings(await lk.run("--apply")) == [broken]
    assert lk.taken_by(OURS) == ["host"]
    assert (await lk.run()).stdout.splitlines()[-1] == "nothing to do"


async def test_a_number_that_livekit_writes_in_another_way_is_no_difference(
    lk: Provisioned,
) -> None:
    await lk.run("--apply")
    lk.directory.inbound.pick(())[0].numbers[:] = ["1-555-000-2222", "15550001111"]
    assert (await lk.run()).stdout.splitlines()[-1] == "nothing to do"


async def test_caller_ids_come_first_among_the_numbers_of_the_outbound_trunk(
    lk: Provisioned,
) -> None:
    lk.write(f'caller_id = "{SECOND}"\n{TOML}')
    await lk.run("--apply")
    _, (outbound,), _ = lk.has()
    assert list(outbound.numbers) == [SECOND, OURS]
    lk.write(f'caller_id = "{OURS}"\n{TOML}')
    await lk.run("--apply")
    _, (outbound,), _ = lk.has()
    assert list(outbound.numbers) == [OURS, SECOND]


# What is no longer wanted


async def test_what_host_toml_has_no_more_is_deleted_after_it_was_shown(lk: Provisioned) -> None:
    await lk.run("--apply")
    (inbound,), (outbound,), (rule,) = made = lk.has()
    lk.write("[personas.ann]\n[personas.bob]\n")
    plan = [
        f"- dispatch rule 'host' ({rule.sip_dispatch_rule_id})",
        "",
        f"- inbound trunk 'host' ({inbound.sip_trunk_id})",
        "",
        f"- outbound trunk 'host' ({outbound.sip_trunk_id})",
        "",
        "3 to delete",
    ]
    assert (await lk.run()).stdout.splitlines() == plan
    assert lk.has() == made
    done = await lk.run("--apply")
    assert done.stdout.splitlines()[: len(plan)] == plan
    assert f"deleted outbound trunk 'host' ({outbound.sip_trunk_id})" in done.stdout
    assert lk.has() == ([], [], [])
    assert (await lk.run()).stdout == "nothing to do\n"


async def test_a_second_trunk_of_ours_goes_and_frees_its_number(lk: Provisioned) -> None:
    await lk.run("--apply")
    (first,), _, _ = lk.has()
    lk.directory.inbound.pick(())[0].numbers[:] = [OURS]
    second = await lk.trunk(SECOND, metadata=first.metadata)
    done = await lk.run("--apply")
    assert f"- inbound trunk 'theirs' ({second.sip_trunk_id})" in done.stdout
    (kept,), _, _ = lk.has()
    assert (kept.sip_trunk_id, list(kept.numbers)) == (first.sip_trunk_id, [OURS, SECOND])


async def test_an_outbound_trunk_through_which_calls_go_is_not_deleted(lk: Provisioned) -> None:
    await lk.run("--apply")
    _, (outbound,), _ = made = lk.has()
    lk.write(f'trunk = "{outbound.sip_trunk_id}"\n{NUMBERS_ALONE}')
    (line,) = await lk.refused("--apply")
    assert line == (
        f"outbound trunk 'host' ({outbound.sip_trunk_id}) would be deleted, and trunk is still "
        f"{outbound.sip_trunk_id}: set [sip] address, or another trunk"
    )
    assert lk.has() == made


async def test_without_a_host_toml_nothing_is_deleted(lk: Provisioned) -> None:
    await lk.run("--apply")
    made = lk.has()
    Path("host.toml").unlink()
    with pytest.raises(HostError, match=r"host\.toml is not there: LiveKit is compared with it"):
        await lk.run("--apply")
    assert lk.has() == made


# What others have made


async def test_what_others_have_made_stays_as_it_was(lk: Provisioned) -> None:
    trunk = await lk.trunk(THEIRS, metadata="{")
    await lk.rule(trunk.sip_trunk_id, agent="theirs", metadata='{"made_by": "host provision"}')
    await lk.rule(agent="theirs", metadata='["made_by"]')
    before = lk.has()
    await lk.run("--apply")
    lk.write("[personas.ann]\n[personas.bob]\n")
    await lk.run("--apply")
    assert lk.has() == before


@pytest.mark.parametrize("spelling", [OURS, "15550001111", "1-555-000-1111"])
async def test_a_number_in_a_trunk_of_others_is_told_in_one_line_and_nothing_is_changed(
    lk: Provisioned, spelling: str
) -> None:
    trunk = await lk.trunk(spelling)
    await lk.rule(trunk.sip_trunk_id, agent="host")
    before = lk.has()
    assert (await lk.run(code=1)).stdout.endswith("\n3 to create, once nothing stands in the way\n")
    for words in ([], ["--apply"], ["--check"]):
        assert await lk.refused(*words) == [
            f"{OURS} is in inbound trunk 'theirs' ({trunk.sip_trunk_id}), made by others: take it "
            "out there, or list the numbers to provision as [sip] numbers"
        ]
    assert lk.has() == before
    lk.write(TOML.replace("[sip]", f'[sip]\nnumbers = ["{SECOND}"]'))
    await lk.run("--apply")
    assert lk.taken_by(SECOND) == ["host"]
    assert lk.has()[0][0] == before[0][0]


async def test_numbers_that_one_trunk_of_others_has_are_one_line(lk: Provisioned) -> None:
    trunk = await lk.trunk(OURS, SECOND)
    rule = await lk.rule(trunk.sip_trunk_id)
    done = await lk.run(code=1)
    assert done.stderr.splitlines() == [
        f"host: {OURS}, {SECOND} are in inbound trunk 'theirs' ({trunk.sip_trunk_id}), made by "
        "others: take them out there, or list the numbers to provision as [sip] numbers"
    ]
    assert warnings(done) == [
        f"dispatch rule 'theirs' ({rule.sip_dispatch_rule_id}) takes the calls to {OURS}, {SECOND} "
        "and names no agent, while agent_name is 'host'"
    ]


async def test_two_deployments_of_one_project_leave_each_other_alone(lk: Provisioned) -> None:
    lk.write(NUMBERS_ALONE)
    os.environ["HOST_AGENT_NAME"] = "staging"
    await lk.run("--apply")
    (trunk,), _, _ = made = lk.has()
    os.environ["HOST_AGENT_NAME"] = "production"
    (line,) = await lk.refused("--apply")
    assert f"({trunk.sip_trunk_id}), made by `provision` for agent 'staging'" in line
    assert lk.has() == made


async def test_a_rule_of_others_for_our_trunk_stands_in_the_way(lk: Provisioned) -> None:
    lk.write(NUMBERS_ALONE)
    await lk.run("--apply")
    (trunk,), _, (ours,) = lk.has()
    lk.directory.rules.remove(ours.sip_dispatch_rule_id)
    theirs = await lk.rule(trunk.sip_trunk_id)
    before = lk.has()
    assert await lk.refused("--apply") == [
        f"dispatch rule 'theirs' ({theirs.sip_dispatch_rule_id}), made by others, takes the calls "
        f"of {trunk.sip_trunk_id}, which is this command's: delete the rule"
    ]
    assert lk.has() == before


async def test_a_rule_of_others_for_some_callers_of_our_trunk_may_stay(lk: Provisioned) -> None:
    lk.write(NUMBERS_ALONE)
    await lk.run("--apply")
    (trunk,), _, _ = lk.has()
    await lk.rule(trunk.sip_trunk_id, agent="host", inbound_numbers=[CALLER])
    assert (await lk.run()).stdout == "nothing to do\n"
    other = await lk.rule(trunk.sip_trunk_id, agent="vip", inbound_numbers=[THEIRS])
    before = lk.has()
    assert warnings(await lk.run("--apply")) == [
        f"dispatch rule 'theirs' ({other.sip_dispatch_rule_id}) takes some calls of "
        f"{trunk.sip_trunk_id} and dispatches 'vip', while agent_name is 'host'"
    ]
    assert lk.has() == before


# Mistakes, a line each


async def test_two_personas_with_one_number_are_told_in_one_line(lk: Provisioned) -> None:
    lk.write(TOML.replace("+1 (555) 000-2222", "1-555-000-1111"))
    with pytest.raises(HostError) as refusal:
        await lk.run("--apply")
    assert str(refusal.value) == f"number {OURS} is given to both ann and bob"
    assert lk.has() == ([], [], [])


async def test_a_number_in_two_trunks_of_others_is_told_in_one_line(lk: Provisioned) -> None:
    one, two = await lk.trunk(THEIRS), await lk.trunk("15550007777")
    await lk.rule(agent="host")
    lk.write(f'[sip]\nnumbers = ["{OURS}"]\n[personas.ann]\nnumbers = ["{OURS}", "{THEIRS}"]\n')
    assert warnings(await lk.run("--apply")) == [
        f"{THEIRS} is in inbound trunk 'theirs' ({one.sip_trunk_id}) and inbound trunk 'theirs' "
        f"({two.sip_trunk_id}): LiveKit turns its callers away (503)"
    ]


@pytest.mark.parametrize(
    ("agent", "there"), [("", "names no agent"), ("other", "dispatches 'other'")]
)
async def test_a_rule_without_this_agent_is_told_in_one_line(
    lk: Provisioned, agent: str, there: str
) -> None:
    trunk = await lk.trunk(THEIRS)
    await lk.rule(agent="host")  # for any trunk: LiveKit prefers the trunk's own
    rule = await lk.rule(trunk.sip_trunk_id, agent=agent)
    lk.write(f'[sip]\nnumbers = ["{OURS}"]\n[personas.ann]\nnumbers = ["{OURS}", "{THEIRS}"]\n')
    assert warnings(await lk.run()) == [
        f"dispatch rule 'theirs' ({rule.sip_dispatch_rule_id}) takes the calls to {THEIRS} and "
        f"{there}, while agent_name is 'host'"
    ]


@pytest.mark.parametrize("narrow", ["a caller", "a PIN"])
@pytest.mark.parametrize(("everybody", "some"), [("host", "vip"), ("other", "host")])
async def test_a_rule_for_some_callers_is_not_the_one_for_all_calls(
    lk: Provisioned, narrow: str, everybody: str, some: str
) -> None:
    trunk = await lk.trunk(THEIRS)
    callers = [CALLER] if narrow == "a caller" else []
    theirs = await lk.rule(trunk.sip_trunk_id, agent=some, inbound_numbers=callers)
    if narrow == "a PIN":
        kept = lk.directory.rules.get(theirs.sip_dispatch_rule_id)
        kept.rule.dispatch_rule_individual.pin = "1234"
    lk.write(f'[sip]\nnumbers = ["{OURS}"]\n[personas.ann]\nnumbers = ["{OURS}", "{THEIRS}"]\n')
    assert warnings(await lk.run()) == []  # whom the other callers reach is unknown
    rule = await lk.rule(trunk.sip_trunk_id, agent=everybody)
    expected = (
        f"dispatch rule 'theirs' ({rule.sip_dispatch_rule_id}) takes the calls to {THEIRS} and "
        "dispatches 'other', while agent_name is 'host'"
    )
    assert warnings(await lk.run()) == ([expected] if everybody == "other" else [])


async def test_a_number_that_rings_for_ever_is_told(lk: Provisioned) -> None:
    lk.write(f'[sip]\nnumbers = ["{OURS}"]\n[personas.ann]\nnumbers = ["{OURS}", "{THEIRS}"]\n')
    nowhere = f"{THEIRS} of ann is in no inbound trunk: its callers hear it ring for ever"
    assert warnings(await lk.run()) == [nowhere]
    await lk.trunk(THEIRS)
    unruled = f"no dispatch rule takes the calls to {THEIRS}: its callers hear it ring for ever"
    assert warnings(await lk.run()) == [unruled]


async def test_a_number_without_a_persona_is_told(lk: Provisioned) -> None:
    lk.write(
        NUMBERS_ALONE.replace("[personas.ann]", f'[sip]\nnumbers = ["{THEIRS}"]\n[personas.ann]', 1)
    )
    refused = f"no persona has {THEIRS}, and there is no default one: its callers hear busy"
    assert refused in warnings(await lk.run())
    os.environ["HOST_DEFAULT_PERSONA"] = "bob"
    assert refused not in warnings(await lk.run())


async def test_trunks_that_host_toml_names_are_looked_up(lk: Provisioned) -> None:
    lk.write(f'trunk = "ST_gone"\n{TOML}trunk = "ST_lost"\n')
    assert warnings(await lk.run()) == [
        "trunk: ST_gone is no outbound trunk of this LiveKit",
        "[personas.bob] trunk: ST_lost is no outbound trunk of this LiveKit",
    ]


async def test_apply_says_how_calls_find_the_new_outbound_trunk(lk: Provisioned) -> None:
    done = await lk.run("--apply")
    _, (outbound,), _ = lk.has()
    trunk = outbound.sip_trunk_id
    hint = f'no persona calls through {trunk} yet: set trunk = "{trunk}", or HOST_TRUNK'
    assert done.stdout.splitlines()[-1] == f"! {hint}"
    lk.write(f'trunk = "{trunk}"\n{TOML}')
    assert (await lk.run()).stdout == "nothing to do\n"


async def test_a_room_prefix_of_a_persona_would_take_the_calls_of_others(lk: Provisioned) -> None:
    lk.write(TOML.replace("[sip]", '[sip]\nroom_prefix = "bob"'))
    assert await lk.refused("--apply") == [
        "[sip] room_prefix 'bob' begins the rooms of bob, who would take the calls of ann, too: "
        "choose another"
    ]
    assert lk.has() == ([], [], [])


async def test_a_user_without_a_password_and_a_password_without_a_user_are_told(
    lk: Provisioned,
) -> None:
    os.environ.update(HOST_SIP_PASSWORD="", HOST_SIP_INBOUND_PASSWORD="the pbx's")
    expected = [
        "[sip] username has no password: set HOST_SIP_PASSWORD",
        "HOST_SIP_INBOUND_PASSWORD is set, and [sip] inbound_username is not",
    ]
    assert await lk.refused("--apply") == expected
    assert await lk.refused("--export", "out") == expected
    assert not Path("out").exists()


async def test_an_outbound_trunk_without_a_number_is_told(lk: Provisioned) -> None:
    lk.write('[sip]\naddress = "sip.carrier.example"\n')
    line = "[sip] address: an outbound trunk needs a number: set caller_id, or numbers"
    assert await lk.refused("--apply") == [line]


# Passwords


async def test_a_new_password_is_written_and_never_shown(lk: Provisioned) -> None:
    await lk.run("--apply")
    os.environ["HOST_SIP_PASSWORD"] = "another one of the carrier"
    done = await lk.run("--apply")
    assert "    auth_password  set -> a new one" in done.stdout
    assert "another one of the carrier" not in done.output + (await lk.run("--json")).output
    assert lk.has()[1][0].auth_password == "another one of the carrier"


async def test_a_password_that_livekit_does_not_show_is_not_lost_by_other_changes(
    lk: Provisioned,
) -> None:
    await lk.run("--apply")
    lk.directory.outbound.pick(())[0].auth_password = "****"
    assert "nothing to do" in (await lk.run()).stdout
    lk.write(TOML.replace("tls", "tcp"))
    await lk.run("--apply")
    assert lk.has()[1][0].auth_password == "the carrier's"


# LiveKit refuses, or forgets


async def test_after_a_refusal_another_run_goes_on(
    lk: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(item: object) -> None:
        raise TwirpError("resource_exhausted", "too many rules")

    with monkeypatch.context() as patch:
        patch.setattr(lk.directory.rules, "add", full)
        with pytest.raises(HostError) as refusal:
            await lk.run("--apply")
    assert str(refusal.value) == "can't create dispatch rule 'host': too many rules"
    assert "1 to create" in (await lk.run("--apply")).stdout
    assert lk.taken_by(OURS) == ["host"]


async def test_a_livekit_that_does_not_keep_the_agents_is_named(
    lk: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = lk.directory.rules.add

    def forgets(rule: sip.SIPDispatchRuleInfo) -> sip.SIPDispatchRuleInfo:
        rule.ClearField("room_config")
        return add(rule)

    monkeypatch.setattr(lk.directory.rules, "add", forgets)
    with pytest.raises(HostError, match="LiveKit has not kept what was written: agents"):
        await lk.run("--apply")


async def test_more_trunks_than_a_page_are_all_read(lk: Provisioned) -> None:
    for at in range(205):
        await lk.trunk(f"+1555100{at:04}")
    await lk.run("--apply")
    assert len(lk.has()[0]) == 206
    assert "nothing to do" in (await lk.run()).stdout


# For programs, CI and terminals


async def test_check_tells_by_its_exit_code_whether_there_are_differences(lk: Provisioned) -> None:
    await lk.run("--check", code=2)
    assert lk.has() == ([], [], [])
    await lk.run("--apply")
    await lk.run("--check", code=0)


async def test_json_tells_the_changes_and_what_was_made(lk: Provisioned) -> None:
    plan = json.loads((await lk.run("--json")).stdout)
    assert plan["agent_name"] == "host"
    assert plan["applied"] is None
    assert [(each["action"], each["kind"]) for each in plan["changes"]] == [
        ("create", "inbound trunk"),
        ("create", "outbound trunk"),
        ("create", "dispatch rule"),
    ]
    assert plan["changes"][0]["differences"][0] == {
        "field": "numbers",
        "there": "",
        "wanted": [OURS, SECOND],
    }
    made = json.loads((await lk.run("--json", "--apply")).stdout)
    (inbound,), (outbound,), (rule,) = lk.has()
    ids = [inbound.sip_trunk_id, outbound.sip_trunk_id, rule.sip_dispatch_rule_id]
    assert made["applied"] == ids
    await lk.trunk("15550001111")
    clash = json.loads((await lk.run("--json", code=1)).stdout)
    assert clash["faults"][0].startswith(f"{OURS} is in inbound trunk 'theirs'")


def test_a_plan_is_coloured_on_a_terminal_alone_and_never_with_no_color() -> None:
    terminal: Any = SimpleNamespace(isatty=lambda: True)
    assert show.wants_colours(terminal, {})
    assert show.wants_colours(terminal, {"NO_COLOR": ""})
    assert not show.wants_colours(terminal, {"NO_COLOR": "1"})
    assert not show.wants_colours(sys.__stdin__, {})  # type: ignore[arg-type]
    change = Change("delete", sip.SIPInboundTrunkInfo(name="a\x1bb", sip_trunk_id="ST_1"))
    told = show.plan([change], [], colours=True)
    assert (
        told.splitlines()[0]
        == "\x1b[31m- inbound trunk 'a\N{REPLACEMENT CHARACTER}b' (ST_1)\x1b[0m"
    )
    assert "\x1b" not in show.plan([change], [])


async def test_the_options_exclude_each_other(lk: Provisioned) -> None:
    done = await lk.run("--apply", "--check", code=2)
    assert "--apply, --check and --export exclude each other" in done.output


# Files for lk

REQUESTS: dict[str, tuple[str, Any]] = {
    "inbound-trunk.json": ("CreateSIPInboundTrunk", sip.CreateSIPInboundTrunkRequest),
    "outbound-trunk.json": ("CreateSIPOutboundTrunk", sip.CreateSIPOutboundTrunkRequest),
    "dispatch-rule.json": ("CreateSIPDispatchRule", sip.CreateSIPDispatchRuleRequest),
}


async def test_the_files_are_requests_of_livekits_api_without_passwords(lk: Provisioned) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        os.environ[name] = ""  # it needs no LiveKit
    done = await lk.run("--export", "out dir")
    assert done.stdout.splitlines() == [
        "lk sip inbound create 'out dir/inbound-trunk.json'",
        "lk sip dispatch create 'out dir/dispatch-rule.json' --trunks ST_...",
        "lk sip outbound create 'out dir/outbound-trunk.json' --auth-pass \"$HOST_SIP_PASSWORD\"",
    ]
    read = {}
    for name, (_, request) in REQUESTS.items():
        text = Path("out dir", name).read_text()
        assert "carrier's" not in text
        read[name] = json_format.Parse(text, request())
    assert list(read["inbound-trunk.json"].trunk.numbers) == [OURS, SECOND]
    assert read["outbound-trunk.json"].trunk.auth_username == "ann"
    rule = read["dispatch-rule.json"].dispatch_rule
    assert [agent.agent_name for agent in rule.room_config.agents] == ["host"]
    assert rule.rule.dispatch_rule_individual.room_prefix == "call"


async def test_what_lk_makes_of_the_files_is_taken_for_ours(lk: Provisioned) -> None:
    url = os.environ["LIVEKIT_URL"].replace("ws", "http", 1)
    await lk.run("--export", "out")
    token = api.AccessToken(KEY, SECRET).with_sip_grants(api.SIPGrants(admin=True)).to_jwt()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for name, (method, _) in REQUESTS.items():
            posting = session.post(
                f"{url}/twirp/livekit.SIP/{method}", data=Path("out", name).read_bytes()
            )
            async with posting as answer:
                assert answer.status == 200, await answer.text()
    assert lk.taken_by(OURS) == ["host"]
    before = lk.has()
    done = await lk.run("--apply")
    assert "2 to update" in done.stdout, "the rule's trunk, and the outbound trunk's password"
    after = lk.has()
    assert [len(kind) for kind in after] == [1, 1, 1]
    assert after[0] == before[0]
    assert list(after[2][0].trunk_ids) == [after[0][0].sip_trunk_id]


async def test_a_folder_that_cannot_be_written_is_named(lk: Provisioned) -> None:
    Path("file").write_text("")
    with pytest.raises(HostError, match=r"--export: can't write file"):
        await lk.run("--export", "file")


def warnings(done: Result) -> list[str]:
    """Return what the plan warns of."""
    return [line[2:] for line in done.stdout.splitlines() if line.startswith("! ")]
