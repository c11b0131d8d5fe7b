"""Which databases are taken, which are refused, and how long one may be away."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbgrader.dbutil
import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from grading.gradebook import Patience, Writer
from grading.refusals import Refusal
from tests.grading.gradebook.cases import SLUG, record, version
from tests.grading.gradebook.reading import rows, scores
from tests.grading.postgres import PostgresServer

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"  # nbgrader 0.9.6 under SQLAlchemy 2.1
)


@pytest.fixture
def old_gradebook(tmp_path: Path) -> Path:
    """A gradebook of nbgrader 0.4, which nbgrader ships for its own tests."""
    spec = importlib.util.find_spec("nbgrader")
    assert spec is not None
    assert spec.origin is not None
    shipped = Path(spec.origin).parent / "tests" / "apps" / "files" / "gradebook.db"
    return Path(shutil.copy(shipped, tmp_path / "old.db"))


def set_version(url: str, number: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number})
    engine.dispose()


def test_gradebook_that_nbgrader_made_is_taken(new_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_url()
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    with Gradebook(url, "nn") as gradebook:
        gradebook.add_student("ada", first_name="Ada")
        gradebook.add_assignment(SLUG)
    before = rows(url, ids=True)

    with Writer(url, "nn") as writer:
        assert rows(url, ids=True) == before
        writer.register(version())
        writer.record([record(tmp_path)])

    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)
    assert rows(url, ids=True)["assignment"] == before["assignment"]


def test_gradebook_that_we_made_has_nbgraders_schema(tmp_path: Path) -> None:
    """nbgrader's first contact with a database notes the version; it has to be the same."""
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    Writer(f"sqlite:///{ours}", "nn").close()
    Gradebook(f"sqlite:///{theirs}", "nn").close()

    def schema(path: Path) -> tuple[list[str], list[str]]:
        reading = sqlite3.connect(path)
        versions = reading.execute("SELECT version_num FROM alembic_version").fetchall()
        tables = reading.execute("SELECT sql FROM sqlite_master").fetchall()
        reading.close()
        return versions, sorted(str(each) for each in tables)

    assert schema(ours) == schema(theirs)
    assert len(schema(ours)[0]) == 1


def test_schema_of_another_age_is_refused(url: str) -> None:
    Writer(url, "nn").close()
    set_version(url, "282d30a0218e")  # before courses
    with pytest.raises(Refusal, match=r"older nbgrader.* nbgrader db upgrade"):
        Writer(url, "nn")

    set_version(url, "ffffffffffff")
    with pytest.raises(Refusal, match="newer nbgrader"):
        Writer(url, "nn")


def test_old_gradebook_is_refused_and_taken_once_upgraded(
    old_gradebook: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{old_gradebook}"
    content = old_gradebook.read_bytes()
    with pytest.raises(Refusal, match=r"older nbgrader.* nbgrader db upgrade"):
        Writer(url, "nn")
    assert old_gradebook.read_bytes() == content

    nbgrader.dbutil.upgrade(url)
    with Writer(url, "nn") as writer:
        writer.register(version())
        for _ in range(2):
            writer.record([record(tmp_path)])
        writer.erase("bitdiddle")

    assert scores(url, "ada")["check_g"] == (1.5, None, 1.5, False)


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE shopping (item)")
    other.close()

    with pytest.raises(Refusal, match="something else than a gradebook"):
        Writer(f"sqlite:///{tmp_path}/other.db", "nn")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gradebook.db", "no address of a gradebook"),
        ("nothing://x", "no address of a gradebook"),
        ("mysql://user:hidden@host/x", "db_url|SQLite or PostgreSQL only"),
    ],
)
def test_address_that_is_none_is_refused(url: str, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        Writer(url, "nn")
    assert "hidden" not in str(refused.value)


def test_password_is_not_said(postgres: PostgresServer) -> None:
    url = postgres.new_database().replace("grader@", "grader:geheim@")
    away = url.replace(str(postgres.folder), str(postgres.folder) + "-absent")

    with pytest.raises(Refusal, match="could not be reached") as refused:
        Writer(away, "nn", patience=Patience(total_s=0.0))

    assert "geheim" not in str(refused.value)


def test_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100, encoding="utf-8")

    with pytest.raises(Exception, match="not a database"):
        Writer(f"sqlite:///{path}", "nn", patience=Patience(total_s=0.0))

    assert path.read_text(encoding="utf-8") == "no database " * 100


def test_journal_mode_stays_as_formgrader_expects(tmp_path: Path) -> None:
    with Writer(f"sqlite:///{tmp_path}/gradebook.db", "nn") as writer:
        writer.register(version())
        writer.record([record(tmp_path)])

    reading = sqlite3.connect(tmp_path / "gradebook.db")
    assert reading.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    reading.close()
    assert not list(tmp_path.glob("gradebook.db-*"))


def test_locked_sqlite_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.gradebook._opening.BUSY_S", 0.05)
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Writer(url, "nn", patience=Patience(total_s=20)) as writer:
        writer.register(version())
        other = sqlite3.connect(
            tmp_path / "gradebook.db", isolation_level=None, check_same_thread=False
        )
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.5, lambda: other.execute("ROLLBACK"))
        release.start()
        begun = time.monotonic()

        writer.record([record(tmp_path)])

        assert time.monotonic() - begun > 0.3
        release.join()
        other.close()
    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)


def test_sqlite_that_stays_locked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grading.gradebook._opening.BUSY_S", 0.05)
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Writer(url, "nn", patience=Patience(total_s=0.3)) as writer:
        writer.register(version())
        other = sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Refusal, match=r"could not be reached .*nothing that was graded"):
            writer.record([record(tmp_path)])
        other.execute("ROLLBACK")
        other.close()
        writer.record([record(tmp_path)])
    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)


def test_pauses_grow_and_end() -> None:
    """On a clock of its own: nobody waits here."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import OperationalError

    now = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    def work() -> None:
        raise OperationalError("", {}, Exception("server closed the connection unexpectedly"))

    patience = Patience(total_s=10.0, sleep=sleep, clock=lambda: now[0])
    with pytest.raises(Refusal, match=r"could not be reached for (8|9|10) s"):
        patience.run(work, make_url("postgresql://x:y@/z"))
    assert len(pauses) > 5
    assert 0.08 <= pauses[0] <= 0.1
    assert max(pauses) <= 2.0
    assert sum(pauses) <= 10.0


def test_defect_is_no_refusal() -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ProgrammingError

    def work() -> None:
        raise ProgrammingError("", {}, Exception("syntax error"))

    with pytest.raises(ProgrammingError):
        Patience().run(work, make_url("sqlite://"))


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
def test_database_restarts_between_batches(
    postgres: PostgresServer, tmp_path: Path, how: signal.Signals
) -> None:
    url = postgres.new_database()
    with Writer(url, "nn", patience=Patience(total_s=30)) as writer:
        writer.register(version())
        writer.record([record(tmp_path, who="before")])

        postgres.restart(how)
        writer.record([record(tmp_path, who="after")])

    assert scores(url, "before") == scores(url, "after")


def test_database_dies_within_a_transaction_and_comes_back(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grading.gradebook import _upserts

    url = postgres.new_database()
    left = [1]
    comments = _upserts._comments

    def dying(*arguments: object) -> None:
        if left:
            left.pop()
            postgres.restart()
        comments(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_upserts, "_comments", dying)
    with Writer(url, "nn", patience=Patience(total_s=30)) as writer:
        writer.register(version())
        writer.record([record(tmp_path)])

    assert not left
    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)
    assert len(rows(url)["grade"]) == 4


def test_database_that_stays_away_is_refused_and_nothing_is_lost(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.new_database()
    with Writer(url, "nn", patience=Patience(total_s=0.5)) as writer:
        writer.register(version())
        postgres.stop()
        try:
            with pytest.raises(Refusal, match=r"Start the database.*nothing that was graded"):
                writer.record([record(tmp_path)])
        finally:
            postgres.start()
        writer.record([record(tmp_path)])
    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)


def test_tables_that_only_a_newer_nbgrader_knows_are_not_called_older(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed here plays the newer one: the tables that are known end one step before."""
    Writer(url, "nn").close()
    monkeypatch.setattr("grading.gradebook._opening.HEAD", "282d30a0218e")

    with pytest.raises(Refusal, match="newer nbgrader"):
        Writer(url, "nn")
