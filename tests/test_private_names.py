"""Every private name of a library that the host uses: an upgrade may take one away without a word.

Who needs another one adds it here, and says at its use why nothing public does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from deployment import HERE
from syntax import MODULES, parsed

ROOT = HERE.parent
SESSION = "livekit.agents.voice.agent_session:AgentSession"
USED = {
    ("host/call/mcp/servers.py", "_memory"): "mcp.client._memory:InMemoryTransport",
    ("host/cli/simulate/judging.py", "_LLMJudge"): "livekit.agents.evals.judge",
    ("host/dispatch/rooms.py", "_ffi_client"): "livekit.rtc._ffi_client:FfiClient",
    ("host/dispatch/rooms.py", "_ffi_queue"): "livekit.rtc.room:Room",
    ("host/runner/text/conversation.py", "_tempdir"): "livekit.agents.job:JobContext",
    ("host/server/connection.py", "_connecting"): "livekit.agents.worker:AgentServer",
    ("host/server/idle.py", "_default_num_idle_processes"): "livekit.agents.ipc.proc_pool:ProcPool",
    ("host/server/idle.py", "_proc_pool"): "livekit.agents.worker:AgentServer",
    ("host/server/preload.py", "_create_ssl_context"): "livekit.agents.utils.http_context",
    ("host/speech/prompts/voice.py", "_opts"): "livekit.plugins.cartesia.tts:TTS",
    ("host/speech/prompts/voice.py", "_tts_instances"): "livekit.agents.tts:FallbackAdapter",
    ("host/speech/providers.py", "_active_instance"): "livekit.agents.stt:FallbackAdapter",
    ("host/speech/providers.py", "_stt_instances"): "livekit.agents.stt:FallbackAdapter",
    ("host/speech/session_options.py", "_async_tool_options"): SESSION,
    ("host/speech/session_options.py", "_interruption_detection"): SESSION,
    ("host/speech/session_options.py", "_llm"): SESSION,
    ("host/speech/session_options.py", "_stt"): SESSION,
    ("host/speech/session_options.py", "_tts"): SESSION,
    ("host/speech/session_options.py", "_turn_detection"): SESSION,
    ("host/speech/session_options.py", "_turn_detection_explicit"): SESSION,
    ("host/speech/session_options.py", "_using_default_vad"): SESSION,
    ("host/speech/session_options.py", "_vad"): SESSION,
    ("host/speech/silenced.py", "_put"): "livekit.agents.voice.recorder_io:RecorderIO",
    ("host/speech/tool_results.py", "_RunningTasks"): "livekit.agents.voice.tool_executor",
    ("plugins/openai.py", "_owns_client"): "livekit.plugins.openai:LLM",
}
"""Where each is used, and the module or class that has it."""

OF_PYTHON = {"_asdict", "_exit"}
"""Documented, in spite of their names."""
OF_OUR_BASES = {("host/local/sip/world.py", "_own"), ("host/settings/settings.py", "_values")}
"""Of classes of the host whose base class is in another of its modules."""


def test_each_private_name_of_a_library_is_listed_here() -> None:
    found = {
        (str(file.relative_to(ROOT)), name) for file in MODULES for name in _names_of_others(file)
    }
    assert found == USED.keys() | OF_OUR_BASES


@pytest.mark.parametrize(("use", "owner"), USED.items(), ids=lambda each: str(each))
def test_the_installed_library_still_has_it(use: tuple[str, str], owner: str) -> None:
    _, name = use
    module, _, attribute = owner.partition(":")
    found = importlib.import_module(module)
    if attribute:
        found = getattr(found, attribute)
    if f".{name}" in module:
        return  # the name is the module's own, and it was imported
    if inspect.ismodule(found):
        assert hasattr(found, name)
    else:
        assert re.search(rf"\b(self\.|def ){name}\b", inspect.getsource(found))


def _names_of_others(file: Path) -> Iterator[str]:
    """Yield the private names that a module takes of objects which are not the host's own."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Attribute):
            of_base = ast.unparse(node.value) == "super()"
            if ast.unparse(node.value) not in ("self", "cls"):
                yield from _unless_ours(node.attr, None if of_base else file)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield from _unless_ours(name.value, file)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("host"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            for each in names:
                yield from _unless_ours(each, None)


def _unless_ours(name: str, file: Path | None) -> Iterator[str]:
    """Yield a private name, unless a module defines it for its own objects."""
    private = name.startswith("_") and not name.startswith("__")
    if private and name not in OF_PYTHON and (file is None or name not in _defined_in(file)):
        yield name


@cache
def _defined_in(file: Path) -> frozenset[str]:
    """Return the private names that a module's own classes define."""
    names: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names |= {node.attr} if ast.unparse(node.value) == "self" else set()
    return frozenset(names)
