"""The one who writes into the gradebook."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import Connection, and_, delete, select

from grading.assignments import AssignmentVersion
from grading.gradebook._counting import Overruled, Standing, charge, overruled, standings
from grading.gradebook._layout import Layout, layout_of
from grading.gradebook._notebooks import to_utc, write_notebooks
from grading.gradebook._opening import open_gradebook
from grading.gradebook._patience import Patience
from grading.gradebook._record import Penalty, Record, safe_id
from grading.gradebook._registering import register
from grading.gradebook._tables import (
    ASSIGNMENT,
    COMMENT,
    GRADE,
    STUDENT,
    SUBMITTED_ASSIGNMENT,
    SUBMITTED_NOTEBOOK,
)
from grading.gradebook._upserts import upsert_results, upsert_students
from grading.refusals import Refusal

__all__ = ["Registered", "Writer"]

_FILES_AT_ONCE = 8


class Registered(Protocol):
    """A version of an assignment that nbgrader itself has registered."""

    @property
    def slug(self) -> str:
        """Name of the assignment."""


class Writer:
    """Writes results into nbgrader's gradebook; everything it does can be done twice.

    Parameters
    ----------
    db_url : str
        ``"sqlite:///…/gradebook.db"`` or ``"postgresql+psycopg2://…"``. Made if absent.
    course_id : str
        nbgrader's id of the course.
    tz : tzinfo, default UTC
        Time zone of times that come without one.
    patience : Patience, optional
        How long a database may be away; half a minute if not given.

    Raises
    ------
    Refusal
        If the gradebook cannot be reached, or is of another version of nbgrader.

    Examples
    --------
    >>> import tempfile
    >>> from nbgrader.api import Gradebook
    >>> from grading.assignments import version_of
    >>> from grading.house import course_root
    >>> slug = "00-start-here"
    >>> released = course_root() / "course" / slug / f"{slug}.ipynb"
    >>> url = f"sqlite:///{tempfile.mkdtemp()}/gradebook.db"
    >>> with Writer(url, "nn") as writer:
    ...     writer.register(version_of(released, secret=b"secret of the class"))
    >>> with Gradebook(url, "nn") as gradebook:
    ...     [each.name for each in gradebook.assignments]
    ['00-start-here']
    """

    def __init__(
        self,
        db_url: str,
        course_id: str,
        *,
        tz: tzinfo = UTC,
        patience: Patience | None = None,
    ) -> None:
        self.course_id = course_id
        self.tz = tz
        self._patience = patience or Patience()
        self._engine = open_gradebook(db_url, self._patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def register(
        self, version: AssignmentVersion | Registered, due: datetime | None = None
    ) -> None:
        """Make sure that the gradebook knows an assignment, its notebooks and cells.

        Of a released notebook of this course it writes what ``nbgrader generate_assignment``
        would. Any other assignment has to be there already.

        Parameters
        ----------
        version : AssignmentVersion or Registered
            The assignment.
        due : datetime, optional
            The due date; None leaves what stands.

        Raises
        ------
        Refusal
            If something recorded would lose its cell, or the assignment is not there.
        """
        if isinstance(version, AssignmentVersion):
            notebooks = {version.slug: version.notebook}
            when = to_utc(due, self.tz)

            def work() -> None:
                with self._engine.begin() as connection:
                    register(connection, self.course_id, version.slug, notebooks, when)

        else:

            def work() -> None:
                with self._engine.begin() as connection:
                    self._layout(connection, version.slug)

        self._patience.run(work, self._engine.url)

    def record(self, batch: Sequence[Record]) -> dict[tuple[str, str], list[Overruled]]:
        """Write results: autograded notebooks, and all rows in one transaction.

        The transaction is committed once every notebook is on the disk.

        A score given by hand, extra credit and comments of people stay. Of several records of a
        learner for an assignment the later ones count as recorded later.

        Parameters
        ----------
        batch : sequence of Record
            Some hundred are quicker than one by one.

        Returns
        -------
        dict of (str, str) to list of Overruled
            By learner and assignment: where a person's points stand in place of the machine's.

        Raises
        ------
        Refusal
            If an assignment is not registered, the disk is full, or the database stays away. The
            gradebook then holds nothing of the batch, and the same batch can be given again.
        """
        if not batch:
            return {}
        # The rows go to the database while files wait for the disk; the commit waits for both.
        # The threads end before this returns, so that a process which forks later has one.
        with ThreadPoolExecutor(1) as beside:
            files = beside.submit(self._write_files, batch)

            def work() -> dict[tuple[str, str], list[Overruled]]:
                with self._engine.begin() as connection:
                    found = self._write_rows(connection, batch)
                    files.result()
                return found

            return self._patience.run(work, self._engine.url)

    def charge(self, slug: str, penalties: Mapping[str, Penalty]) -> None:
        """Set what lateness costs, and nothing else.

        Parameters
        ----------
        slug : str
            The assignment.
        penalties : mapping of str to float or callable
            By learner, as in `Record`; who has no submission in the gradebook is passed over.

        Raises
        ------
        Refusal
            As for `record`.
        """

        def work() -> None:
            with self._engine.begin() as connection:
                charge(connection, self._layout(connection, slug), penalties)

        self._patience.run(work, self._engine.url)

    def standings(self, slug: str, learners: Sequence[str]) -> dict[str, Standing]:
        """Read what submissions are worth, with what people gave.

        Parameters
        ----------
        slug : str
            The assignment.
        learners : sequence of str
            Ids.

        Returns
        -------
        dict of str to Standing
            By learner, of those whose submission is in the gradebook.

        Raises
        ------
        Refusal
            If the database stays away.
        """

        def work() -> dict[str, Standing]:
            with self._engine.begin() as connection:
                layout = layout_of(connection, slug)
                return {} if layout is None else standings(connection, layout, learners)

        return self._patience.run(work, self._engine.url)

    def erase(
        self, learner_id: str, folders: Iterable[Path] = (), *, slug: str | None = None
    ) -> None:
        """Erase a learner: rows, then folders.

        Parameters
        ----------
        learner_id : str
            The id that nbgrader uses.
        folders : iterable of Path
            Folders that hold one folder per learner: ``autograded``, ``submitted``, ``feedback``.
        slug : str, optional
            Only the rows of this assignment; the learner stays.
        """
        safe_id(learner_id)

        def work() -> None:
            with self._engine.begin() as connection:
                _erase_rows(connection, learner_id, slug)

        self._patience.run(work, self._engine.url)
        for folder in folders:
            own = folder / learner_id
            if own.is_symlink():
                own.unlink()
            elif own.exists():
                shutil.rmtree(own)

    def _write_rows(
        self, connection: Connection, batch: Sequence[Record]
    ) -> dict[tuple[str, str], list[Overruled]]:
        found: dict[tuple[str, str], list[Overruled]] = {}
        upsert_students(connection, {each.learner.id: each.learner for each in batch}.values())
        for records in _rounds(batch):
            layout = self._layout(connection, records[0].slug)
            before = upsert_results(connection, layout, records, self.tz)
            for who, cells in overruled(connection, layout, before).items():
                found[who, records[0].slug] = cells
        return found

    def _write_files(self, batch: Sequence[Record]) -> None:
        """Write the files of a batch, several at a time: most of it is waiting for the disk."""
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            for records in _rounds(batch):
                list(pool.map(self._write_file, records))

    def _write_file(self, record: Record) -> None:
        handed_in = to_utc(record.handed_in, self.tz)
        write_notebooks(record.autograded_dir, record.result, handed_in)

    def _layout(self, connection: Connection, slug: str) -> Layout:
        layout = layout_of(connection, slug)
        if layout is None:
            msg = (
                f"{slug}: the gradebook does not know this assignment. Release it, or run: "
                f"nbgrader generate_assignment {slug}"
            )
            raise Refusal(msg)
        return layout


def _rounds(batch: Sequence[Record]) -> list[list[Record]]:
    """Part a batch by assignment, and so that no learner stands twice in a part."""
    parts: dict[tuple[str, int], list[Record]] = {}
    seen: dict[tuple[str, str], int] = {}
    for record in batch:
        work = (record.slug, record.learner.id)
        seen[work] = seen.get(work, -1) + 1
        parts.setdefault((record.slug, seen[work]), []).append(record)
    # Learners in one order in every part, so that two writers cannot wait for each other.
    return [
        sorted(parts[part], key=lambda each: each.learner.id)
        for part in sorted(parts, key=lambda part: part[1])
    ]


def _erase_rows(connection: Connection, learner_id: str, slug: str | None) -> None:
    of_student = SUBMITTED_ASSIGNMENT.c.student_id == learner_id
    if slug is not None:
        known = select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == slug)
        of_student = and_(of_student, SUBMITTED_ASSIGNMENT.c.assignment_id.in_(known))
    assignments = select(SUBMITTED_ASSIGNMENT.c.id).where(of_student)
    notebooks = select(SUBMITTED_NOTEBOOK.c.id).where(
        SUBMITTED_NOTEBOOK.c.assignment_id.in_(assignments)
    )
    connection.execute(delete(COMMENT).where(COMMENT.c.notebook_id.in_(notebooks)))
    connection.execute(delete(GRADE).where(GRADE.c.notebook_id.in_(notebooks)))
    of_learner = SUBMITTED_NOTEBOOK.c.assignment_id.in_(assignments)
    connection.execute(delete(SUBMITTED_NOTEBOOK).where(of_learner))
    connection.execute(delete(SUBMITTED_ASSIGNMENT).where(of_student))
    if slug is None:
        connection.execute(delete(STUDENT).where(STUDENT.c.id == learner_id))
