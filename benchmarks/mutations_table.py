"""The bugs of benchmarks/mutations.py, and the tests that concern each module."""

from __future__ import annotations

from dataclasses import dataclass

TESTS = {
    "runner": (
        "tests/calls/test_inbound.py",
        "tests/calls/test_limits.py",
        "tests/calls/test_one_call.py",
        "tests/calls/test_lost_process.py",
        "tests/calls/test_outbound.py",
        "tests/calls/test_voicemail.py",
        "tests/calls/test_guests.py",
        "tests/calls/test_hostile_metadata.py",
        "tests/compliance",
    ),
    "ending": (
        "tests/calls/test_endings.py",
        "tests/calls/test_inbound.py",
        "tests/calls/test_records.py",
        "tests/calls/test_recorded.py",
        "tests/calls/test_providers.py",
        "tests/calls/test_warm_transfer.py",
        "tests/calls/test_stopping.py",
        "tests/runner/test_ending.py",
        "tests/call/test_call.py",
        "tests/call/test_keypad.py",
        "tests/privacy/test_mask.py",
        "tests/speech/test_recording.py",
    ),
    "limits": (
        "tests/calls/test_limits.py",
        "tests/calls/test_inbound.py",
        "tests/calls/test_endings.py",
        "tests/calls/test_misbehaving.py",
        "tests/calls/test_providers.py",
        "tests/calls/test_warm_transfer.py",
        "tests/runner/test_limits_held.py",
        "tests/compliance/test_gate_opt_out.py",
    ),
    "transfer": (
        "tests/telephony/test_handover.py",
        "tests/calls/test_transfer.py",
        "tests/calls/test_warm_transfer.py",
        "tests/calls/test_endings.py",
        "tests/compliance",
    ),
    "voicemail policy": (
        "tests/telephony/test_voicemail_weighing.py",
        "tests/calls/test_voicemail.py",
        "tests/calls/test_openings.py",
        "tests/calls/test_endings.py",
    ),
    "dial": (
        "tests/telephony/test_dial.py",
        "tests/calls/test_outbound.py",
        "tests/calls/test_endings.py",
        "tests/calls/test_one_call.py",
        "tests/compliance",
    ),
}
"""The files that concern a module, most telling first."""


@dataclass(frozen=True)
class Mutation:
    """A bug that somebody could make."""

    module: str
    name: str
    """What goes wrong."""
    file: str
    old: str
    """The text that it takes the place of, which is there once."""
    new: str
    telling: tuple[str, ...]
    """The tests that are tried before those of the module: files, or single tests."""


_BUDGET = ("tests/compliance/test_gate_attempts.py",)
_INBOUND = ("tests/calls/test_inbound.py",)
_LIMITS = ("tests/calls/test_limits.py",)
_LOST = ("tests/calls/test_lost_process.py",)
_ONCE = ("tests/calls/test_one_call.py",)
_OUTBOUND = ("tests/calls/test_outbound.py",)
_MACHINES = ("tests/calls/test_voicemail.py",)
_WARM = ("tests/calls/test_warm_transfer.py",)
_COLD = ("tests/calls/test_transfer.py",)
_ENDINGS = ("tests/calls/test_endings.py",)

_WORKER = "host/runner/runner.py"
_ENDING = "host/runner/ending.py"
_LIMITS_FILE = "host/runner/limits.py"
_HANDOVER = "host/telephony/transfer/handover.py"
_BRIDGE = "host/telephony/transfer/bridge.py"
_POLICY = "host/telephony/voicemail/policy.py"
_WATCH = "host/telephony/voicemail/watch.py"
_DIAL = "host/telephony/dial.py"

RUNNER = [
    Mutation(
        "runner",
        "the caller's own number chooses the persona",
        _WORKER,
        "number=call.state.our_number,",
        "number=call.state.number,",
        _INBOUND,
    ),
    Mutation(
        "runner",
        "a call that was given up is dialled by a slow process",
        _WORKER,
        "if await room_is_gone(job):",
        "if not call.state.outbound and await room_is_gone(job):",
        _ONCE,
    ),
    Mutation(
        "runner",
        "a job in a room that another agent has is recorded as a call",
        _WORKER,
        "if isinstance(ending, DuplicateJob):",
        "if isinstance(ending, DuplicateJob) and call.far_end is not None:",
        ("tests/calls/test_endings.py::test_a_conversation_ends_once", *_ONCE),
    ),
    Mutation(
        "runner",
        "a call that was never dialled is one of the day's",
        _WORKER,
        "made = state.answered or state.dialled_at is not None",
        "made = True",
        ("tests/compliance/test_gate_attempts.py",),
    ),
    Mutation(
        "runner",
        "too many calls at once are blocked as if it were for the day",
        _WORKER,
        "if call.state.outbound and error.today:",
        "if call.state.outbound:",
        _BUDGET,
    ),
    Mutation(
        "runner",
        "a call that can't be counted is placed all the same",
        _WORKER,
        "if call.state.outbound:  # an inbound caller",
        "if not call.state.outbound:  # an inbound caller",
        _BUDGET,
    ),
    Mutation(
        "runner",
        "a call that was taken over has no limits",
        _WORKER,
        "        limits.watch(call)\n",
        "        if not self._resumed:\n            limits.watch(call)\n",
        _LOST,
    ),
    Mutation(
        "runner",
        "a persona that takes a call over talks into one that it had handed over",
        _WORKER,
        "if call.state.connected or call.over:",
        "if call.over:",
        _LOST,
    ),
    Mutation(
        "runner",
        "the checkpoint of a call that is over stays behind",
        _WORKER,
        "self._checkpoints.close(call.state.id)",
        "self._checkpoints.read(call.state.id)",
        _LOST,
    ),
    Mutation(
        "runner",
        "whoever is in the room steers the session with typed text",
        "host/speech/room.py",
        "text_input=False,",
        "text_input=True,",
        ("tests/calls/test_guests.py",),
    ),
]

ENDING = [
    Mutation(
        "ending",
        "a call that is refused for its metadata has failed",
        _ENDING,
        "isinstance(error, Refused | MetadataError | NotClaimed)",
        "isinstance(error, Refused | NotClaimed)",
        _INBOUND,
    ),
    Mutation(
        "ending",
        "what breaks ends the call without an apology",
        _ENDING,
        "        await apologise(call)\n",
        "",
        _INBOUND,
    ),
    Mutation(
        "ending",
        "an error shows keys that are secret",
        _ENDING,
        'text = call.keypad.hide(f"{type(error).__name__}: {error}")',
        'text = f"{type(error).__name__}: {error}"',
        ("tests/call/test_keypad.py",),
    ),
    Mutation(
        "ending",
        "a host that is stopped hangs up without a goodbye",
        _ENDING,
        "if call.state.answered and not (call.state.connected or call.bridged):",
        "if call.state.answered and call.state.connected:",
        ("tests/calls/test_stopping.py",),
    ),
    Mutation(
        "ending",
        "the host hangs up while its last word is on its way",
        _ENDING,
        'ending.by in ("persona", "host")',
        'ending.by in ("persona",)',
        _LIMITS,
    ),
    Mutation(
        "ending",
        "whoever placed the call is not told whether a retry makes sense",
        _ENDING,
        "str(ending.worth_a_retry)",
        "str(bool(ending.retryable))",
        ("tests/calls/test_endings.py::test_a_dial_that_nobody_answers_is_named",),
    ),
    Mutation(
        "ending",
        "the recording is never closed",
        _ENDING,
        "            await call.recorder.close()\n",
        "            pass\n",
        ("tests/runner/test_ending.py",),
    ),
    Mutation(
        "ending",
        "hooks are broken off before they are through",
        _ENDING,
        "await call.settle(HOOKS_LIMIT)",
        "await call.settle(0)",
        ("tests/runner/test_ending.py",),
    ),
    Mutation(
        "ending",
        "what fails at the end of a call stops the rest of it",
        _ENDING,
        "            return True\n",
        "            return False\n",
        ("tests/runner/test_ending.py",),
    ),
    Mutation(
        "ending",
        "a colleague who is being rung is not waited for",
        _ENDING,
        "        if call.transfers:\n            await call.transfers.close()\n",
        "        pass\n",
        ("tests/runner/test_ending.py", *_WARM),
    ),
]

LIMITS = [
    Mutation(
        "limits",
        "a call that is shorter than its warning is warned at once",
        _LIMITS_FILE,
        "if not 0 < warning < limit:",
        "if not 0 < warning:",
        _LIMITS,
    ),
    Mutation(
        "limits",
        "the limit of a call ends it while two people talk",
        _LIMITS_FILE,
        "    if not call.state.connected:\n",
        "    if True:\n",
        _WARM,
    ),
    Mutation(
        "limits",
        "a warning that can't be said takes the limit with it",
        _LIMITS_FILE,
        "        with contextlib.suppress(Exception):\n            # The warning may be",
        "        with contextlib.suppress(TimeoutError):\n            # The warning may be",
        ("tests/runner/test_limits_held.py",),
    ),
    Mutation(
        "limits",
        "a voice that hangs holds the end of the call up",
        _LIMITS_FILE,
        "async with asyncio.timeout(limit):",
        "async with asyncio.timeout(None):",
        ("tests/runner/test_limits_held.py",),
    ),
    Mutation(
        "limits",
        "the last words wait until the model has finished its story",
        _LIMITS_FILE,
        "            await call.session.interrupt(force=True)\n",
        "            await call.session.current_speech.wait_for_playout()\n",
        _LIMITS,
    ),
    Mutation(
        "limits",
        "a key of the caller's is no sign of life",
        _LIMITS_FILE,
        "self._keys, self._prompts = len(self._call.state.keys), 0",
        "self._keys = len(self._call.state.keys)",
        _LIMITS,
    ),
    Mutation(
        "limits",
        "a caller on hold is asked whether they are there",
        _LIMITS_FILE,
        "            self._call.replies_held\n            or self._call.awaits_tool\n",
        "            self._call.awaits_tool\n",
        ("tests/runner/test_limits_held.py",),
    ),
    Mutation(
        "limits",
        "noise that is no word is a sign of life",
        _LIMITS_FILE,
        "if event.transcript.strip():",
        "if event.transcript is not None:",
        ("tests/runner/test_limits_held.py",),
    ),
    Mutation(
        "limits",
        "a model may use one tool more than it may",
        _LIMITS_FILE,
        "self._in_a_row >= settings.max_tool_calls",
        "self._in_a_row > settings.max_tool_calls",
        ("tests/runner/test_limits_held.py",),
    ),
    Mutation(
        "limits",
        "a caller who interrupts the answer of a model that was stopped ends the call",
        _LIMITS_FILE,
        "if not said and not answer.interrupted:",
        "if not said:",
        ("tests/runner/test_limits_held.py",),
    ),
]

TRANSFER = [
    Mutation(
        "transfer",
        "a caller who hung up was transferred",
        "host/telephony/transfer/refer.py",
        "if call.over or far_end.left:",
        "if call.over and far_end.left:",
        ("tests/telephony/test_handover.py",),
    ),
    Mutation(
        "transfer",
        "the caller is sent away in the last word of the announcement",
        _HANDOVER,
        "                            await call.say(announcement, interruptible=False)\n"
        "                            await asyncio.sleep(LINGER)\n",
        "                            await call.say(announcement, interruptible=False)\n",
        _COLD,
    ),
    Mutation(
        "transfer",
        "the music on hold plays on",
        "host/telephony/transfer/hold.py",
        "            await player.aclose()\n",
        "            pass\n",
        _WARM,
    ),
    Mutation(
        "transfer",
        "a caller who comes back from a transfer is not heard any more",
        "host/telephony/transfer/hold.py",
        "session.input.set_audio_enabled(True)",
        "session.input.set_audio_enabled(False)",
        _COLD,
    ),
    Mutation(
        "transfer",
        "a colleague who is not in the room yet is rung on",
        "host/telephony/transfer/colleague.py",
        "settled = self._dialling.done()",
        "settled = True",
        ("tests/telephony/test_handover.py",),
    ),
    Mutation(
        "transfer",
        "a colleague is asked once only",
        "host/telephony/transfer/consultation.py",
        "while next(times) < TIMES or",
        "while next(times) < 1 or",
        _WARM,
    ),
    Mutation(
        "transfer",
        "a caller is connected to a colleague who has just hung up",
        _BRIDGE,
        "if IDENTITY not in self._far_end.room.remote_participants:",
        "if not self._far_end.room.remote_participants:",
        ("tests/telephony/test_handover.py",),
    ),
    Mutation(
        "transfer",
        "host call is not told that the call was handed over",
        _BRIDGE,
        "        await notify_watchers(self._far_end.room, attributes)\n",
        "",
        _WARM,
    ),
    Mutation(
        "transfer",
        "a transfer that may not be dialled is announced",
        _HANDOVER,
        "                        require(call, way.target)\n",
        "",
        ("tests/compliance/test_gate_rules.py", "tests/telephony/test_handover.py"),
    ),
    Mutation(
        "transfer",
        "a colleague is read a summary without end",
        _BRIDGE,
        '        summary = textwrap.shorten(self._summary, SUMMARY_LIMIT, placeholder=" ...")\n',
        "        summary = textwrap.dedent(self._summary)\n",
        _WARM,
    ),
]

VOICEMAIL = [
    Mutation(
        "voicemail policy",
        "the record forgets a screener that led to a voicemail",
        _POLICY,
        "if call.state.voicemail is AnsweredBy.SCREENING:",
        "if call.state.voicemail is AnsweredBy.HUMAN:",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "the message is spoken before the beep",
        _POLICY,
        "turn = await our_turn(call, self._opening, policy) if takes_messages else Turn.FULL",
        "turn = Turn.SPEAK if takes_messages else Turn.FULL",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "a person who picked up after the machine has hung up as a machine",
        _POLICY,
        "        call.hangup_ending = None\n        if turn is Turn.FULL:",
        "        if turn is Turn.FULL:",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "an announcement is not heard to its end, where it offers voicemail",
        "host/telephony/voicemail/announcement.py",
        "left = min(left, _patience(opening, mark))",
        "left = 0.0",
        ("tests/calls/test_announcements.py",),
    ),
    Mutation(
        "voicemail policy",
        "early media overrules a SIP status that is definite",
        "host/telephony/voicemail/announcement.py",
        "if not (vague and verdict and",
        "if not (verdict and",
        ("tests/calls/test_announcements.py",),
    ),
    Mutation(
        "voicemail policy",
        "a network that hangs up at once has answered like a callee",
        _WATCH,
        "self._call.hangup_ending = if_hung_up(opening)",
        "pass",
        ("tests/calls/test_announcements.py",),
    ),
    Mutation(
        "voicemail policy",
        "a noise breaks the message off",
        _POLICY,
        "await call.say(policy.text, interruptible=False)",
        "await call.say(policy.text)",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "the host is said to have ended a call that a screener declined",
        _POLICY,
        'Ending(Outcome.DECLINED, "far end", _DECLINED)',
        'Ending(Outcome.DECLINED, "host", _DECLINED)',
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "a screener's second question is taken for the callee",
        "host/telephony/voicemail/screening.py",
        "        if asks:\n            return _Heard.QUESTION",
        "        if asks:\n            return _Heard.PERSON",
        ("tests/calls/test_screeners.py",),
    ),
    Mutation(
        "voicemail policy",
        "a person who was asked and answers at length is a machine",
        "host/telephony/voicemail/weighing.py",
        "if answer.longest > TALKS_ON and not said.replies:",
        "if answer.longest > TALKS_ON:",
        ("tests/telephony/test_voicemail_weighing.py",),
    ),
    Mutation(
        "voicemail policy",
        "the machine is asked twice at the same time",
        _WATCH,
        "if self._deciding or call.state.connected or call.over or call.hold.active:",
        "if call.state.connected or call.over or call.hold.active:",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "the persona talks on while it makes sure who is there",
        _WATCH,
        "                await self._session.interrupt(force=True)\n",
        "",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "the greeting breaks into the sentence of whoever picked up",
        _WATCH,
        "            await self._opening.pause(SENTENCE_LIMIT)\n",
        "            pass\n",
        _MACHINES,
    ),
    Mutation(
        "voicemail policy",
        "a greeting that was broken off is never said",
        _WATCH,
        "again = verdict.category is AnsweredBy.SCREENING or not greeted",
        "again = verdict.category is AnsweredBy.SCREENING and not greeted",
        _MACHINES,
    ),
]

DIAL = [
    Mutation(
        "dial",
        "a host without a trunk asks for a retry",
        _DIAL,
        'Ending(Outcome.TRUNK_ERROR, "host", NO_TRUNK, retryable=False)',
        'Ending(Outcome.TRUNK_ERROR, "host", reason)',
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "a number that the gate refused counts as dialled",
        _DIAL,
        "    if verdict.allowed:\n        far_end.dialling()\n",
        "    far_end.dialling()\n",
        ("tests/compliance",),
    ),
    Mutation(
        "dial",
        "it rings for as long as LiveKit likes",
        _DIAL,
        "        ringing_timeout=duration(ringing),\n",
        "",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "LiveKit is not told when to end a call that has lost its host",
        _DIAL,
        "        max_call_duration=duration(_longest(call)),\n",
        "",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "a trunk that does not respond is a call that was cancelled",
        _DIAL,
        "min(ringing, NO_RESPONSE) - 0.5",
        "ringing - 0.5",
        ("tests/calls/test_endings.py::test_a_dial_that_nobody_answers_is_named",),
    ),
    Mutation(
        "dial",
        "somebody who hung up as they answered is waited for",
        _DIAL,
        "if far_end.participant is None:",
        "if far_end.identity is None:",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "a dial that may have rung is tried again",
        _DIAL,
        '("cpu exhausted" in error.message or "no response from servers" in error.message)',
        "bool(error.message)",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "a connection to LiveKit that breaks while it rings is a bug of ours",
        _DIAL,
        "except (TimeoutError, aiohttp.ClientError) as error:",
        "except TimeoutError as error:",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "LiveKit cuts off two people who were connected",
        _DIAL,
        "return max(limit, BRIDGED_LIMIT) if bridged else limit",
        "return limit if bridged else max(limit, BRIDGED_LIMIT)",
        ("tests/telephony/test_dial.py",),
    ),
    Mutation(
        "dial",
        "the far end does not see the number of the persona",
        _DIAL,
        'sip_number=shown or call.persona_settings.caller_id or "",',
        'sip_number="",',
        ("tests/telephony/test_dial.py",),
    ),
]

MUTATIONS = [*RUNNER, *ENDING, *LIMITS, *TRANSFER, *VOICEMAIL, *DIAL]
