"""Protocols of a call's components, as the call and its hooks use them.

`host.telephony` and `host.speech` implement them; the runner builds them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.agents import Agent

    from host.records.record import CallRecord, ToolUse
    from host.settings import TransferTarget


class LiveEvents(Protocol):
    """Tells the host's process what happens in a call while it goes on."""

    def look(self) -> None:
        """Tell what is new in the call's state."""
        ...

    def tool_started(self, tool: str, name: str, arguments: str) -> None:
        """Tell that the model calls a tool; `tool` is the ID of the tool call."""
        ...

    def tool_ended(self, tool: str, use: ToolUse) -> None:
        """Tell that a tool call has ended."""
        ...

    def ended(self, record: CallRecord) -> None:
        """Tell of the call's redacted record."""
        ...

    def saved(self) -> None:
        """Tell that the call's checkpoint is new."""


class Hooks(Protocol):
    """All hooks, implemented by the plugins and one persona: `hooks.greeting(call=call)`."""

    def __getattr__(self, hook: str) -> Any: ...

    def in_turn(self, hook: str) -> Sequence[Any]:
        """Return a hook's callers, to be called one after the other."""
        ...

    def of_those_without(self, missing: str, hook: str) -> Any:
        """Return the caller of `hook` for the personas and plugins that have no `missing`."""
        ...


class FarEnd(Protocol):
    """The other party, in LiveKit's room."""

    room: rtc.Room

    @property
    def identity(self) -> str | None:
        """Its participant identity; None until known."""
        ...

    @property
    def telephone(self) -> bool:
        """True for a SIP participant, False for a browser or an app."""
        ...

    @property
    def participant(self) -> rtc.RemoteParticipant | None:
        """Its participant; None while it is not in the room."""
        ...

    @property
    def pressing(self) -> bool:
        """True while keys are being sent."""
        ...

    async def answered(self) -> None:
        """Wait for the answer."""
        ...

    async def press(self, written: str, *, private: bool = False) -> None:
        """Send DTMF keys. Raises HostError."""
        ...

    async def gone(self, limit: float) -> None:
        """Wait until it has left the room, at most `limit` seconds."""
        ...

    async def hang_up(self) -> None:
        """Remove every caller and callee from the room."""
        ...

    async def leave(self) -> None:
        """Leave and delete the room."""
        ...


class Transfers(Protocol):
    """Transfers the call to another party."""

    @property
    def under_way(self) -> bool:
        """True while a target is being asked or called."""
        ...

    async def hand_over(
        self, to: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Transfer the call. Raises HostError if the target does not accept."""
        ...

    async def abort(self) -> None:
        """Cancel a transfer in progress; the far end stays."""
        ...

    async def close(self) -> None:
        """Cancel a transfer in progress."""
        ...


class Handovers(Protocol):
    """Hands the call over to other personas."""

    async def hand_over(self, to: str, note: str) -> None:
        """Give the call to another persona. Raises HostError; this one then keeps the call."""
        ...


class Recorder(Protocol):
    """Records the call's audio."""

    async def begin(self, heard: str) -> None:
        """Start recording; `heard` is the notice that announced it."""
        ...

    async def resume(self) -> None:
        """Continue the recording of a process that died."""
        ...

    async def close(self, *, discard: bool = False) -> None:
        """Finish the recording's file; `discard` deletes it, and those from before a takeover."""
        ...


class PromptPlayer(Protocol):
    """Plays cached prompts on a track of its own, without the session or a provider."""

    @property
    def sounds(self) -> bool:
        """Whether audio is playing."""
        ...

    async def open(self) -> None:
        """Publish the track, if it is not yet published."""
        ...

    async def play(self, sound: list[rtc.AudioFrame]) -> None:
        """Play frames to their end."""
        ...


class RenderedSpeech(Protocol):
    """Exact words that need not wait for the TTS."""

    def begin(self, *texts: str) -> None:
        """Render texts that are not on disk, one after the other, while nobody waits for them."""
        ...

    def drop(self) -> None:
        """Forget what was begun and is not said."""
        ...

    def audio_of(self, text: str) -> AsyncIterator[rtc.AudioFrame] | None:
        """Return the frames of a text in the session's voice; None: the TTS is to say it."""
        ...


class FirstWords(Protocol):
    """Speech of the far end that has not been answered yet."""

    @property
    def due(self) -> bool:
        """True while the transcript of speech that has ended may still arrive."""
        ...

    def take(self, *, keep_due: bool = False) -> str:
        """Return the text and clear it: whoever takes it must answer it.

        With `keep_due`, a transcript that is due still arrives.
        """
        ...

    def end_turn(self, *, keep_due: bool = False) -> None:
        """Drop the far end's turn if it is silent."""
        ...

    async def keep(self) -> None:
        """Add it to the model's context without a reply."""
        ...

    async def answer(self, *, but_a_hello: bool = False) -> None:
        """Let the model reply to it."""
        ...


class Listening(Protocol):
    """What the STT returns, before the session takes it."""

    last_result: float
    """When the STT last returned what it made of speech, be it nothing, by the loop's clock."""

    reporting: bool
    """True while a transcript is reported that is a backchannel, and needs no answer."""

    recognises: bool
    """Whether the persona that has the call wants backchannels recognised."""

    def attach(self, agent: Agent) -> None:
        """Listen to an agent's STT, before the session starts with the agent."""
        ...


class ToolResults(Protocol):
    """Tells the caller the results of the model's tools."""

    @property
    def pending(self) -> bool:
        """True while a tool runs that no longer holds up the conversation."""
        ...

    @property
    def blocking(self) -> bool:
        """True while a tool holds up the conversation."""
        ...


class VoicemailWatch(Protocol):
    """Detects machines on an outbound call."""

    async def meet_machine(self) -> None:
        """Apply the persona's voicemail policy."""
        ...

    def keep_watching(self) -> None:
        """Continue detection during the conversation."""
        ...
