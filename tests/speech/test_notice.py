"""What the notice plugin puts before a greeting."""

from __future__ import annotations

import pytest
from deployment import Deployment

from host.call.answers import Greeting

RECORDED = "This call is recorded."
DISCLOSED = "I am a machine."


def greeting_of(deployment: Deployment, answer: str, settings: str) -> Greeting | str | None:
    """Ask a persona whose greeting is `answer`, in a deployment with these settings of it."""
    persona = deployment.persona("ann")
    with persona.open("a") as file:
        file.write(f"\n\n@hookimpl\ndef greeting(call):\n    return {answer}\n")
    persona.write_text(persona.read_text().replace("import hookimpl", "import Greeting, hookimpl"))
    deployment.write("host.toml", f"[personas.ann]\n{settings}\n")
    assert not deployment.faults()
    call = deployment.call_of("ann")
    greeting: Greeting | str | None = call.hooks.greeting(call=call)
    return greeting


@pytest.mark.parametrize(
    ("answer", "settings", "greeting"),
    [
        ("'Hello.'", "", "Hello."),
        ("None", "", None),
        (
            "Greeting('Hello.', notice='Mind the step.')",
            "",
            Greeting("Hello.", True, "Mind the step."),
        ),
        ("'Hello.'", "record = true", Greeting("Hello.", notice=RECORDED)),
        ("None", "record = true", Greeting("", notice=RECORDED)),
        ("'Hello.'", f"disclosure = '{DISCLOSED}'", Greeting("Hello.", notice=DISCLOSED)),
        (
            "'Hello.'",
            f"disclosure = '{DISCLOSED}'\nrecord = true",
            Greeting("Hello.", notice=f"{DISCLOSED} {RECORDED}"),
        ),
        (
            "'Hello.'",
            "record = true\nrecording_notice = 'We keep this call.'",
            Greeting("Hello.", notice="We keep this call."),
        ),
        ("'Hello.'", "record = true\nrecording_notice = ''", "Hello."),
        ("'Hello.'", "recording_notice = 'Not said, for nothing is recorded.'", "Hello."),
    ],
    ids=[
        "nothing is set",
        "nothing is set and the model opens",
        "nothing is set and the persona has a notice",
        "recorded",
        "recorded and the model opens",
        "disclosed",
        "disclosed and recorded",
        "recorded in words of its own",
        "recorded without a notice",
        "a notice without a recording",
    ],
)
def test_the_notice_comes_before_the_greeting(
    deployment: Deployment, answer: str, settings: str, greeting: object
) -> None:
    assert greeting_of(deployment, answer, settings) == greeting


def test_a_personas_own_notice_and_its_manners_are_kept(deployment: Deployment) -> None:
    answer = "Greeting('Hello.', interruptible=False, notice='Mind the step.')"
    assert greeting_of(deployment, answer, "record = true") == Greeting(
        "Hello.", interruptible=False, notice=f"{RECORDED} Mind the step."
    )


def test_what_a_persona_says_itself_is_not_said_twice(deployment: Deployment) -> None:
    answer = f"Greeting('Hello.', notice='Hi. {RECORDED}')"
    settings = f"disclosure = '{DISCLOSED}'\nrecord = true"
    assert greeting_of(deployment, answer, settings) == Greeting(
        "Hello.", notice=f"{DISCLOSED} Hi. {RECORDED}"
    )
