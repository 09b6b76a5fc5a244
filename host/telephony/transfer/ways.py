"""Plans the attempts of a transfer. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from host.settings import TransferTarget, is_sip

Mode = Literal["refer", "bridge", "warm"]


@dataclass(frozen=True)
class Way:
    """One way to reach one target."""

    target: TransferTarget
    mode: Mode
    if_refused: bool = False
    """Whether it is tried only after the far end has refused to be referred."""


def ways_to(target: TransferTarget, *, telephone: bool, trunk: bool) -> Iterator[Way]:
    """Yield the ways to a target and to those that follow it, in order.

    `telephone`: whether the far end is one, which alone can be referred. `trunk`: whether numbers
    can be dialled.
    """
    for each in target.in_order():
        if each.warm:
            yield Way(each, "warm")
            continue
        refers = each.may_refer and telephone
        if refers:
            yield Way(each, "refer")
        if each.may_call and (trunk or is_sip(each.number) or not refers):
            yield Way(each, "bridge", if_refused=refers)
