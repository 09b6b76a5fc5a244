"""Judges a simulated call: by what was expected of it, and by LiveKit's judges."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from livekit.agents import evals, llm

# Private (livekit-agents 1.8.9): LiveKit's judges have fixed criteria, or are asked by a class of
# one's own, which would ask the model and read its verdict in the same way once more.
from livekit.agents.evals.judge import _LLMJudge

from host.cli.simulate.callers import Caller, Expected
from host.records.outcome import Outcome
from host.records.record import CallRecord

GOAL = "goal"
_OF_THE_GOAL = (
    "The person who called wanted this: {goal}\n"
    "Pass if the agent got them there, or if it rightly could not, said so, and told them how else "
    "to get there. Fail if it ignored the goal, gave up, claimed to have done what no tool did, or "
    "said something untrue."
)


def unmet(expected: Expected, record: CallRecord) -> Iterator[str]:
    """Yield what a call lacks of what was expected, a line each."""
    said = [each.text for each in record.transcript if each.who == "persona"]
    for pattern in expected.says:
        if not any(re.search(pattern, text, re.I) for text in said):
            yield f"did not say {pattern!r}"
    for pattern in expected.never_says:
        if found := next((text for text in said if re.search(pattern, text, re.I)), None):
            yield f"said {found!r}, which has {pattern!r}"
    for name, wanted in expected.calls.items():
        calls = [json.loads(tool.arguments or "{}") for tool in record.tools if tool.name == name]
        if not any(_has(given, wanted) for given in calls):
            how = f" with {json.dumps(wanted)}" if wanted and calls else ""
            yield f"did not call {name}{how}"
    for target in expected.transfers:
        if not any(each.to == target for each in record.transfers):
            yield f"did not transfer the call to {target}"
    if expected.outcome and record.outcome != expected.outcome:
        yield f"the outcome is {record.outcome}, not {expected.outcome}"
    if record.outcome is Outcome.FAILED and expected.outcome != Outcome.FAILED:
        yield f"the call failed: {record.reason}{f': {record.error}' if record.error else ''}"


def _has(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in given and given[name] == value for name, value in wanted.items())


async def judge(
    caller: Caller, history: llm.ChatContext, model: llm.LLM[Any]
) -> evals.EvaluationResult:
    """Let LiveKit's judges judge a conversation; one that could not is missing in the result."""
    judges: list[evals.Evaluator] = [
        getattr(evals, f"{name}_judge")() for name in dict.fromkeys(caller.judges)
    ]
    if caller.goal:
        judges.append(_LLMJudge(instructions=_OF_THE_GOAL.format(goal=caller.goal), name=GOAL))
    return await evals.JudgeGroup(llm=model, judges=judges).evaluate(history)


def disapproved(caller: Caller, result: evals.EvaluationResult) -> Iterator[str]:
    """Yield the judges that did not let a call pass, and why."""
    asked = [*dict.fromkeys(caller.judges), *([GOAL] if caller.goal else [])]
    for name in asked:
        verdict = result.judgments.get(name)
        if verdict is None:
            yield f"{name}: it could not be judged"
        elif not verdict.passed:
            yield f"{name}: {verdict.verdict}: {verdict.reasoning}"
