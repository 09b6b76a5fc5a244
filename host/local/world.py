"""The local world: everything a host needs around it, on loopback.

A real livekit-server, an exchange with numbers and telephones, and servers with Deepgram's,
Cartesia's and OpenAI's APIs. A host uses it through settings alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from host.base.errors import HostError
from host.local.cartesia import CartesiaServer
from host.local.deepgram import DeepgramServer
from host.local.exchange import Exchange
from host.local.livekit import LiveKitServer
from host.local.llm import LlmServer
from host.local.phone import Busy, Declines, NoAnswer, Telephone, voicemail
from host.local.rules import Rule
from host.local.scripts import RULES, person
from host.local.speech import Sentences
from host.local.speech.flite import cache, require_flite

OUR_NUMBER = "+15550001111"
"""The local world's number, to which inbound calls go."""
CALLER = "+15557770001"
"""The default number of callers."""

LOCAL_KEY = "local"
"""The key of the local providers."""

T = TypeVar("T")


class Enter(Protocol):
    """Starts a part of the world, which ends with the world."""

    async def __call__(self, cm: AbstractAsyncContextManager[T], /) -> T: ...


class World:
    """Starts and stops the local world. `settings` is a host's environment in it.

    `deaf` telephones recognise no words, which saves CPU with many simultaneous calls.
    """

    def __init__(
        self,
        *,
        profile: str = "now",
        rules: Iterable[Rule] = RULES,
        agent_name: str = "host",
        deaf: bool = False,
        callers: Sentences | None = None,
        agents: Sentences | None = None,
    ) -> None:
        self.callers = Sentences() if callers is None else callers
        self.agents = Sentences() if agents is None else agents
        """What callers and personas say: each side's recognition uses the other's."""
        self._profile, self._rules, self._agent = profile, tuple(rules), agent_name
        self._deaf = deaf
        self.numbers: dict[str, str] = {}
        """Persona to a number that calls it."""
        self._routed: dict[str, str] = {OUR_NUMBER: ""}
        """Numbers that reach the host, each with the persona that the world gave it to."""
        self._up = AsyncExitStack()

    async def __aenter__(self) -> Self:
        require_flite()  # without it, nobody would be heard
        enter = self._up.enter_async_context
        try:
            self.livekit = await self._start_livekit(enter)
            self.deepgram = await enter(DeepgramServer(self.callers))
            self.cartesia = await enter(CartesiaServer(self.agents))
            self.llm = await enter(LlmServer(self._rules))
            self.trunk = await self._start_telephony(enter)
        except BaseException:
            await self._up.aclose()
            raise
        return self

    async def _start_livekit(self, enter: Enter) -> LiveKitServer:
        return await enter(LiveKitServer())

    async def _start_telephony(self, enter: Enter) -> str:
        """Start what calls come from and go to; return the ID of the trunk for `host call`."""
        self.exchange = await enter(
            Exchange(
                self.livekit.url,
                self.livekit.api_key,
                self.livekit.api_secret,
                profile=self._profile,
                sentences=self.agents,
                callers=self.callers,
                deaf=self._deaf,
            )
        )
        await self._route(OUR_NUMBER)
        self._connect_telephones()
        return await self.exchange.trunk(OUR_NUMBER)

    async def _route(self, number: str, persona: str = "") -> None:
        """Let a number ring the host, and one persona if it is given."""
        await self.exchange.route(number, agent=self._agent, prefix=persona or "call")

    @property
    def url(self) -> str:
        """The value of LIVEKIT_URL."""
        return self.exchange.url

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(FileNotFoundError):
            if _address().read_text() == self._note():
                _address().unlink()
        await self._up.aclose()

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment of a host in this world."""
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": self.livekit.api_key,
            "LIVEKIT_API_SECRET": self.livekit.api_secret,
            "HOST_AGENT_NAME": self._agent,
            "HOST_TRUNK": self.trunk,
            # The numbers belong to no country, and have no time zone.
            "HOST_ALLOW_NUMBERS": "+1555*",
            "HOST_CALLING_HOURS": "00:00-24:00",
            "HOST_MAX_ATTEMPTS_A_DAY": "0",
            "HOST_DEEPGRAM_BASE_URL": f"{self.deepgram.url}/v1/listen",
            "DEEPGRAM_API_KEY": LOCAL_KEY,
            "HOST_CARTESIA_BASE_URL": self.cartesia.url,
            "CARTESIA_API_KEY": LOCAL_KEY,
            "HOST_OPENAI_BASE_URL": f"{self.llm.url}/v1",
            "OPENAI_API_KEY": LOCAL_KEY,
            # flite's voice is so flat that LiveKit's model never detects the end of a turn, and
            # waits for
            # the maximum delay after each sentence.
            "HOST_TURN_DETECTION": "vad",
        }

    def forget(self) -> None:
        """Forget the sentences said so far, except those cached on disk: the next test starts.

        Recognition is slower the more sentences it knows.
        """
        self.callers.forget()
        self.agents.forget()

    async def give_numbers(self, personas: Mapping[str, Iterable[str]]) -> None:
        """Give every persona a number: those of host.toml, or one of the world's.

        Those that a persona has already go on to reach it.
        """
        given: dict[str, str] = {}
        for at, (persona, numbers) in enumerate(sorted(personas.items())):
            own = list(numbers)
            for number in own:
                if number not in self._routed:
                    await self._give(number)
            if not own:
                own = [number for number, prefix in self._routed.items() if prefix == persona]
            if not own:
                free = (f"+1555100{each:04}" for each in count(at))
                own = [next(number for number in free if number not in self._routed)]
                await self._give(own[0], persona)
            given[persona] = own[0]
        self.numbers = given

    async def _give(self, number: str, persona: str = "") -> None:
        self._routed[number] = persona  # first: another reload may want a number meanwhile
        await self._route(number, persona)

    def settle_in(self) -> None:
        """Set the settings in this process's environment.

        A configured LLM is kept: `--local` with a real LLM is a good way to try a persona.
        """
        own = self._own()
        os.environ.update({name: self.settings[name] for name in self.settings if name not in own})
        # The numbers are fictional, and users want to see which one rang.
        os.environ.setdefault("HOST_LOG_NUMBERS", "true")

    def _own(self) -> set[str]:
        """Return those of `settings` in whose place the user's own stay."""
        llm = {"HOST_OPENAI_BASE_URL", "OPENAI_API_KEY"}
        return llm if any(map(os.environ.get, llm)) else set()

    def open_to_handsets(self) -> None:
        """Publish this world for `phone` and `call --local`; the file contains its keys."""
        _address().parent.mkdir(parents=True, exist_ok=True)
        _address().touch(mode=0o600)
        _address().chmod(0o600)
        _address().write_text(self._note())

    def welcome(self) -> str:
        """Return the welcome text, with what to try."""
        return (
            f"The local world is up at {self.url}.\n"
            "Ring a persona:   python -m host phone [PERSONA]\n"
            "Have one call:    python -m host call --local PERSONA NUMBER key=value...\n"
            "Numbers to dial:  +15552220001 answers       +15552220002 is busy\n"
            "                  +15552220003 declines      +15552220004 is a voicemail\n"
            "                  +15552220005 lets it ring"
        )

    def _connect_telephones(self) -> None:
        self.exchange.connect("+15552220001", Telephone(answer_after=1.5, script=person))
        self.exchange.connect("+15552220002", Busy())
        self.exchange.connect("+15552220003", Declines(after=1.5))
        mailbox = "You have reached the voicemail of Ann. Please leave a message after the tone."
        self.exchange.connect("+15552220004", voicemail(mailbox, answer_after=1.5))
        self.exchange.connect("+15552220005", NoAnswer())

    def _note(self) -> str:
        return json.dumps({"settings": dict(self.settings), "numbers": self.numbers})


def _address() -> Path:
    return cache() / "local-world.json"


def running_world() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the settings and numbers of the world of `dev --local`.

    Raises HostError if there is none.
    """
    try:
        found = json.loads(_address().read_text())
        return found["settings"], found["numbers"]
    except (FileNotFoundError, ValueError, KeyError):
        raise HostError("no local world is up: run `python -m host dev --local` first") from None
