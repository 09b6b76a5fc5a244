"""What happened in a call, in order: what was said, used, pressed, and handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from host.records.record import CallRecord, ToolUse, Transfer

PRESSES = "presses "


@dataclass
class Event:
    """Something that happened in a call."""

    at: datetime
    who: str
    text: str
    keys: bool = False


def story(record: CallRecord) -> list[Event]:
    """Tell a call; keys that one side pressed in a row are one event."""
    told: list[Event] = []
    for event in sorted(_events(record), key=lambda event: event.at):
        if event.keys and told and told[-1].keys and told[-1].who == event.who:
            told[-1].text += event.text.removeprefix(PRESSES)
        else:
            told.append(event)
    return told


def _events(record: CallRecord) -> Iterator[Event]:
    for line in record.transcript:
        yield Event(line.at, line.who, line.text)
    for tool in record.tools:
        yield Event(tool.at, "tool", _used(tool))
    for key in record.keys:
        yield Event(key.at, key.who, PRESSES + key.digit, keys=True)
    for choice in record.menus:
        chosen = choice.choice or "something"
        by_default = "" if choice.key else ", by default"
        yield Event(choice.at, "menu", f"{choice.menu} -> {chosen}{by_default}")
    for share in record.personas[1:]:
        yield Event(share.since, "host", f"hands the call over to {share.name}")
    for talk in record.operators:
        yield Event(talk.since, "operator", "takes the call over")
        if talk.until and talk.ended:
            back = "hands it back" if talk.ended == "handed back" else "has gone: it is back"
            yield Event(talk.until, "operator", f"{back}, to the persona")
    for transfer in record.transfers:
        yield Event(transfer.at, "transfer", _tried(transfer))


def _used(tool: ToolUse) -> str:
    given = "" if tool.arguments in ("", "{}") else tool.arguments
    arrow = " failed:" if tool.failed else " ->"
    return f"{tool.name}({given}){arrow} {tool.result}" if tool.result else f"{tool.name}({given})"


def _tried(transfer: Transfer) -> str:
    way = f"{transfer.mode}, " if transfer.mode else "warm, " if transfer.warm else ""
    status = f" (SIP {transfer.sip_status})" if transfer.sip_status else ""
    if transfer.succeeded:
        return f"{way}to {transfer.to}: done"
    why = f": {transfer.reason}" if transfer.reason else ""
    return f"{way}to {transfer.to}: failed{'' if status in why else status}{why}"
