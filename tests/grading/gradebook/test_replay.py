"""Journal and gradebook together: stopped after any operation, the next run ends alike."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import Engine, Pool, event

from grading.gradebook import Patience, Writer
from grading.journal import Entry, Journal, _disk
from grading.refusals import Refusal
from tests.grading.gradebook.cases import DUE, HANDED_IN, SLUG, Person, record, result_of, version
from tests.grading.gradebook.reading import rows, scores
from tests.grading.journal.cases import abandon
from tests.grading.journal.faults import FullOs, Killed, KillingOs

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"  # nbgrader 0.9.6 under SQLAlchemy 2.1
)

FULL = os.environ.get("NNCOURSE_FULL") == "1"
PEOPLE = {"k1": Person("ada"), "k2": Person("grace", "Grace", "Hopper")}
ATTEMPTS = [("k1", 1, 1.0), ("k2", 1, 2.0), ("k1", 2, 2.0)]


def entry_of(learner: str, attempt: int) -> Entry:
    return Entry.of(
        key=f"{learner} {attempt}",
        learner=learner,
        slug=SLUG,
        attempt=attempt,
        handed_in=HANDED_IN,
        submission="s",
    )


def grade(folder: Path, url: str) -> None:
    """A whole run: accept, grade, record, as the coordinator does it."""
    journal = Journal(folder / "journal")
    try:
        with Writer(url, "nn", patience=Patience(total_s=1.0)) as writer:
            writer.register(version(), DUE)
            for learner, attempt, _ in ATTEMPTS:
                journal.accept(entry_of(learner, attempt), {"a.ipynb": b"{}"})
            given = {entry_of(learner, attempt).id: f for learner, attempt, f in ATTEMPTS}
            for entry in journal.pending():
                journal.done(entry.id, result_of(given[entry.id], text=entry.key))
            found = list(journal.unrecorded())
            for batch in (found[:2], found[2:]):
                writer.record([
                    record(
                        folder,
                        result,
                        who=PEOPLE[entry.learner],
                        handed_in=entry.handed_in,
                        penalty=0.5,
                    )
                    for entry, result in batch
                ])
                journal.recorded([entry.id for entry, _ in batch])
        journal.close()
    except BaseException:
        abandon(journal)
        raise


def contents(folder: Path, url: str) -> tuple[Any, ...]:
    shown = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "autograded").rglob("*"))
        if path.is_file()
    }
    with Journal(folder / "journal") as journal:
        assert list(journal.pending()) == list(journal.unrecorded()) == []
        assert len(journal) == len(ATTEMPTS)
    return rows(url), shown


@contextlib.contextmanager
def dying_database(dying: KillingOs) -> Generator[None]:
    """Count statements and commits as steps too; the process dies before or after one.

    At the end its connections are closed, as the system does for a process that is gone.
    """
    opened: list[Any] = []

    def note(connection: Any, _: object) -> None:
        opened.append(connection)

    def step(*_: object) -> None:
        if dying.left <= 0:
            dying.left -= 1
            raise Killed
        dying.left -= 1
        dying.n_done += 1

    names = ("before_cursor_execute", "after_cursor_execute", "commit")
    event.listen(Pool, "connect", note)
    for name in names:
        event.listen(Engine, name, step)
    try:
        yield
    finally:
        for name in names:
            event.remove(Engine, name, step)
        event.remove(Pool, "connect", note)
        for connection in opened:
            connection.close()


def test_killed_after_any_operation_the_next_run_ends_alike(
    new_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = new_url()
    counted = KillingOs(10**6)
    with monkeypatch.context() as patched, dying_database(counted):
        patched.setattr(_disk, "os", counted)
        grade(tmp_path / "whole", whole)
    expected = contents(tmp_path / "whole", whole)
    n_steps = counted.n_done
    assert n_steps > 100
    assert len(expected[0]["grade"]) == 8
    assert scores(whole, "ada")["check_f"] == (2.0, None, 2.0, False)

    stride = 1 if FULL else 19 if whole.startswith("sqlite") else 37
    for n in range(0, n_steps, stride):
        folder, url = tmp_path / f"killed after {n}", new_url()
        dying = KillingOs(n)
        with monkeypatch.context() as patched, dying_database(dying):
            patched.setattr(_disk, "os", dying)
            with pytest.raises(Killed):
                grade(folder, url)
        gc.collect()  # cursors that the exception held keep SQLite's lock

        grade(folder, url)

        assert contents(folder, url) == expected, n
        shutil.rmtree(folder)


def test_full_disk_at_any_operation_is_one_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = (f"sqlite:///{tmp_path}/gradebook{i}.db" for i in itertools.count())
    whole = next(urls)
    grade(tmp_path / "whole", whole)
    expected = contents(tmp_path / "whole", whole)

    for n in itertools.count(0, 1 if FULL else 7):
        folder, url = tmp_path / f"full after {n}", next(urls)
        said = ""
        with monkeypatch.context() as patched:
            patched.setattr(_disk, "os", FullOs(n))
            try:
                grade(folder, url)
            except Refusal as refusal:
                said = str(refusal)
        if not said:
            break
        assert "the disk is full" in said
        grade(folder, url)
        assert contents(folder, url) == expected, n
    assert n > 20


def test_full_sqlite_is_one_refusal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Writer(url, "nn") as writer:
        writer.register(version())
        with writer._engine.connect() as connection:
            n_pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={n_pages}")
        batch = [record(tmp_path, who=f"student{i}") for i in range(50)]

        with pytest.raises(Refusal, match=r"the disk of the gradebook is full. Make room and"):
            writer.record(batch)
        assert rows(url)["grade"] == []
        with writer._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        writer.record(batch)
    assert len(rows(url)["grade"]) == 200


def test_manual_score_survives_a_replay(url: str, tmp_path: Path) -> None:
    grade(tmp_path, url)
    with Gradebook(url, "nn") as gradebook:
        gradebook.find_grade("essay", SLUG, SLUG, "ada").manual_score = 4.0
        gradebook.db.commit()
    lines = (tmp_path / "journal" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'"recorded"' not in line]
    (tmp_path / "journal" / "journal.jsonl").write_bytes(b"".join(kept))

    grade(tmp_path, url)

    assert scores(url, "ada")["essay"] == (None, 4.0, 4.0, True)
