"""deploy/kubernetes: the manifests agree with the host's ports, probes and needs."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
from deploying import (
    API,
    DEPLOY,
    DO_NOT_CALL,
    container,
    document,
    host_of_compose,
    pod,
    variables,
)
from dispatcher import Dispatcher, a_worker

from host.cli.doctor.checks.machine import MEGABYTE, OF_A_CALL, OF_A_HOST
from host.server.connection import Connection
from host.server.health import LIVEKIT_LIMIT, Health, answering
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall
from host.settings import Settings

STATEFUL_SET = document("kubernetes/statefulset.yaml")
PROBES = {name: each for name, each in container().items() if name.endswith("Probe")}
CALLS_A_CORE = 8
"""As docs/operations.md recommends."""
BINARY = {"Mi": 2**20, "Gi": 2**30}


def bytes_of(quantity: str) -> int:
    """A quantity of memory."""
    return int(quantity[:-2]) * BINARY[quantity[-2:]]


@pytest.mark.processes
async def test_a_host_that_drains_is_alive_and_not_ready(
    dispatcher: Dispatcher, unused_tcp_port: int
) -> None:
    async def lost(live: WatchedCall) -> None:
        raise AssertionError(f"{live} is lost")

    server, calls = a_worker(dispatcher), HeartbeatMonitor(lost)
    calls.closed = True
    health, statuses = Health(server, Connection(server), calls, 1), {}
    async with answering(health, "127.0.0.1", unused_tcp_port), aiohttp.ClientSession() as http:
        for name, probe in PROBES.items():
            url = f"http://127.0.0.1:{unused_tcp_port}{probe['httpGet']['path']}"
            async with http.get(url) as answer:
                statuses[name] = answer.status
    assert statuses == {"startupProbe": 200, "livenessProbe": 200, "readinessProbe": 503}


def test_the_container_of_compose_is_asked_what_a_pod_is() -> None:
    check = str(host_of_compose()["healthcheck"]["test"])
    path, port = PROBES["livenessProbe"]["httpGet"]["path"], variables()["HOST_HEALTH_PORT"]
    assert re.findall(r"http://[^\"']+", check) == [f"http://127.0.0.1:{port}{path}"]


def test_a_host_that_hangs_is_killed_without_waiting_for_its_calls() -> None:
    for name in ("startupProbe", "livenessProbe"):
        assert PROBES[name]["terminationGracePeriodSeconds"] <= 60
    alive = PROBES["livenessProbe"]
    assert alive["timeoutSeconds"] >= LIVEKIT_LIMIT
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 60, "a restart ends all its calls"


def test_ports_are_those_that_the_host_has() -> None:
    ports = {
        each["name"]: str(each["containerPort"])
        for each in [*container()["ports"], *container(API)["ports"]]
    }
    default = str(Settings.model_fields["health_port"].default)
    assert ports["health"] == variables()["HOST_HEALTH_PORT"] == default
    assert ports["api"] == variables(API)["HOST_API_PORT"]
    assert variables()["HOST_HEALTH_HOST"] == variables(API)["HOST_API_HOST"] == "0.0.0.0"
    assert {probe["httpGet"]["port"] for probe in PROBES.values()} == {"health"}
    for name in ("kubernetes/service.yaml", "kubernetes/api/service.yaml"):
        (port,) = document(name)["spec"]["ports"]
        assert port["targetPort"] in ports


def test_no_service_becomes_a_setting() -> None:
    """Kubernetes would set HOST_API_PORT for a service host-api."""
    assert pod()["enableServiceLinks"] is False


def test_a_pod_gets_what_its_calls_need() -> None:
    calls = int(variables()["HOST_MAX_CALLS"])
    requests, limits = (container()["resources"][each] for each in ("requests", "limits"))
    assert calls <= CALLS_A_CORE * int(requests["cpu"])
    assert "cpu" not in limits, "a throttled call stutters"
    needed = OF_A_HOST + calls * OF_A_CALL
    assert bytes_of(requests["memory"]) >= needed
    grown = Settings.model_fields["max_call_memory"].default * MEGABYTE
    assert bytes_of(limits["memory"]) >= needed + grown


def test_no_container_may_gain_privileges() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    (beside,) = document(DO_NOT_CALL)["spec"]["template"]["spec"]["initContainers"]
    for each in (container(), beside):
        assert each["image"] == container()["image"]
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_selectors_select_the_hosts() -> None:
    labels = STATEFUL_SET["spec"]["template"]["metadata"]["labels"]
    assert STATEFUL_SET["spec"]["selector"]["matchLabels"] == labels
    budget = document("kubernetes/disruption-budget.yaml")
    assert budget["spec"]["selector"]["matchLabels"] == labels
    pods = document("kubernetes/service.yaml")
    assert pods["spec"]["selector"] == labels
    assert pods["metadata"]["name"] == STATEFUL_SET["spec"]["serviceName"]


def test_the_api_is_that_of_one_host_whatever_its_state() -> None:
    spec = document("kubernetes/api/service.yaml")["spec"]
    first = f"{STATEFUL_SET['metadata']['name']}-0"
    assert spec["selector"] == {"statefulset.kubernetes.io/pod-name": first}
    assert spec["publishNotReadyAddresses"] is True


def test_hosts_have_one_do_not_call_list_that_is_there() -> None:
    spec: dict[str, Any] = document(DO_NOT_CALL)["spec"]["template"]["spec"]
    (beside,), (claimed,) = spec["initContainers"], spec["volumes"]
    path = variables(DO_NOT_CALL)["HOST_DO_NOT_CALL"]
    assert beside["command"] == ["touch", "-a", path]
    for each in (beside, container(DO_NOT_CALL)):
        (mount,) = each["volumeMounts"]
        assert mount["name"] == claimed["name"]
        assert path.startswith(f"{mount['mountPath']}/")
    claim = document("kubernetes/do-not-call/claim.yaml")
    assert claim["metadata"]["name"] == claimed["persistentVolumeClaim"]["claimName"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


def test_every_manifest_is_in_a_kustomization() -> None:
    files = list(DEPLOY.glob("kubernetes/**/kustomization.yaml"))
    assert len(files) == 3
    for file in files:
        told = document(str(file.relative_to(DEPLOY)))
        named = [*told["resources"], *(patch["path"] for patch in told.get("patches", []))]
        assert {"kustomization.yaml", *named} == {each.name for each in file.parent.glob("*.yaml")}
    for name in (API, DO_NOT_CALL):
        assert document(name)["metadata"] == {"name": STATEFUL_SET["metadata"]["name"]}
