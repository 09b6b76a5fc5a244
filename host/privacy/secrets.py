"""Finds and masks secrets in a text: those of the settings, and by their form."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from host.privacy.numbers import BULLETS
from host.settings import WithPlugins

SHORTEST = 8
"""Minimum length of a secret. Shorter values, like `local` or `devkey`, are common words."""
SHORTEST_IN_A_PATH = 16
"""Minimum length of a URL's path segment that counts as a token, as in many webhooks."""

_NAMED = re.compile(
    r"(KEY|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|(^|_)PASS|_PWD|CREDENTIALS?|DSN)$", re.IGNORECASE
)
"""Names of environment variables with secrets, those of personas and plugins included."""
_HEADERS = re.compile(r"OTEL_(\w+_)?HEADERS$")
"""Names of environment variables with headers: `api-key=...,authorization=Basic%20...`."""

_QUOTED = r"""b?(?:"[^"\r\n]*"|'[^'\r\n]*')"""
_LIKE_ONE = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"  # a JSON Web Token (RFC 7519)
    r"|\b(?:sk|pk|rk)[-_][\w-]{16,}|\bwhsec_[\w+/=-]{8,}"
    r"|(?i:(?<=\bbearer )|(?<=\bbearer%20))[\w.~+/=-]{6,}"
    # As their makers document them: GitHub, GitLab, npm, PyPI, Hugging Face, Slack, Google, AWS,
    # SendGrid, Twilio and Telegram.
    r"|\bgh[opsur]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}|\bnpm_[A-Za-z0-9]{16,}"
    r"|\bpypi-[\w-]{16,}|\bhf_[A-Za-z0-9]{16,}|\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}"
    r"|\bAIza[\w-]{20,}|\bya29\.[\w-]{16,}|\bGOCSPX-[\w-]{16,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bSK[0-9a-f]{32}\b|\b\d{8,10}:AA[\w-]{30,}"
)
"""Secrets by their shape.

Not detect-secrets (1.5): made for source code, it takes 1 ms a line, ten times all masks together,
and reports every second word of a log as one of high entropy.
"""
_VALUE = r"[^\s,;&)}\]]+?(?=[\"']?(?:[\s,;&)}\]]|\Z))"


def _called(name: str, value: str) -> re.Pattern[str]:
    """Return the pattern of a value that follows a name."""
    equals = r"(?:[\"']?\s*[:=]|[\"']\s*,)\s*"
    return re.compile(rf"(?i)(?P<name>{name})(?P<is>{equals})(?P<value>{_QUOTED}|{value})")


_CALLED_SO = (
    _called(r"\b(?:proxy-)?authorization", rf"(?:[a-z][\w-]*[ \t]+)?{_VALUE}"),
    _called(r"\b(?:set-)?cookie", rf"{_VALUE}(?:;[ \t]*{_VALUE})*"),
    _called(
        r"(?:(?:api|access|private|secret|signing)[_-]?key|(?:api|client|webhook)[_-]?secret"
        r"|(?:access|auth|refresh)[_-]?token|password|passwd|passphrase|(?<=_)pass"
        r"|(?<![^\W_])(?:secret|token|signature|sig|pwd|otp|passcode|one[_-]time[_-]code))",
        rf"(?:(?:basic|bearer|digest|token)\s)?{_VALUE}",
    ),
)
KEY_BEGINS = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
KEY_ENDS = r"-----END [A-Z ]*PRIVATE KEY-----"
_PRIVATE_KEY = re.compile(rf"{KEY_BEGINS}(?s:.*?)(?:{KEY_ENDS}|\Z)")
"""A private key in PEM (RFC 7468), of several lines."""
_OPTION = re.compile(
    r"(?i)((?<![\w-])--?(?:[\w-]*-)?(?:password|passwd|passphrase|secret|token|(?<=\w-)key)[ \t]+)"
    rf"(?!-)(?:{_QUOTED}|\S+)"
)
"""An option of a command, with its value in the next word."""
_DIGEST = re.compile(r"(?i)(\bauthorization[\"']?\s*[:=,]\s*[\"']?digest\s)[^\r\n]*")
_USER_INFO = re.compile(
    r"(?i)(?:(?<=://)|(?<=\bsip:)|(?<=\bsips:))[^\s/@:<>]{0,256}:[^\s/@<>]{1,256}(?=@)"
)
_KEYS = re.compile(
    r"(?i)(\b(?:dtmf|digits?|pin)(?:_(?:pressed|inputs?))?[\"']?\s*[:=]\s*[\"']?)"
    r"[0-9*#][0-9*#\s,]{0,63}(?![\w-])"
)


def mask_secrets(text: str) -> str:
    """Mask what looks like a secret: tokens, headers and passwords."""
    text = _USER_INFO.sub(BULLETS, text)
    text = _DIGEST.sub(lambda found: found[1] + BULLETS, text)
    text = _PRIVATE_KEY.sub(BULLETS, text)
    text = _LIKE_ONE.sub(BULLETS, text)
    text = _OPTION.sub(lambda found: found[1] + BULLETS, text)
    for called_so in _CALLED_SO:
        text = called_so.sub(_without_value, text)
    return text


def names_a_secret(name: str) -> bool:
    """Return whether a value of this name is masked."""
    return mask_secrets(f"{name}=x") != f"{name}=x"


def mask_keys(text: str) -> str:
    """Mask DTMF keys that a text names: `digits=4321`."""
    return _KEYS.sub(lambda found: found[1] + BULLETS, text)


def secrets_of(settings: BaseModel, environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return every secret in the settings and the environment.

    Values of `pass_environment` count as secrets, whatever their name.
    """
    passed = getattr(settings, "pass_environment", ())
    held = {*secrets_in(settings), *(environment.get(name, "") for name in passed)}
    held |= named_in(environment)
    if isinstance(settings, WithPlugins):
        held |= settings.plugin_values.secrets
    return frozenset(secret for secret in held if len(secret) >= SHORTEST)


def named_in(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the secrets of an environment, by its variables' names."""
    held = {value for name, value in environment.items() if _NAMED.search(name)}
    for name, value in environment.items():
        if _HEADERS.match(name):
            held |= {*_secrets_of_headers(value)}
    return frozenset(value for value in held if len(value) >= SHORTEST)


def pattern_of(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern of these secrets in all their `spellings`; None if there are none."""
    written = {form for secret in secrets for form in spellings(secret)}
    longest_first = sorted(written, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, longest_first))) if written else None


def spellings(text: str) -> Iterator[str]:
    """Yield a text as it is, and as URLs, JSON and `repr` write it."""
    yield text
    yield quote(text, safe="")
    yield quote_plus(text)
    yield unquote(text)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    if text.startswith("whsec_"):
        yield text.removeprefix("whsec_")


def _without_value(found: re.Match[str]) -> str:
    value = found["value"].removeprefix("b")
    quotes = value[:1] if value[:1] in ("'", '"') else ""
    return f"{found['name']}{found['is']}{quotes}{BULLETS}{quotes}"


def secrets_in(value: Any) -> Iterator[str]:
    """Yield every secret in a value of the settings: SecretStr, and tokens in URLs."""
    if isinstance(value, SecretStr | SecretBytes | Secret):
        secret = value.get_secret_value()
        yield secret.decode(errors="replace") if isinstance(secret, bytes) else str(secret)
    elif isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        names = type(value).model_fields if isinstance(value, BaseModel) else vars(value)
        for name in names:
            inner = getattr(value, name)
            if inner is None or isinstance(inner, bool | int | float):
                continue  # half of all settings: each would cost a generator
            yield from secrets_in(inner)
            if name.endswith(("url", "urls", "endpoint", "endpoints")):
                several = inner if isinstance(inner, list | tuple | set | frozenset) else (inner,)
                for each in several:
                    yield from _secrets_of_an_address(str(each or ""))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from secrets_in(inner)


def _secrets_of_an_address(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        yield from filter(None, (parts.password,))
    except ValueError:
        return
    for part in (*parts.path.split("/"), *re.split("[&=]", parts.query)):
        if len(part) >= SHORTEST_IN_A_PATH:
            yield part


def _secrets_of_headers(headers: str) -> Iterator[str]:
    for header in headers.split(","):
        value = unquote(header.partition("=")[2]).strip()
        yield value
        yield value.rpartition(" ")[2]  # without `Basic` or `Bearer`
