"""Which of LiveKit's local models are loaded before calls' processes are forked, to be shared.

The model for voice activity takes 4 MB, and every call uses it. The weights of the turn detector
take 250 MB: without a persona that has `turn_detection = "model"`, they are not loaded.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from host.registry import Registry
from host.settings import Settings

log = logging.getLogger("host")

PRELOADED = "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"
"""LiveKit's variable: 0 preloads neither model, and anything else both."""
_NEITHER = ("0", "false", "no", "off")


class SharedModels:
    """Has LiveKit's forkserver load the models that personas use."""

    def __init__(self, settings: Settings, loaded: Registry) -> None:
        self._told = self.detector = bool(with_detector(settings, loaded))
        """Whether the turn detector's weights are loaded."""

    @contextlib.contextmanager
    def preloaded(self) -> Iterator[None]:
        """Tell a forkserver that is started inside the block; what an operator has set counts."""
        if (given := os.environ.get(PRELOADED)) is not None:
            self._told = self.detector = given.strip().lower() not in _NEITHER
            yield
            return
        os.environ[PRELOADED] = str(int(self.detector))
        try:
            yield
        finally:
            os.environ.pop(PRELOADED, None)

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Warn, once, if a reload has brought the first persona that uses the turn detector."""
        names = with_detector(settings, loaded)
        if names and not self._told:
            self._told = True
            log.warning(
                'each call of %s loads the model of turn_detection = "model" for itself, '
                "250 MB, until the host is restarted",
                ", ".join(names),
            )


def with_detector(settings: Settings, loaded: Registry) -> list[str]:
    """Return the personas whose turns LiveKit's model ends."""
    return [name for name in loaded.personas if settings.persona(name).turn_detection == "model"]
