"""When the process that a call has taken is replaced: not while calls begin.

To start one takes 0.1 s of CPU, which the first word would wait for.
"""

from __future__ import annotations

from livekit.agents import AgentServer


class IdleProcesses:
    """How many processes wait for calls: `number`, and less by the calls that are beginning.

    One is kept in any case, and LiveKit starts more for calls that wait for a process.
    """

    def __init__(self, server: AgentServer, number: int) -> None:
        self._server, self._number = server, number

    def hold_back(self, beginning: int) -> None:
        """Replace no process for this many calls, until fewer begin."""
        # Private (livekit-agents 1.8.9): the server offers no way to its pool, and sets this number
        # itself only below a finite `load_threshold`.
        pool = getattr(self._server, "_proc_pool", None)
        if pool is not None:  # it is running
            pool.set_target_idle_processes(max(1, self._number - beginning))
