"""Lists of fallbacks: what makes them, what is wrong with them, and how long each may try."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from deployment import Deployment
from livekit.agents import inference, llm, stt, tts
from livekit.agents.utils import http_context
from livekit.plugins import cartesia, deepgram, openai

from host.base.errors import HostError
from host.call.live import LiveCall
from host.server.admission import check
from host.settings import load_settings
from host.speech.providers import (
    Kind,
    adapter,
    connecting,
    faults,
    make,
    remaining_stts,
    with_fallbacks,
)

KEYS = {"DEEPGRAM_API_KEY": "d", "CARTESIA_API_KEY": "c", "OPENAI_API_KEY": "o"}
CLOUD = {
    "LIVEKIT_URL": "wss://here.livekit.cloud",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-that-is-long-enough-for-a-key",
}


A_PROVIDER = """
    from host import hookimpl
    @hookimpl
    def provide(kind, provider, model, voice, language):
        if (kind, provider) != ("stt", "aaa"):
            return None
        from in_memory.speech import Stt
        made = Stt(None, model)
        made.asked = [provider, model, voice, language]
        return made
    """


def a_call_in(deployment: Deployment, toml: str = "", **environment: str) -> LiveCall:
    """A call of Ann, in a deployment with the bundled plugins."""
    os.environ.update(environment)
    deployment.persona("ann")
    deployment.write("host.toml", toml)
    return deployment.call_of("ann")


@pytest.fixture
async def web() -> AsyncIterator[None]:
    """What models need to reach their providers."""
    async with http_context.open():
        yield


def test_without_a_list_a_model_stays_as_it_is(deployment: Deployment) -> None:
    call = a_call_in(deployment, **KEYS)
    model = make(call, "llm", "openai/gpt-5")
    assert with_fallbacks(call, "llm", model) is model


async def test_a_list_stands_behind_the_model_in_its_order(
    deployment: Deployment, web: None
) -> None:
    toml = 'llm_fallbacks = ["openai/second", "openai/third"]'
    call = a_call_in(deployment, toml, **KEYS)
    together = with_fallbacks(call, "llm", call.hooks.llm(call=call))
    assert isinstance(together, llm.FallbackAdapter)
    assert together.model == "gpt-4.1-mini"
    assert make(call, "llm", "openai/second").model == "second"


async def test_a_personas_own_list_wins(deployment: Deployment, web: None) -> None:
    toml = 'tts_fallbacks = ["cartesia/sonic-2"]\n[personas.ann]\ntts_fallbacks = []'
    call = a_call_in(deployment, toml, **KEYS)
    assert isinstance(with_fallbacks(call, "tts", call.hooks.tts(call=call)), cartesia.TTS)


async def test_a_voice_may_be_named_behind_its_model(deployment: Deployment, web: None) -> None:
    call = a_call_in(deployment, **KEYS)
    made = make(call, "tts", "cartesia/sonic-2:a-voice")
    assert (made.model, made._opts.voice) == ("sonic-2", "a-voice")


async def test_what_no_plugin_makes_comes_from_livekit_inference(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, **CLOUD)
    assert isinstance(make(call, "stt", "deepgram/nova-3:de"), inference.STT)
    assert isinstance(make(call, "llm", "google/gemini-2.5-flash"), inference.LLM)
    assert isinstance(make(call, "tts", "cartesia/sonic-3:a-voice"), inference.TTS)


async def test_livekit_cloud_stands_in_for_a_key_that_is_not_set(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, **CLOUD)
    assert check(call.settings) == []
    assert isinstance(make(call, "stt", "deepgram"), inference.STT)


async def test_a_key_of_ones_own_is_used_before_livekit_inference(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, **CLOUD, **KEYS)
    assert isinstance(make(call, "stt", "deepgram/nova-2"), deepgram.STT)
    assert isinstance(make(call, "llm", "openai/gpt-4.1"), openai.LLM)


def test_a_fallback_that_nobody_makes_is_found_at_the_start(deployment: Deployment) -> None:
    toml = 'stt_fallbacks = ["nobody/nothing"]\n[personas.ann]\ntransfer_on_failure = "shop"'
    call = a_call_in(deployment, toml, **KEYS)
    expected = [
        'stt_fallbacks = "nobody/nothing": no plugin provides nobody; LiveKit Inference has it on '
        "LiveKit Cloud alone",
        "transfer_on_failure: 'shop' is not among [transfers]",
    ]
    assert faults(call) == expected
    assert check(call.settings) == expected


def test_a_key_of_a_provider_that_nobody_uses_is_not_asked_for(deployment: Deployment) -> None:
    deployment.write("plugins/aaa.py", A_PROVIDER)
    call = a_call_in(deployment, 'stt = "aaa/fast"', OPENAI_API_KEY="o", CARTESIA_API_KEY="c")
    assert check(call.settings) == []
    call = a_call_in(deployment, OPENAI_API_KEY="o", CARTESIA_API_KEY="c")
    assert check(call.settings) == ['stt = "deepgram": DEEPGRAM_API_KEY is not set']


@pytest.mark.parametrize("plugin", ["aaa", "zzz"])
async def test_a_provider_is_chosen_by_its_name_and_never_by_that_of_its_file(
    deployment: Deployment, web: None, plugin: str
) -> None:
    deployment.write(f"plugins/{plugin}.py", A_PROVIDER)
    toml = '[personas.bob]\nstt = "aaa/fast:de"\nlanguage = "fr"'
    os.environ.update(KEYS)
    ann = a_call_in(deployment, toml, **KEYS)
    assert isinstance(with_fallbacks(ann, "stt", ann.hooks.stt(call=ann)), deepgram.STT)
    deployment.persona("bob")
    bob = deployment.call_of("bob")
    made = with_fallbacks(bob, "stt", bob.hooks.stt(call=bob))
    assert made.asked == ["aaa", "fast", "", "de"]


def test_a_fault_of_some_personas_names_them(deployment: Deployment) -> None:
    deployment.persona("bob")
    toml = '[personas.bob]\nstt = "nobody/nothing"'
    [fault] = check(a_call_in(deployment, toml, **KEYS).settings)
    assert fault.startswith('bob: stt = "nobody/nothing": no plugin provides nobody')


async def test_a_persona_has_its_own_voice_language_and_model(
    deployment: Deployment, web: None
) -> None:
    toml = """
        stt = "deepgram/nova-2"
        [personas.ann]
        language = "de"
        tts = "cartesia/sonic-2:OTHER"
        [personas.ann.plugins.openai]
        model = "gpt-5"
        """
    ann = a_call_in(deployment, toml, **KEYS)
    voice = with_fallbacks(ann, "tts", ann.hooks.tts(call=ann))
    assert (voice.model, voice._opts.voice, voice._opts.language) == ("sonic-2", "OTHER", "de")
    ears = with_fallbacks(ann, "stt", ann.hooks.stt(call=ann))
    assert (ears.model, ears._opts.language) == ("nova-2", "de")
    assert with_fallbacks(ann, "llm", ann.hooks.llm(call=ann)).model == "gpt-5"
    deployment.persona("bob")
    bob = deployment.call_of("bob")
    voice = with_fallbacks(bob, "tts", bob.hooks.tts(call=bob))
    assert (voice.model, voice._opts.language) == ("sonic-3", "en")


async def test_inference_serves_every_name_where_it_is_wished(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, "inference = true", **CLOUD, **KEYS)
    assert check(call.settings) == []
    made = with_fallbacks(call, "tts", call.hooks.tts(call=call))
    assert isinstance(made, inference.TTS)
    assert made.model == "cartesia/sonic-3", "as its plugin's settings complete the name"


def test_a_provider_without_a_model_is_not_guessed_for_inference(deployment: Deployment) -> None:
    call = a_call_in(deployment, 'stt = "elsewhere"', **CLOUD, **KEYS)
    assert check(call.settings) == ['stt = "elsewhere": name its model too, as in provider/model']


async def test_a_fallback_that_can_not_be_made_costs_no_call(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, 'stt_fallbacks = ["nobody/nothing"]', **KEYS)
    assert isinstance(with_fallbacks(call, "stt", call.hooks.stt(call=call)), deepgram.STT)


def test_a_list_in_the_environment_is_parted_by_commas(deployment: Deployment) -> None:
    os.environ["HOST_LLM_FALLBACKS"] = "openai/second, openai/third"
    assert load_settings().llm_fallbacks == ("openai/second", "openai/third")


def test_one_provider_is_tried_again_and_several_are_asked_in_turn(
    deployment: Deployment,
) -> None:
    call = a_call_in(deployment, 'tts_fallbacks = ["cartesia/sonic-2"]\ndead_air_limit = 8')
    options = connecting(call)
    assert (options.llm_conn_options.timeout, options.llm_conn_options.max_retry) == (4.8, 2)
    assert (options.tts_conn_options.timeout, options.tts_conn_options.max_retry) == (3.0, 0)


async def test_the_ears_that_are_left_are_those_behind_the_one_that_listens(
    deployment: Deployment, web: None
) -> None:
    call = a_call_in(deployment, 'stt_fallbacks = ["deepgram/nova-2"]', **KEYS)
    ears = [make(call, "stt", f"deepgram/nova-{n}") for n in (3, 2)]
    together: stt.FallbackAdapter = adapter(call, "stt", ears)
    assert remaining_stts(together) == ears[1:]
    assert remaining_stts(adapter(call, "stt", ears[1:])) == []
    assert remaining_stts(ears[0]) == []


async def test_the_voice_of_a_list_speaks_at_one_rate(deployment: Deployment, web: None) -> None:
    call = a_call_in(deployment, 'tts_fallbacks = ["cartesia/sonic-2"]', **KEYS)
    together: tts.FallbackAdapter = with_fallbacks(call, "tts", call.hooks.tts(call=call))
    assert together.sample_rate == 24000


def test_what_a_plugin_provides_is_of_the_kind_that_was_asked_for(deployment: Deployment) -> None:
    answer = "from host import hookimpl\n@hookimpl\ndef provide(kind, provider): return 42\n"
    deployment.write("plugins/odd.py", answer)
    call = a_call_in(deployment, **KEYS)
    assert check(call.settings) == [
        'stt = "deepgram": a plugin returned int, which is no STT',
        'llm = "openai": a plugin returned int, which is no LLM',
        'tts = "cartesia": a plugin returned int, which is no TTS',
    ]


@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
def test_what_a_plugin_s_hook_answers_is_a_model(deployment: Deployment, kind: Kind) -> None:
    answer = f"from host import hookimpl\n@hookimpl\ndef {kind}(call): return 42\n"
    deployment.write("plugins/odd.py", answer)
    call = a_call_in(deployment, **KEYS)
    assert check(call.settings) == [f"{kind}: a plugin returned int, which is no {kind.upper()}"]
    with pytest.raises(HostError, match=f"{kind}: the hook returned int, which is no "):
        with_fallbacks(call, kind, 42)


@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
def test_an_empty_name_is_none(deployment: Deployment, kind: Kind) -> None:
    with pytest.raises(HostError, match=f'{kind} = "": name a provider, as in provider/model'):
        with_fallbacks(a_call_in(deployment, **KEYS), kind, "")


def test_a_plugin_whose_answer_depends_on_the_call_stops_no_start(deployment: Deployment) -> None:
    depends = "from host import hookimpl\n@hookimpl\ndef tts(call): return call.number[:3]\n"
    deployment.write("plugins/depends.py", depends)
    assert check(a_call_in(deployment, **KEYS).settings) == []


def test_inference_without_livekit_cloud_is_told_at_the_start(deployment: Deployment) -> None:
    call = a_call_in(deployment, "inference = true", **{**CLOUD, "LIVEKIT_URL": "ws://127.0.0.1"})
    assert check(call.settings)[0] == 'stt = "deepgram": inference = true needs LiveKit Cloud'
