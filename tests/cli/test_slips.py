"""What a user gets wrong in the first hour: one line that says what and how to mend it.

Each slip is a row: a name, what is typed, what is there, and the exact line. Nothing may be started
before the line is printed: no program, no server.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from deployment import Deployment

import host.cli
from host.base.paths import BUNDLED_PLUGINS
from host.local.world import World

REMINDER = '''\
"""Reminder: phones a patient."""

from pydantic import BaseModel

from host import hookimpl


class Appointment(BaseModel):
    patient: str
    time: str


@hookimpl
def parse_metadata(metadata):
    return Appointment.model_validate(metadata)


@hookimpl
def instructions(call):
    return "Remind."
'''
RAISES = '''\
"""Raises: has no model."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Talk."


@hookimpl
def llm(call):
    raise RuntimeError("no model today")
'''
BROKEN = {"personas/bad.py": "import no_such_module\n"}
ALL_BROKEN = {**BROKEN, "personas/reminder.py": "", "plugins/crm.py": "1 / 0\n"}
NO_PERSONA = {"personas/reminder.py": None, "plugins/crm.py": "1 / 0\n"}
DETAILS = "patient=Ann time=3pm"
NUMBER = "+15552220001"
LIVEKIT = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "secret",
}
NOT_LOADED = "bad.py:1: lacks module no_such_module; is it installed?"
E164 = "is not an E.164 number like +15550001111"
FORM = "is not of the form key=value"
NAME = "write lower-case letters, digits and _, with a letter first"


@dataclass(frozen=True)
class Slip:
    """What somebody typed, in which deployment, and the one line that comes of it."""

    typed: str | tuple[str, ...]
    """A tuple where a word has a space or is empty."""
    line: str
    code: int = 1
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Files of the deployment, beside the persona `reminder`; None takes one away."""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """The words of the command line."""
        return self.typed.split() if isinstance(self.typed, str) else list(self.typed)


def see(command: str) -> str:
    """Say where the usage of a command stands, as its errors do."""
    return f"(see `python -m host {command}--help`)"


SLIPS = {
    # The name of a persona
    "call: misspelt": Slip(
        f"call remindr {NUMBER} {DETAILS}",
        "host: there is no persona 'remindr'; did you mean reminder?",
    ),
    "call: misspelt, with a local world that is not up": Slip(
        f"call --local remindr {NUMBER} {DETAILS}",
        "host: there is no persona 'remindr'; did you mean reminder?",
    ),
    "call: with a capital": Slip(
        f"call Reminder {NUMBER} {DETAILS}",
        "host: there is no persona 'Reminder'; did you mean reminder?",
    ),
    "call: a file": Slip(
        f"call personas/reminder.py {NUMBER} {DETAILS}",
        "host: there is no persona 'personas/reminder.py'; did you mean reminder?",
    ),
    "call: like none": Slip(
        f"call zzz {NUMBER}", "host: there is no persona 'zzz' (there are: reminder)"
    ),
    "call: broken": Slip(
        f"call bad {NUMBER}", f"host: persona bad is broken: personas/{NOT_LOADED}", files=BROKEN
    ),
    "call: broken inside a package": Slip(
        f"call menu {NUMBER}",
        "host: persona menu is broken: personas/menu/dishes.py:1: "
        "ZeroDivisionError: division by zero",
        files={
            "personas/menu/__init__.py": "from . import dishes\n",
            "personas/menu/dishes.py": "1/0",
        },
    ),
    "call: the number first": Slip(
        f"call {NUMBER} reminder {DETAILS}",
        f"host: '{NUMBER}' stands where the name of a persona belongs: the number comes after it",
    ),
    "chat: misspelt": Slip(
        "chat remindr", "host: there is no persona 'remindr'; did you mean reminder?"
    ),
    "chat: misspelt, in the local world": Slip(
        "chat remindr --local", "host: there is no persona 'remindr'; did you mean reminder?"
    ),
    "chat: broken": Slip(
        "chat bad --local", f"host: persona bad is broken: personas/{NOT_LOADED}", files=BROKEN
    ),
    "chat: a model that raises": Slip(
        "chat raises",
        "host: persona raises failed: personas/raises.py:13: RuntimeError: no model today",
        files={"personas/raises.py": RAISES},
    ),
    "gate: misspelt": Slip(
        "gate +442079460000 --persona remindr",
        "host: there is no persona 'remindr'; did you mean reminder?",
    ),
    "gate: broken": Slip(
        "gate +442079460000 --persona bad",
        f"host: persona bad is broken: personas/{NOT_LOADED}",
        files=BROKEN,
    ),
    "calls: misspelt": Slip(
        "calls --persona remindr", "host: there is no persona 'remindr'; did you mean reminder?"
    ),
    "host.toml names another file": Slip(
        "personas",
        "host: host.toml: config is no setting of the file that it names: HOST_CONFIG is",
        files={"host.toml": 'config = "other.toml"\n'},
    ),
    "which: misspelt": Slip(
        ("which", "--metadata", '{"persona": "remindr"}'),
        "refused: the metadata asks for persona 'remindr', which is not loaded; "
        "did you mean reminder?",
    ),
    "which: broken, by metadata": Slip(
        ("which", "--metadata", '{"persona": "bad"}'),
        "refused: the metadata asks for persona 'bad', which is not loaded: "
        f"persona bad is broken: personas/{NOT_LOADED}",
        files=BROKEN,
    ),
    "which: broken, by room": Slip(
        "which --room bad-7",
        "refused: room 'bad-7' begins with 'bad-', and bad is not loaded: "
        f"persona bad is broken: personas/{NOT_LOADED}",
        files=BROKEN,
    ),
    "call: none is good": Slip(
        f"call remindr {NUMBER}",
        f"host: there is no good persona: personas/{NOT_LOADED} "
        "(and 2 more: python -m host personas)",
        files=ALL_BROKEN,
    ),
    "dev: none there, and a broken plugin": Slip(
        "dev --local",
        "host: there is no persona in personas "
        "(elsewhere something is broken: python -m host personas)",
        files=NO_PERSONA,
    ),
    "chat: a folder that is not there": Slip(
        "chat reminder",
        "host: there is no good persona: nowhere: the folder of personas: "
        "No such file or directory",
        settings={"HOST_PERSONAS_DIR": "nowhere"},
    ),
    "start: a file instead of a folder": Slip(
        "start",
        "host: there is no good persona: personas/reminder.py: the folder of personas: "
        "Not a directory",
        settings={"HOST_PERSONAS_DIR": "personas/reminder.py"},
    ),
    # The number
    "call: no number": Slip(
        "call reminder", f"host: missing argument 'number' {see('call ')}", code=2
    ),
    "call: no number, but details": Slip(
        f"call reminder {DETAILS}",
        "host: the number to dial is missing before 'patient=Ann': "
        "python -m host call reminder +15550001111 ...",
    ),
    "call: an empty number": Slip(
        ("call", "reminder", "", "patient=Ann"),
        "host: the number to dial is missing: python -m host call reminder +15550001111 ...",
    ),
    "call: no plus": Slip(
        f"call reminder 15552220001 {DETAILS}",
        f"host: '15552220001' {E164}; did you mean +15552220001?",
    ),
    "call: 00 for the plus": Slip(
        f"call reminder 00442079460000 {DETAILS}",
        f"host: '00442079460000' {E164}; did you mean +442079460000?",
    ),
    "call: too short": Slip(f"call reminder 12345 {DETAILS}", f"host: '12345' {E164}"),
    "gate: no plus": Slip(
        "gate 442079460000",
        "blocked: the number is not in E.164 format, like +15550001111 (rule: not_e164); "
        "did you mean +442079460000?",
    ),
    "gate: a number of the local world": Slip(
        f"gate {NUMBER}",
        "blocked: the number does not exist (rule: invalid); "
        "+1555... is dialled with `--local` alone",
    ),
    "gate: a persona instead of an option": Slip(
        "gate reminder +442079460000",
        f"host: got unexpected extra argument(s) (+442079460000) {see('gate ')}",
        code=2,
    ),
    "gate: no time": Slip(
        "gate +442079460000 --at tomorrow",
        "host: invalid value for '--at': 'tomorrow' is no time like 2026-11-23T09:30 "
        f"{see('gate ')}",
        code=2,
    ),
    # Details
    "call: a colon": Slip(
        ("call", "reminder", NUMBER, "patient:", "Ann", "time=3pm"),
        f"host: 'patient:' {FORM}; did you mean patient=Ann?",
    ),
    "call: a colon in one word": Slip(
        ("call", "reminder", NUMBER, "patient: Ann Lee", "time=3pm"),
        f"host: 'patient: Ann Lee' {FORM}; did you mean patient='Ann Lee'?",
    ),
    "call: spaces round the equals sign": Slip(
        f"call reminder {NUMBER} patient = Ann",
        f"host: 'patient' {FORM}; did you mean patient=Ann?",
    ),
    "call: no key": Slip(f"call reminder {NUMBER} Ann", f"host: 'Ann' {FORM}"),
    "call: a key twice": Slip(
        f"call reminder {NUMBER} patient=Ann patient=Bob time=3pm",
        "host: patient is given twice: leave one of them out",
    ),
    "call: a misspelt key": Slip(
        f"call reminder {NUMBER} pateint=Ann time=3pm",
        "host: the metadata is invalid: patient is missing (add patient=...)",
    ),
    "call: a persona among the details": Slip(
        f"call reminder {NUMBER} {DETAILS} persona=x",
        "host: persona can't be a detail: the command has an argument for it",
    ),
    "call: a detail that is missing": Slip(
        f"call reminder {NUMBER} patient=Ann",
        "host: the metadata is invalid: time is missing (add time=...)",
    ),
    "call: a detail that is too long": Slip(
        ("call", "reminder", NUMBER, "patient=" + "A" * 20_000, "time=3pm"),
        "host: the metadata is longer than 16384 bytes",
    ),
    "simulate: misspelt": Slip(
        "simulate remindr --goal x", "host: there is no persona 'remindr'; did you mean reminder?"
    ),
    "simulate: nobody calls": Slip(
        "simulate reminder",
        "host: nobody calls: give --goal or --callers, or write personas/reminder.callers.toml",
    ),
    "simulate: a mood of nobody": Slip(
        "simulate reminder --mood calm", "host: --mood needs --goal"
    ),
    "simulate: a goal without a model": Slip(
        "simulate reminder --goal x --mood calm --local",
        "host: --local: the caller 'x' needs lines: only a model could play it",
    ),
    "simulate: two models": Slip(
        "simulate reminder --goal x --local --model a/b",
        "host: --model and --local exclude each other",
    ),
    "simulate: no file": Slip(
        "simulate reminder --callers no.toml", "host: no.toml: No such file or directory"
    ),
    "simulate: no key": Slip(
        f"simulate reminder {DETAILS} --goal x", 'host: llm = "openai": OPENAI_API_KEY is not set'
    ),
    "simulate: no details": Slip(
        "simulate reminder patient=Ann --goal x",
        "host: the metadata is invalid: time is missing (add time=...)",
    ),
    "chat: no details": Slip(
        "chat reminder --local",
        "host: the metadata is invalid: patient is missing; time is missing "
        "(add patient=... time=...)",
    ),
    "chat: a detail that is missing": Slip(
        "chat reminder patient=Ann",
        "host: the metadata is invalid: time is missing (add time=...)",
    ),
    "chat: a number": Slip(
        f"chat reminder {NUMBER} {DETAILS}",
        f"host: '{NUMBER}' {FORM}: a number to dial stands right behind the persona of `call`, "
        "and nowhere else",
    ),
    "call: an empty key of the request": Slip(
        ("call", "reminder", NUMBER, "patient=Ann", "time=3pm", "--key", ""),
        "host: --key must be 1 to 200 printable characters",
    ),
    "call: an empty reference": Slip(
        ("call", "reminder", NUMBER, "patient=Ann", "time=3pm", "--reference", ""),
        "host: --reference must be 1 to 200 printable characters",
    ),
    "call: keys that no telephone has": Slip(
        ("call", "reminder", NUMBER, "patient=Ann", "time=3pm", "--dtmf", "ww12x"),
        'host: --dtmf must be keys such as "ww12#": 0 to 9, *, #, A to D, w (0.5 s), '
        "a comma (2 s), at most 100",
    ),
    "call: keys that take too long": Slip(
        ("call", "reminder", NUMBER, "patient=Ann", "time=3pm", "--dtmf", "1" + "," * 30),
        "host: --dtmf takes longer than 30 s",
    ),
    "call: a number to show that is none": Slip(
        f"call reminder {NUMBER} {DETAILS} --caller-id 5550001111",
        "host: --caller-id is not an E.164 number like +15550001111",
    ),
    "call: a number to show among the details": Slip(
        f"call reminder {NUMBER} {DETAILS} caller_id=+15550001111",
        "host: caller_id can't be a detail: the command has an argument for it",
    ),
    # Options and commands
    "a misspelt command": Slip(
        "deev", f"host: no such command 'deev'. Did you mean 'dev'? {see('')}", code=2
    ),
    "help as a command": Slip("help", f"host: no such command 'help' {see('')}", code=2),
    "an option before its command": Slip(
        "--local dev",
        f"host: no such option: --local, or it stands behind the command {see('')}",
        code=2,
    ),
    "dev: a misspelt option": Slip(
        "dev --lokal",
        f"host: no such option: --lokal (Possible options: --local) {see('dev ')}",
        code=2,
    ),
    "dev: a persona": Slip(
        "dev reminder", f"host: got unexpected extra argument(s) (reminder) {see('dev ')}", code=2
    ),
    "call: details as options": Slip(
        f"call reminder {NUMBER} --patient Ann",
        f"host: no such option: --patient (Possible options: --at) {see('call ')}",
        code=2,
    ),
    "calls: an option before the command it is for": Slip(
        "calls --json schema", "host: options of `calls schema` stand behind it, and not before"
    ),
    "calls: no such length of time": Slip(
        "calls --since yesterday",
        "host: --since 'yesterday' is neither like 30m, 2h, 1d nor like 2026-11-23 "
        "or 2026-11-23T09:30",
    ),
    "calls: none at all": Slip(
        "calls --limit 0",
        "host: invalid value for '--limit': Input should be greater than or equal to 1 "
        f"{see('calls ')}",
        code=2,
    ),
    "calls: no such call": Slip(
        "calls show AJ_1", "host: calls.jsonl has no call 'AJ_1': see `python -m host calls`"
    ),
    "calls: nothing says what is old": Slip(
        "calls purge",
        "host: nothing says what is old: give --days, or set keep_records_days, "
        "keep_recordings_days",
    ),
    # New files
    "new: a persona with a capital and a hyphen": Slip(
        "new persona Front-Desk",
        f"host: 'Front-Desk' is no name for a persona: {NAME}; did you mean front_desk?",
    ),
    "new: a file": Slip(
        "new plugin plugins/crm.py",
        f"host: 'plugins/crm.py' is no name for a plugin: {NAME}; did you mean crm?",
    ),
    "new: a name that begins with a digit": Slip(
        "new persona 24h", f"host: '24h' is no name for a persona: {NAME}"
    ),
    "new: a word of Python": Slip(
        "new plugin class", "host: 'class' is no name for a plugin: Python reserves the word"
    ),
    "new: a long name": Slip(
        f"new persona {41 * 'a'}",
        f"host: a name of a persona has at most 40 characters: {41 * 'a'} has 41",
    ),
    "new: no name": Slip(
        "new persona", f"host: missing argument 'name' {see('new persona ')}", code=2
    ),
    "new: a kind that is none": Slip(
        "new personas sales",
        f"host: no such command 'personas'. Did you mean 'persona'? {see('new ')}",
        code=2,
    ),
    "new: a persona that is there": Slip(
        "new persona reminder", "host: there is a persona reminder already: personas/reminder.py"
    ),
    "new: a persona that is there, and broken": Slip(
        "new persona bad", "host: there is a persona bad already: personas/bad.py", files=BROKEN
    ),
    "new: a test that is there": Slip(
        "new persona sales",
        "host: tests/test_sales.py exists already: nothing was written",
        files={"tests/test_sales.py": ""},
    ),
    "new: a bundled plugin": Slip(
        "new plugin hold", "host: hold is a bundled plugin: to replace it, add --replace"
    ),
    "new: a plugin that replaces none": Slip(
        "new plugin crm --replace", "host: --replace: there is no bundled plugin crm"
    ),
    "new: a plugin that would not be loaded": Slip(
        "new plugin crm",
        "host: crm is in disable_plugins: take it out, or choose another name",
        files={"host.toml": "disable_plugins = ['crm']\n"},
    ),
    "new: a plugin in a clone": Slip(
        "new plugin crm",
        "host: the plugins folder is that of the bundled plugins: run it in your own folder",
        settings={"HOST_PLUGINS_DIR": str(BUNDLED_PLUGINS)},
    ),
    "new: a project that is there": Slip(
        "new project personas", "host: personas is not empty: name a new folder"
    ),
    "new: a project in a file": Slip(
        "new project host.toml",
        "host: host.toml is or lies in a file: name a folder",
        files={"host.toml": ""},
    ),
    "new: a project below a file": Slip(
        "new project host.toml/clinic",
        "host: host.toml/clinic is or lies in a file: name a folder",
        files={"host.toml": ""},
    ),
    "new: a project with a name that no file can have": Slip(
        f"new project {300 * 'a'}", f"host: {300 * 'a'} can't be read: File name too long"
    ),
    # What is there
    "phone: no world": Slip(
        "phone reminder", "host: no local world is up: run `python -m host dev --local` first"
    ),
    "call: no LiveKit": Slip(
        f"call reminder {NUMBER} {DETAILS}",
        "host: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set: "
        "put them into .env, or try `--local`",
    ),
    "call: a LiveKit that is down, with its own short key": Slip(
        f"call reminder {NUMBER} {DETAILS}",
        "host: LiveKit at ws://127.0.0.1:9 can't be reached: ClientConnectorError",
        settings=LIVEKIT,
    ),
    "call: a LiveKit without ws://": Slip(
        f"call reminder {NUMBER} {DETAILS}",
        "host: LIVEKIT_URL must begin with ws:// or wss://",
        settings={**LIVEKIT, "LIVEKIT_URL": "127.0.0.1:7880"},
    ),
    "dev: no LiveKit": Slip(
        "dev",
        "host: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set: "
        "put them into .env, or try `--local`",
    ),
    "start: no LiveKit": Slip(
        "start",
        "host: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set: "
        "put them into .env, or try `--local`",
    ),
    "dev: a LiveKit without ws://": Slip(
        "dev",
        "host: LIVEKIT_URL must begin with ws:// or wss://",
        settings={**LIVEKIT, "LIVEKIT_URL": "my-project.livekit.cloud"},
    ),
    "dev: SIP, and no local world": Slip(
        "dev --sip", "host: --sip needs --local: python -m host dev --local --sip"
    ),
    "dev: an address for SIP, and no SIP": Slip(
        "dev --local --listen 192.0.2.1",
        "host: --listen needs --sip: python -m host dev --local --sip",
    ),
    "dev: a softphone, and no SIP": Slip(
        "dev --local --softphone 192.0.2.1",
        "host: --softphone needs --sip: python -m host dev --local --sip",
    ),
    "dev: SIP on the network, without a password": Slip(
        "dev --local --sip --listen 192.0.2.1",
        "host: --listen needs a password, which the softphone sends: set "
        "HOST_SIP_INBOUND_PASSWORD in .env",
    ),
    "dev: SIP at an address of another machine": Slip(
        "dev --local --sip --listen 203.0.113.7",
        "host: --listen: 203.0.113.7 is no address of this machine",
        settings={"HOST_SIP_INBOUND_PASSWORD": "open sesame"},
    ),
    "dev: a softphone with a user": Slip(
        "dev --local --sip --softphone sip:me@192.0.2.1",
        "host: --softphone: 'sip:me@192.0.2.1' is not of the form ADDRESS or ADDRESS:PORT",
    ),
    "dev: strict, and a broken persona": Slip(
        "dev --local --strict", f"host: --strict: personas/{NOT_LOADED}", files=BROKEN
    ),
    "dev: an API without a token": Slip(
        "dev --local",
        "host: HOST_API_PORT is set and HOST_API_TOKEN is no token of at least 32 characters of "
        "ASCII without spaces: `openssl rand -hex 32` makes one",
        settings={"HOST_API_PORT": "8090"},
    ),
    "dev: a console with a short token": Slip(
        "dev --local",
        "host: HOST_CONSOLE_PORT is set and HOST_CONSOLE_TOKEN is no token of at least 32 "
        "characters of ASCII without spaces: `openssl rand -hex 32` makes one",
        settings={"HOST_CONSOLE_PORT": "8091", "HOST_CONSOLE_TOKEN": "short"},
    ),
    "start: Kubernetes' variable for a Service": Slip(
        "start",
        "host: HOST_API_PORT is Kubernetes' variable for the Service host-api, and no port: "
        "set enableServiceLinks: false in the pod's spec",
        settings={"HOST_API_PORT": "tcp://10.0.0.1:80"},
    ),
    "start: Kubernetes' variable for a Service, as a plugin's port": Slip(
        "start",
        "host: HOST_METRICS_PORT is Kubernetes' variable for the Service host-metrics, and no "
        "port: set enableServiceLinks: false in the pod's spec",
        settings={"HOST_METRICS_PORT": "tcp://[fd00::1]:9090"},
    ),
    "call: misspelt, beside Kubernetes' variables that no setting has": Slip(
        f"call remindr {NUMBER}",
        "host: there is no persona 'remindr'; did you mean reminder?",
        settings={"HOST_PORT": "tcp://10.0.0.1:80", "HOST_SERVICE_HOST": "10.0.0.1"},
    ),
    "calls: a folder as the call log": Slip(
        "calls",
        "host: the call log personas: Is a directory",
        settings={"HOST_CALL_LOG": "personas"},
    ),
    "start: a folder as the call log": Slip(
        "start",
        "host: HOST_CALL_LOG: personas is a folder: name a file",
        settings={"HOST_CALL_LOG": "personas"},
    ),
    "dev: a call log below a file": Slip(
        "dev --local",
        "host: HOST_CALL_LOG: host.toml/calls.jsonl can't be made: host.toml is a file",
        files={"host.toml": ""},
        settings={"HOST_CALL_LOG": "host.toml/calls.jsonl"},
    ),
    "dev: a file as the state folder": Slip(
        "dev --local",
        "host: HOST_STATE_DIR: host.toml is a file: name a folder",
        files={"host.toml": ""},
        settings={"HOST_STATE_DIR": "host.toml"},
    ),
    # Settings
    "host.toml: a misspelt setting": Slip(
        "personas",
        "host: host.toml: max_cals is no setting; did you mean max_calls?",
        files={"host.toml": "max_cals = 3\n"},
    ),
    "host.toml: a misspelt setting of a persona": Slip(
        "personas",
        "host: host.toml: [personas.reminder] numbrs is no setting; did you mean numbers?",
        files={"host.toml": "[personas.reminder]\nnumbrs = []\n"},
    ),
    "host.toml: misspelt words": Slip(
        "personas",
        "host: host.toml: [words] silnt is no setting; did you mean silent?",
        files={"host.toml": "[words]\nsilnt = 'Hello?'\n"},
    ),
    "host.toml: a number in quotes": Slip(
        "personas",
        "host: host.toml: max_calls must be a whole number",
        files={"host.toml": "max_calls = 'many'\n"},
    ),
    "host.toml: a list that is none": Slip(
        "personas",
        "host: host.toml: [personas.reminder] numbers must be a list",
        files={"host.toml": "[personas.reminder]\nnumbers = '+15550001111'\n"},
    ),
    "host.toml: a time out of range": Slip(
        "personas",
        "host: host.toml: ringing_timeout must be 78 or less",
        files={"host.toml": "ringing_timeout = 120\n"},
    ),
    "host.toml: calling hours as people say them": Slip(
        "personas",
        "host: host.toml: calling_hours is wrong: calling hours are written as 08:00-21:00, and "
        "begin before they end",
        files={"host.toml": "calling_hours = '8am-9pm'\n"},
    ),
    "host.toml: a denied number without a plus": Slip(
        "personas",
        "host: host.toml: deny_numbers must be a number such as +15550001111, or its beginning "
        "and a star: +1555*",
        files={"host.toml": "deny_numbers = ['15550001111']\n"},
    ),
    "host.toml: a country that is none": Slip(
        "personas",
        "host: host.toml: countries is wrong: 'UK' is no country with telephones, as ISO 3166 "
        "writes it (US, GB)",
        files={"host.toml": "countries = ['UK']\n"},
    ),
    "host.toml: no TOML": Slip(
        "personas",
        "host: host.toml: Invalid value (at line 1, column 13)",
        files={"host.toml": "max_calls = many\n"},
    ),
    "host.toml: a key where it stood in 0.1": Slip(
        "personas",
        "host: host.toml: openai_api_key is no setting; it is api_key of [plugins.openai] now",
        files={"host.toml": "openai_api_key = 'k'\n"},
    ),
    "host.toml: a setting of a plugin with another type": Slip(
        "personas",
        "host: host.toml: [plugins.openai]: model must be text",
        files={"host.toml": "[plugins.openai]\nmodel = 3\n"},
    ),
    "host.toml: a plugin that is misspelt": Slip(
        "personas",
        "host: host.toml: [plugins.deepgrm]: there is no plugin deepgrm; did you mean deepgram?",
        files={"host.toml": "[plugins.deepgrm]\n"},
    ),
    "host.toml: a provider with a space": Slip(
        "personas",
        'host: host.toml: stt must be a provider and its model, such as "deepgram/nova-3" or '
        '"deepgram"',
        files={"host.toml": "stt = 'deepgram nova-3'\n"},
    ),
    "a variable that is no number": Slip(
        "personas",
        "host: HOST_MAX_CALLS must be a whole number",
        settings={"HOST_MAX_CALLS": "many"},
    ),
    "a variable of a plugin that is no number": Slip(
        "personas",
        "host: HOST_METRICS_PORT must be a whole number",
        settings={"HOST_METRICS_PORT": "high"},
    ),
    "a host.toml that is not there": Slip(
        "personas",
        "host: HOST_CONFIG names elsewhere.toml, which is not there",
        settings={"HOST_CONFIG": "elsewhere.toml"},
    ),
    "start: a key that is not set": Slip(
        "start",
        'host: stt = "deepgram": DEEPGRAM_API_KEY is not set',
        settings={**LIVEKIT, "CARTESIA_API_KEY": "k", "OPENAI_API_KEY": "k"},
    ),
    "dev: no key of any provider is set": Slip(
        "dev",
        'host: stt = "deepgram": DEEPGRAM_API_KEY is not set; '
        'llm = "openai": OPENAI_API_KEY is not set; tts = "cartesia": CARTESIA_API_KEY is not set',
        settings=LIVEKIT,
    ),
    "start: a provider that is misspelt": Slip(
        "start",
        'host: stt = "deepgrm/nova-3": no plugin provides deepgrm; LiveKit Inference has it on '
        "LiveKit Cloud alone",
        settings={**LIVEKIT, "HOST_STT": "deepgrm/nova-3", "CARTESIA_API_KEY": "k"}
        | {"OPENAI_API_KEY": "k"},
    ),
}


class Started(Exception):
    """A program or a server was started before what was typed had been checked."""


BRING_UP = World.__aenter__


def _started(*args: object, **kwargs: object) -> NoReturn:
    raise Started


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "__aenter__", _started)
    monkeypatch.setattr(subprocess.Popen, "__init__", _started)
    monkeypatch.setattr(socket.socket, "listen", _started)


@pytest.fixture(autouse=True)
def _as_one_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command does to its process, and let it exit without ending this one."""

    def exits(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", exits)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root, livekit = logging.getLogger(), logging.getLogger("livekit")
    before = (root.handlers[:], root.level, livekit.level)
    sigterm = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, sigterm)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    livekit.setLevel(before[2])
    logging.captureWarnings(False)


@pytest.fixture
def reminder(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with one good persona, and no local world beside it."""
    deployment.write("personas/reminder.py", REMINDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(deployment.folder / "cache"))
    return deployment


def run(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[str]]:
    """Run a command in this process; give its exit code and the lines that it printed."""
    monkeypatch.setattr(sys, "argv", ["host", *words])
    with monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", sys.stdout)
        streams.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit) as end:
            host.cli.main()
    printed = capsys.readouterr()
    return end.value.code, (printed.out + printed.err).splitlines()


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
@pytest.mark.table(quick=6)
def test_a_slip_is_one_line_that_says_what_is_wrong_and_how_to_mend_it(
    slip: Slip,
    reminder: Deployment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path, text in slip.files.items():
        if text is None:
            (reminder.folder / path).unlink()
        else:
            reminder.write(path, text)
    for name, value in slip.settings.items():
        monkeypatch.setenv(name, value)
    assert run(slip.words, capsys, monkeypatch) == (slip.code, [slip.line])
    if slip.words[0] == "chat":
        gc.collect()  # LiveKit's context of a job leaves its folder to the garbage collector


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("HOST_API_PORT", "dev --local"),
        ("HOST_CONSOLE_PORT", "dev --local"),
        ("HOST_HEALTH_PORT", "start"),
    ],
)
def test_a_port_that_is_taken_is_named_before_anything_starts(
    variable: str,
    command: str,
    reminder: Deployment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv(variable, str(port))
        monkeypatch.setenv("HOST_API_TOKEN", "a" * 32)
        monkeypatch.setenv("HOST_CONSOLE_TOKEN", "a" * 32)
        assert run(command.split(), capsys, monkeypatch) == (
            1,
            [
                f"host: {variable}: port {port} of 127.0.0.1 is not free: "
                "another program uses it; set another"
            ],
        )


def test_a_call_log_that_may_not_be_written_is_named(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = reminder.write("log/calls.jsonl", "")
    monkeypatch.setenv("HOST_CALL_LOG", str(log))
    # root may write anything
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(log))
    assert run(["start"], capsys, monkeypatch) == (
        1,
        ["host: HOST_CALL_LOG: no permission to write log/calls.jsonl: name another place"],
    )


def test_a_local_world_without_a_voice_says_which_program_it_needs(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "__aenter__", BRING_UP)
    monkeypatch.setenv("PATH", str(reminder.folder))
    assert run(["dev", "--local"], capsys, monkeypatch) == (
        1,
        ["host: flite is not installed: apt-get install flite (in a clone: make setup)"],
    )


def test_a_good_deployment_comes_as_far_as_the_world(
    reminder: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["host", "dev", "--local"])
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, getattr(sys, stream))
    with pytest.raises(Started):
        host.cli.main()


def test_the_help_of_calls_has_the_options_of_its_list(
    capsys: pytest.CaptureFixture[str], reminder: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = run(["calls", "--help"], capsys, monkeypatch)
    assert code == 0
    options = re.findall(r"--\w+", "\n".join(lines))
    assert {"--persona", "--outcome", "--since", "--number", "--limit", "--json"} <= {*options}


def test_no_word_at_all_is_the_help(
    capsys: pytest.CaptureFixture[str], reminder: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = run([], capsys, monkeypatch)
    assert code == 2
    assert lines[0].startswith("Usage: ")


def test_a_number_as_people_write_it_is_read(
    capsys: pytest.CaptureFixture[str], reminder: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_COUNTRIES", "GB")
    monkeypatch.setenv("HOST_CALLING_HOURS", "00:00-24:00")
    assert run(["gate", "+44 (20) 7946-0000"], capsys, monkeypatch) == (
        0,
        ["allowed: the number is in an allowed country, GB"],
    )


def test_the_welcome_of_the_local_world_fits_a_terminal_of_80_columns() -> None:
    world = World()
    world.exchange = SimpleNamespace(url="ws://127.0.0.1:65535")  # type: ignore[assignment]
    lines = world.welcome().splitlines()
    assert max(map(len, lines)) <= 80
    numbers = re.findall(r"\+1555222000\d", world.welcome())
    assert numbers == [f"+1555222000{digit}" for digit in range(1, 6)]


def test_which_tells_programs_who_takes_a_call_and_exits_by_it(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = run(["which", "--room", "reminder-7", "--json"], capsys, monkeypatch)
    assert (code, json.loads("\n".join(lines))["persona"]) == (0, "reminder")
    asked = ["which", "--metadata", '{"persona": "nobody"}', "--json"]
    code, lines = run(asked, capsys, monkeypatch)
    assert (code, json.loads("\n".join(lines))["persona"]) == (1, None)


def test_strict_makes_a_broken_persona_an_error(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, text in BROKEN.items():
        reminder.write(path, text)
    code, lines = run(["personas", "--json"], capsys, monkeypatch)
    assert code == 0
    (broken,) = json.loads("\n".join(lines))["broken"]
    assert broken["file"] == "personas/bad.py"
    assert "no_such_module" in broken["error"]
    assert run(["personas", "--strict"], capsys, monkeypatch)[0] == 1


def test_strict_creates_the_models_of_all_personas(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reminder.write("host.toml", '[personas.reminder]\ntts = "boop/high"\n')
    assert run(["personas"], capsys, monkeypatch)[0] == 0
    code, lines = run(["personas", "--strict"], capsys, monkeypatch)
    assert code == 1
    assert 'tts = "boop/high": no plugin provides boop' in "\n".join(lines)


def test_a_misspelt_variable_is_told_by_every_command(
    reminder: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_MAX_CALS", "3")
    code, lines = run(["which", "--room", "reminder-1"], capsys, monkeypatch)
    assert code == 0
    assert "host: HOST_MAX_CALS is no setting; did you mean HOST_MAX_CALLS?" in lines
