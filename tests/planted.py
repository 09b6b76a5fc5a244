"""Faults that are planted into a healthy deployment, each with what `host doctor` is to say."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

from clinic import ANN, BOB, Clinic
from google.protobuf.duration_pb2 import Duration
from livekit.protocol import sip
from mcp_servers import Liar

from host.dispatch import probe
from host.local.server import WRONG_KEY

OTHER = "+12125550133"
"""A number that is nobody's."""


@dataclass(frozen=True)
class Planted:
    """A fault: the check that finds it, a piece of the mend, and how it is planted."""

    id: str
    mend: str
    plant: Callable[[Clinic], Awaitable[object] | object]
    warns: bool = False
    also: tuple[str, ...] = ()
    """Other checks that see it, too."""


def toml(text: str) -> Callable[[Clinic], object]:
    """Add lines at the top of host.toml."""

    def plant(clinic: Clinic) -> None:
        file = clinic.files.folder / "host.toml"
        file.write_text(f"{text}\n{file.read_text()}")

    return plant


def of(name: str, text: str) -> Callable[[Clinic], object]:
    """Add lines to a persona's table of host.toml."""

    def plant(clinic: Clinic) -> None:
        file, table = clinic.files.folder / "host.toml", f"[personas.{name}]\n"
        file.write_text(file.read_text().replace(table, f"{table}{text}\n"))

    return plant


of_ann = partial(of, "ann")


def extension(number: str) -> Callable[[Clinic], object]:
    """Give ann an extension beside her number."""

    def plant(clinic: Clinic) -> None:
        file = clinic.files.folder / "host.toml"
        file.write_text(file.read_text().replace(f'["{ANN}"]', f'["{ANN}", "{number}"]'))

    return plant


def variable(name: str, value: str) -> Callable[[Clinic], object]:
    """Set a variable of the environment."""
    return lambda clinic: os.environ.__setitem__(name, value)


def dotenv(name: str, value: str) -> Callable[[Clinic], object]:
    """Set a variable of `.env`."""
    return lambda clinic: clinic.environment.__setitem__(name, value)


def livekit(**facts: Any) -> Callable[[Clinic], object]:
    """Have LiveKit be otherwise."""
    return lambda clinic: vars(clinic.livekit).update(facts)


def machine(**facts: Any) -> Callable[[Clinic], object]:
    """Have the machine be otherwise."""
    return lambda clinic: vars(clinic.machine).update(facts)


def rule(**facts: Any) -> Callable[[Clinic], object]:
    """Set fields of our dispatch rule."""
    return lambda clinic: _set(clinic.the_rule, facts)


def trunk(**facts: Any) -> Callable[[Clinic], object]:
    """Set fields of our inbound trunk."""
    return lambda clinic: _set(clinic.the_trunk, facts)


def way_out(**facts: Any) -> Callable[[Clinic], object]:
    """Set fields of the outbound trunk."""
    return lambda clinic: _set(clinic.the_way_out, facts)


def _set(message: Any, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        message.ClearField(name)
        field = getattr(message, name)
        if isinstance(value, list):
            field.extend(value)
        elif hasattr(field, "CopyFrom"):
            field.CopyFrom(value)
        else:
            setattr(message, name, value)


def another_trunk(*numbers: str, **facts: Any) -> Callable[[Clinic], object]:
    """Add an inbound trunk, as others may have made one before LiveKit refused it."""
    made = sip.SIPInboundTrunkInfo(name="another", numbers=numbers, **facts)
    return lambda clinic: clinic.livekit.directory.inbound.add(made)


def persona(text: str, name: str = "carl") -> Callable[[Clinic], object]:
    """Add a persona whose module is `text`."""
    return lambda clinic: clinic.files.write(f"personas/{name}.py", text)


def all_of(*plants: Callable[[Clinic], Any]) -> Callable[[Clinic], object]:
    """Plant several things that make one fault."""
    return lambda clinic: [plant(clinic) for plant in plants]


async def _another_agent(clinic: Clinic) -> None:
    clinic.the_rule.room_config.agents[0].agent_name = "voice-agent"


async def _no_agent(clinic: Clinic) -> None:
    clinic.the_rule.ClearField("room_config")


async def _two_agents(clinic: Clinic) -> None:
    clinic.the_rule.room_config.agents.add(agent_name="recorder")


async def _no_rule(clinic: Clinic) -> None:
    clinic.livekit.directory.rules.remove(clinic.rule)


async def _a_second_rule(clinic: Clinic) -> None:
    await clinic.add_rule(trunk_ids=[clinic.inbound])


async def _a_rule_for_everything(clinic: Clinic) -> None:
    another_trunk(OTHER)(clinic)
    clinic.the_rule.ClearField("trunk_ids")


async def _metadata(clinic: Clinic, text: str) -> None:
    clinic.the_rule.room_config.agents[0].metadata = text


async def _one_room(clinic: Clinic) -> None:
    clinic.the_rule.rule.dispatch_rule_direct.room_name = "lobby"


async def _a_room_for_each_number(clinic: Clinic) -> None:
    clinic.the_rule.rule.dispatch_rule_callee.room_prefix = "call"


async def _no_host(clinic: Clinic) -> None:
    clinic.closing.enter_context(mock.patch.object(probe, "LIMIT", 0.2))  # nobody would answer
    clinic.livekit.rooms.workers.clear()


async def _a_trunk_in_the_place_of_another(clinic: Clinic) -> None:
    clinic.environment["HOST_TRUNK"] = clinic.inbound


async def _a_number_of_nobody(clinic: Clinic) -> None:
    clinic.the_trunk.numbers.append(OTHER)


async def _a_taken_port(clinic: Clinic) -> None:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    clinic.closing.callback(taken.close)
    clinic.environment["HOST_API_PORT"] = str(taken.getsockname()[1])


async def _a_password_for_all(clinic: Clinic) -> None:
    clinic.mode_of_dotenv = 0o644


async def _lacks_a_tool(clinic: Clinic) -> None:
    url = await clinic.closing.enter_async_context(Liar().served())
    of_ann(f'mcp = [{{ url = "{url}", tools = ["lookup"] }}]')(clinic)


async def _rejects_a_token(clinic: Clinic) -> None:
    liar = Liar()
    liar.status = 401
    url = await clinic.closing.enter_async_context(liar.served())
    headers = '{ Authorization = "Bearer {env:SHOP_PASS}" }'
    of_ann(f'mcp = [{{ url = "{url}", headers = {headers} }}]')(clinic)
    clinic.environment["SHOP_PASS"] = "a-token-of-the-shop"


async def _no_persona(clinic: Clinic) -> None:
    for file in clinic.files.folder.glob("personas/*.py"):
        file.unlink()


SAYS_NOTHING = '''
"""Carl: says nothing."""

from host import hookimpl


@hookimpl
def instructions(call):
    return " "
'''
RAISES = SAYS_NOTHING.replace('return " "', 'return call.details["patient"]')
MISSPELT = SAYS_NOTHING.replace("def instructions", "def instructionz")

PLANTED = {
    # Settings
    "a word of host.toml that is none": Planted(
        "settings.readable", "docs/settings.md", toml("max_callz = 3")
    ),
    "host.toml is no TOML": Planted("settings.readable", "correct it", toml("max_calls = = 3")),
    "two personas with one prefix": Planted(
        "settings.readable", "correct it", of_ann('prefixes = ["bob-"]')
    ),
    "a misspelt variable": Planted(
        "settings.misspelt", "HOST_MAX_CALS", variable("HOST_MAX_CALS", "3"), warns=True
    ),
    "an old export": Planted(
        "settings.overridden",
        "unset HOST_MAX_CALLS",
        all_of(variable("HOST_MAX_CALLS", "3"), dotenv("HOST_MAX_CALLS", "4")),
        warns=True,
    ),
    "an agent name in two places": Planted(
        "settings.agent_name",
        "unset HOST_AGENT_NAME",
        all_of(toml('agent_name = "desk"'), variable("HOST_AGENT_NAME", "host")),
        warns=True,
    ),
    "a key with a line's end": Planted(
        "settings.keys",
        "write DEEPGRAM_API_KEY without it",
        variable("DEEPGRAM_API_KEY", "deepgram-key-of-the-test\n"),
        also=("providers.stt",),
    ),
    "the text of a template": Planted(
        "settings.keys",
        "your own key into OPENAI_API_KEY",
        variable("OPENAI_API_KEY", "sk-xxxxxxxx"),
    ),
    "a .env for all": Planted(
        "settings.private", "chmod 600 .env", _a_password_for_all, warns=True
    ),
    # LiveKit
    "no key": Planted("livekit.settings", "into .env", dotenv("LIVEKIT_API_KEY", "")),
    "no ws": Planted("livekit.settings", "into .env", dotenv("LIVEKIT_URL", "x.livekit.cloud")),
    "key and secret exchanged": Planted(
        "livekit.settings",
        "exchange the values",
        all_of(
            dotenv("LIVEKIT_API_KEY", "a-secret-of-32-characters-or-more"),
            dotenv("LIVEKIT_API_SECRET", "APIclinic-and-so-on-to-32-characters"),
        ),
        also=("livekit.reachable",),
    ),
    "a wrong secret": Planted(
        "livekit.reachable",
        "copy the key and the secret",
        dotenv("LIVEKIT_API_SECRET", "another-secret-of-32-characters-or-more"),
    ),
    "nobody at the address": Planted(
        "livekit.reachable", "start livekit-server", dotenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    ),
    "another server at the address": Planted(
        "livekit.reachable",
        "its port is 7880",
        lambda clinic: dotenv("LIVEKIT_URL", clinic.cartesia.url)(clinic),
    ),
    "an old LiveKit": Planted("livekit.version", "update livekit-server", livekit(version="1.7.2")),
    "a LiveKit that drops calls": Planted(
        "livekit.version", "another version", livekit(version="1.9.11")
    ),
    "a proxy without websockets": Planted(
        "livekit.version", "websockets on /agent", livekit(takes_workers=False)
    ),
    "a clock that is wrong": Planted("livekit.clock", "NTP", livekit(skew=-300.0)),
    "a clock that is a little wrong": Planted(
        "livekit.clock", "NTP", livekit(skew=20.0), warns=True
    ),
    "no Redis": Planted("livekit.sip", "redis.address", livekit(has_sip=False)),
    # The agent
    "an agent name for LiveKit's workers": Planted(
        "agent.environment",
        "HOST_AGENT_NAME=desk",
        variable("LIVEKIT_AGENT_NAME_OVERRIDE", "desk"),
        warns=True,
    ),
    "no agent name": Planted(
        "agent.name",
        "HOST_AGENT_NAME=host",
        all_of(
            variable("HOST_AGENT_NAME", ""),
            lambda clinic: clinic.livekit.host(""),
        ),
        warns=True,
        also=("rules.agent",),
    ),
    "no host": Planted("agent.registered", "python -m host start", _no_host, warns=True),
    "a full host": Planted(
        "agent.registered",
        "HOST_MAX_CALLS",
        lambda clinic: clinic.livekit.host(full="10 live calls"),
        warns=True,
    ),
    "another program of our name": Planted(
        "agent.registered", "stop that worker", lambda clinic: clinic.livekit.stranger()
    ),
    # Trunks
    "a number that no trunk has": Planted(
        "trunks.numbers", f'add "{ANN}" to the numbers', trunk(numbers=[BOB])
    ),
    "an extension that no trunk has": Planted(
        "trunks.numbers", f'add "{ANN[-4:]}" to the numbers', extension(ANN[-4:])
    ),
    "a number without its country": Planted(
        "trunks.numbers",
        f'write "{ANN}" instead of "2125550111"',
        trunk(numbers=["2125550111", BOB]),
        also=("trunks.format", "rules.personas"),
    ),
    "no trunk": Planted(
        "trunks.numbers",
        "lk sip inbound create",
        lambda clinic: clinic.livekit.directory.inbound.remove(clinic.inbound),
        also=("rules.trunks",),
    ),
    "a number of two trunks": Planted(
        "trunks.twice", f"keep {ANN} in one of them", another_trunk("1 (212) 555-0111")
    ),
    "callers and callees of a trunk mixed up": Planted(
        "trunks.callers", "empty allowed_numbers", trunk(allowed_numbers=[ANN])
    ),
    "a trunk for all of the Internet": Planted(
        "trunks.open",
        "the addresses of your carrier",
        another_trunk(allowed_addresses=["0.0.0.0/0"]),
        warns=True,
    ),
    "a caller ID without a plus": Planted(
        "trunks.format", f'write "{ANN}"', way_out(numbers=["12125550111"]), warns=True
    ),
    "no such trunk": Planted("trunks.outbound", "set HOST_TRUNK", dotenv("HOST_TRUNK", "ST_gone")),
    "an inbound trunk to dial by": Planted(
        "trunks.outbound", "set HOST_TRUNK", _a_trunk_in_the_place_of_another
    ),
    "no trunk to dial by": Planted(
        "trunks.outbound", "set HOST_TRUNK", dotenv("HOST_TRUNK", ""), warns=True
    ),
    "a caller ID of somebody else": Planted(
        "trunks.caller_id",
        f"set caller_id to one of {BOB}",
        way_out(numbers=[BOB]),
        warns=True,
    ),
    "Twilio's SIP domain": Planted(
        "trunks.address", "NAME.pstn.twilio.com", way_out(address="ours.sip.twilio.com")
    ),
    "LiveKit's own address": Planted(
        "trunks.address", "your carrier's", way_out(address="ours.sip.livekit.cloud")
    ),
    "a trunk that cuts calls": Planted(
        "trunks.duration",
        "raise max_call_duration",
        trunk(max_call_duration=Duration(seconds=60)),
        warns=True,
    ),
    "a trunk that cuts calls that are handed over": Planted(
        "trunks.duration",
        "which each persona of a call has for itself",
        all_of(of_ann("hands_over_to = ['bob']"), trunk(max_call_duration=Duration(seconds=1200))),
        warns=True,
    ),
    # Dispatch rules
    "no rule": Planted("rules.missing", "lk sip dispatch create", _no_rule),
    "a rule with another spelling": Planted(
        "rules.missing", f'write "{ANN}" instead of "12125550111"', rule(numbers=["12125550111"])
    ),
    "a rule for another agent": Planted("rules.agent", '"agentName": "host"', _another_agent),
    "a rule for no agent": Planted("rules.agent", '"agentName": "host"', _no_agent),
    "a rule for two agents": Planted("rules.agent", "leave 'host' alone", _two_agents, warns=True),
    "two rules for a number": Planted("rules.twice", "delete one", _a_second_rule),
    "a rule of no trunk": Planted(
        "rules.trunks", "set trunkIds", rule(trunk_ids=["ST_gone"]), also=("rules.missing",)
    ),
    "a rule of every trunk": Planted(
        "rules.every_trunk", "set trunkIds", _a_rule_for_everything, warns=True
    ),
    "callers and callees of a rule mixed up": Planted(
        "rules.callers",
        "move them from inboundNumbers",
        rule(inbound_numbers=[ANN]),
    ),
    "one room for all": Planted("rules.rooms", "dispatchRuleIndividual", _one_room),
    "one room for a number": Planted(
        "rules.rooms", "dispatchRuleIndividual", _a_room_for_each_number
    ),
    "metadata that is no JSON": Planted(
        "rules.metadata", '{"persona": "ann"}', lambda clinic: _metadata(clinic, '{"persona": "ann')
    ),
    "metadata with another persona": Planted(
        "rules.metadata", '{"persona": "ann"}', lambda clinic: _metadata(clinic, '{"persona": "x"}')
    ),
    "metadata of an outbound call": Planted(
        "rules.metadata",
        '{"persona": "ann"}',
        lambda clinic: _metadata(clinic, f'{{"persona": "ann", "phone_number": "{OTHER}"}}'),
        also=("rules.personas",),
    ),
    "a rule that hides numbers": Planted(
        "rules.hidden", "hidePhoneNumber", rule(hide_phone_number=True)
    ),
    "a number of no persona": Planted(
        "rules.personas", f'numbers = ["{OTHER}"]', _a_number_of_nobody, warns=True
    ),
    "a rule that overrules a number": Planted(
        "rules.personas",
        "change the metadata",
        lambda clinic: _metadata(clinic, '{"persona": "ann"}'),
        warns=True,
    ),
    # Personas
    "no persona": Planted(
        "personas.found",
        "put a persona into personas/",
        _no_persona,
        also=("personas.broken", "rules.personas"),
    ),
    "a broken persona": Planted(
        "personas.broken", "correct the line", persona("import no_such_module\n")
    ),
    "a handover to nobody": Planted(
        "personas.broken", "correct the line", of_ann("hands_over_to = ['bobb']")
    ),
    "a misspelt hook": Planted("personas.broken", "correct the line", persona(MISSPELT)),
    "a persona without instructions": Planted(
        "personas.instructions", "return a text from instructions() of carl", persona(SAYS_NOTHING)
    ),
    "a persona that fails when it is called": Planted(
        "personas.instructions", "return instructions for every call", persona(RAISES), warns=True
    ),
    "English sentences in German": Planted(
        "personas.language",
        "[personas.ann.words]",
        of_ann('language = "de"'),
        warns=True,
    ),
    "a transfer target that is blocked": Planted(
        "personas.gate",
        "python -m host gate",
        of_ann('transfers = { boss = "+15550001111" }'),
    ),
    "a caller ID as people write it": Planted(
        "personas.caller_id",
        f'caller_id = "{ANN}"',
        of_ann('caller_id = "(212) 555-0111"'),
        also=("trunks.caller_id", "personas.gate"),
    ),
    # MCP servers
    "a variable of an MCP server that is not set": Planted(
        "mcp.complete",
        "put it into .env",
        of_ann('mcp = ["http://127.0.0.1:9/{env:SHOP_PASS}/mcp"]'),
    ),
    "nobody at the address of an MCP server": Planted(
        "mcp.reachable",
        "let this machine connect to it",
        of_ann('mcp = ["http://127.0.0.1:9/mcp"]'),
        warns=True,
    ),
    "a token that an MCP server rejects": Planted(
        "mcp.reachable", "put a valid token into SHOP_PASS", _rejects_a_token, warns=True
    ),
    "a tool that an MCP server does not have": Planted(
        "mcp.reachable", "correct `tools` of this server", _lacks_a_tool, warns=True
    ),
    # Providers
    "no key of the STT": Planted(
        "providers.created", "put the key into .env", variable("DEEPGRAM_API_KEY", "")
    ),
    "a provider of nobody": Planted(
        "providers.created", "name another provider", of_ann('tts = "boop/high"')
    ),
    "a wrong key of the STT": Planted(
        "providers.stt",
        "a valid key into DEEPGRAM_API_KEY",
        variable("DEEPGRAM_API_KEY", WRONG_KEY),
    ),
    "a wrong key of the LLM": Planted(
        "providers.llm", "a valid key into OPENAI_API_KEY", variable("OPENAI_API_KEY", WRONG_KEY)
    ),
    "a wrong key of the TTS": Planted(
        "providers.tts",
        "a valid key into CARTESIA_API_KEY",
        variable("CARTESIA_API_KEY", WRONG_KEY),
    ),
    "a voice that there is not": Planted(
        "providers.tts",
        'correct tts = "cartesia/sonic-3:nobody" for ann',
        of_ann('tts = "cartesia/sonic-3:nobody"'),
    ),
    "no credit": Planted(
        "providers.llm",
        "the quota or the credit",
        lambda clinic: setattr(clinic.llm, "fail_with", 429),
    ),
    "a provider that is out of order": Planted(
        "providers.stt",
        "stt_fallbacks",
        lambda clinic: setattr(clinic.deepgram, "fail_with", 503),
        warns=True,
    ),
    "an address of nobody": Planted(
        "providers.tts",
        "correct base_url of [plugins.cartesia]",
        dotenv("HOST_CARTESIA_BASE_URL", "http://127.0.0.1:9"),
    ),
    "a fallback with a voice that there is not": Planted(
        "providers.tts", "for bob", of("bob", 'tts_fallbacks = ["cartesia/sonic-3:nobody"]')
    ),
    # The machine
    "a call log that is a folder": Planted(
        "machine.files", "names the setting", dotenv("HOST_CALL_LOG", "personas")
    ),
    "a full disk": Planted("machine.disk", "free some space", machine(space=10**7)),
    "a disk that is nearly full": Planted(
        "machine.disk", "free some space", machine(space=3 * 10**8), warns=True
    ),
    "a taken port": Planted("machine.ports", "set HOST_API_PORT to another", _a_taken_port),
    "one port for two": Planted(
        "machine.ports",
        "set HOST_API_PORT to another",
        all_of(dotenv("HOST_API_PORT", "18091"), dotenv("HOST_HEALTH_PORT", "18091")),
    ),
    "an address of another machine": Planted(
        "machine.ports",
        "set HOST_API_HOST to 127.0.0.1",
        all_of(dotenv("HOST_API_PORT", "18092"), dotenv("HOST_API_HOST", "192.0.2.1")),
    ),
    "a token that is too short": Planted(
        "machine.api",
        "HOST_API_TOKEN=$(openssl rand -hex 32)",
        all_of(dotenv("HOST_API_PORT", "18093"), variable("HOST_API_TOKEN", "short")),
    ),
    "a second token that is too short": Planted(
        "machine.api",
        "HOST_API_SECOND_TOKEN=$(openssl rand -hex 32)",
        all_of(
            dotenv("HOST_API_PORT", "18093"),
            variable("HOST_API_TOKEN", 4 * "0123456789"),
            variable("HOST_API_SECOND_TOKEN", "short"),
        ),
    ),
    "a console's token that is too short": Planted(
        "machine.api",
        "HOST_CONSOLE_TOKEN=$(openssl rand -hex 32)",
        all_of(dotenv("HOST_CONSOLE_PORT", "18094"), variable("HOST_CONSOLE_TOKEN", "short")),
    ),
    "a console's address of another machine": Planted(
        "machine.ports",
        "set HOST_CONSOLE_HOST to 127.0.0.1",
        all_of(
            dotenv("HOST_CONSOLE_PORT", "18095"),
            dotenv("HOST_CONSOLE_HOST", "192.0.2.1"),
            variable("HOST_CONSOLE_TOKEN", 4 * "0123456789"),
        ),
    ),
    "a busy machine": Planted("machine.load", "top", machine(wanting=20.0), warns=True),
    "more calls than cores": Planted(
        "machine.capacity", "HOST_MAX_CALLS=32", dotenv("HOST_MAX_CALLS", "200"), warns=True
    ),
    "a quota of half a core": Planted(
        "machine.capacity", "HOST_MAX_CALLS=4", machine(quota=0.5), warns=True
    ),
    "little memory": Planted(
        "machine.capacity", "HOST_MAX_CALLS=4", machine(available=8 * 10**8), warns=True
    ),
}
