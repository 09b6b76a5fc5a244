"""Every hook, in the order of a call.

A *question* is a synchronous hook with a return value: the first answer that is not None wins
(`tools`, `session_options` and `room_options` collect all answers). An *event* is an async hook:
all its implementations run, and a failure is logged. Most have 10 s for themselves: actions of the
call that they await do not count. A persona's hooks run on its own calls, a plugin's on all calls.
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
    """Return the pydantic model of the plugin's settings, read from `[plugins.NAME]` in host.toml.

    The environment variable `HOST_NAME_FIELD` sets a field, too, and takes precedence. Read the
    settings with `call.persona_settings.plugin(MODEL)`, or `settings.plugin(MODEL)` without a call.
    """


@hookspec
def pass_environment(settings: Settings) -> Sequence[str] | None:
    """Return environment variables to pass to the processes of calls, as names or `PREFIX_*`."""


@hookspec
async def while_serving(settings: Settings) -> None:
    """Run in the host's parent process while it serves calls; cancelled when it stops.

    A reload cancels it and runs it again if a file in the plugins' folder, or the plugin's
    settings, have changed.
    """


@hookspec(firstresult=True)
def choose_persona(dispatch: Dispatch, personas: Sequence[str]) -> str | None:
    """Return the name of the call's persona, or None to apply the host's routing rules.

    `dispatch` has the room, the metadata and, of a telephone call that came in, the dialled
    `number`, the `caller` and the `headers`. The hook may look something up: it runs in a thread of
    its own, for at most 3 s. Only plugins implement it, because the call has no persona yet.
    """


@hookspec(firstresult=True)
def parse_metadata(metadata: Mapping[str, Any]) -> object | None:
    """Validate the dispatch's metadata and return the call's details, kept as `call.details`.

    Raise ValueError, such as pydantic's ValidationError, to refuse the call.
    """


@hookspec
async def prepare_call(call: Call) -> None:
    """Prepare the call before the conversation starts, such as by a lookup in a database."""


@hookspec(firstresult=True)
def instructions(call: Call) -> str | None:
    """Return the LLM's instructions. A persona must implement this hook or `agent`."""


@hookspec(firstresult=True)
def agent(call: Call) -> agents.Agent | None:
    """Return a LiveKit Agent. Default: an Agent with the persona's `instructions`."""


@hookspec(firstresult=True)
def stt(call: Call) -> agents.stt.STT[Any] | str | None:
    """Return the STT: a LiveKit STT, or a name such as "deepgram/nova-3"."""


@hookspec(firstresult=True)
def llm(call: Call) -> agents.llm.LLM[Any] | agents.llm.RealtimeModel | str | None:
    """Return the LLM: a LiveKit LLM or realtime model, or a name such as "openai/gpt-4.1-mini"."""


@hookspec(firstresult=True)
def tts(call: Call) -> agents.tts.TTS[Any] | str | None:
    """Return the TTS: a LiveKit TTS, or a name such as "cartesia/sonic-3:VOICE"."""


@hookspec(firstresult=True)
def provide(
    call: Call,
    kind: Literal["stt", "llm", "tts"],
    provider: str,
    model: str,
    voice: str,
    language: str,
) -> agents.stt.STT[Any] | agents.llm.LLM[Any] | agents.tts.TTS[Any] | None:
    """Create the STT, LLM or TTS with the name provider/model:voice; None for other providers.

    `model` and `voice` are empty if the name omits them. Raise HostError if the model can't be
    created, such as without an API key.
    """


@hookspec
def session_options(call: Call) -> Mapping[str, Any] | None:
    """Return keyword arguments for LiveKit's AgentSession; all are merged, the persona's win."""


@hookspec
def room_options(call: Call) -> Mapping[str, Any] | None:
    """Return options for LiveKit's RoomOptions, such as noise cancellation; all are merged."""


@hookspec
def tools(call: Call) -> Sequence[Callable[..., Any] | agents.llm.Tool | agents.llm.Toolset] | None:
    """Return the LLM's tools: async functions with a docstring, or LiveKit tools."""


@hookspec(firstresult=True)
def greeting(call: Call) -> Greeting | str | None:
    """Return the greeting as text or Greeting(...), or None to let the LLM open the call.

    When the host starts, it also runs without a number and details, to render words that are the
    same in every call; if it raises then, they depend on the call. In an outbound call it runs
    while the line rings, and again at the answer.
    """


@hookspec(firstresult=True)
def voicemail_policy(call: Call) -> VoicemailPolicy | None:
    """Return the policy for an answering machine: LeaveMessage(text), HangUp() or Continue()."""


@hookspec(firstresult=True)
def screening_policy(call: Call) -> ScreeningPolicy | None:
    """Return the policy for a call screener: Identify(), HangUp() or Continue()."""


@hookspec
async def call_greeted(call: Call) -> None:
    """Run after the greeting; menus and digit collection belong here, without a time limit."""


@hookspec
async def resumed(call: Call) -> None:
    """Run after a takeover, when the caller has been told. Default: `call_greeted` again.

    Another process has the call because the last one died: `call.taken_over` is at least 1, and
    `call.state` has what was JSON-serialisable. There is no time limit.
    """


@hookspec
async def call_status_changed(call: Call, status: str) -> None:
    """Run when the SIP call status changes to dialing, ringing, automation, active or hangup."""


@hookspec
async def digit_pressed(call: Call, digit: str) -> None:
    """Run when the far end presses a key: one of 0123456789*#ABCD."""


@hookspec
async def hold_changed(call: Call, on_hold: bool) -> None:
    """Run when the far end puts the call on hold, and when the hold ends."""


@hookspec(firstresult=True)
def conclusions(call: Call) -> type[BaseModel] | None:
    """Return the pydantic model that the LLM fills in from the transcript, after the call.

    The record has the filled-in model as `results["conclusions"]`, as JSON, or says in
    `conclusions_error` why not. The LLM is asked only about calls in which both sides spoke.
    """


@hookspec(firstresult=True)
def recording_url(call: Call, recording: str) -> str | None:
    """Return the URL at which the call's recording will be stored, for its record.

    `recording` is the path of its file. The plugin that answers must store it there, in
    `call_ended` or later.
    """


@hookspec
async def joined(call: Call, by: str, note: str) -> None:
    """Run when another persona, `by`, has handed the call over; say the first words here.

    If no implementation says anything, the LLM goes on with the conversation: it replies once,
    and knows the `note`. There is no time limit.
    """


@hookspec
async def call_ended(call: Call, record: CallRecord) -> None:
    """Run exactly once when the call is over, however it ends."""
