"""The client of the recogniser process, which starts on first use and ends at exit."""

import asyncio
import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from host.local.speech.audio import Samples
from host.local.speech.request import Finding, Request
from host.local.speech.sentences import Sentences
from host.privacy.environment import of_a_program


class RecogniserProcess:
    """Sends requests to the process, one at a time, from a waiting thread."""

    def __init__(self) -> None:
        self._waiting: ThreadPoolExecutor | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._learnt: dict[str, tuple[str, int]] = {}
        """Scene to its story, and the number of its sentences that the process knows."""
        self._lock = threading.Lock()

    def learn(self, sentences: Sentences) -> None:
        """Send new sentences to the process before they are needed."""
        self._submit(sentences, (), ())

    async def find(
        self, sentences: Sentences, pieces: Sequence[Samples], pauses: Sequence[float]
    ) -> list[Finding]:
        """Find sentences in pieces of speech at 8 kHz that are `pauses` seconds apart."""
        return await asyncio.wrap_future(self._submit(sentences, pieces, pauses))

    def close(self) -> None:
        """Stop the process. The next request starts another one."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
            if self._process:
                self._process.kill()
        if waiting:
            waiting.shutdown(cancel_futures=True)
        self._end()

    def _submit(
        self, sentences: Sentences, pieces: Sequence[Samples], pauses: Sequence[float]
    ) -> Future[list[Finding]]:
        with self._lock:
            if self._waiting is None:
                self._waiting = ThreadPoolExecutor(1, thread_name_prefix="recogniser")
            # The request captures the sentences now, not when it is sent: the story continues.
            request = Request(sentences.scene, *sentences.story, tuple(pieces), tuple(pauses))
            return self._waiting.submit(self._ask, request)

    def _ask(self, request: Request) -> list[Finding]:
        process = self._running()
        story, known = self._learnt.get(request.scene, ("", 0))
        known = known if story == request.story else 0
        if not request.pieces and known == len(request.sentences):
            return []
        new = replace(request, sentences=request.sentences[known:])
        assert process.stdin
        assert process.stdout
        try:
            pickle.dump(new, process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError):
            self._end()
            raise RuntimeError("the process that recognises speech ended") from None
        if isinstance(answer, Exception):
            raise answer
        self._learnt[request.scene] = request.story, len(request.sentences)
        return list(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "host.local.speech.recognise"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**of_a_program(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        self._learnt.clear()
        if process:
            process.kill()
            process.communicate()


recogniser = RecogniserProcess()
atexit.register(recogniser.close)
