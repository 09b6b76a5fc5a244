"""Unplugged: the provider that its metadata names can not be reached."""

from livekit.agents import APIConnectOptions
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import cartesia, deepgram, openai

from host import hookimpl

NOWHERE = "http://127.0.0.1:9"


@hookimpl
def instructions(call):
    return "You are the unplugged persona of the tests."


@hookimpl
def greeting(call):
    return "Good day, who has pulled the plug?"


@hookimpl
def session_options(call):
    once = APIConnectOptions(max_retry=0, timeout=2)
    options = SessionConnectOptions(
        stt_conn_options=once,
        llm_conn_options=once,
        tts_conn_options=once,
        max_unrecoverable_errors=0,
    )
    return {"conn_options": options}


@hookimpl
def stt(call):
    if call.metadata["lacks"] != "stt":
        return None
    return deepgram.STT(api_key="local", base_url=f"{NOWHERE}/v1/listen")


@hookimpl
def llm(call):
    if call.metadata["lacks"] == "llm":
        return openai.LLM(api_key="local", base_url=f"{NOWHERE}/v1")
    if call.metadata["lacks"] == "realtime":
        return openai.realtime.RealtimeModel(base_url=NOWHERE, api_key="local")
    return None


@hookimpl
def tts(call):
    if call.metadata["lacks"] != "tts":
        return None
    return cartesia.TTS(api_key="local", base_url=NOWHERE)
