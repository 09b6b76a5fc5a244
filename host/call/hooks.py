"""Every hook, in the order of a call.

A *question* is a noun and answered at once: the first answer that is not None wins (`tools` and
`session_options` gather all). An *event* is a verb and async: everyone is told, and one that fails
is passed over. A persona speaks on its own calls, a plugin on every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pluggy

if TYPE_CHECKING:
    import typer
    from livekit import agents
    from pydantic import BaseModel

    from host.call.answers import Greeting, ScreeningPolicy, VoicemailPolicy
    from host.call.call import Call
    from host.call.dispatch import Dispatch
    from host.records.record import CallRecord
    from host.settings import Settings

hookspec = pluggy.HookspecMarker("host")
hookimpl = pluggy.HookimplMarker("host")


@hookspec
def register_commands(cli: typer.Typer) -> None:
    """Add commands to `python -m host`."""


@hookspec
def plugin_settings() -> type[BaseModel] | None:
    """Declare a plugin's settings: a pydantic model, read from `[plugins.NAME]` of host.toml.

    `HOST_NAME_FIELD` in the environment sets a field, too, and weighs more. Read them with
    `call.persona_settings.plugin(MODEL)`, or `settings.plugin(MODEL)` where there is no call.
    """


@hookspec
def pass_environment(settings: Settings) -> Sequence[str] | None:
    """Name environment variables that calls need, whole or as `PREFIX_*`; they get no others."""


@hookspec
async def while_serving(settings: Settings) -> None:
    """Run beside the worker, in its own process, until it stops and this is cancelled.

    Only plugins are asked.
    """


@hookspec(firstresult=True)
def choose_persona(dispatch: Dispatch, personas: Sequence[str]) -> str | None:
    """Name the persona of a call before the host's own rules do; None leaves it to them.

    Only plugins are asked: no persona speaks on a call that is not yet its own.
    """


@hookspec(firstresult=True)
def parse_metadata(metadata: Mapping[str, Any]) -> object | None:
    """Check a dispatch's metadata and return what the call needs of it, kept as `call.details`.

    Raise ValueError (pydantic's ValidationError is one) to refuse the call.
    """


@hookspec
async def prepare_call(call: Call) -> None:
    """Look up what the call needs, before anyone speaks."""


@hookspec(firstresult=True)
def instructions(call: Call) -> str | None:
    """Tell the model who it is and what to do. A persona must have this or `agent`."""


@hookspec(firstresult=True)
def agent(call: Call) -> agents.Agent | None:
    """Return a LiveKit Agent, for all that LiveKit can do; by default one of the hooks' answers."""


@hookspec(firstresult=True)
def stt(call: Call) -> agents.stt.STT[Any] | str | None:
    """Return the speech-to-text engine, a LiveKit STT, or a name such as "deepgram/nova-3"."""


@hookspec(firstresult=True)
def llm(call: Call) -> agents.llm.LLM[Any] | agents.llm.RealtimeModel | str | None:
    """Return the language model, a LiveKit LLM or realtime model, or a name."""


@hookspec(firstresult=True)
def tts(call: Call) -> agents.tts.TTS[Any] | str | None:
    """Return the text-to-speech engine, a LiveKit TTS, or a name with a voice at its end."""


@hookspec(firstresult=True)
def provide(
    call: Call,
    kind: Literal["stt", "llm", "tts"],
    provider: str,
    model: str,
    voice: str,
    language: str,
) -> agents.stt.STT[Any] | agents.llm.LLM[Any] | agents.tts.TTS[Any] | None:
    """Make the model that settings or hooks name as provider/model:voice; None for other providers.

    `model` and `voice` are empty where the name leaves them out. Raise HostError where it can't be
    made, as without a key.
    """


@hookspec
def session_options(call: Call) -> Mapping[str, Any] | None:
    """Return keyword arguments of LiveKit's AgentSession; all are merged, the persona's win."""


@hookspec
def tools(call: Call) -> Sequence[Callable[..., Any] | agents.llm.Tool | agents.llm.Toolset] | None:
    """Return what the model may do: async functions with a docstring, or LiveKit's own tools."""


@hookspec(firstresult=True)
def greeting(call: Call) -> Greeting | str | None:
    """Return the exact first words, or Greeting(...). None: the model opens the call."""


@hookspec(firstresult=True)
def voicemail_policy(call: Call) -> VoicemailPolicy | None:
    """Say what to do when a machine answers: LeaveMessage(text), HangUp() or Continue()."""


@hookspec(firstresult=True)
def screening_policy(call: Call) -> ScreeningPolicy | None:
    """Say what to do when a call screener asks who is calling: Identify(), HangUp(), Continue()."""


@hookspec
async def call_greeted(call: Call) -> None:
    """The first words were heard: the place for menus and digits, however long they take."""


@hookspec
async def call_status_changed(call: Call, status: str) -> None:
    """The line's status is now dialing, ringing, automation, active or hangup."""


@hookspec
async def digit_pressed(call: Call, digit: str) -> None:
    """The far end pressed a key: one of 0123456789*#ABCD."""


@hookspec
async def call_ended(call: Call, record: CallRecord) -> None:
    """The call is over. Told exactly once, in every ending."""
