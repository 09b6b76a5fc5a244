"""A deployment made of real files, for unit tests."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

from canaries import SECRETS

from host.call.live import LiveCall
from host.registry import Registry, load_afresh
from host.registry.configure import with_plugin_settings
from host.settings import load_settings

HERE = Path(__file__).parent

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"
"""LiveKit's, in the settings of a call."""


class Deployment:
    """A folder with personas, plugins and a host.toml, which is also the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("personas", "plugins"):
            (folder / name).mkdir()
        os.environ["HOST_PERSONAS_DIR"] = str(folder / "personas")
        os.environ["HOST_PLUGINS_DIR"] = str(folder / "plugins")
        for name in ("HOST_WEBHOOK_SECRET", "CANARY_CRM_TOKEN"):
            os.environ[name] = SECRETS[name]

    def write(self, path: str, text: str) -> Path:
        """Write a file below the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    def persona(self, name: str) -> Path:
        """Write a good persona that says its name."""
        return self.write(
            f"personas/{name}.py",
            f'''\
            """{name}: says who it is."""

            from host import hookimpl


            @hookimpl
            def instructions(call):
                return "{name}"
            ''',
        )

    def load(self) -> Registry:
        """Load it through the real loader."""
        return load_afresh(load_settings())

    def call_of(self, persona: str) -> LiveCall:
        """Load it and return a call of a persona, with the answers of all of its plugins."""
        loaded = self.load()
        settings = with_plugin_settings(load_settings(), loaded)
        return LiveCall(settings, persona=persona, hooks=loaded.view(persona))

    def faults(self) -> list[str]:
        """Load it and return what is broken, a line each."""
        return [str(fault) for fault in self.load().broken]
