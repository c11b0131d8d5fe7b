"""Templates and runs begin, end and are replaced; nothing of them stays behind."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grading.limits import Limits
from grading.probes import Call, observation_from, probe_fields
from grading.sandbox import (
    LocalSandboxes,
    Run,
    RunEndedError,
    SandboxError,
    Sandboxes,
    build_image,
)
from grading.sandbox._memory import descendants, n_threads
from tests.grading.sandbox.conftest import SMALL, cell, told

pytestmark = pytest.mark.sandbox


def template_pid(sandboxes: Sandboxes) -> int:
    [template] = sandboxes._templates.values()
    return template.pid


def is_gone(pid: int, within_s: float = 3.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "Z (zombie)" in status.read_text():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.usefixtures("requires_sandbox")
class TestATemplate:
    def test_serves_many_runs(self) -> None:
        with Sandboxes() as sandboxes:
            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, "1") == 1
            first = template_pid(sandboxes)
            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, "2") == 2

            assert template_pid(sandboxes) == first
            assert n_threads(first) == 1

    def test_is_replaced_when_it_was_killed(self) -> None:
        with Sandboxes() as sandboxes:
            sandboxes.take(["numpy"], SMALL).close()
            first = template_pid(sandboxes)
            os.kill(first, signal.SIGKILL)
            assert is_gone(first)

            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, "6 * 7") == 42

            assert template_pid(sandboxes) != first

    def test_has_the_next_child_ready_when_one_has_ended(self) -> None:
        with Sandboxes() as sandboxes:
            sandboxes.take(["numpy"], SMALL).close()
            while len(waiting := set(descendants(template_pid(sandboxes)))) < 2:
                time.sleep(0.01)

            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, "'kept' in globals()", "") is False
                assert set(descendants(template_pid(sandboxes))) & waiting  # the helper has left

    def test_gives_no_waiting_child_to_a_submission_with_other_limits(self) -> None:
        wider = replace(SMALL, file_bytes=2 * SMALL.file_bytes)
        size = "os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize"
        with Sandboxes() as sandboxes:
            sandboxes.take(["numpy"], SMALL).close()

            with sandboxes.take(["numpy"], wider) as run:
                assert told(run, size) == wider.file_bytes
            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, size) == SMALL.file_bytes

    def test_is_replaced_when_its_waiting_child_was_killed(self) -> None:
        with Sandboxes() as sandboxes:
            sandboxes.take(["numpy"], SMALL).close()
            while len(waiting := list(descendants(template_pid(sandboxes)))) < 2:
                time.sleep(0.01)
            for pid in waiting:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert all(is_gone(pid) for pid in waiting)

            with sandboxes.take(["numpy"], SMALL) as run:
                assert told(run, "6 * 7") == 42

    def test_that_does_not_answer_is_killed_with_everything_below_it(self) -> None:
        with Sandboxes() as sandboxes:
            run = sandboxes.take(["numpy"], SMALL)
            assert cell(run, "x = 1") is None
            first = template_pid(sandboxes)
            below = list(descendants(first))
            assert below
            os.kill(first, signal.SIGSTOP)

            run.close()

            assert all(is_gone(pid) for pid in [first, *below])
            with sandboxes.take(["numpy"], SMALL) as again:
                assert told(again, "3") == 3

    def test_ends_with_the_sandboxes(self) -> None:
        sandboxes = Sandboxes()
        run = sandboxes.take(["numpy"], SMALL)
        pids = [template_pid(sandboxes), *descendants(template_pid(sandboxes))]
        assert len(pids) >= 3

        sandboxes.close()

        assert all(is_gone(pid) for pid in pids)
        with pytest.raises(RunEndedError):
            run.ask({"do": "cell", "name": "x", "source": ""}, 1.0)

    def test_of_a_module_that_cannot_be_imported_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image = build_image(modules=["numpy"])
        monkeypatch.setattr("grading.sandbox._warm.build_image", lambda **_: image)

        with Sandboxes() as sandboxes, pytest.raises(SandboxError, match="no_such_module"):
            sandboxes.take(["no_such_module"], SMALL)

    def test_that_bubblewrap_refuses_says_what_it_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = Path("/no/such/image")
        monkeypatch.setattr("grading.sandbox._warm.build_image", lambda **_: nowhere)

        with Sandboxes() as sandboxes, pytest.raises(SandboxError, match=r"bwrap: .*no/such"):
            sandboxes.take(["numpy"], SMALL)


@pytest.mark.usefixtures("requires_sandbox")
def test_a_killed_worker_leaves_no_process_behind() -> None:
    program = """
import os, time
from grading.limits import Limits
from grading.sandbox import Sandboxes
from grading.sandbox._memory import descendants

sandboxes = Sandboxes()
run = sandboxes.take(["numpy"], Limits())
source = "import os, time\\nif os.fork() == 0:\\n    os.setsid()\\n    time.sleep(100)"
run.ask({"do": "cell", "name": "c", "source": source}, 10)
print(*descendants(os.getpid()), flush=True)
time.sleep(100)
"""
    worker = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert worker.stdout is not None
    pids = [int(pid) for pid in worker.stdout.readline().split()]
    assert len(pids) >= 5  # bubblewrap twice, template, process 1, driver, its child

    worker.kill()
    worker.wait()
    worker.stdout.close()

    assert all(is_gone(pid) for pid in pids)


def test_a_child_that_cannot_be_isolated_is_our_failure(sandboxes: Sandboxes) -> None:
    with pytest.raises(SandboxError, match="mount tmpfs: Invalid argument"):
        sandboxes.take(["numpy"], Limits(file_bytes=-1))

    with sandboxes.take(["numpy"], SMALL) as run:
        assert told(run, "1") == 1


def test_a_new_run_closes_the_one_before(sandboxes: Sandboxes) -> None:
    first = sandboxes.take(["numpy"], SMALL)
    with sandboxes.take(["numpy"], SMALL) as second:
        assert told(second, "1") == 1
        with pytest.raises(RunEndedError):
            cell(first, "x = 1")


def test_descriptors_do_not_pile_up(sandboxes: Sandboxes) -> None:
    sandboxes.take(["numpy"], SMALL).close()
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        with sandboxes.take(["numpy"], SMALL) as run, pytest.raises(RunEndedError):
            cell(run, "import os\nos._exit(0)")

    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("kind", ["bubblewrap", "unsafe", "local"])
def test_all_kinds_of_runs_agree(kind: str, sandboxes: Sandboxes) -> None:
    source = (
        "import numpy as np\nfrom grading.check import check\n"
        "def look(x, f):\n    x += 1\n    return f(x), {1: 2}, 'text', (3, np.float32(0.5))"
    )
    probe = Call(("a", "b", "c", "d"))
    from grading.probes import Reference

    inputs = {"x": np.arange(3.0), "f": Reference("f")}
    request = {"do": "observe", "exercise": "look", "probe": probe_fields(probe), "inputs": inputs}

    def answered(run: Run) -> object:
        with run:
            assert cell(run, source) is None
            reply = run.ask(request, 10, lambda call: {"result": call["arguments"][0] * 2})
            return repr(observation_from(reply["observation"], probe, inputs))

    with Sandboxes(unsafe=True) as unsafe:
        kinds = {"bubblewrap": sandboxes, "unsafe": unsafe, "local": LocalSandboxes()}
        assert kinds[kind].mark == ("bubblewrap" if kind == "bubblewrap" else "none")
        mine = answered(kinds[kind].take(["numpy"], SMALL))

    assert mine == answered(LocalSandboxes().take(["numpy"], SMALL))


class TestAnUnsafeRun:
    """No isolation, yet the same limits as far as they can be watched."""

    @pytest.fixture
    def run(self) -> object:
        with Sandboxes(unsafe=True) as sandboxes, sandboxes.take(["numpy"], SMALL) as run:
            yield run

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("while True: pass", "timeout"),
            ("import os\nos._exit(0)", "exited"),
            ("kept = []\nwhile True:\n    kept.append(bytearray(b'x') * (1 << 22))", "memory"),
        ],
    )
    def test_is_ended(self, run: Run, source: str, reason: str) -> None:
        with pytest.raises(RunEndedError) as ended:
            cell(run, source, within_s=0.5 if reason == "timeout" else 10.0)

        assert ended.value.reason == reason

    def test_sees_the_stand_in_for_check(self, run: Run) -> None:
        assert told(run, "[check('x')]", "from grading.check import check") == [0.0]

    def test_is_measured(self, run: Run) -> None:
        assert cell(run, "sum(range(10**6))") is None
        run.close()

        assert run.usage().cpu_s > 0.0


def test_limits_are_those_of_each_run(sandboxes: Sandboxes) -> None:
    for n in (4, 9):
        with sandboxes.take(["numpy"], Limits(n_processes=n)) as run:
            imports = "import resource"
            soft = told(run, "resource.getrlimit(resource.RLIMIT_NPROC)[0]", imports)
            assert soft == n + 3
