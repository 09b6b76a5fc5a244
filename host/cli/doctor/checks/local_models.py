"""Models that run on this machine: voice activity, end of turn, those of other plugins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure

HUGGING_FACE = {
    "livekit.plugins.turn_detector": ("livekit/turn-detector", "the turn detector"),
}
"""Plugins of LiveKit whose models are downloaded, with the repository of these."""


async def inference(deployment: Deployment) -> Iterable[Finding]:
    """Find a machine on which LiveKit's own models do not run: VAD and turn detector."""
    uses = [deployment.settings.persona(name) for name in deployment.loaded.personas]
    try:
        from livekit.local_inference import VAD

        VAD().close()
        if any(own.turn_detection == "model" for own in uses):
            from livekit.local_inference import EOT

            EOT().close()
    except Exception as error:
        return [
            failure(
                f"LiveKit's models for voice activity and turns do not load: {_told(error)}",
                "no call can be answered",
                "pip install --force-reinstall livekit-local-inference, on a machine with glibc "
                '2.28 or later; turn_detection = "stt" needs no model for turns',
            )
        ]
    return []


def downloaded(deployment: Deployment) -> Iterator[Finding]:
    """Find models of LiveKit's plugins, loaded by personas, that nobody has downloaded."""
    deployment.loaded  # noqa: B018  # whose modules are imported then
    for module, (repository, what) in HUGGING_FACE.items():
        if module in sys.modules and not _is_cached(repository):
            yield failure(
                f"the files of {what} ({module}) are not downloaded",
                "each call fails when its session is created",
                f"download them: python -m livekit.agents download-files, with {module} installed",
            )


def _is_cached(repository: str) -> bool:
    """Return whether Hugging Face's cache on this machine has a repository."""
    try:  # it comes with those plugins
        constants = importlib.import_module("huggingface_hub.constants")
    except ImportError:
        return False
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    return any((folder / "snapshots").glob("*/*"))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]
