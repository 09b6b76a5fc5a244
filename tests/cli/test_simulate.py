"""Simulated callers: scripted ones, those that a model plays, and how they are judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from deployment import Deployment

import host.cli
from host.base.errors import HostError, MetadataError, SettingsError
from host.cli.simulate.callers import MOODS, Caller, Expected, of_goal, read_callers
from host.cli.simulate.report import report
from host.cli.simulate.run import Simulated, Simulation
from host.settings import load_settings

DESK = '''
    """Desk: books, and puts callers through."""

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You are the desk."

    @hookimpl
    def greeting(call):
        return "Here is the desk."

    @hookimpl
    def tools(call):
        async def book(day: str) -> str:
            """Book a day."""
            return "Booked."

        return [book]
    '''
RULES = """
    [[rules]]
    hears = "appointment"
    calls = "book"
    arguments = { day = "Monday" }

    [[rules]]
    after = "book"
    says = "You are booked for Monday."
    """
MODEL = '''
    """Acme: a model that is the desk, its callers and their judge, by rules."""

    from host import hookimpl
    from host.local.rule_llm import RuleLlm
    from host.local.rules import Rule

    FIVE = ("press_keys", {"keys": "5"})
    CALLER, JUDGE = "You play a person", "evaluator for conversational"

    def verdict(word):
        return ("submit_verdict", {"verdict": word, "reasoning": f"it is {word}"})

    RULES = [
        Rule(about=JUDGE, hears="wanted this: get a pony", calls=verdict("fail")),
        Rule(about=JUDGE, hears="wanted this: perhaps", calls=verdict("maybe")),
        Rule(about=JUDGE, hears="wanted this: no verdict", calls=("submit_verdict", {})),
        Rule(about=JUDGE, calls=verdict("pass")),
        Rule(about=CALLER, hears="booked", calls=("hang_up", {})),
        Rule(about=f"{CALLER}(.|\\\\n)*goal: press", hears="here", calls=FIVE),
        Rule(about=f"{CALLER}(.|\\\\n)*impatient", says="An appointment, now."),
        Rule(about=f"{CALLER}(.|\\\\n)*goal: chat", says="Tell me more."),
        Rule(about=CALLER, says="I would like an appointment."),
        Rule(about="the desk", hears="appointment", calls=("book", {"day": "Monday"})),
        Rule(about="the desk", after="book", says="You are booked for Monday."),
        Rule(about="the desk", says="Yes?"),
    ]

    @hookimpl
    def provide(call, kind, provider, model):
        if (kind, provider) == ("llm", "acme"):
            return RuleLlm(RULES, lambda: call.persona)
    '''


@pytest.fixture
def desk(deployment: Deployment) -> Deployment:
    """A desk with a model that talks, plays and judges."""
    deployment.write("personas/desk.py", DESK)
    deployment.write("personas/desk.rules.toml", RULES)
    deployment.write("plugins/acme.py", MODEL)
    deployment.write("host.toml", 'llm = "acme/one"\n[transfers]\nbilling = "+15550003333"\n')
    return deployment


async def simulated(callers: Iterable[Caller], turns: int = 20) -> list[Simulated]:
    """Let callers talk with the desk, as it is configured."""
    simulation = Simulation(load_settings(), "desk", {}, turns)
    return await simulation.run(callers)


async def faults(**caller: Any) -> list[str]:
    """Let one caller talk with the desk; give what is wrong with the call."""
    [call] = await simulated([Caller(**caller)])
    return call.faults


# Played


async def test_a_model_plays_callers_of_a_goal_in_several_moods(desk: Deployment) -> None:
    calls = await simulated(of_goal("book a day", MOODS))
    assert [call.passed for call in calls] == [True, True, True]
    assert [call.lines[1].what for call in calls] == [
        "I would like an appointment.",
        "An appointment, now.",
        "I would like an appointment.",
    ]
    assert [line.what for line in calls[0].lines] == [
        "Here is the desk.",
        "I would like an appointment.",
        'book({"day": "Monday"}): Booked.',
        "You are booked for Monday.",
    ]
    assert calls[0].outcome == "completed"
    assert calls[0].judgments["goal"].reasoning == "it is pass"


async def test_a_played_caller_presses_keys(desk: Deployment) -> None:
    [call] = await simulated([Caller(goal="press a key")])
    assert call.lines[1] == ("caller", "presses 5")


async def test_a_conversation_without_an_end_is_cut_off(desk: Deployment) -> None:
    [call] = await simulated([Caller(goal="chat for ever")], turns=3)
    assert call.turns == 3
    assert call.faults == ["the conversation went on after 3 turns"]


@pytest.mark.parametrize(
    ("goal", "fault"),
    [
        ("get a pony", "goal: fail: it is fail"),
        ("perhaps", "goal: maybe: it is maybe"),
        ("no verdict", "goal: it could not be judged"),
    ],
)
async def test_a_call_fails_by_its_judge(desk: Deployment, goal: str, fault: str) -> None:
    assert await faults(goal=goal) == [fault]


async def test_livekits_judges_may_be_named(desk: Deployment) -> None:
    [call] = await simulated([Caller(lines=["An appointment."], judges=["safety", "accuracy"])])
    assert call.passed
    assert sorted(call.judgments) == ["accuracy", "safety"]


async def test_another_model_may_play_and_judge(desk: Deployment) -> None:
    desk.write("host.toml", 'llm = "other/one"\n')
    with pytest.raises(HostError, match="no plugin provides other"):
        Simulation(load_settings(), "desk", {}, 20).check([Caller(goal="book")])
    Simulation(load_settings(), "desk", {}, 20, "acme/one").check([Caller(goal="book")])


# Scripted


async def test_a_scripted_caller_says_its_lines_and_meets_what_is_expected(
    desk: Deployment,
) -> None:
    expected = Expected(
        says=["booked for monday"],
        never_says=["tuesday"],
        calls={"book": {"day": "Monday"}},
        outcome="completed",
    )
    [call] = await simulated([Caller(lines=["An appointment, please.", "#5"], expects=expected)])
    assert call.passed
    assert call.turns == 2
    assert ("caller", "presses 5") in call.lines


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        ({"says": ["tuesday"]}, "did not say 'tuesday'"),
        (
            {"never_says": ["monday"]},
            "said 'You are booked for Monday.', which has 'monday'",
        ),
        ({"calls": {"cancel": {}}}, "did not call cancel"),
        ({"calls": {"book": {"day": "Friday"}}}, 'did not call book with {"day": "Friday"}'),
        ({"transfers": ["billing"]}, "did not transfer the call to billing"),
        ({"outcome": "transferred"}, "the outcome is completed, not transferred"),
    ],
)
async def test_what_is_expected_and_does_not_come_fails_the_call(
    desk: Deployment, expected: dict[str, Any], fault: str
) -> None:
    assert await faults(lines=["An appointment."], expects=Expected(**expected)) == [fault]


async def test_a_transfer_ends_the_call(desk: Deployment) -> None:
    desk.write(
        "plugins/acme.py",
        MODEL.replace(
            "RULES = [",
            'RULES = [Rule(hears="billing", calls=("transfer_call", {"to": "billing"})),',
        ),
    )
    expected = Expected(transfers=["billing"], outcome="transferred")
    [call] = await simulated([Caller(lines=["To billing.", "Hello?"], expects=expected)])
    assert call.passed
    assert call.turns == 1
    assert call.reason == "the call was transferred to billing"


async def test_a_persona_that_fails_is_one_line(desk: Deployment) -> None:
    desk.write("personas/desk.py", DESK.replace('return "Here is the desk."', "1 / 0"))
    [fault] = await faults(lines=["Hello."], expects=Expected(says=["hello"]))
    assert fault == "personas/desk.py:12: ZeroDivisionError: division by zero"


def test_details_that_do_not_fit_keep_everybody_from_calling(desk: Deployment) -> None:
    picky = """
        from pydantic import BaseModel

        class Wanted(BaseModel):
            patient: str

        @hookimpl
        def parse_metadata(metadata):
            return Wanted.model_validate(metadata)
        """
    desk.write("personas/desk.py", DESK + picky.replace("\n        ", "\n    "))
    caller = Caller(lines=["Hello."], expects=Expected(says=["hello"]))
    with pytest.raises(MetadataError, match="patient is missing"):
        Simulation(load_settings(), "desk", {}, 20).check([caller])
    named = caller.model_copy(update={"details": {"patient": "Ann"}})
    Simulation(load_settings(), "desk", {}, 20).check([named])
    Simulation(load_settings(), "desk", {"patient": "Ann"}, 20).check([caller])


# The file

TOML = """
    [[callers]]
    name = "books"
    lines = ["An appointment."]
    expects.calls = { book = { day = "Monday" } }

    [[callers]]
    name = "asks for lunch"
    mood = "hungry"
    lines = ["Is there lunch?"]
    expects.says = ["lunch"]
    """


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "callers is missing"),
        ('[[callers]]\nname = "a"', "callers[1]: a caller needs a goal or lines"),
        (
            '[[callers]]\nlines = ["Hello."]',
            "callers[1]: a caller with lines needs a goal, judges or expects to fail by",
        ),
        (
            '[[callers]]\ngoal = "a"\n[[callers]]\ngoals = "b"\nlines = ["b"]',
            "callers[2]: goals is no field of a caller; did you mean goal?",
        ),
        (
            '[[callers]]\ngoal = "a"\nexpects.say = ["b"]',
            "callers[1]: expects.say is no field of a caller; did you mean says?",
        ),
        (
            '[[callers]]\ngoal = "a"\njudges = ["safty"]',
            "callers[1]: judges is wrong: there is no judge safty; did you mean safety?",
        ),
        (
            '[[callers]]\ngoal = "a"\nexpects.outcome = "complete"',
            "callers[1]: expects.outcome is wrong: there is no outcome complete; "
            "did you mean completed?",
        ),
        ('[[callers]]\ngoal = "a"\nlines = "b"', "callers[1]: lines must be a list"),
    ],
)
def test_a_mistake_in_a_file_of_callers_is_one_line(
    deployment: Deployment, text: str, fault: str
) -> None:
    file = deployment.write("callers.toml", text)
    with pytest.raises(SettingsError) as told:
        read_callers(file)
    assert str(told.value) == f"callers.toml: {fault}"


# The command


def run(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """Run `host simulate` in this process; give its exit code, and what it printed."""
    monkeypatch.setattr("sys.argv", ["host", "simulate", *words.split()])
    monkeypatch.setattr("host.cli._exit", _raise_exit)
    with pytest.raises(SystemExit) as end:
        host.cli.main()
    assert isinstance(end.value.code, int)
    return end.value.code, capsys.readouterr().out


def _raise_exit(code: Any) -> Any:
    raise SystemExit(code)


def test_callers_beside_a_persona_run_without_any_model(
    desk: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("host.toml", "")
    (desk.folder / "plugins" / "acme.py").unlink()
    desk.write("personas/desk.callers.toml", TOML)
    code, shown = run("desk --local", capsys, monkeypatch)
    assert code == 1
    assert shown.splitlines() == [
        "caller          mood    turns  outcome    result",
        "books                   1      completed  passed",
        "asks for lunch  hungry  1      completed  failed",
        "",
        "failed: asks for lunch, hungry",
        "  did not say 'lunch'",
        "    persona  Here is the desk.",
        "    caller   Is there lunch?",
        "    persona  Sorry, could you say that again?",
        "    completed: the caller hung up",
        "",
        "1 of 2 passed",
    ]


def test_a_program_reads_json(
    desk: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("callers.toml", TOML)
    code, shown = run(
        "desk --callers callers.toml --goal book --mood calm --json", capsys, monkeypatch
    )
    told = json.loads(shown)
    assert (code, told["persona"], told["passed"], told["failed"]) == (1, "desk", 2, 1)
    book, books, lunch = told["callers"]
    assert book["judgments"] == {"goal": {"verdict": "pass", "reasoning": "it is pass"}}
    assert (books["passed"], books["outcome"], books["turns"]) == (True, "completed", 1)
    assert lunch["faults"] == ["did not say 'lunch'"]
    assert lunch["transcript"][0] == {"who": "persona", "what": "Here is the desk."}


def test_all_that_pass_exit_with_0(
    desk: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, shown = run("desk --goal book", capsys, monkeypatch)
    assert code == 0
    assert shown.splitlines()[-1] == "3 of 3 passed"


def test_what_callers_and_models_say_does_nothing_to_a_terminal() -> None:
    call = Simulated(Caller(goal="a\x1b[2J"), ["b\x1b[2J"])
    assert "\x1b" not in report("desk", [call], as_json=False).text
