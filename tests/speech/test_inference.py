"""Models of LiveKit Inference, without a key in the environment."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents import inference
from livekit.agents.utils import http_context

from host.settings import Settings
from host.speech.inference import inference_model

Model = inference.LLM | inference.RealtimeModel | inference.STT | inference.TTS


@pytest.mark.parametrize(
    ("kind", "named", "made"),
    [
        ("llm", ("openai", "gpt-4.1-mini", ""), inference.LLM),
        ("llm", ("openai", "gpt-realtime", ""), inference.RealtimeModel),
        ("stt", ("deepgram", "nova-3", ""), inference.STT),
        ("tts", ("cartesia", "sonic-3", "a-voice"), inference.TTS),
        ("tts", ("cartesia", "sonic-3", ""), inference.TTS),
    ],
)
async def test_a_model_of_livekit_inference_is_made_with_the_settings_keys(
    settings_of_a_call: Settings, kind: Any, named: tuple[str, str, str], made: type[Model]
) -> None:
    async with http_context.open():
        model: Any = inference_model(settings_of_a_call, kind, *named, language="de")
        options = model._opts
        assert isinstance(model, made)
        assert model.model == f"{named[0]}/{named[1]}"
        if kind != "llm":
            assert options.language == "de"
        if named[2]:
            assert options.voice == named[2]
