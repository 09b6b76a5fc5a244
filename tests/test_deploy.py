"""deploy/: the images, the compose file and the unit agree with the host, and with each other.

deploy/README.md says which tool has checked each file, and what was not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from deploying import (
    DEPLOY,
    GIVEN,
    IMAGE,
    PROJECT,
    SYSTEMD,
    container,
    document,
    documents,
    host_of_compose,
    pod,
    services,
)
from deployment import HERE, Deployment
from pages import links, lost
from wheels import build

import host
from host.cli.new.contents import project_files
from host.cli.new.files import write_new
from host.local.process import bare_environment
from host.server import health, shutdown
from host.server.http.serving import CLOSING_LIMIT
from host.server.reload import background
from host.settings import Settings, env_name, load_settings, variables_of_settings

LAYOUT = ("HOST_CONFIG", "HOST_PERSONAS_DIR", "HOST_PLUGINS_DIR")
STOPPING = (
    shutdown.GOODBYE_LIMIT
    + shutdown.CLOSING_LIMIT
    + shutdown.LOST_LIMIT
    + background.STOP_LIMIT
    + CLOSING_LIMIT
    + health.CLOSING_LIMIT
)
"""Seconds that a host may take to stop after drain_timeout."""
OPERATIONS = (HERE.parent / "docs" / "operations.md").read_text()


# The images.


def test_every_image_has_an_exact_version() -> None:
    images = [image.split(" AS ")[0] for file in (IMAGE, PROJECT) for image in file.of("FROM")]
    images += [each["image"] for each in services().values()]
    images += [container()["image"]]
    assert len(images) == 8
    for image in images:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w-]+)?", image), image


def test_the_host_of_every_file_is_this_version() -> None:
    assert PROJECT.of("FROM") == [f"host:{host.__version__}"] == [host_of_compose()["image"]]
    for file in filter(Path.is_file, DEPLOY.rglob("*")):
        assert set(re.findall(r"\bhost:(\d[\w.]*)", file.read_text())) <= {host.__version__}, file


@pytest.mark.processes
def test_what_the_images_copy_is_enough_to_load_a_new_project(tmp_path: Path) -> None:
    """The steps of both Containerfiles; the packages are those of this Python."""
    source, site, root, data = (tmp_path / name for name in ("src", "site", "root", "data"))
    for folder in (source, data):
        folder.mkdir()
    assert IMAGE.of("WORKDIR")[0] == "/src"
    for names, target in IMAGE.copied():
        copy(HERE.parent, names, source, target)
    with zipfile.ZipFile(build(source, tmp_path)) as opened:
        opened.extractall(site)
    write_new(project_files(tmp_path / "clinic", host.__version__))
    for names, target in PROJECT.copied():
        copy(tmp_path / "clinic", names, root, target.removeprefix("/"))
    settings = {name: f"{root}{IMAGE.environment()[name]}" for name in LAYOUT}
    done = subprocess.run(
        [sys.executable, "-m", "host", "personas"],
        cwd=data,
        env={**bare_environment(), **settings, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"receptionist  {root}/srv/host/personas/receptionist.py" in done.stdout
    assert "broken" not in done.stdout.lower()


def copy(context: Path, names: list[str], image: Path, target: str) -> None:
    """Copy files and folders as COPY does: a target that ends with a slash is a folder."""
    for name in names:
        source, goal = context / name, image / target / (name if target.endswith("/") else "")
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, goal)


def test_what_the_host_writes_is_kept_and_the_rest_is_read_only() -> None:
    *_, folder = IMAGE.of("WORKDIR")
    project = Path(IMAGE.environment()["HOST_CONFIG"]).parent
    mounts = {each["target"]: each for each in host_of_compose()["volumes"]}
    assert set(mounts) == {folder, str(project)}
    assert mounts[str(project)]["read_only"] is host_of_compose()["read_only"] is True
    assert {each["name"]: each["mountPath"] for each in container()["volumeMounts"]} == {
        "data": folder,
        "tmp": "/tmp",
    }
    user = pod()["securityContext"]
    assert IMAGE.of("USER") == [f"{user['runAsUser']}:{user['fsGroup']}"]
    for name in ("state_dir", "call_log", "recordings_dir", "do_not_call"):
        assert not Settings.model_fields[name].default.is_absolute(), "it is in the WORKDIR"


def test_instances_on_one_machine_have_only_the_do_not_call_list_in_common() -> None:
    common, own = (f"%S/{name}" for name in SYSTEMD["StateDirectory"].split())
    assert SYSTEMD["WorkingDirectory"] == common
    assert own == f"{common}/%i"
    for name in ("state_dir", "call_log", "recordings_dir"):
        assert SYSTEMD.environment()[env_name(name)].startswith(f"{own}/")
    assert "HOST_DO_NOT_CALL" not in SYSTEMD.environment(), "host.toml may name another one"


# The settings.


@pytest.mark.parametrize("where", GIVEN)
def test_every_variable_is_a_setting_with_a_valid_value(where: str, deployment: Deployment) -> None:
    given = {name: value for name, value in GIVEN[where].items() if name != "PATH"}
    assert set(given) <= variables_of_settings()
    os.environ.update(given)
    os.environ["HOST_CONFIG"] = str(deployment.write("host.toml", ""))
    settings = load_settings()
    assert {env_name(name) for name in settings.model_fields_set} >= set(given) - {"HOST_CONFIG"}


def test_the_folders_of_a_project_are_the_same_everywhere() -> None:
    of_unit, of_image = SYSTEMD.environment(), IMAGE.environment()
    assert [of_unit[name] for name in LAYOUT] == [of_image[name] for name in LAYOUT]
    for names, target in PROJECT.copied():
        inside = [f"{target}{name}" if target.endswith("/") else target for name in names]
        assert set(inside) <= {of_image[name] for name in LAYOUT}


def test_no_secret_stands_in_a_file() -> None:
    secret = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")
    for given in [*GIVEN.values(), *(each.get("environment", {}) for each in services().values())]:
        for name, value in given.items():
            assert not secret.search(name) or re.match(r"\$\{\w+:\?[^}]+\}", value), name
    assert host_of_compose()["env_file"] == ".env"
    assert SYSTEMD.every("EnvironmentFile") == ["/etc/host/env", "-/etc/host/%i.env"]
    assert container()["envFrom"] == [{"secretRef": {"name": "host-env"}}]


# Draining.


def seconds(text: str) -> float:
    """A duration of compose or systemd, which are plain seconds here."""
    return float(text.removesuffix("s"))


@pytest.mark.parametrize(
    ("where", "grace"),
    [
        ("compose", seconds(host_of_compose()["stop_grace_period"])),
        ("Kubernetes", float(pod()["terminationGracePeriodSeconds"])),
        ("systemd", seconds(SYSTEMD["TimeoutStopSec"])),
    ],
)
def test_a_host_may_drain_and_stop_before_it_is_killed(where: str, grace: float) -> None:
    draining = float(GIVEN[where]["HOST_DRAIN_TIMEOUT"])
    assert grace > draining + STOPPING
    assert draining > Settings.model_fields["max_duration"].default


def test_the_page_tells_how_long_a_host_takes_to_stop() -> None:
    assert f"{STOPPING:.0f} seconds for goodbyes" in " ".join(OPERATIONS.split())


def test_what_carries_the_calls_stops_after_the_host() -> None:
    assert set(host_of_compose()["depends_on"]) == {"livekit", "sip"}
    for name in ("livekit", "sip"):
        assert services()[name]["stop_grace_period"] == host_of_compose()["stop_grace_period"]


def test_a_signal_reaches_the_host_alone() -> None:
    assert IMAGE.of("ENTRYPOINT") == ['["tini", "--", "host"]']
    assert IMAGE.of("CMD") == ['["start"]']
    assert SYSTEMD["ExecStart"].endswith("/bin/host start")
    assert SYSTEMD["KillMode"] == "mixed"
    assert SYSTEMD["OOMPolicy"] == "continue"


# One machine.


def test_livekit_its_bridge_and_the_host_find_each_other() -> None:
    livekit, sip = document("compose/livekit.yaml"), document("compose/sip.yaml")
    signalling = f"ws://{livekit['bind_addresses'][0]}:{livekit['port']}"
    assert GIVEN["compose"]["LIVEKIT_URL"] == signalling
    assert services()["sip"]["environment"]["LIVEKIT_WS_URL"] == signalling
    address = livekit["redis"]["address"]
    assert sip["redis"]["address"] == address
    assert services()["redis"]["ports"] == [f"{address}:6379"]


# The pages.


def test_the_readme_names_each_file_and_what_has_checked_it() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (DEPLOY / "README.md").read_text(), re.MULTILINE)
    files = {str(each.relative_to(DEPLOY)) for each in filter(Path.is_file, DEPLOY.rglob("*"))}
    assert set(rows) == files - {"README.md"}
    assert all(documents(name) for name in files if name.endswith(".yaml"))


@pytest.mark.parametrize("page", ["deploy/README.md", "docs/operations.md"])
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    assert [*links(page)]
    assert lost(page) == []
