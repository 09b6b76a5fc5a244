"""The LLM of the plugin `openai`: LiveKit's, with a client that is made at once."""

from __future__ import annotations

import ssl
from typing import Any

import certifi
import pytest
from deployment import Deployment
from livekit.plugins import openai as livekits


def llm_of(deployment: Deployment, settings: str = 'api_key = "a key"') -> livekits.LLM:
    deployment.persona("ann")
    deployment.write("host.toml", f"[plugins.openai]\n{settings}\n")
    call = deployment.call_of("ann")
    found = call.hooks.provide(
        call=call.call, kind="llm", provider="openai", model="gpt-4.1", voice="", language="en"
    )
    assert isinstance(found, livekits.LLM)
    return found


def tls_of(llm: livekits.LLM) -> ssl.SSLContext:
    """The TLS context of an LLM's connections."""
    pool: Any = llm._client._client._transport
    context = pool._pool._ssl_context
    assert isinstance(context, ssl.SSLContext)
    return context


async def test_all_llms_of_a_process_share_its_certificates(deployment: Deployment) -> None:
    one, two = llm_of(deployment), llm_of(deployment)
    assert one._client is not two._client
    assert tls_of(one) is tls_of(two)
    assert tls_of(one).verify_mode is ssl.CERT_REQUIRED
    assert tls_of(one).check_hostname


async def test_other_certificates_of_the_environment_get_a_context_of_their_own(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tls_of(llm_of(deployment))
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    named = tls_of(llm_of(deployment))
    assert named is not usual
    assert tls_of(llm_of(deployment)) is named


async def test_all_else_is_as_in_the_client_that_livekit_makes(deployment: Deployment) -> None:
    ours, theirs = llm_of(deployment), livekits.LLM(model="gpt-4.1", api_key="a key")
    assert ours.model == theirs.model
    assert ours.provider == theirs.provider
    for client in (ours._client, theirs._client):
        assert client.max_retries == 0
        assert client.api_key == "a key"
        assert client._client.follow_redirects
    assert ours._client._client.timeout == theirs._client._client.timeout
    pools: list[Any] = [each._client._client._transport for each in (ours, theirs)]
    limits = ("_max_connections", "_max_keepalive_connections", "_keepalive_expiry")
    for name in limits:
        assert len({getattr(pool._pool, name) for pool in pools}) == 1


async def test_a_server_of_ones_own_is_told_the_persona_and_needs_no_key(
    deployment: Deployment,
) -> None:
    llm = llm_of(deployment, 'base_url = "http://127.0.0.1:9/v1"')
    assert str(llm._client.base_url) == "http://127.0.0.1:9/v1/"
    assert llm._opts.extra_headers == {"X-Host-Persona": "ann"}


async def test_the_connections_of_an_llm_are_closed_with_it(deployment: Deployment) -> None:
    llm = llm_of(deployment)
    await llm.aclose()
    assert llm._client.is_closed()
