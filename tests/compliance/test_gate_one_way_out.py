"""There is one way out: what dials and transfers stands in one place each, behind the gate."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from carrier import Carrier
from deployment import HERE
from livekit import api
from syntax import parsed

from host.compliance import Verdict
from host.records.outcome import Outcome
from host.telephony.dial import NotAnswered, ring

ROOT = HERE.parent
OURS = sorted(
    file
    for folder in ("host", "plugins", "personas")
    for file in (ROOT / folder).rglob("*.py")
    if ROOT / "host" / "local" not in file.parents
)

WAYS_OUT = {
    "create_sip_participant": {"host/telephony/dial.py"},
    "transfer_sip_participant": {"host/telephony/transfer/refer.py"},
    "publish_dtmf": {"host/telephony/keys.py"},
    "CreateSIPParticipantRequest": {
        "host/telephony/dial.py",
        "host/telephony/transfer/colleague.py",
    },
    "TransferSIPParticipantRequest": {"host/telephony/transfer/refer.py"},
    # LiveKit's other ways to the same
    "add_sip_participant": set(),
    "WarmTransferTask": set(),
    "send_dtmf_events": set(),
    "SendDtmfEvents": set(),
    "publish_sip_dtmf": set(),
    "SipService": set(),
    "twirp": set(),
}


code_of = functools.cache(Path.read_text)


def times(name: str, file: Path) -> int:
    """Count how often a file's code has a name or an attribute."""
    return names_in(file)[name] if name in code_of(file) else 0  # parsing takes longest


@functools.cache
def names_in(file: Path) -> Counter[str]:
    """Count every name and attribute that a file's code has."""
    return Counter(_names_in(file))


def _names_in(file: Path) -> Iterator[str]:
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


@pytest.mark.parametrize(("name", "places"), WAYS_OUT.items(), ids=WAYS_OUT)
def test_what_dials_stands_in_one_place(name: str, places: set[str]) -> None:
    found = {str(file.relative_to(ROOT)) for file in OURS if times(name, file)}
    assert found == places


@pytest.mark.parametrize("name", ["create_sip_participant", "transfer_sip_participant"])
def test_and_there_once(name: str) -> None:
    assert sum(times(name, file) for file in OURS) == 1


def allows(code: str) -> bool:
    """Tell whether code makes a gate's verdict that may allow something, or changes one."""
    for node in ast.walk(parsed(code)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        words = {each.arg: each.value for each in node.keywords}
        if name == "Verdict":
            said = node.args[0] if node.args else words.get("allowed")
            if not (isinstance(said, ast.Constant) and said.value is False):
                return True
        if name in ("replace", "__setattr__") and "allowed" in {*words, *_texts(node)}:
            return True
    return False


def _texts(node: ast.Call) -> set[object]:
    return {each.value for each in node.args if isinstance(each, ast.Constant)}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("Verdict(True, number)", True),
        ("Verdict(allowed=True)", True),
        ("verdict.Verdict(may, number)", True),
        ("Verdict(**facts)", True),
        ("replace(verdict, allowed=True)", True),
        ("dataclasses.replace(verdict, allowed=may)", True),
        ("object.__setattr__(verdict, 'allowed', True)", True),
        ("Verdict(False, number)", False),
        ("replace(dispatch, number=ours)", False),
    ],
)
def test_a_verdict_that_allows_is_seen_however_it_is_made(code: str, seen: bool) -> None:
    assert allows(code) is seen


def test_only_the_gate_says_that_something_is_allowed() -> None:
    found = set()
    for file in OURS:
        code = file.read_text()
        if (
            ROOT / "host" / "telephony" / "voicemail" in file.parents
        ):  # which has verdicts of its own
            assert "host.compliance" not in code, file
        elif allows(code):
            found.add(str(file.relative_to(ROOT)))
    assert found == {"host/compliance/rules.py", "host/compliance/keys.py"}


def test_no_request_says_itself_whom_it_dials() -> None:
    for file in OURS:
        if "sip_call_to" in code_of(file):
            for node in ast.walk(parsed(file)):
                assert not (isinstance(node, ast.keyword) and node.arg == "sip_call_to"), file


async def test_what_is_dialled_is_the_number_of_the_verdict(carrier: Carrier) -> None:
    request = api.CreateSIPParticipantRequest(sip_trunk_id="ST_1", sip_call_to="+19005551234")
    async with carrier.livekit() as livekit:
        await ring(livekit, Verdict(True, "+12125550123"), request)
        for verdict in (Verdict(False, "+12125550123"), Verdict(True, None)):
            with pytest.raises(NotAnswered) as refused:
                await ring(livekit, verdict, request)
            assert refused.value.ending.outcome is Outcome.BLOCKED
    assert carrier.dialled == ["+12125550123"]
