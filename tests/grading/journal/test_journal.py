"""The journal remembers each step, tolerates repetition and lets one writer in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grading.journal import Entry, Journal
from grading.refusals import Refusal
from tests.grading.journal.cases import (
    HANDED_IN,
    SLUG,
    abandon,
    all_bytes,
    entry_of,
    files_of,
    learner_key,
    result_of,
)


def ids(entries: object) -> list[str]:
    return [entry.id for entry in entries]  # type: ignore[attr-defined]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a class" / "journal"


def test_entry_goes_from_accepted_to_done_to_recorded_across_openings(folder: Path) -> None:
    first, second = entry_of(1), entry_of(2)
    with Journal(folder) as journal:
        journal.accept(first, files_of(first))
        journal.accept(second, files_of(second))
    with Journal(folder) as journal:
        assert list(journal.pending()) == [first, second]
        assert journal.files(first) == files_of(first)
        assert list(journal.unrecorded()) == []

        journal.done(first.id, result_of(first))

    with Journal(folder) as journal:
        assert list(journal.pending()) == [second]
        assert list(journal.unrecorded()) == [(first, result_of(first))]
        assert journal.result(first.key) == result_of(first)

        journal.recorded([first.id])

    with Journal(folder) as journal:
        assert list(journal.unrecorded()) == []
        assert list(journal.pending()) == [second]
        assert journal.is_recorded(first)
        assert not journal.is_recorded(second)
        assert list(journal.entries()) == [first, second]
        assert len(journal) == 2


def test_entry_keeps_its_time_and_needs_a_zone_with_it() -> None:
    assert Entry.from_dict(entry_of(1).to_dict()) == entry_of(1)
    assert Entry.from_dict(entry_of(1).to_dict()).handed_in == HANDED_IN
    with pytest.raises(ValueError, match="time zone"):
        Entry.of(
            key="k",
            learner="l",
            slug="s",
            attempt=1,
            handed_in=HANDED_IN.replace(tzinfo=None),
            submission="s",
        )


def test_second_delivery_changes_nothing(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        assert journal.accept(entry, files_of(entry))
        assert not journal.accept(entry, files_of(entry))
        assert journal.done(entry.id, result_of(entry))
        size = journal.path.stat().st_size

        assert not journal.done(entry.id, result_of(entry))
        assert not journal.done(entry.id, result_of(entry, score=0.0))

        assert journal.path.stat().st_size == size
        assert journal.result_of(entry) == result_of(entry)
        assert len(list(journal.unrecorded())) == 1


def test_failure_of_ours_is_tried_again_and_gives_way(folder: Path) -> None:
    entry = entry_of(1)
    ours = result_of(entry, status="infra_error", score=0.0)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, ours)

        assert journal.result(entry.key) is None
        assert journal.result_of(entry) == ours
        assert list(journal.pending()) == [entry]
        assert list(journal.unrecorded()) == [(entry, ours)]
        journal.recorded([entry.id])
        assert not journal.done(entry.id, ours)
        assert list(journal.unrecorded()) == []

        assert journal.done(entry.id, result_of(entry))
        assert list(journal.pending()) == []
        assert list(journal.unrecorded()) == [(entry, result_of(entry))]


def test_result_that_came_while_another_was_recorded_is_still_unrecorded(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, result_of(entry, status="infra_error"))
        batch = list(journal.unrecorded())
        journal.done(entry.id, result_of(entry))

        journal.recorded([each.id for each, _ in batch])

        assert [result.status for _, result in journal.unrecorded()] == ["ok"]


def test_result_of_a_forgotten_learner_is_dropped(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.forget(entry.learner)

        assert not journal.done(entry.id, result_of(entry))
        assert result_of(entry).notebooks[0].autograded.encode() not in all_bytes(folder)


def test_same_work_of_two_learners_is_stored_once(folder: Path) -> None:
    first, second = entry_of(1, key="same"), entry_of(2, key="same")
    with Journal(folder) as journal:
        for entry in (first, second):
            journal.accept(entry, {"a.ipynb": b"copied"})
            journal.done(entry.id, result_of(first))

    assert len(list((folder / "objects").rglob("*/*"))) == 2  # the file, the result


def test_older_attempt_that_is_late_does_not_overtake(folder: Path) -> None:
    """Attempt 1 comes back from its worker after attempt 2 stands in the gradebook."""
    older, newer = entry_of(1, attempt=1), entry_of(1, attempt=2)
    with Journal(folder) as journal:
        for entry in (older, newer):
            journal.accept(entry, files_of(entry))
        journal.done(newer.id, result_of(newer))
        journal.recorded([newer.id])
        journal.done(older.id, result_of(older))

        assert list(journal.unrecorded()) == []
        assert ids(entry for entry, _ in journal.unrecorded(overtaken=True)) == [older.id]


def test_entry_of_which_another_time_is_known_is_accepted_again(folder: Path) -> None:
    entry = entry_of(1)
    corrected = replace(entry, handed_in=datetime(2026, 1, 2, tzinfo=UTC))
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, result_of(entry))
        journal.recorded([entry.id])

        assert journal.accept(corrected, files_of(entry))
        assert not journal.accept(corrected, files_of(entry))

    with Journal(folder) as journal:
        assert [each for each, _ in journal.unrecorded()] == [corrected]
        assert len(journal) == 1


def test_results_come_in_the_order_of_acceptance(folder: Path) -> None:
    older, newer = entry_of(1, attempt=1), entry_of(1, attempt=2)
    with Journal(folder) as journal:
        for entry in (older, newer):
            journal.accept(entry, files_of(entry))
        for entry in (newer, older):
            journal.done(entry.id, result_of(entry))

        assert ids(entry for entry, _ in journal.unrecorded()) == [older.id, newer.id]


def test_what_is_accepted_again_stands_again(folder: Path) -> None:
    """An exercise is mended and the mend taken back: the first result has to come back."""
    before, after = entry_of(1, key="before"), entry_of(1, key="after")
    with Journal(folder) as journal:
        for entry in (before, after):
            journal.accept(entry, files_of(entry))
            journal.done(entry.id, result_of(entry))
            journal.recorded([entry.id])
        assert list(journal.entries(latest=True)) == [after]

        assert journal.accept(before, files_of(before))

    with Journal(folder) as journal:
        assert list(journal.pending()) == []
        assert ids(entry for entry, _ in journal.unrecorded()) == [before.id]
        assert list(journal.entries(latest=True)) == [before]
        assert len(journal) == len(list(journal.entries())) == 2
        assert journal.result("before") == result_of(before)


def test_entries_are_chosen_by_assignment_and_learner(folder: Path) -> None:
    made = [entry_of(1), entry_of(2), entry_of(1, slug="02-other")]
    with Journal(folder) as journal:
        for entry in made:
            journal.accept(entry, files_of(entry))

        assert list(journal.entries(slug=SLUG)) == made[:2]
        assert list(journal.entries(learner=learner_key(1))) == [made[0], made[2]]
        assert list(journal.entries(slug="02-other", learner=learner_key(2))) == []
        assert journal.entry(made[1].id) == made[1]
        assert journal.entry("unknown") is None


def test_iterators_stay_open_while_lines_are_added(folder: Path) -> None:
    entries = [entry_of(i) for i in range(20)]
    with Journal(folder) as journal:
        for entry in entries:
            journal.accept(entry, files_of(entry))
        seen = []
        for entry in journal.pending():
            journal.done(entry.id, result_of(entry))
            journal.recorded([entry.id])
            seen.append(entry)

        assert seen == entries
        assert list(journal.pending()) == []


def test_torn_last_line_is_dropped_wherever_it_broke(folder: Path) -> None:
    first, second = entry_of(1), entry_of(2)
    with Journal(folder) as journal:
        journal.accept(first, files_of(first))
        whole = journal.path.stat().st_size
        journal.accept(second, files_of(second))
    data = journal.path.read_bytes()

    for size in range(whole, len(data), 7):
        journal.path.write_bytes(data[:size])
        with Journal(folder, readonly=True) as reader:
            assert list(reader.entries()) == [first]
        with Journal(folder) as again:
            assert list(again.entries()) == [first]
            assert again.path.read_bytes() == data[:whole]
            again.accept(second, files_of(second))
        assert journal.path.read_bytes() == data


def test_last_line_of_zeros_is_dropped(folder: Path) -> None:
    """As file systems leave it after a power failure."""
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
    journal.path.write_bytes(journal.path.read_bytes() + bytes(4096))

    with Journal(folder) as journal:
        assert list(journal.entries()) == [entry]
        journal.done(entry.id, result_of(entry))
    with Journal(folder) as journal:
        assert journal.result_of(entry) == result_of(entry)


def test_damaged_line_in_the_middle_is_refused_and_deleting_it_mends(folder: Path) -> None:
    entries = [entry_of(i) for i in range(3)]
    with Journal(folder) as journal:
        for entry in entries:
            journal.accept(entry, files_of(entry))
        for entry in entries:
            journal.done(entry.id, result_of(entry))
    lines = journal.path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"ok"', b'"okay"')  # the second line that says done
    journal.path.write_bytes(b"".join(lines))

    for readonly in (False, True):
        with pytest.raises(Refusal, match=r"journal\.jsonl: line 6 is damaged\. Delete"):
            Journal(folder, readonly=readonly)
    del lines[5]
    journal.path.write_bytes(b"".join(lines))

    with Journal(folder) as journal:
        assert list(journal.pending()) == [entries[1]]
        assert ids(entry for entry, _ in journal.unrecorded()) == [entries[0].id, entries[2].id]


def test_lines_that_miss_their_beginning_are_passed_over(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, result_of(entry))
        journal.recorded([entry.id])
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([lines[0], *lines[2:]]))

    with Journal(folder) as journal:
        assert list(journal.entries()) == list(journal.unrecorded()) == []
        assert journal.accept(entry, files_of(entry))
        assert list(journal.pending()) == [entry]


def test_journal_of_a_newer_version_is_refused(folder: Path) -> None:
    from grading.journal._lines import to_line

    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_bytes(to_line({"do": "journal", "format": 2}))

    with pytest.raises(Refusal, match="newer version"):
        Journal(folder)


def test_lost_result_is_pending_again(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        before = set((folder / "objects").rglob("*/*"))
        journal.done(entry.id, result_of(entry))
    (result,) = set((folder / "objects").rglob("*/*")) - before

    result.write_bytes(b"rotten")
    with Journal(folder) as journal:
        assert list(journal.unrecorded()) == []
        assert list(journal.pending()) == [entry]
        journal.done(entry.id, result_of(entry))
        assert list(journal.unrecorded()) == [(entry, result_of(entry))]
    result.unlink()
    with Journal(folder) as journal:
        assert list(journal.pending()) == [entry]


def test_lost_submission_is_refused_until_it_is_collected_again(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        (file,) = (folder / "objects").rglob("*/*")
        file.write_bytes(file.read_bytes()[:-3])

        with pytest.raises(Refusal, match="Collect the submissions again"):
            journal.files(entry)
        journal.accept(entry, files_of(entry))
        assert journal.files(entry) == files_of(entry)


def test_second_writer_is_refused_with_the_number_of_the_first(folder: Path) -> None:
    with (
        Journal(folder),
        pytest.raises(Refusal, match=rf"process {os.getpid()}\) is grading this class"),
    ):
        Journal(folder)
    Journal(folder).close()

    code = (
        "import sys, pathlib; from grading.journal import Journal;"
        "Journal(pathlib.Path(sys.argv[1]))"
    )
    with Journal(folder):
        other = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
        )
    assert f"process {os.getpid()}) is grading this class" in other.stderr


def test_lock_ends_with_its_holder_even_if_a_worker_lives_on(folder: Path) -> None:
    code = (
        "import os, sys, time, pathlib; from grading.journal import Journal;"
        "journal = Journal(pathlib.Path(sys.argv[1]));"
        "worker = os.fork();"
        "print(worker, flush=True) if worker else None;"
        "time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    worker = int(holder.stdout.readline())
    try:
        with pytest.raises(Refusal, match=f"process {holder.pid}"):
            Journal(folder)
        holder.kill()
        holder.wait()

        os.kill(worker, 0)  # it is still there
        Journal(folder).close()
    finally:
        holder.stdout.close()
        os.kill(worker, signal.SIGKILL)


def test_forked_worker_cannot_close_its_parents_journal(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        worker = multiprocessing.get_context("fork").Process(target=journal.close)
        worker.start()
        worker.join()
        assert worker.exitcode == 0

        journal.accept(entry, files_of(entry))
        with pytest.raises(Refusal):
            Journal(folder)


def test_reader_needs_no_lock_and_sees_what_is_added(folder: Path) -> None:
    first, second = entry_of(1), entry_of(2)
    assert list(Journal(folder, readonly=True).entries()) == []
    with Journal(folder) as journal:
        journal.accept(first, files_of(first))
        with Journal(folder, readonly=True) as reader:
            assert list(reader.entries()) == [first]
            journal.accept(second, files_of(second))
            assert list(reader.entries()) == [first]
            reader.refresh()
            assert list(reader.entries()) == [first, second]

            journal.forget(first.learner)
            assert list(reader.entries()) == [first, second]
            reader.refresh()
            assert list(reader.entries()) == [second]
            with pytest.raises(RuntimeError, match="not open for writing"):
                reader.accept(first, files_of(first))


def test_reader_leaves_a_line_that_is_still_being_written(folder: Path) -> None:
    entry = entry_of(1)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[:-20])

    with Journal(folder, readonly=True) as reader:
        assert list(reader.entries()) == []
        journal.path.write_bytes(data)
        reader.refresh()
        assert list(reader.entries()) == [entry]


def test_forgetting_erases_what_nobody_shares(folder: Path) -> None:
    gone, other = entry_of(1), entry_of(2)
    shared = {"helper.py": b"shared by both"}
    with Journal(folder) as journal:
        for entry in (gone, other):
            journal.accept(entry, files_of(entry) | shared)
            journal.done(entry.id, result_of(entry))
        journal.recorded([gone.id, other.id])

        assert journal.forget(gone.learner) == 1
        assert journal.forget(gone.learner) == 0

        assert list(journal.entries()) == [other]
        assert journal.files(other) == files_of(other) | shared
        assert journal.result_of(other) == result_of(other)
        assert journal.is_recorded(other)
        assert journal.result(gone.key) is None
    left = all_bytes(folder)
    for trace in (gone.learner, gone.id, gone.key, gone.submission):
        assert trace.encode() not in left
    assert other.learner.encode() in left


def test_forgetting_takes_what_a_killed_process_left(folder: Path) -> None:
    """A file stored for an entry whose line was never written."""
    with Journal(folder) as journal:
        journal._objects.put(b"work of somebody")

        journal.forget(learner_key(1))

        assert b"work of somebody" not in all_bytes(folder)


def test_what_is_withdrawn_was_never_there_and_what_counts_is_the_last(folder: Path) -> None:
    first, second, gone = (entry_of(1, attempt=i) for i in (1, 2, 3))
    other = entry_of(2)
    with Journal(folder) as journal:
        for entry in (first, second, gone, other):
            journal.accept(entry, files_of(entry))
            journal.done(entry.id, result_of(entry))
            journal.recorded([entry.id])

        assert journal.withdraw([gone.id], first) == 1
        assert journal.withdraw([gone.id]) == 0

        assert list(journal.entries()) == [second, other, first]
        assert list(journal.entries(latest=True)) == [other, first]
        assert list(journal.unrecorded()) == []
        assert journal.result(gone.key) is None
        for entry in (first, second, other):
            assert journal.files(entry) == files_of(entry)
            assert journal.result_of(entry) == result_of(entry)
        assert journal.accept(gone, files_of(gone))
        assert list(journal.pending()) == [gone]
        journal.withdraw([gone.id], first)
    left = all_bytes(folder)
    for trace in (gone.id, gone.key, gone.submission):
        assert trace.encode() not in left


def test_what_counts_may_be_new_to_the_journal(folder: Path) -> None:
    new, gone = entry_of(1), entry_of(1, attempt=2)
    with Journal(folder) as journal:
        journal.accept(gone, files_of(gone))

        journal.withdraw([gone.id], new, files_of(new))

        assert list(journal.pending()) == [new]
        assert journal.files(new) == files_of(new)


def test_no_name_is_in_the_journal(folder: Path) -> None:
    """The roster stays outside: an entry cannot even carry one."""
    names = [b"Ada", b"Lovelace", b"ada@example.org", b"student-7"]
    entry = entry_of(7)
    with Journal(folder) as journal:
        journal.accept(entry, files_of(entry))
        journal.done(entry.id, result_of(entry))
        journal.recorded([entry.id])
        journal.forget(learner_key(8))

    found = all_bytes(folder)
    assert entry.learner.encode() in found
    assert [name for name in names if name in found] == []
    assert set(Entry.__slots__) == {
        *("id", "key", "learner", "slug", "attempt", "handed_in", "submission")
    }


def test_memory_is_flat(folder: Path) -> None:
    """About half a kilobyte per entry, however large its files: 1,000,000 take 0.6 GB."""
    n_entries = 3000
    with Journal(folder) as journal:
        for i in range(n_entries):
            entry = entry_of(i)
            journal.accept(entry, {"a.ipynb": b"the same work"})
            journal.done(entry.id, result_of(entry_of(0)))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    journal = Journal(folder, readonly=True)
    per_entry = (tracemalloc.get_traced_memory()[0] - before) / n_entries
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    n_seen = sum(1 for _ in journal.unrecorded())
    peak = tracemalloc.get_traced_memory()[1] - held
    tracemalloc.stop()

    abandon(journal)
    assert n_seen == n_entries
    assert per_entry < 700
    assert peak < 1_500_000  # ids that were handed out and not yet recorded are kept
