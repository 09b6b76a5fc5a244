"""Providers in memory: STT, LLM, TTS and VAD for LiveKit's session, which run on its own clock.

They take the place of Deepgram's, OpenAI's and Cartesia's plugins and of the servers that
`host.local` has for them: the same delays, and the same troubles.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from aiohttp import WSCloseCode
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    LanguageCode,
    llm,
    stt,
    tts,
    vad,
)

from host.local.rule_llm import Answer, RuleLlm, deltas, request_of
from host.local.rules import Rule, read_turn, reply_to
from host.local.trouble import Trouble, Troubles, for_ever

from .sound import MUMBLED, Samples, is_speech, read, speak

RATE = 24000
"""Samples a second that the voice speaks at, and that LiveKit's session hears."""
FINAL_AFTER = 0.2
"""Seconds of silence after which the STT's transcript is final: Deepgram's takes 0.24 s."""
FIRST_TOKEN, FIRST_SOUND = 0.2, 0.12
"""Seconds that the LLM takes to its first word, and the TTS to its first sample."""
SPEECH_AFTER, SILENCE_AFTER = 0.05, 0.25
"""Seconds of speech, and of silence, that the VAD believes: those of LiveKit's own."""
STALLS_AFTER = 0.4
"""Seconds of sound that come before a voice in trouble stalls, or closes."""
CLOSES_AFTER = 0.02
"""Seconds in which what a voice has sent is heard, before it closes."""


class Provider:
    """What all calls share of one provider: its troubles, and how long it takes."""

    def __init__(self) -> None:
        self.troubles = Troubles()
        self.delay = 0.0
        """Seconds more than usual before an answer."""
        self.hang = False
        self.fail_with: int | None = None

    def meet(self, model: str) -> Trouble | None:
        """Say what is wrong with a model this time. Raises APIStatusError where it refuses."""
        trouble = self.troubles.meet(model)
        status = self.fail_with or (trouble.status if trouble else None)
        if status:
            raise APIStatusError("in trouble", status_code=status, body=None)
        return Trouble.HANG if self.hang else trouble


class Listener(Provider):
    """The STT's side; `heard` is all that it understood."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.ears: list[tuple[str, str]] = []
        """The model and language that heard each text."""
        self.requests: list[dict[str, str]] = []
        """The model and language of each stream."""


class Thinker(Provider):
    """The LLM's side: it answers by rules. `requests` is everything that it was asked."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        super().__init__()
        self.rules = tuple(rules)
        self.requests: list[dict[str, Any]] = []


class Speaker(Provider):
    """The TTS's side; `spoken` is all that it was given to say."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken: list[str] = []
        self.voices: list[tuple[str, str, str]] = []
        """The model, voice and language of each text."""

    def meet(self, model: str) -> Trouble | None:
        """Refuse in a message of the websocket, as Cartesia does once it is connected."""
        trouble = self.troubles.meet(model)
        if self.fail_with:
            raise APIStatusError("in trouble", status_code=self.fail_with, body=None)
        if trouble and trouble.status:
            raise APIError("in trouble")
        return Trouble.HANG if self.hang else trouble


class Stt(stt.STT[Any]):
    """Reads the words out of the samples."""

    def __init__(self, provider: Listener, model: str, language: str = "en") -> None:
        can = stt.STTCapabilities(streaming=True, interim_results=True)
        super().__init__(capabilities=can)
        self.side, self._model, self.language = provider, model, language

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return "Deepgram"

    async def _recognize_impl(self, buffer: Any, **options: Any) -> stt.SpeechEvent:
        if self.side.meet(self._model):
            await for_ever()
        frame = rtc.combine_audio_frames(buffer)
        text = read(np.frombuffer(frame.data, np.int16), frame.sample_rate)
        return _transcript(stt.SpeechEventType.FINAL_TRANSCRIPT, text)

    def stream(
        self,
        *,
        language: Any = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _Listening(stt=self, conn_options=conn_options)


class _Listening(stt.RecognizeStream):
    async def _run(self) -> None:
        ears = self._stt
        assert isinstance(ears, Stt)
        ears.side.requests.append({"model": ears.model, "language": ears.language})
        trouble = ears.side.meet(ears.model)
        heard: list[Samples] = []
        speaks = False
        """Whether a start of speech was told, and no end."""
        silence, told, rate, lasted = 0.0, "", RATE, 0.0
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                continue
            if trouble is Trouble.HANG or ears.side.hang:
                continue
            rate, lasted = frame.sample_rate, lasted + frame.duration
            samples = np.frombuffer(frame.data, np.int16)
            if is_speech(samples):
                if not speaks:
                    speaks = True
                    self._tell(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
                heard.append(samples)
                silence = 0.0
                words = read(np.concatenate(heard), rate)
                if words.count(" ") > told.count(" "):
                    told = words
                    kind = stt.SpeechEventType.INTERIM_TRANSCRIPT
                    self._tell(_transcript(kind, words.rpartition(" ")[0]))
            elif heard:
                heard.append(samples)
                silence += frame.duration
                if silence >= FINAL_AFTER:
                    words = read(np.concatenate(heard), rate)
                    heard, told = [], ""
                    if trouble is Trouble.CLOSE:
                        raise _closed()
                    if trouble is Trouble.GARBAGE:
                        continue  # Deepgram's plugin logs what it can't read, and goes on
                    if trouble is Trouble.STALL:
                        trouble = Trouble.HANG
                    await asyncio.sleep(ears.side.delay)
                    ears.side.heard.append(words)
                    ears.side.ears.append((ears.model, ears.language))
                    self._tell(_transcript(stt.SpeechEventType.FINAL_TRANSCRIPT, words))
                    self._tell(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))
                    speaks = False
                    self._tell(_usage(lasted))
                    lasted = 0.0
        if heard and trouble is None:  # as a recogniser does that is told that nothing more comes
            words = read(np.concatenate(heard), rate)
            self._tell(_transcript(stt.SpeechEventType.FINAL_TRANSCRIPT, words))

    def _tell(self, event: stt.SpeechEvent) -> None:
        self._event_ch.send_nowait(event)


def _closed() -> APIStatusError:
    """What Deepgram's and Cartesia's plugins raise when their websocket is closed."""
    return APIStatusError("closed", status_code=WSCloseCode.INTERNAL_ERROR, body=None)


def _usage(seconds: float) -> stt.SpeechEvent:
    usage = stt.RecognitionUsage(audio_duration=seconds)
    return stt.SpeechEvent(type=stt.SpeechEventType.RECOGNITION_USAGE, recognition_usage=usage)


def _transcript(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    text = text.replace(MUMBLED, "")  # of speech that it can't make out, an STT returns nothing
    data = stt.SpeechData(language=LanguageCode("en"), text=text, confidence=0.99)
    return stt.SpeechEvent(type=kind, alternatives=[data])


class Vad(vad.VAD):
    """Tells speech from silence and tones by its samples."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.05))

    @property
    def min_silence_duration(self) -> float:
        return SILENCE_AFTER

    def stream(self) -> vad.VADStream:
        return _Watching(self)


class _Watching(vad.VADStream):
    async def _main_task(self) -> None:
        speaking, speech, silence, spoken, index = False, 0.0, 0.0, 0.0, 0
        frames: list[rtc.AudioFrame] = []
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):  # what comes now belongs to nothing before
                speaking, speech, silence, frames = False, 0.0, 0.0, []
                continue
            loud = is_speech(np.frombuffer(frame.data, np.int16))
            index += frame.samples_per_channel
            speech = speech + frame.duration if loud else 0.0
            silence = 0.0 if loud else silence + frame.duration
            spoken = spoken + frame.duration if speaking else 0.0
            if speaking or loud:
                frames.append(frame)
            event = vad.VADEvent(
                type=vad.VADEventType.INFERENCE_DONE,
                samples_index=index,
                timestamp=index / RATE,
                speech_duration=spoken,
                silence_duration=silence,
                frames=[frame],
                probability=1.0 if loud else 0.0,
                speaking=speaking,
                raw_accumulated_silence=silence,
                raw_accumulated_speech=speech,
            )
            self._event_ch.send_nowait(event)
            if not speaking and speech >= SPEECH_AFTER:
                speaking, spoken = True, speech
                kind = vad.VADEventType.START_OF_SPEECH
            elif speaking and silence >= SILENCE_AFTER:
                speaking = False
                kind = vad.VADEventType.END_OF_SPEECH
            else:
                continue
            turn = replace(
                event, type=kind, frames=frames, speaking=speaking, speech_duration=spoken
            )
            self._event_ch.send_nowait(turn)
            frames = [*frames] if speaking else []


class Tts(tts.TTS[Any]):
    """Writes the words into samples."""

    def __init__(
        self, provider: Speaker, model: str, voice: str = "", language: str = "en"
    ) -> None:
        can = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=can, sample_rate=RATE, num_channels=1)
        self.side, self._model = provider, model
        self.voice, self.language = voice, language

    @property
    def is_of_its_own(self) -> bool:
        """Whether its voice can be told from that of a persona without settings."""
        return bool(self.voice) or self.language != "en"

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return "Cartesia"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Speaking(tts=self, input_text=text, conn_options=conn_options)


class _Speaking(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = self._tts
        assert isinstance(voice, Tts)
        output_emitter.initialize(
            request_id=secrets.token_hex(4),
            sample_rate=RATE,
            num_channels=1,
            mime_type="audio/pcm",
        )
        await asyncio.sleep(FIRST_SOUND + voice.side.delay)
        trouble = voice.side.meet(voice.model)
        if trouble is Trouble.GARBAGE:
            raise APIConnectionError("what came is no message")
        if trouble is Trouble.HANG:
            await asyncio.sleep(self._conn_options.timeout)
            raise APITimeoutError
        voice.side.spoken.append(self.input_text)
        voice.side.voices.append((voice.model, voice.voice, voice.language))
        own = (voice.model, voice.voice, voice.language) if voice.is_of_its_own else None
        sound = speak(f"{self.input_text} ", RATE, own)  # a breath between two sentences
        if trouble:
            sound = sound[: round(STALLS_AFTER * RATE)]
        output_emitter.push(sound.tobytes())
        output_emitter.flush()
        if trouble is Trouble.CLOSE:
            await asyncio.sleep(CLOSES_AFTER)
            raise _closed()
        if trouble:
            await asyncio.sleep(self._conn_options.timeout)
            raise APITimeoutError


class _Thinking(Answer):
    async def _run(self) -> None:
        mind = self._llm
        assert isinstance(mind, Llm)
        asked = request_of(self._chat_ctx, mind.schemas_of(self._tools), self.tool_choice)
        request = {"model": mind.model, **asked}
        mind.side.requests.append(request)
        trouble = mind.side.meet(mind.model)
        if trouble is Trouble.HANG:
            await self._in_vain()
        await asyncio.sleep(FIRST_TOKEN + mind.side.delay)
        reply = reply_to(read_turn(request, mind.persona()), mind.side.rules)
        for at, delta in enumerate(deltas(reply)):
            if trouble and (at == 1 or delta.tool_calls):
                await self._give_way(trouble, begun=at > 0)
            self._event_ch.send_nowait(llm.ChatChunk(id=secrets.token_hex(4), delta=delta))
        tokens = sum(len(str(message).split()) for message in request["messages"])
        usage = llm.CompletionUsage(
            completion_tokens=len(reply.text.split()) + 1,
            prompt_tokens=tokens,
            total_tokens=tokens + len(reply.text.split()) + 1,
        )
        self._event_ch.send_nowait(llm.ChatChunk(id=secrets.token_hex(4), usage=usage))

    async def _give_way(self, trouble: Trouble, *, begun: bool) -> None:
        """Fail in the middle of an answer; asked anew is only where no word has come."""
        if trouble is Trouble.STALL:
            await self._in_vain(retryable=not begun)
        raise APIConnectionError(trouble.value, retryable=not begun)

    async def _in_vain(self, *, retryable: bool = True) -> None:
        """Wait as long as the caller of a provider does for the next word."""
        await asyncio.sleep(self._conn_options.timeout)
        raise APITimeoutError(retryable=retryable)


class Llm(RuleLlm):
    """Answers by the rules of its provider, which a test may change at any time."""

    answers = _Thinking

    def __init__(self, provider: Thinker, model: str, persona: str | None = None) -> None:
        super().__init__(provider.rules, lambda: persona)
        self.side, self._model = provider, model

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return "OpenAI"
