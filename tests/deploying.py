"""The files of deploy/, as the programs that they are for read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml
from deployment import HERE

DEPLOY = HERE.parent / "deploy"


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def document(name: str) -> dict[str, Any]:
    """The only document of a YAML file."""
    (only,) = documents(name)
    return only


class Containerfile:
    """A Containerfile: its instructions, as pairs of a name and what follows it."""

    def __init__(self, name: str) -> None:
        text = re.sub(r"^\s*#.*\n", "", (DEPLOY / name).read_text(), flags=re.MULTILINE)
        lines = text.replace("\\\n", " ").splitlines()
        found = (line.partition(" ") for line in lines if line.strip())
        self.instructions = [(word, rest.strip()) for word, _, rest in found]

    def of(self, word: str) -> list[str]:
        """What follows each instruction of this name."""
        return [rest for name, rest in self.instructions if name == word]

    def copied(self) -> Iterator[tuple[list[str], str]]:
        """What is copied from the folder in which it is built, and where to."""
        for rest in self.of("COPY"):
            *sources, target = shlex.split(rest)
            if not sources[0].startswith("--"):
                yield sources, target

    def environment(self) -> dict[str, str]:
        """The variables of the image."""
        after = self.instructions[self._last("FROM") :]
        pairs = (each for word, rest in after if word == "ENV" for each in shlex.split(rest))
        return dict(pair.split("=", 1) for pair in pairs)

    def _last(self, word: str) -> int:
        return max(at for at, (name, _) in enumerate(self.instructions) if name == word)


class Unit:
    """A unit of systemd."""

    def __init__(self, name: str) -> None:
        lines = (DEPLOY / name).read_text().splitlines()
        self._lines = [line.split("=", 1) for line in lines if re.match(r"[A-Z]\w*=", line)]

    def every(self, key: str) -> list[str]:
        """All values of a key."""
        return [value for name, value in self._lines if name == key]

    def __getitem__(self, key: str) -> str:
        (only,) = self.every(key)
        return only

    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        return dict(pair.split("=", 1) for pair in self.every("Environment"))


def host_of_compose() -> dict[str, Any]:
    """The service of the host."""
    service: dict[str, Any] = services()["host"]
    return service


def pod() -> dict[str, Any]:
    """The pod of the StatefulSet."""
    spec: dict[str, Any] = document("kubernetes/statefulset.yaml")["spec"]["template"]["spec"]
    return spec


def container(name: str = "kubernetes/statefulset.yaml") -> dict[str, Any]:
    """The container of the host in a manifest."""
    (only,) = document(name)["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def services() -> dict[str, Any]:
    """The services of compose."""
    found: dict[str, Any] = document("compose/compose.yaml")["services"]
    return found


def variables(name: str = "kubernetes/statefulset.yaml") -> dict[str, str]:
    """The variables of the host's container in a manifest."""
    return {each["name"]: each["value"] for each in container(name)["env"]}


IMAGE, PROJECT = Containerfile("Containerfile"), Containerfile("Containerfile.project")
SYSTEMD = Unit("systemd/host@.service")
API, DO_NOT_CALL = "kubernetes/api/port.yaml", "kubernetes/do-not-call/mount.yaml"
GIVEN = {
    "Containerfile": IMAGE.environment(),
    "compose": host_of_compose()["environment"],
    "Kubernetes": variables(),
    "Kubernetes, API": variables(API),
    "Kubernetes, do-not-call list": variables(DO_NOT_CALL),
    "systemd": SYSTEMD.environment(),
}
"""The variables that each of them gives to the host."""
