"""The API's tokens: which are strong enough, and which let a request pass."""

from __future__ import annotations

from typing import Any

import pytest

from host.base.errors import SettingsError
from host.server.api.token import is_token, require_tokens, tokens_of
from host.settings import Settings

OLD, NEW = (
    "the-old-token-of-a-host-and-of-nobody-else",
    "the-new-token-of-a-host-and-of-nobody-else",
)

pytestmark = pytest.mark.usefixtures("deployment")


def settings(**tokens: Any) -> Settings:
    return Settings(api_port=0, **tokens)


def passes(given: str, *, api_token: str = OLD, api_second_token: str = NEW) -> bool:
    tokens = tokens_of(settings(api_token=api_token, api_second_token=api_second_token))
    return is_token([f"Bearer {given}".encode()], tokens)


def test_both_tokens_of_a_rotation_pass_and_no_other() -> None:
    assert passes(OLD)
    assert passes(NEW)
    for other in ("", OLD[:-1], f"{OLD}{NEW}", f"{OLD} {NEW}", "x" * len(OLD)):
        assert not passes(other)


def test_an_unset_second_token_is_no_empty_one() -> None:
    assert passes(OLD, api_second_token="")
    for other in ("", " ", NEW):
        assert not passes(other, api_second_token="")


def test_after_the_rotation_the_old_one_is_wrong() -> None:
    assert not passes(OLD, api_token=NEW, api_second_token="")
    assert passes(NEW, api_token=NEW, api_second_token="")


def test_each_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return given == token

    monkeypatch.setattr("host.server.api.token.hmac.compare_digest", compare)
    for given in (OLD, NEW, "x"):
        compared.clear()
        passes(given)
        assert compared == [OLD.encode(), NEW.encode()]


@pytest.mark.parametrize("weak", ["short", "x" * 31, "é" * 32, "x" * 20 + " " + "x" * 20])
def test_a_weak_second_token_is_one_clear_line(weak: str) -> None:
    require_tokens(settings(api_token=OLD, api_second_token=NEW))
    require_tokens(settings(api_token=OLD))
    with pytest.raises(SettingsError, match="HOST_API_SECOND_TOKEN is no token of") as raised:
        require_tokens(settings(api_token=OLD, api_second_token=weak))
    assert weak not in str(raised.value)


def test_a_second_token_does_not_replace_the_first() -> None:
    with pytest.raises(SettingsError, match="HOST_API_TOKEN is no token of"):
        require_tokens(settings(api_second_token=NEW))
