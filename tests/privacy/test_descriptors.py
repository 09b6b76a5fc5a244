"""Output below Python: that of children, and of whoever writes to a descriptor."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from canaries import NUMBER
from deployment import HERE

pytestmark = pytest.mark.processes

MASKED = "+1…57"
BEFORE = """
import os, subprocess, sys, time
from host.privacy.descriptors import masked_descriptors
from host.privacy.mask import Mask

NUMBER = "+1555" + "0142857"
with masked_descriptors(Mask()):
"""


def output_of(inside: str, after: str = "") -> tuple[str, str]:
    """Run some lines with masked descriptors; return what came out, and what came as errors."""
    block = "".join(f"    {line}\n" for line in inside.strip().splitlines())
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + block + after],
        env={"PYTHONPATH": str(HERE.parent), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "written",
    [
        'os.write(2, f"told {NUMBER}\\n".encode())',
        'print("told", NUMBER, file=sys.__stderr__, flush=True)',
        'sys.stderr.buffer.write(f"told {NUMBER}\\n".encode()); sys.stderr.buffer.flush()',
        'subprocess.run([sys.executable, "-c", f"print(\'told {NUMBER}\')"], stdout=2)',
        'subprocess.run(["sh", "-c", f"echo told {NUMBER} >&2"])',
        'print("told " + NUMBER[:5], end="", file=sys.stderr, flush=True)\n'
        "print(NUMBER[5:], file=sys.stderr, flush=True)",
        "for sign in f'told {NUMBER}\\n': os.write(2, sign.encode())",
    ],
)
def test_whatever_writes_to_stderr_is_masked(written: str) -> None:
    out, errors = output_of(written)
    assert (out, errors) == ("", f"told {MASKED}\n")


def test_a_terminal_is_one_though_a_pipe_is_before_it() -> None:
    ours, terminal = pty.openpty()
    program = (
        "import os, sys\n"
        "from host.privacy.descriptors import masked_descriptors\n"
        "from host.privacy.logs import mask_what_is_printed\n"
        "from host.privacy.mask import mask\n"
        "mask_what_is_printed()\n"
        "with masked_descriptors(mask):\n"
        "    print(os.isatty(2), sys.stderr.isatty(), sys.stdout.isatty())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=60,
    )
    os.close(terminal)
    os.close(ours)
    assert done.stdout == "False True False\n"


def test_both_are_kept_apart_and_in_order() -> None:
    out, errors = output_of(
        'for number in range(2000): os.write(1, f"line {number}: {NUMBER}\\n".encode())\n'
        'os.write(2, b"an error\\n")'
    )
    assert out.splitlines() == [f"line {number}: {MASKED}" for number in range(2000)]
    assert errors == "an error\n"


def test_a_private_key_of_many_lines_is_masked() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\nabcd\\n-----END RSA PRIVATE KEY-----\\n"
    out, _ = output_of(f'os.write(1, b"before\\n{key}after\\n")')
    assert out == "before\n••••\nafter\n"


def test_an_unfinished_line_comes_at_the_end() -> None:
    out, _ = output_of('os.write(1, f"a\\nlast {NUMBER}".encode())')
    assert out == f"a\nlast {MASKED}"


def test_what_comes_afterwards_is_written_as_before() -> None:
    out, errors = output_of("print('inside')", "print('after', NUMBER)\nos.write(2, b'after')")
    assert out == f"inside\nafter {NUMBER}\n"
    assert errors == "after"


def test_a_private_key_that_comes_line_by_line_is_masked() -> None:
    begins, ends = "-----BEGIN {} KEY-----", "-----END PRIVATE KEY-----"
    lines = ["x", begins.format("PRIVATE"), "MIIEvQ", "AB+/=", ends]
    lines += ["y", begins.format("EC PRIVATE"), "MHcC", '{"a": 1}']
    out, _ = output_of(
        f"for line in {lines}:\n        print(line, flush=True); time.sleep(0.02)",
    )
    assert out == 'x\n••••\ny\n••••\n{"a": 1}\n'


def test_a_child_that_never_stops_writing_does_not_keep_the_host_from_ending() -> None:
    began = time.monotonic()
    output_of('subprocess.Popen(["sh", "-c", "while echo told; do :; done"])', "os._exit(0)")
    assert time.monotonic() - began < 15


def test_a_child_that_goes_on_does_not_keep_the_host_from_ending() -> None:
    began = time.monotonic()
    output_of('subprocess.Popen(["sleep", "20"], stdout=2)', "os._exit(0)")
    assert time.monotonic() - began < 15


LINES_OF_JSON: list[tuple[object, object]] = [
    ({"message": 'a "+15550142857" and'}, {"message": 'a "+1…57" and'}),
    ({"message": 'auth_password: "hunter2" x'}, {"message": 'auth_password: "••••" x'}),
    ({"caller": 15550142857, "ok": True}, {"caller": "…57", "ok": True}),
    (
        {"password": "hun ter2", "digits": "4321", "x": [1]},
        {"password": "••••", "digits": "••••", "x": [1]},
    ),
    (
        {"call": {"to": ["+15550142857"]}, "+15550142857": 1.5},
        {"call": {"to": ["+1…57"]}, "+1…57": 1.5},
    ),
]
"""Lines, and what comes of them."""


def test_lines_of_json_stay_so() -> None:
    written = "".join(f"{json.dumps(line)}\n" for line, _ in LINES_OF_JSON)
    out, _ = output_of(f"os.write(1, {written.encode()!r})")
    assert [json.loads(line) for line in out.splitlines()] == [told for _, told in LINES_OF_JSON]


def test_what_is_no_text_is_written_as_escapes() -> None:
    out, _ = output_of('os.write(1, b"\\xff and \\xe2\\x82\\xac\\n")')
    assert out == "\\xff and €\n"


def test_a_long_line_is_written_in_parts_and_whole() -> None:
    out, _ = output_of('os.write(1, b"x" * 200_000 + b"\\n")')
    assert out == "x" * 200_000 + "\n"


def test_a_host_masks_what_its_calls_write(tmp_path: Path) -> None:
    """Descriptors are inherited by the processes of calls, through LiveKit's forkserver."""
    (tmp_path / "program.py").write_text(
        "import multiprocessing, os\n"
        "from canaries import NUMBER, SECRETS\n"
        "from host.privacy.descriptors import masked_descriptors\n"
        "from host.privacy.mask import Mask\n"
        "def call():\n"
        "    os.write(2, f'told {NUMBER} and {SECRETS[\"CANARY_CRM_TOKEN\"]}\\n'.encode())\n"
        "if __name__ == '__main__':\n"
        "    with masked_descriptors(Mask(frozenset(SECRETS.values()))):\n"
        "        process = multiprocessing.get_context('forkserver').Process(target=call)\n"
        "        process.start()\n"
        "        process.join()\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        env={"PYTHONPATH": f"{HERE.parent}:{HERE}", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.stderr == f"told {MASKED} and ••••\n"
