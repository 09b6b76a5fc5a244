"""Loads a prompt as frames: from the cache, or from the TTS with a short timeout."""

from __future__ import annotations

import asyncio
import io
import logging
import wave
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions, tts

from host import registry
from host.call.live import LiveCall
from host.speech.prompts.cache import PromptCache
from host.speech.providers import make

log = logging.getLogger("host")

RATE = 24000
"""Sample rate of all prompts, in Hz; mono, 16 bits."""
TTS_LIMIT = 3.0
"""Seconds that the TTS may take for a prompt that is not cached."""
FRAME = RATE // 50
"""Samples per frame (20 ms)."""


async def sound_of(call: LiveCall, words: str) -> list[rtc.AudioFrame]:
    """Return the frames of these words; empty if they are not cached and the TTS fails."""
    if file := PromptCache(call.settings.state_dir).find(call.persona, words):
        try:
            return read(file)
        except (OSError, EOFError, wave.Error) as error:
            log.warning("can't play %s: %s", file, error)
    try:
        engine = (call.session and call.session.tts) or tts_of(call)
        if engine is None:
            return []
        return frames_of(await synthesise(engine, words, TTS_LIMIT))
    except Exception as error:
        log.warning("can't synthesize %r: %s", words, error or type(error).__name__)
        return []


def tts_of(call: LiveCall) -> Any:
    """Return a persona's TTS, or the plugins' if that can't be created. May be None, or raise."""
    try:
        return _made(call, call.hooks.tts(call=call.call))
    except Exception as error:
        why = error or type(error).__name__
        log.warning("the TTS of %s failed, using the plugins': %s", call.persona, why)
        return _made(call, registry.load(call.settings).view(None).tts(call=call.call))


def _made(call: LiveCall, engine: Any) -> Any:
    return make(call, "tts", engine) if isinstance(engine, str) else engine


async def synthesise(engine: tts.TTS[Any], words: str, limit: float) -> bytes:
    """Synthesize mono samples of 16 bits at RATE. Raises the TTS's error, or TimeoutError."""
    patience = APIConnectOptions(max_retry=0, timeout=limit)
    async with asyncio.timeout(limit), engine.synthesize(words, conn_options=patience) as stream:
        frames = [audio.frame async for audio in stream]
    if not frames:
        raise ValueError(f"the TTS returned no audio for {words!r}")
    whole = rtc.combine_audio_frames(frames)
    if whole.sample_rate == RATE and whole.num_channels == 1:
        return bytes(whole.data.cast("b"))
    resampler = rtc.AudioResampler(whole.sample_rate, RATE, num_channels=1)
    mono = _mono(whole)
    parts: list[Any] = [*resampler.push(mono), *resampler.flush()]
    return b"".join(bytes(part.data.cast("b")) for part in parts)


def wav_of(samples: bytes) -> bytes:
    """Return samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(samples)
    return file.getvalue()


def read(file: Path) -> list[rtc.AudioFrame]:
    """Read a cached WAV file as frames. Raises OSError, EOFError and wave.Error."""
    with wave.open(str(file)) as wav:
        if (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) != (RATE, 1, 2):
            raise wave.Error("not a prompt of the host")
        return frames_of(wav.readframes(wav.getnframes()))


def frames_of(samples: bytes) -> list[rtc.AudioFrame]:
    """Split samples into frames of 20 ms."""
    step = FRAME * 2
    return [
        rtc.AudioFrame(part, RATE, 1, len(part) // 2)
        for part in (samples[at : at + step] for at in range(0, len(samples) // 2 * 2, step))
    ]


def _mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    if frame.num_channels == 1:
        return frame
    samples = frame.data.cast("b").cast("h")[:: frame.num_channels]
    return rtc.AudioFrame(samples.tobytes(), frame.sample_rate, 1, frame.samples_per_channel)
