"""Wherever the process, the disk or the power ends, opening again continues to the same end."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading.journal import Journal, _disk
from grading.refusals import Refusal
from tests.grading.journal.cases import (
    abandon,
    all_bytes,
    entry_of,
    files_of,
    learner_key,
    result_of,
)
from tests.grading.journal.faults import FullOs, Killed, KillingOs

FULL = os.environ.get("NNCOURSE_FULL") == "1"
STRIDE = 1 if FULL else 2
ENTRIES = [entry_of(1), entry_of(2), entry_of(1, attempt=2)]


def grade(folder: Path) -> None:
    """A whole grading run, as often as it takes: everything is accepted, done, recorded."""
    journal = Journal(folder)
    try:
        for entry in ENTRIES:
            journal.accept(entry, files_of(entry))
        for entry in journal.pending():
            journal.done(entry.id, result_of(entry))
        journal.recorded([entry.id for entry, _ in journal.unrecorded()])
        journal.close()
    except BaseException:
        abandon(journal)
        raise


def contents(folder: Path) -> tuple[object, ...]:
    with Journal(folder) as journal:
        return (
            sorted(journal.entries(), key=lambda entry: entry.id),
            [journal.files(entry) for entry in ENTRIES],
            [journal.result_of(entry) for entry in ENTRIES],
            list(journal.pending()),
            list(journal.unrecorded()),
        )


@pytest.fixture
def expected(tmp_path: Path) -> tuple[object, ...]:
    grade(tmp_path / "undisturbed")
    found = contents(tmp_path / "undisturbed")
    assert len(found[0]) == 3  # type: ignore[arg-type]
    return found


def test_killed_after_any_step_the_next_run_ends_alike(
    tmp_path: Path, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    n_steps = 0
    while True:
        folder = tmp_path / f"killed after {n_steps}"
        dying = KillingOs(n_steps)
        with monkeypatch.context() as patched:
            patched.setattr(_disk, "os", dying)
            try:
                grade(folder)
            except Killed:
                pass
            else:
                break
        grade(folder)
        assert contents(folder) == expected, n_steps
        shutil.rmtree(folder)
        n_steps += STRIDE
    assert n_steps >= dying.n_done > 30


def test_killed_twice_in_a_row(
    tmp_path: Path, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(5)
    for trial in range(200 if FULL else 20):
        folder = tmp_path / f"trial {trial}"
        for _ in range(3):
            with monkeypatch.context() as patched:
                patched.setattr(_disk, "os", KillingOs(draw.randrange(25)))
                with contextlib.suppress(Killed):
                    grade(folder)
        grade(folder)
        assert contents(folder) == expected, trial


def test_full_disk_is_one_refusal_and_room_mends_it(
    tmp_path: Path, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    n_steps = 0
    while True:
        folder = tmp_path / f"full after {n_steps}"
        full = FullOs(n_steps)
        with monkeypatch.context() as patched:
            patched.setattr(_disk, "os", full)
            said = ""
            try:
                grade(folder)
            except Refusal as refusal:
                said = str(refusal)
        if not said:
            break
        assert "the disk is full. Make room and run the same command again" in said
        assert not list(folder.rglob("*.draft"))
        grade(folder)
        assert contents(folder) == expected, n_steps
        shutil.rmtree(folder)
        n_steps += STRIDE
    assert n_steps > 20


def test_journal_goes_on_in_the_same_process_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = entry_of(1), entry_of(2)
    with Journal(tmp_path) as journal:
        journal.accept(first, files_of(first))
        for n_steps in range(3):  # open, write, append
            with monkeypatch.context() as patched:
                patched.setattr(_disk, "os", FullOs(n_steps))
                with pytest.raises(Refusal, match="disk is full"):
                    journal.accept(second, files_of(second))
            assert list(journal.entries()) == [first]

        journal.accept(second, files_of(second))
        journal.done(first.id, result_of(first))
    with Journal(tmp_path) as journal:
        assert list(journal.entries()) == [first, second]
        assert journal.result_of(first) == result_of(first)


def test_forgetting_is_ended_by_whoever_opens_the_journal_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = ENTRIES[0], ENTRIES[1]
    n_steps = 0
    while True:
        folder = tmp_path / f"killed after {n_steps}"
        grade(folder)
        journal = Journal(folder)
        with monkeypatch.context() as patched:
            patched.setattr(_disk, "os", KillingOs(n_steps))
            try:
                journal.forget(learner_key(1))
            except Killed:
                ended = False
            else:
                ended = True
        abandon(journal)
        with Journal(folder) as journal:
            if list(journal.entries(learner=learner_key(1))):
                assert n_steps <= 1  # the line that says so was not written
                journal.forget(learner_key(1))
            assert list(journal.entries()) == [other]
            assert journal.files(other) == files_of(other)
            assert journal.is_recorded(other)
        left = all_bytes(folder)
        assert gone.learner.encode() not in left
        assert gone.key.encode() not in left
        if ended:
            break
        n_steps += 1
    assert n_steps > 5


KILLED = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
from grading.journal import Journal
from tests.grading.journal.cases import entry_of, files_of, result_of
with Journal(pathlib.Path(sys.argv[1])) as journal:
    print("open", flush=True)
    for i in range(100000):
        entry = entry_of(i)
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, result_of(entry))
        journal.recorded([entry.id])
        print(i, flush=True)
"""


def test_nothing_that_was_confirmed_is_lost_by_kill_9(tmp_path: Path) -> None:
    draw = random.Random(9)
    root = str(Path(__file__).resolve().parents[3])
    for trial in range(30 if FULL else 4):
        folder = tmp_path / f"trial {trial}"
        writing = subprocess.Popen(
            [sys.executable, "-c", KILLED, folder, root], stdout=subprocess.PIPE, text=True
        )
        assert writing.stdout is not None
        for _ in range(draw.randrange(2, 60)):
            writing.stdout.readline()
        writing.kill()
        confirmed = [int(line) for line in writing.stdout.read().split() if line.isdigit()]
        writing.stdout.close()
        writing.wait()

        with Journal(folder) as journal:
            for i in confirmed:
                assert journal.is_recorded(entry_of(i))
                assert journal.files(entry_of(i)) == files_of(entry_of(i))
                assert journal.result_of(entry_of(i)) == result_of(entry_of(i))
            assert len(journal) >= (confirmed[-1] + 1 if confirmed else 0)


SMALL_DISK = """
import sys, pathlib, os
sys.path.insert(0, sys.argv[1])
from grading.journal import Journal
from grading.refusals import Refusal
from tests.grading.journal.cases import entry_of, files_of, result_of
folder = pathlib.Path("/small/journal")
ballast = pathlib.Path("/small/ballast")
ballast.write_bytes(os.urandom(300_000))
def grade(journal):
    for i in range(30):
        entry = entry_of(i)
        journal.accept(entry, files_of(entry) | {"large": os.urandom(20_000) if i == -1 else
                       bytes(str(i), "ascii") + random_bytes(i)})
        journal.done(entry.id, result_of(entry))
def random_bytes(i):
    import random
    return random.Random(i).randbytes(20_000)
try:
    with Journal(folder) as journal:
        grade(journal)
except Refusal as refusal:
    print("refused:", refusal)
with Journal(folder) as journal:
    before = len(journal)
ballast.unlink()
with Journal(folder) as journal:
    grade(journal)
    whole = [journal.result_of(entry_of(i)) == result_of(entry_of(i)) for i in range(30)]
    files = [len(journal.files(entry_of(i))) for i in range(30)]
print(0 < before < 30, all(whole), set(files))
"""


@pytest.mark.sandbox
def test_a_disk_that_is_really_full(requires_sandbox: str) -> None:
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [
            *(requires_sandbox, "--unshare-user", "--die-with-parent", "--dev-bind", "/", "/"),
            *("--tmpfs", "/tmp", "--size", "1000000", "--tmpfs", "/small"),
            *("--ro-bind", root, root),
            *(sys.executable, "-c", SMALL_DISK, root),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    refused, outcome = done.stdout.splitlines()
    assert refused.startswith("refused: /small/journal")
    assert "the disk is full" in refused
    assert outcome == "True True {2}"
