"""Fixtures of the host: `scene` brings up a telephone network for whole calls."""

pytest_plugins = ["host.testing.fixtures"]
