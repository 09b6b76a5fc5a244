"""The table of the benchmark, from the tries that were written down."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from faults.tries import Session, Try

ARMS = {"host": "the host", "plain": "plain livekit-agents"}
ALLOWED = 0.1
"""Seconds by which a gap may be longer than the longest one without a fault."""
KILL = "kill"
"""The fault with four other calls beside the one that is struck, of which a sentence is written."""

HEAD = (
    "| fault | worker | tries | what became of the call | left hanging, lost or twice "
    "| worst silence (s) | first word after p50 / worst (s) | hung up after p50 / worst (s) "
    "| rooms left | other calls harmed |\n" + "|---" * 10 + "|"
)


def report(tries: Sequence[Try], sessions: Sequence[Session], titles: Mapping[str, str]) -> str:
    """Write the whole page. `titles` are the faults in their order, and what each is called."""
    rows = [
        row(titles[fault], arm, [t for t in tries if (t.fault, t.arm) == (fault, arm)])
        for fault in titles
        for arm in ARMS
    ]
    parts = [
        "# Faults",
        head(tries, sessions),
        "\n".join([HEAD, *filter(None, rows)]),
        "\n".join(f"- {line}" for line in totals(tries)),
        others_of_a_kill(tries),
        notes(tries, titles),
        EXPLAINED,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


EXPLAINED = """\
How to read it. Everything is judged by the far end: what its telephone heard, sample by sample,
and when it was hung up. *Went on*: somebody answered its "Can you hear me?". *Told*: it heard words
and was hung up then; of a request: it ended with an error. *Hung up*: without a word. *Left
hanging*: still connected or still ringing at the end of the try, and nobody answered. *Lost*:
nobody took the call and nobody was told. *Rooms left*: LiveKit still had the room 5 s after the
last telephone was out of it; a plain worker leaves it to livekit-server, which waits 20 s. *Other
calls harmed*: live calls that were not meant, with an unbroken sound on the line; harmed is one
that ended, or that had a gap over 100 ms longer than the longest one of all of them in windows
without the fault, in the same runs. A gap is what is silent after the telephone's decoder, which
bridges a few lost packets. The first row is a control: nothing happens in it. There are at least
20 tries of a fault, or 10 where one takes over 30 s. A caller of these tries is silent until it
hears something: where the agent lives and waits for it to speak, the first word is the host's "are
you still there?" after 10 s of its silence, and the worst silence is the caller's own.

What no worker can mend: a caller who rings while none is there hears what the carrier plays. What
both arms have in common: the local livekit-server never withholds a call from a busy machine, as
one with LiveKit's own settings would.\
"""


def row(title: str, arm: str, tries: Sequence[Try]) -> str:
    """Write one row; empty where nothing was tried."""
    if not tries:
        return ""
    verdicts = Counter(str(one.verdict) for one in tries)
    bad = sum(one.verdict.bad for one in tries)
    silences = [one.silence for one in tries if one.silence is not None]
    cells = (
        title,
        ARMS[arm],
        str(len(tries)),
        ", ".join(f"{count} {what}" for what, count in verdicts.most_common()),
        str(bad),
        f"{max(silences):.1f}" if silences else "-",
        typical(one.word for one in tries),
        typical(one.hang_up for one in tries),
        str(sum(one.room_left for one in tries)),
        harm(tries),
    )
    return "| " + " | ".join(cells) + " |"


def typical(seconds: Iterable[float | None]) -> str:
    """Write the median and the worst of what there is."""
    there = [each for each in seconds if each is not None]
    return f"{statistics.median(there):.1f} / {max(there):.1f}" if there else "-"


def harm(tries: Sequence[Try]) -> str:
    """Write how many of the other live calls were harmed."""
    others = [other for one in tries for other in one.others]
    if not others:
        return "-"
    return f"{harmed(tries)} of {len(others)}"


def harmed(tries: Sequence[Try]) -> int:
    """Count the other calls that ended, or had a longer gap than any had without the fault."""
    others = [other for one in tries for other in one.others]
    longest = max((other.control for other in others), default=0.0)
    return sum(other.ended or other.gap > longest + ALLOWED for other in others)


def upper_limit(tries: int) -> float:
    """Give the 95 % limit of what was seen in none of so many tries: the rule of three."""
    return min(1.0, 3 / tries) if tries else 1.0


def totals(tries: Sequence[Try]) -> list[str]:
    """Write what must be zero, for each arm, and what zero of so many tells."""
    lines = []
    for arm, name in ARMS.items():
        own = [one for one in tries if one.arm == arm]
        if not own:
            continue
        faults = {one.fault for one in own}
        hurt = sum(harmed([one for one in own if one.fault == fault]) for fault in faults)
        counts = {
            "left hanging, lost or twice": (sum(one.verdict.bad for one in own), len(own)),
            "rooms left": (sum(one.room_left for one in own), len(own)),
            "other calls harmed": (hurt, sum(len(one.others) for one in own)),
        }
        told = "; ".join(f"{what} {share(*count)}" for what, count in counts.items())
        lines.append(f"{name}: {told}")
    return lines


def share(count: int, of: int) -> str:
    """Write a count, and for zero how large the true share may be."""
    limit = f" (95 % limit {upper_limit(of):.1%})" if of and not count else ""
    return f"{count} of {of}{limit}"


def others_of_a_kill(tries: Sequence[Try]) -> str:
    """Write the claim apart: five live calls, the process of one is killed."""
    lines = ["Five live calls, one process killed; the longest gap that the other four heard:"]
    for arm, name in ARMS.items():
        others = [o for t in tries if (t.arm, t.fault) == (arm, KILL) for o in t.others]
        if others:
            control, gap = max(o.control for o in others), max(o.gap for o in others)
            lines.append(
                f"- {name}: {gap * 1000:.0f} ms in the seconds after the kill, "
                f"{control * 1000:.0f} ms in as many before it ({len(others)} calls)"
            )
    return "\n".join(lines) if len(lines) > 1 else ""


def notes(tries: Sequence[Try], titles: Mapping[str, str]) -> str:
    """Write what else was seen, and how often."""
    seen = Counter((one.fault, one.arm, one.note) for one in tries if one.note)
    lines = [
        f"- {titles[fault]}, {name}: {note} ({seen[fault, arm, note]} times)"
        for fault in titles
        for arm, name in ARMS.items()
        for note in sorted({n for f, a, n in seen if (f, a) == (fault, arm)})
    ]
    return "\n".join(["Also seen:", *lines]) if lines else ""


def head(tries: Sequence[Try], sessions: Sequence[Session]) -> str:
    """Write where, when, on what and for how long it ran."""
    if not sessions:
        return f"{len(tries)} tries."
    machines, versions = ({getattr(s, f) for s in sessions} for f in ("machine", "versions"))
    took = sum(session.took for session in sessions) / 60
    days = sorted({session.began[:10] for session in sessions})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    void = sum(session.void for session in sessions)
    seeds = sorted({one.seed.split("/")[0] for one in tries})
    return (
        f"{len(tries)} tries on {when}, {took:.0f} minutes in all; "
        f"seeds {', '.join(seeds)}; {void} rounds whose calls did not come about were played again."
        f"\n\n{'; '.join(sorted(machines))}. {'; '.join(sorted(versions))}. "
        "Made by `make faults`."
    )
