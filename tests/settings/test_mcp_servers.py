"""MCP servers in host.toml: their addresses, headers and tools, and what is a secret of them."""

from __future__ import annotations

import pickle

import pytest
from deployment import Deployment

from host.base.errors import SettingsError
from host.privacy import environment
from host.privacy.secrets import secrets_of
from host.registry.configure import with_plugin_settings
from host.registry.read import read_settings
from host.server.admission import faults_of_mcp
from host.settings import McpServer, load_settings

TOKEN = "token-of-the-shop-4711"


def toml(deployment: Deployment, mcp: str) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", f"[personas.ann]\nmcp = {mcp}\n")


def test_a_server_is_an_address_or_a_table(deployment: Deployment) -> None:
    toml(deployment, '["https://a.example/mcp", { url = "http://b:8000/sse", tools = ["look"] }]')
    first, second = load_settings().persona("ann").mcp
    assert (first.target, first.tools, first.timeout) == ("https://a.example/mcp", (), 20)
    assert (second.name, second.tools, second.transport) == ("b:8000", ("look",), "auto")
    assert load_settings().persona("bob").mcp == ()


def test_all_personas_may_share_servers(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(deployment, "[]")
    monkeypatch.setenv("HOST_MCP", "https://a.example/mcp,https://b.example/mcp")
    settings = load_settings()
    assert [each.name for each in settings.persona("bob").mcp] == ["a.example", "b.example"]
    assert settings.persona("ann").mcp == ()


@pytest.mark.parametrize(
    ("mcp", "fault"),
    [
        ('["mcp.example"]', "[personas.ann.mcp] url must be an address such as https://"),
        ('["ftp://mcp.example"]', "must be an address such as https://"),
        ('["https://a b"]', "must be an address such as https://"),
        ('[{ url = "https://a.example", toolz = ["x"] }]', "did you mean tools?"),
        ('[{ tools = ["x"] }]', "url is missing"),
        ('[{ url = "https://a.example", timeout = 0 }]', "timeout must be greater than 0"),
        ('[{ url = "https://a.example", headers = { "A B" = "x" } }]', "is no header"),
        ('[{ url = "https://a.example", headers = { Host = "x" } }]', "is no header"),
        ('[{ url = "https://a.example", headers = { A = "x\\ny" } }]', "A must be one line"),
    ],
)
def test_what_is_wrong_is_one_line(deployment: Deployment, mcp: str, fault: str) -> None:
    toml(deployment, mcp)
    with pytest.raises(SettingsError) as told:
        load_settings()
    assert fault in str(told.value)
    assert "\n" not in str(told.value)


def test_variables_are_filled_in_and_are_secrets(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASS", TOKEN)
    toml(
        deployment,
        '[{ url = "https://a.example/{env:SHOP_PASS}/mcp", '
        'headers = { Authorization = "Bearer {env:SHOP_PASS}", Key = "Basic key-of-host-toml" } }]',
    )
    settings = pickle.loads(pickle.dumps(read_settings()))  # as a call's process gets them
    monkeypatch.delenv("SHOP_PASS")
    (server,) = settings.persona("ann").mcp
    assert server.target == f"https://a.example/{TOKEN}/mcp"
    assert server.whole_headers["Authorization"].get_secret_value() == f"Bearer {TOKEN}"
    assert server.name == "a.example"
    assert TOKEN not in repr(server) + repr(settings) + str(settings.persona("ann"))
    secrets = secrets_of(settings, {})
    assert {TOKEN, f"Bearer {TOKEN}", "key-of-host-toml"} <= secrets


def test_a_variable_that_is_not_set_is_told_at_the_start_and_stops_no_helper(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_PASS", raising=False)
    toml(deployment, '["https://a.example/{env:SHOP_PASS}/mcp"]')
    settings = read_settings()
    (line,) = faults_of_mcp(settings)
    assert line == "ann: mcp a.example: SHOP_PASS is not set: put it into .env"
    assert settings.persona("ann").mcp[0].missing == ("SHOP_PASS",)


def test_a_variable_of_a_server_counts_as_used(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(deployment, '["https://a.example/{env:SHOP_PASS}/mcp"]')
    deployment.write(".env", f"SHOP_PASS={TOKEN}\nOTHER_PASS=x\n")
    settings = read_settings()
    assert environment.kept_back(settings) == ["OTHER_PASS"]
    assert not environment.is_passed("SHOP_PASS", settings)


def test_without_the_package_the_start_names_the_extra(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.admission.installed", lambda: False)
    toml(deployment, '["https://a.example/mcp"]')
    (line,) = faults_of_mcp(read_settings())
    assert line == "ann: MCP servers need the package mcp: pip install 'host[mcp]'"


def test_a_test_s_server_is_in_the_place_of_another(deployment: Deployment) -> None:
    toml(deployment, '["https://a.example/mcp", "https://b.example/mcp"]')
    instead = object()
    loaded = deployment.load()
    settings = with_plugin_settings(load_settings(), loaded, mcp={"https://a.example/mcp": instead})
    targets = [each.target for each in settings.persona("ann").mcp]
    assert targets == [instead, "https://b.example/mcp"]


def test_a_server_that_is_known_is_the_same_in_each_process() -> None:
    # The registry is cached by the settings: it must not be loaded again for each call.
    raw = McpServer.model_validate("https://a.example/{env:SHOP_PASS}/mcp")
    filled = raw.with_values({"SHOP_PASS": TOKEN}, {})
    assert raw == McpServer.model_validate("https://a.example/{env:SHOP_PASS}/mcp")
    assert filled.missing == ()
    assert raw.missing == ("SHOP_PASS",)
