"""`host doctor`: each fault that is planted is found, with its mend; a healthy setup is not."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from types import ModuleType

import pytest
from aiohttp import web
from canaries import SECRETS, found_in
from clinic import ANN, BOB, SECRET, Clinic
from deployment import Deployment
from planted import PLANTED, Planted, extension
from typer.testing import CliRunner

from host.base.errors import HostError
from host.cli import cli
from host.cli.doctor import deployment as doctors
from host.cli.doctor.catalogue import CHECKS
from host.cli.doctor.check import OFFLINE, Check, in_thread, run_all
from host.cli.doctor.checks import trunks
from host.cli.doctor.finding import Finding, Status, warning
from host.cli.doctor.report import report
from host.cli.doctor.steps import Seen, told
from host.cli.routing import Routing
from host.local.server import LocalServer
from host.records.outcome import Outcome, outcome_of_sip_status


@pytest.fixture
async def clinic(deployment: Deployment) -> AsyncIterator[Clinic]:
    """A healthy deployment."""
    async with Clinic(deployment).open() as opened:
        yield opened


async def test_nothing_is_reported_of_a_healthy_setup(clinic: Clinic) -> None:
    results = await clinic.examine()
    assert [(each.id, each.findings, each.reason) for each in results if each.findings] == []
    skipped = {each.id: each.reason for each in results if each.status is not Status.OK}
    assert skipped == {"agent.ready": "no host with a health check runs on this machine"}


async def test_nothing_is_reported_of_an_extension(clinic: Clinic) -> None:
    extension("1001")(clinic)
    clinic.the_trunk.numbers.append("1001")
    assert not [each for each in await clinic.examine() if each.findings]


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
@pytest.mark.table(quick=6)
async def test_a_planted_fault_is_found_with_its_mend(planted: Planted, clinic: Clinic) -> None:
    done = planted.plant(clinic)
    if inspect.isawaitable(done):
        await done
    results = await clinic.examine()
    found = {each.id: each for each in results if each.findings}
    assert not [(each.id, each.reason) for each in results if each.status is Status.BROKEN]
    assert planted.id in found, found
    level = Status.WARNING if planted.warns else Status.FAILURE
    assert found[planted.id].status is level
    assert any(planted.mend in finding.mend for finding in found[planted.id].findings), found
    assert found.keys() - {planted.id, *planted.also} == set()


def test_many_faults_are_planted() -> None:
    assert len(PLANTED) >= 30
    known = {check.id for check in CHECKS}
    assert {planted.id for planted in PLANTED.values()} <= known
    # A host on this machine, and models that a plugin which is not installed here downloads.
    assert known - {planted.id for planted in PLANTED.values()} == {
        *("agent.ready", "models.inference", "models.downloaded")
    }


class AHost(LocalServer):
    """The health check of a host on this machine."""

    reason: str | None = None

    def application(self) -> web.Application:
        """Serve `/readyz`."""
        app = web.Application()
        app.router.add_get("/readyz", self._ready)
        return app

    async def _ready(self, request: web.Request) -> web.Response:
        state = {"ok": self.reason is None, "reason": self.reason, "live_calls": 0}
        return web.json_response(state, status=503 if self.reason else 200)


async def test_a_host_that_runs_may_have_its_own_ports(clinic: Clinic) -> None:
    async with AHost() as host:
        clinic.environment["HOST_HEALTH_PORT"] = host.url.rpartition(":")[2]
        results = await clinic.examine()
    assert {each.status for each in results} == {Status.OK}


async def test_a_host_that_takes_no_calls_is_found_with_its_reason(clinic: Clinic) -> None:
    async with AHost() as host:
        host.reason = "not registered with LiveKit"
        clinic.environment["HOST_HEALTH_PORT"] = host.url.rpartition(":")[2]
        (found,) = (each for each in await clinic.examine() if each.findings)
    assert (found.id, found.status) == ("agent.ready", Status.WARNING)
    assert "not registered with LiveKit" in found.findings[0].what
    assert "compare its LIVEKIT_URL" in found.findings[0].mend


async def test_models_that_were_not_downloaded_are_found(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "livekit.plugins.turn_detector"
    monkeypatch.setitem(sys.modules, module, ModuleType(module))
    monkeypatch.setattr("host.cli.doctor.checks.local_models._is_cached", lambda repository: False)
    (found,) = (each for each in await clinic.examine() if each.findings)
    assert (found.id, found.status) == ("models.downloaded", Status.FAILURE)
    assert "python -m livekit.agents download-files" in found.findings[0].mend


async def test_models_that_do_not_load_are_found(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise OSError("no room for it")

    monkeypatch.setattr("livekit.local_inference.VAD", fails)
    (found,) = (each for each in await clinic.examine() if each.findings)
    assert (found.id, found.status) == ("models.inference", Status.FAILURE)
    assert "--force-reinstall livekit-local-inference" in found.findings[0].mend


# Checks that are skipped, or that break


async def test_checks_that_need_livekit_are_skipped_without_it(clinic: Clinic) -> None:
    clinic.environment["LIVEKIT_URL"] = ""
    results = {each.id: each for each in await clinic.examine()}
    reason = "LiveKit's address and keys are missing: see livekit.settings"
    for id in ("livekit.reachable", "livekit.clock", "agent.registered", "rules.agent"):
        assert (results[id].status, results[id].reason) == (Status.SKIPPED, reason)
    assert results["livekit.settings"].status is Status.FAILURE
    assert results["providers.tts"].status is Status.OK


async def test_nothing_is_asked_offline(clinic: Clinic) -> None:
    results = await clinic.examine(offline=True)
    skipped = {each.id for each in results if each.reason == OFFLINE}
    assert skipped == {check.id for check in CHECKS if check.network}
    assert not [each for each in results if each.findings]
    assert clinic.livekit.requests == []
    assert clinic.llm.requests == []
    assert clinic.cartesia.spoken == []


async def test_each_model_is_tried_once_for_all_personas(clinic: Clinic) -> None:
    await clinic.examine()
    assert len(clinic.llm.requests) == 1
    assert len(clinic.deepgram.requests) == 1
    assert clinic.cartesia.spoken == ["Hi."]


async def test_the_probe_leaves_no_room_and_names_no_agent_of_others(clinic: Clinic) -> None:
    await clinic.examine()
    assert not clinic.livekit.rooms.rooms
    assert clinic.livekit.dispatched == ["host"]
    (registered,) = clinic.livekit.registered
    assert registered.startswith("host-doctor-")


async def test_a_check_that_breaks_is_told_and_harms_no_other(clinic: Clinic) -> None:
    def breaks(deployment: doctors.Deployment) -> list[Finding]:
        raise KeyError(SECRETS["OPENAI_API_KEY"])

    async def hangs(deployment: doctors.Deployment) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    def stays(deployment: doctors.Deployment) -> list[Finding]:
        held.wait(10)
        return []

    def exits(deployment: doctors.Deployment) -> list[Finding]:
        raise SystemExit("a persona")

    held = threading.Event()
    clinic.write_environment()
    found = doctors.read(machine=clinic.machine)
    checks = [
        Check("a.breaks", "", breaks),
        Check("a.hangs", "", hangs, limit=0.2),
        Check("a.stays", "", stays, limit=0.2),
        Check("a.exits", "", exits),
        Check("a.works", "", lambda deployment: [warning("it is so", "so it is", "be so")]),
    ]
    results = await run_all(checks, found)
    held.set()
    assert [each.id for each in results] == [check.id for check in checks]
    assert [each.status for each in results] == [*[Status.BROKEN] * 4, Status.WARNING]
    assert re.fullmatch(r"it failed itself: KeyError at test_doctor.py:\d+", results[0].reason)
    assert results[1].reason == results[2].reason == "it was not done within 0.2 s"
    shown = report(results)
    assert shown.exit_code == 1
    assert "broken   a.breaks: it failed itself: KeyError" in shown.text
    assert "Traceback" not in shown.text
    assert found_in(shown.text.encode()) == []


async def test_rules_for_some_callers_are_rules(clinic: Clinic) -> None:
    clinic.the_rule.inbound_numbers.append("+12125550199")
    assert not [each for each in await clinic.examine() if each.findings]
    clinic.the_rule.ClearField("inbound_numbers")
    clinic.the_rule.rule.dispatch_rule_individual.pin = "1234"
    assert not [each for each in await clinic.examine() if each.findings]


async def test_the_keys_of_livekit_s_own_dev_server_are_no_template(clinic: Clinic) -> None:
    clinic.environment |= {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret"}
    assert not [each for each in await clinic.examine(offline=True) if each.findings]


async def test_a_number_without_a_trunk_may_be_livekit_s_own_on_livekit_cloud(
    clinic: Clinic,
) -> None:
    clinic.write_environment()
    found = doctors.read(machine=clinic.machine)
    url = {"livekit_url": "wss://clinic.livekit.cloud"}
    cloud = doctors.Deployment(found.settings.model_copy(update=url), found.loaded)
    for each, level in ((found, Status.FAILURE), (cloud, Status.WARNING)):
        each._routing = doctors.Once(_no_trunk)
        each._rooms = doctors.Once(_nothing)
        findings = list(await trunks.numbers(each))
        assert {finding.level for finding in findings} == {level}


async def _no_trunk() -> Routing:
    return Routing()


async def _nothing() -> None:
    return None


async def test_a_test_call_without_livekit_does_not_hide_what_the_checks_found(
    clinic: Clinic, mask_of_a_process: None
) -> None:
    clinic.environment["LIVEKIT_URL"] = "ws://127.0.0.1:9"
    code, printed = await in_thread(partial(doctor, clinic, "--call", BOB, "--persona", "ann"))
    assert code == 1
    assert "failure  livekit.reachable: nothing takes connections at ws://127.0.0.1:9" in printed
    assert "failure  dispatch taken" in printed
    assert "mend: correct what the checks above say of LiveKit" in printed


# What is printed


async def test_the_report_has_the_mend_on_a_line_of_its_own_and_its_order_is_stable(
    clinic: Clinic,
) -> None:
    clinic.environment["HOST_TRUNK"] = "ST_gone"
    clinic.machine.wanting = 20.0
    first, second = report(await clinic.examine()), report(await clinic.examine())
    assert first == second
    assert first.exit_code == 1
    lines = first.text.splitlines()
    at = lines.index(next(line for line in lines if line.startswith("failure  trunks.outbound: ")))
    assert lines[at] == "failure  trunks.outbound: LiveKit has no trunk ST_gone, of ann, bob"
    assert lines[at + 1].startswith("         why:  every call that they place")
    assert lines[at + 2].startswith("         mend: set HOST_TRUNK, or trunk in host.toml, to an")
    assert "warning  machine.load: 20 processes want the 4 cores" in first.text
    told = f"{len(CHECKS)} checks: {len(CHECKS) - 3} well, 1 with failures, 1 with warnings, "
    assert lines[-1] == told + "1 skipped"


async def test_warnings_alone_are_no_failure(clinic: Clinic) -> None:
    clinic.machine.wanting = 20.0
    shown = report(await clinic.examine(), as_json=True)
    assert shown.exit_code == 0
    told = json.loads(shown.text)
    assert told["ok"] is True
    assert told["call"] is None
    assert [each["id"] for each in told["checks"]] == [check.id for check in CHECKS]
    (load,) = (each for each in told["checks"] if each["id"] == "machine.load")
    assert load["status"] == "warning"
    assert load["findings"][0].keys() == {"level", "what", "why", "mend"}


def test_the_steps_of_a_call_are_printed_one_a_line() -> None:
    seen = Seen(at={"taken": 0.31, "dialing": 0.5, "active": 4.2}, outcome=Outcome.COMPLETED)
    seen.reason = "the callee hung up"
    shown = report([], told("ann", "ann-1", seen))
    assert shown.exit_code == 0
    assert shown.text.splitlines() == [
        "call     as ann, in room ann-1",
        "         ok       dispatch taken     0.3 s",
        "         ok       room               0.3 s  ann-1",
        "         ok       gate",
        "         ok       dialling           0.5 s",
        "         ok       SIP status         4.2 s  200",
        "         ok       answered           4.2 s",
        "         warning  first audio               the persona did not speak before the call "
        "was over",
        "         completed: the callee hung up",
        "",
        "0 checks: 0 well",
    ]


# The command


def doctor(clinic: Clinic, *words: str) -> tuple[int, str]:
    """Run `host doctor` while the clinic is open; return its exit code and what it printed."""
    clinic.write_environment()
    done = CliRunner().invoke(cli, ["doctor", *words])
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("key", ["rejected", "accepted"])
async def test_no_key_is_printed(
    key: str, clinic: Clinic, capfd: pytest.CaptureFixture[str], mask_of_a_process: None
) -> None:
    if key == "rejected":
        clinic.echo_keys()
    for words in ((), ("--json",)):
        code, printed = await in_thread(partial(doctor, clinic, *words))
        out, error = capfd.readouterr()
        told_of_all = f"{printed}{out}{error}"
        assert code == (1 if key == "rejected" else 0), told_of_all
        assert found_in(told_of_all.encode()) == []
        assert SECRET not in told_of_all
        assert ("rejects the key" in told_of_all) is (key == "rejected")


async def test_keys_of_host_toml_are_printed_no_more(
    clinic: Clinic, mask_of_a_process: None
) -> None:
    key = "key-of-host-toml-4f1c9a7be2d05836"
    del os.environ["OPENAI_API_KEY"]
    clinic.files.write("host.toml", f'[plugins.openai]\napi_key = "{key}"\n[personas.{key}]\n')
    code, printed = await in_thread(lambda: doctor(clinic, "--offline"))
    assert code == 1
    assert "personas.broken" in printed
    assert key not in printed


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--offline", "--call", ANN], "--call needs the network: leave out --offline"),
        (["--persona", "ann"], "the persona and the details are those of a test call"),
        (["--call", ANN], "say who is to call: --persona ann or bob"),
        (["--call", ANN, "--persona", "anna"], "there is no persona 'anna'; did you mean ann?"),
        (["--call", "12", "--persona", "ann"], "'12' is not an E.164 number"),
    ],
)
async def test_a_slip_with_a_test_call_is_one_line(
    words: list[str], line: str, clinic: Clinic, mask_of_a_process: None
) -> None:
    clinic.write_environment()
    done = await in_thread(lambda: CliRunner().invoke(cli, ["doctor", *words]))
    assert isinstance(done.exception, HostError)
    assert str(done.exception).startswith(line)


@pytest.mark.parametrize(
    ("sip_status", "exit_code"),
    [(486, 0), (487, 0), (603, 0), (607, 0), (608, 1), (404, 1), (403, 1)],
)
def test_a_call_that_nobody_took_is_a_fault_only_if_it_may_be_the_trunks(
    sip_status: int, exit_code: int
) -> None:
    outcome = outcome_of_sip_status(sip_status)
    seen = Seen(at={"taken": 0.3, "dialing": 0.5}, outcome=outcome, sip_status=sip_status)
    assert report([], told("ann", "ann-1", seen)).exit_code == exit_code
