"""Transfer targets: whom a call may be transferred to, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from host.base.presses import SECONDS_A_KEY, in_livekits_notation, keys_and_pauses
from host.base.sip import SipAddress
from host.settings.calling import is_sip, written_as

RingingSeconds = Annotated[float, Field(gt=0, le=78)]
ANSWER_LIMIT = 78.0
"""Seconds in which the target must have answered and the keys be pressed: LiveKit waits for 80."""
LONGEST_HEADER = 256
"""Maximum length of a header, in characters."""
OTHER_HEADERS = ("user-to-user", "referred-by", "diversion")
"""Headers that may be set beside X-...; LiveKit or the trunk sets the rest."""

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}", re.ASCII)

Keys = Annotated[
    str,
    written_as(r"[0-9*#w,]{0,40}", "keys such as ww12#: 0 to 9, *, #, w (0.5 s), a comma (2 s)"),
]
Mode = Literal["auto", "refer", "bridge"]


def _headers(given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        allowed = name.lower().startswith("x-") or name.lower() in OTHER_HEADERS
        if not (allowed and _HEADER_NAME.fullmatch(name)):
            others = "User-to-User, Referred-By and Diversion"
            raise ValueError(f"{ascii(name)[:80]} can't be set: only X-... headers, {others}")
        if not value.isprintable() or len(value) > LONGEST_HEADER:
            raise ValueError(f"{name} must be one line of at most {LONGEST_HEADER} characters")
        if set(PLACEHOLDER.sub("", value)) & set("{}"):
            raise ValueError(f"{name} has a brace that is no placeholder such as {{case}}")
    return given


class TransferTarget(BaseModel):
    """A transfer target; in host.toml a number, a table, or a list of them to try in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = Field(description="E.164 number or SIP address")
    warm: bool = Field(False, description="ask the colleague before connecting the caller")
    mode: Mode = Field(
        "auto",
        description="cold transfer by REFER, by a call into the room, or auto: by REFER, and by a "
        "call if that is refused",
    )
    ringing_timeout: RingingSeconds = Field(20, description="seconds the target may ring")
    show_caller: bool = Field(
        False, description="show the caller's number to the colleague, if the carrier allows it"
    )
    keys: Keys = Field(
        "", description="keys to press after the answer, for an extension: w waits 0.5 s, a comma 2"
    )
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(
        default_factory=dict, description="SIP headers of the INVITE or REFER"
    )
    then: tuple[TransferTarget, ...] = Field(
        (), description="targets to try in this order if this one does not take the call"
    )

    @model_validator(mode="before")
    @classmethod
    def _number_or_list(cls, given: Any) -> Any:
        if isinstance(given, list | tuple):
            if not given:
                raise ValueError("must name a target")
            first, *rest = ({"number": each} if isinstance(each, str) else each for each in given)
            return {**first, "then": rest} if rest and isinstance(first, dict) else first
        return {"number": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.warm and "mode" in self.model_fields_set:
            raise ValueError("mode is for cold transfers, and this one is warm")
        if self.keys and self.mode == "refer":
            raise ValueError("after a REFER, no keys can be pressed: leave out mode, or keys")
        if not self.callable and (self.warm or self.keys or self.mode == "bridge"):
            raise ValueError(
                "a SIP address that is called has a user, a host, and no parameter but transport: "
                "sip:doctor@pbx.example;transport=tls"
            )
        if self.ringing_timeout + len(self.dtmf) * SECONDS_A_KEY > ANSWER_LIMIT:
            raise ValueError(f"ringing_timeout and keys take more than {ANSWER_LIMIT:.0f} s")
        return self

    @property
    def callable(self) -> bool:
        """True if it can be called into a room: a number, or a SIP address with user and host."""
        return not is_sip(self.number) or SipAddress.parse(self.number) is not None

    @property
    def may_call(self) -> bool:
        """True if it may be called into the room: it is warm, or not by REFER alone."""
        return self.callable and (self.warm or self.mode != "refer")

    @property
    def may_refer(self) -> bool:
        """True if the far end may be referred to it."""
        return not (self.warm or self.keys or self.mode == "bridge")

    @property
    def dtmf(self) -> str:
        """The keys in LiveKit's notation, which knows no comma."""
        return in_livekits_notation(self.keys)

    @property
    def presses(self) -> list[str | float]:
        """The keys, and the pauses between them in seconds."""
        return keys_and_pauses(self.keys)

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of the placeholders in the headers."""
        return frozenset(
            name for value in self.headers.values() for name in PLACEHOLDER.findall(value)
        )

    def in_order(self) -> Iterator[TransferTarget]:
        """Yield this target and those to try after it."""
        yield self
        for each in self.then:
            yield from each.in_order()
