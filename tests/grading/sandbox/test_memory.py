"""What a tree of processes holds, read from /proc."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.limits import MEGABYTE
from grading.sandbox import _memory as memory
from grading.sandbox import held_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")

N_PROCESSES = 4
HELD = 40 * MEGABYTE


def _hold(ready: Any) -> None:
    """Start children that share what this process holds."""
    kept = bytearray(b"x") * HELD
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=time.sleep, args=(60,)) for _ in range(N_PROCESSES - 1)]
    for child in children:
        child.start()
    ready.put(len(kept))
    time.sleep(60)


@pytest.fixture(scope="module")
def top() -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    process = context.Process(target=_hold, args=(ready,))
    process.start()
    assert process.pid is not None
    ready.get(timeout=60)
    below = list(memory.descendants(process.pid))
    yield process.pid
    for pid in below:
        os.kill(pid, signal.SIGKILL)
    process.kill()
    process.join()


def test_pages_that_processes_share_count_once_when_it_matters(top: int) -> None:
    quick = held_bytes(top, whole=True)
    exact = held_bytes(top, limit_bytes=0, whole=True)

    assert quick > N_PROCESSES * HELD
    assert HELD < exact < 2 * HELD


def test_the_process_on_top_is_left_out_unless_asked_for(top: int) -> None:
    assert held_bytes(top) < held_bytes(top, whole=True)
    assert len(memory.children(top)) == N_PROCESSES - 1


def test_what_may_not_be_read_leaves_the_upper_bound(
    top: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "smaps_rollup":
            raise PermissionError
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)

    assert held_bytes(top, limit_bytes=0, whole=True) > N_PROCESSES * HELD


def test_a_process_that_has_ended_holds_nothing(monkeypatch: pytest.MonkeyPatch, top: int) -> None:
    gone = 2**22 + 1  # beyond the largest number of a process
    below = list(memory.descendants(top))
    monkeypatch.setattr(memory, "descendants", lambda _: iter([*below, gone]))

    assert held_bytes(gone) > 0
    assert held_bytes(top, limit_bytes=0, whole=True) < 2 * HELD
    assert memory.n_threads(gone) == memory.address_bytes(gone) == 0
    assert memory.children(gone) == []


def test_a_process_goes_on_holding_without_its_first_thread() -> None:
    number = 60 if platform.machine() == "x86_64" else 93
    program = (
        "import ctypes, threading, time\n"
        f"kept = bytearray(b'x') * {HELD}\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        f"ctypes.CDLL(None).syscall({number}, 0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        try:
            while (
                Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
            ):
                time.sleep(0.01)
            assert held_bytes(process.pid, whole=True) > HELD
            assert held_bytes(process.pid, limit_bytes=0, whole=True) > HELD
        finally:
            process.kill()
