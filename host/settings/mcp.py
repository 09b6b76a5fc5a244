"""MCP servers, whose tools a persona offers to its LLM: `mcp` in host.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic_settings import NoDecode

from host.settings.calling import parted

Transport = Literal["auto", "streamable_http", "sse"]
_REFERENCE = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_OWN_HEADERS = ("accept", "accept-encoding", "content-length", "content-type", "host")
"""Headers that the transport sets."""


def address(url: str) -> str:
    """Return the URL of an MCP server as it is. Raises ValueError if it is none."""
    try:
        parts = urlsplit(_REFERENCE.sub("x", url))
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be an address such as https://mcp.example.com/mcp")
    return url


def name_of(url: str) -> str:
    """Return the host name of an address, and its port if it has one: the rest may be secret."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _headers(given: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ValueError(f"{ascii(name)[:80]} is no header that can be set")
        if not value.get_secret_value().isprintable() or not value.get_secret_value().isascii():
            raise ValueError(f"{name} must be one line of ASCII characters")
    return given


class McpServer(BaseModel):
    """An MCP server; in host.toml its address, or a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(address)] = Field(
        repr=False, description="address; {env:NAME} is an environment variable's value"
    )
    tools: tuple[str, ...] = Field((), description="names of the tools to offer; empty: all")
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(
        default_factory=dict,
        description="HTTP headers; {env:NAME} is an environment variable's value",
    )
    transport: Transport = Field(
        "auto", description="streamable_http, sse, or auto: sse if the address ends with /sse"
    )
    timeout: float = Field(20, gt=0, le=60, description="seconds that a tool may take")
    _values: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _instead: Any = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _address_alone(cls, given: Any) -> Any:
        return {"url": given} if isinstance(given, str) else given

    @property
    def name(self) -> str:
        """The server's name for people."""
        return name_of(self.url)

    @property
    def references(self) -> frozenset[str]:
        """Environment variables that the address and the headers refer to."""
        texts = (self.url, *(value.get_secret_value() for value in self.headers.values()))
        return frozenset(name for text in texts for name in _REFERENCE.findall(text))

    @property
    def missing(self) -> tuple[str, ...]:
        """Environment variables that it refers to, and whose values are not known here."""
        if self._instead is not None:
            return ()
        return tuple(sorted(self.references - self._values.keys()))

    @property
    def target(self) -> Any:
        """What to connect to: the whole address, or what a test has in its place."""
        return self._filled(self.url) if self._instead is None else self._instead

    @property
    def whole_headers(self) -> dict[str, SecretStr]:
        """The headers with the values of environment variables."""
        return {
            name: SecretStr(self._filled(value.get_secret_value()))
            for name, value in self.headers.items()
        }

    def with_values(self, values: Mapping[str, str], instead: Mapping[str, Any]) -> Self:
        """Return it with environment variables' values, and what a test has in its place."""
        made = self.model_copy()
        made._values = {name: values[name] for name in self.references if name in values}
        made._instead = instead.get(self.url)
        return made

    def secrets(self) -> Iterator[str]:
        """Yield what no log may show: header values, also without `Bearer`, and variables'."""
        yield from self._values.values()
        for value in self.whole_headers.values():
            yield value.get_secret_value()
            yield value.get_secret_value().rpartition(" ")[2]

    def _filled(self, text: str) -> str:
        return _REFERENCE.sub(lambda found: self._values.get(found[1], ""), text)


McpServers = Annotated[tuple[McpServer, ...], NoDecode, BeforeValidator(parted)]
