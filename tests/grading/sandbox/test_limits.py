"""Whoever takes too much is stopped; the machine and the next submission are not touched."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from grading.limits import MEGABYTE, Limits
from grading.sandbox import Run, RunEndedError, Sandboxes
from grading.sandbox._memory import descendants
from tests.grading.sandbox.conftest import SMALL, cell, refused, seen, told

pytestmark = pytest.mark.sandbox


def ending(run: Run, source: str, within_s: float = 20.0) -> str:
    """Return the reason with which a run ends in a cell."""
    with pytest.raises(RunEndedError) as ended:
        cell(run, source, within_s)
    return ended.value.reason


@pytest.fixture
def nothing_left(sandboxes: Sandboxes) -> object:
    """Hold, after a test, that nothing is left below the template but the child that waits."""
    yield
    for template in sandboxes._templates.values():
        template.dismiss()
        assert list(descendants(template.pid)) == []


@pytest.mark.usefixtures("nothing_left")
class TestTheEndOfARun:
    @pytest.mark.parametrize(
        "source",
        [
            "while True: pass",
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\nwhile True: pass",
            "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
            "import time\ntime.sleep(1000)",
            "sum(range(10**12))",
        ],
        ids=["loop", "catches_all", "ignores_signals", "stops_itself", "sleeps", "in_c"],
    )
    def test_an_endless_cell_times_out(self, run: Run, source: str) -> None:
        started = time.monotonic()

        assert ending(run, source, within_s=0.3) == "timeout"
        assert time.monotonic() - started < 3.0

    @pytest.mark.parametrize(
        "source",
        [
            "import os\nos._exit(0)",
            "import ctypes\nctypes.string_at(0)",
            "import os\nos.kill(os.getpid(), 9)",
            "import os\nos.abort()",
            "import os\nos.close(3)",
            "import os\nos.execv('/python/bin/python', ['python', '-c', '0'])",
        ],
        ids=["exit", "segfault", "kill", "abort", "closes_channel", "exec"],
    )
    def test_a_process_that_ends_has_exited(self, run: Run, source: str) -> None:
        assert ending(run, source) == "exited"

    def test_one_process_that_takes_memory_is_killed_for_it(self, run: Run) -> None:
        source = "kept = []\nwhile True:\n    kept.append(bytearray(b'x') * (1 << 22))"

        assert ending(run, source) == "memory"
        assert run.usage().peak_bytes > SMALL.memory_bytes

    def test_many_processes_are_added_up(self, run: Run) -> None:
        source = (
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
            "        kept = bytearray(b'x') * (60 << 20)\n        time.sleep(60)\ntime.sleep(60)"
        )

        assert ending(run, source) == "memory"

    def test_many_small_forks_are_not_mistaken_for_memory(self, run: Run) -> None:
        """Pages that all of them share count once."""
        source = (
            "import os, time\nfor _ in range(24):\n    if os.fork() == 0:\n"
            "        time.sleep(60)\ntime.sleep(0.3)"
        )

        assert cell(run, source) is None

    def test_a_daemon_in_a_session_of_its_own_dies_with_the_run(self, run: Run) -> None:
        source = (
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            "        while True: time.sleep(0.01)\n    os._exit(0)\nos.wait()"
        )

        assert cell(run, source) is None

    def test_a_copy_of_the_process_answers_nobody(self, run: Run) -> None:
        assert cell(run, "import os\nos.fork()") is None
        assert cell(run, "x = 1") is None
        assert told(run, "x", "") == 1

    def test_a_fork_bomb_stops_at_the_limit(self, run: Run) -> None:
        source = (
            "import os, time\nn = 0\ndef look():\n    n = 0\n    try:\n        while n < 500:\n"
            "            if os.fork() == 0:\n                time.sleep(60)\n            n += 1\n"
            "    except BlockingIOError:\n        return n\n    return -1"
        )

        n = seen(run, source).outputs["y"]

        assert n == SMALL.n_processes - 1  # the driver is one of them

    def test_a_fork_bomb_that_goes_on_is_ended(self, run: Run) -> None:
        source = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"

        assert ending(run, source, within_s=1.0) in {"timeout", "protocol", "memory"}

    def test_threads_count_as_processes(self, run: Run) -> None:
        body = (
            "import threading, time\nfor _ in range(200):\n"
            "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
        )

        assert refused(run, body).startswith("RuntimeError: can't start new thread")


def test_memory_taken_while_nothing_is_asked_is_seen(run: Run) -> None:
    source = (
        "import os, threading, time\ndef take():\n    kept = []\n    time.sleep(0.1)\n"
        "    while True:\n        kept.append(bytearray(b'x') * (1 << 22))\n"
        "threading.Thread(target=take, daemon=True).start()"
    )
    assert cell(run, source) is None

    deadline = time.monotonic() + 30.0
    while run.usage().peak_bytes <= SMALL.memory_bytes and time.monotonic() < deadline:
        time.sleep(0.01)

    assert run.usage().peak_bytes > SMALL.memory_bytes
    assert ending(run, "x = 1") == "memory"


@pytest.mark.parametrize(
    "body",
    [
        "import mmap\nmmap.mmap(-1, 1 << 20)",
        "import mmap, os\nmmap.mmap(os.open('/dev/zero', 2), 1 << 20)",
        "import os\nos.memfd_create('x')",
    ],
)
def test_memory_that_no_process_is_seen_to_hold_is_refused(run: Run, body: str) -> None:
    assert refused(run, body).startswith(("PermissionError", "FileNotFoundError"))


def test_all_temporary_files_together_have_a_cap(run: Run) -> None:
    body = "for i in range(100):\n    open(f'/tmp/{i}', 'wb').write(bytes(1 << 20))"

    assert "No space left" in refused(run, body)
    assert told(run, "sum(os.path.getsize(f) for f in os.listdir())") <= SMALL.file_bytes


def test_so_has_their_number(run: Run) -> None:
    body = "for i in range(100_000):\n    open(f'/tmp/{i}', 'w').close()"

    assert "No space left" in refused(run, body)


def test_one_file_has_a_cap(sandboxes: Sandboxes) -> None:
    with sandboxes.take(["numpy"], SMALL) as run:
        body = f"open('/tmp/x', 'wb').truncate({SMALL.file_bytes + 1})"
        assert "File too large" in refused(run, body)


def test_open_files_have_a_cap(run: Run) -> None:
    body = "kept = [open('/dev/null') for _ in range(1000)]"

    assert "Too many open files" in refused(run, body)


def test_one_allocation_beyond_all_limits_is_a_memory_error(run: Run) -> None:
    """The learner's own mistake, of which a sentence can be told."""
    problem = refused(run, "import numpy as np\nnp.ones(10**12)")

    assert problem.startswith("MemoryError")


def test_the_next_run_is_as_good_as_new(sandboxes: Sandboxes) -> None:
    for source in ("while True: pass", "import os\nos._exit(0)"):
        with sandboxes.take(["numpy"], SMALL) as broken:
            ending(broken, source, within_s=0.2)
        with sandboxes.take(["numpy"], SMALL) as run:
            assert told(run, "6 * 7") == 42


def test_an_ended_run_stays_ended(run: Run) -> None:
    ending(run, "import os\nos._exit(0)")

    assert ending(run, "x = 1") == "exited"


def test_processor_time_is_measured_outside(sandboxes: Sandboxes) -> None:
    source = "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.23: pass"
    with sandboxes.take(["numpy"], SMALL) as run:
        assert cell(run, source) is None

    assert 0.2 <= run.usage().cpu_s < 1.0  # user and system time come in steps of 10 ms each
    assert run.usage().peak_bytes > MEGABYTE


def test_processor_time_of_killed_children_counts(sandboxes: Sandboxes) -> None:
    source = (
        "import os, time\nif os.fork() == 0:\n    while time.process_time() < 0.15: pass\n"
        "    os.mkdir('/tmp/done')\n    time.sleep(60)\n"
        "while not os.path.exists('/tmp/done'): time.sleep(0.01)"
    )
    with sandboxes.take(["numpy"], SMALL) as run:
        assert cell(run, source) is None

    assert run.usage().cpu_s > 0.1


def test_a_longer_limit_is_a_longer_limit(sandboxes: Sandboxes) -> None:
    generous = Limits(memory_bytes=900 * MEGABYTE)
    source = "kept = bytearray(b'x') * (310 << 20)\nimport time\ntime.sleep(0.1)"
    with sandboxes.take(["numpy"], generous) as run:
        assert cell(run, source) is None
    with sandboxes.take(["numpy"], SMALL) as run:
        assert ending(run, source) == "memory"


def test_nothing_of_a_hostile_run_is_left_on_the_machine(sandboxes: Sandboxes) -> None:
    before = set(Path("/tmp").iterdir())
    with sandboxes.take(["numpy"], SMALL) as run:
        cell(run, "for i in range(20):\n    open(f'/tmp/{i}', 'w').write('x')")

    assert not {path.name for path in set(Path("/tmp").iterdir()) - before} & set("0123456789")
