"""An instructor's own nbgrader course, as nbgrader reads it: configuration, gradebook, folders.

Nothing of a submission is executed here. The course's ``nbgrader_config.py`` is: it is the
instructor's.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from grading.kernel._course_files import (
    CourseSubmission,
    Released,
    check_kernel,
    read_tree,
    timestamp,
    utc,
)
from grading.kernel._version import CourseNotebook, CourseVersion, SourceCell
from grading.refusals import Refusal

__all__ = ["CourseSubmission", "NbgraderCourse", "open_course"]

_CONFIG = "nbgrader_config.py"
_TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class NbgraderCourse:
    """A course folder with its configuration; made by `open_course`.

    Attributes
    ----------
    root : Path
        The course folder.
    course_id : str
        nbgrader's ``CourseDirectory.course_id``.
    db_url : str
        Where the gradebook is. It may hold a password: never shown, never sent to a worker.
    notes : tuple of str
        Settings that are not honored, one sentence each.
    """

    root: Path
    course_id: str
    db_url: str = field(repr=False)
    config: Any = field(repr=False)
    directory: Any = field(repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def assignments(self) -> tuple[str, ...]:
        """Names of the assignments in the gradebook."""
        with self._gradebook() as gradebook:
            return tuple(sorted(each.name for each in gradebook.assignments))

    @cached_property
    def students(self) -> tuple[str, ...]:
        """Ids of the students in the gradebook."""
        with self._gradebook() as gradebook:
            return tuple(sorted(each.id for each in gradebook.students))

    def folder(self, step: str, student: str, slug: str) -> Path:
        """Return a folder of the course.

        Parameters
        ----------
        step : {"source", "release", "submitted", "autograded", "feedback"}
            A step of nbgrader.
        student : str
            Student id; ``"."`` for source and release.
        slug : str
            Name of the assignment.

        Returns
        -------
        Path
            By the course's ``directory_structure``.
        """
        named = getattr(self.directory, f"{step}_directory")
        return Path(os.path.normpath(self.directory.format_path(named, student, slug)))

    def due(self, slug: str) -> datetime | None:
        """Return when an assignment is due.

        Parameters
        ----------
        slug : str
            Name of the assignment.

        Returns
        -------
        datetime or None
            In UTC.
        """
        with self._gradebook() as gradebook:
            return utc(self._assignment(gradebook, slug).duedate)

    def extension(self, student: str, slug: str) -> timedelta:
        """Return the extension that a student was granted.

        Parameters
        ----------
        student : str
            Student id.
        slug : str
            Name of the assignment.

        Returns
        -------
        timedelta
            Zero if there is none.
        """
        from nbgrader.api import MissingEntry

        with self._gradebook() as gradebook:
            try:
                granted = gradebook.find_submission(slug, student).extension
            except MissingEntry:
                granted = None
        return granted or timedelta()

    def extend(self, student: str, slug: str, extra: timedelta) -> bool:
        """Grant a student an extension, which takes the place of an earlier one.

        Parameters
        ----------
        student : str
            Student id.
        slug : str
            Name of the assignment.
        extra : timedelta
            Time after the due date; 0 takes an extension back.

        Returns
        -------
        bool
            False if the student's submission is not in the gradebook: nbgrader keeps the
            extension with it.
        """
        from nbgrader.api import MissingEntry

        with self._gradebook() as gradebook:
            try:
                gradebook.grant_extension(slug, student, minutes=extra / timedelta(minutes=1))
            except MissingEntry:
                return False
        return True

    def penalties(self, slug: str) -> dict[str, float]:
        """Read what lateness costs by now.

        Parameters
        ----------
        slug : str
            Name of the assignment.

        Returns
        -------
        dict of str to float
            Points by student, of those whose submission is in the gradebook.
        """
        with self._gradebook() as gradebook:
            return {
                each.student_id: float(each.late_submission_penalty or 0.0)
                for each in gradebook.assignment_submissions(slug)
            }

    def charges(
        self, slug: str, hands: Sequence[tuple[str, datetime | None]]
    ) -> list[Callable[[float], float] | None]:
        """Prepare what the course's late submission plugin is asked, notebook by notebook.

        Parameters
        ----------
        slug : str
            Name of the assignment.
        hands : sequence of (str, datetime or None)
            Student ids, and when their work came.

        Returns
        -------
        list of callable or None
            For each of them a function of a notebook's points, those that a person gave included;
            it returns the points to take off, from 0 to what it is given. None for who is not late.
        """
        from nbgrader.api import SubmittedAssignment as Submission
        from nbgrader.preprocessors import AssignLatePenalties

        with self._gradebook() as gradebook:
            assignment = self._assignment(gradebook, slug)
            due = utc(assignment.duedate)
            rows = gradebook.db.query(Submission.student_id, Submission.extension)
            of_this = rows.filter(Submission.assignment_id == assignment.id)
            granted = dict(tuple(row) for row in of_this.filter(Submission.extension.is_not(None)))
        if due is None:
            return [None] * len(hands)
        with _inside(self.root):
            assign = AssignLatePenalties(config=self.config)
            assign.init_plugin()

        def taken(student: str, late_s: float, points: float) -> float:
            with _inside(self.root):
                asked = assign.plugin_inst.late_submission_penalty(student, points, late_s)
            return min(max(float(asked or 0.0), 0.0), max(points, 0.0))

        found: list[Callable[[float], float] | None] = []
        for student, handed_in in hands:
            own = due + granted.get(student, timedelta())
            late_s = 0.0 if handed_in is None else (handed_in - own).total_seconds()
            found.append(partial(taken, student, late_s) if late_s > 0 else None)
        return found

    def submissions(self, slug: str) -> list[CourseSubmission]:
        """List what was handed in, as nbgrader would find it.

        Parameters
        ----------
        slug : str
            Name of the assignment.

        Returns
        -------
        list of CourseSubmission
            By student id. Files are read only when asked for.
        """
        pattern = self.folder("submitted", "*", slug)
        place = re.compile(
            re.escape(str(self.folder("submitted", "\0", slug))).replace(
                re.escape("\0"), r"(?P<student>[^/\\]+)"
            )
        )
        base = Path(pattern.anchor)
        excluded = set(self.directory.student_id_exclude.split(","))
        found = []
        for folder in sorted(base.glob(str(pattern.relative_to(base)))):
            match = place.fullmatch(str(folder))
            if match is None or match["student"] in excluded or not folder.is_dir():
                continue
            handed_in, notes = timestamp(folder / _TIMESTAMP)
            found.append(CourseSubmission(match["student"], slug, folder, handed_in, notes))
        return found

    def version(self, slug: str, packages: Sequence[str] = ()) -> CourseVersion:
        """Read an assignment: cells from the gradebook, helper files from the source folder.

        Parameters
        ----------
        slug : str
            Name of the assignment.
        packages : sequence of str, default ()
            Distributions that its notebooks need beside the usual ones; installed here.

        Returns
        -------
        CourseVersion
            Everything that grading needs, as plain data.

        Raises
        ------
        Refusal
            If the gradebook does not know the assignment, or its kernel is not a Python one.
        """
        from nbgrader.converters import Autograde
        from nbgrader.preprocessors import ClearHiddenTests, Execute, LimitOutput

        source = self.folder("source", ".", slug)
        with self._gradebook() as gradebook:
            books = tuple(
                self._notebook(slug, book) for book in self._assignment(gradebook, slug).notebooks
            )
        if not books:
            msg = (
                f"{self.root}: the gradebook holds no notebook of {slug}. "
                f"Run: nbgrader generate_assignment {slug}"
            )
            raise Refusal(msg)
        execute, limit = Execute(config=self.config), LimitOutput(config=self.config)
        hidden = ClearHiddenTests(config=self.config)
        autograde = Autograde(coursedir=self.directory, config=self.config)
        timeout = execute.timeout
        ignored = tuple(self.directory.ignore)
        helpers = read_tree(source, 2_000_000_000, ignored) if source.is_dir() else {}
        return CourseVersion(
            slug=slug,
            notebooks=books,
            helpers=tuple(sorted(i for i in helpers.items() if not i[0].endswith(".ipynb"))),
            kept=tuple(autograde.exclude_overwriting.get(slug, ())),
            ignored=ignored,
            cell_timeout_s=float(timeout) if timeout is not None and timeout > 0 else None,
            max_lines=limit.max_lines,
            max_traceback=limit.max_traceback,
            hidden_begin=hidden.begin_test_delimeter,
            hidden_end=hidden.end_test_delimeter,
            packages=tuple(sorted(packages)),
        )

    def _assignment(self, gradebook: Any, slug: str) -> Any:
        from nbgrader.api import MissingEntry

        try:
            return gradebook.find_assignment(slug)
        except MissingEntry as error:
            known = ", ".join(sorted(each.name for each in gradebook.assignments)) or "none"
            msg = (
                f"{self.root}: the gradebook knows no assignment {slug!r} (it knows: {known}). "
                f"Run: nbgrader generate_assignment {slug}"
            )
            raise Refusal(msg) from error

    def _notebook(self, slug: str, book: Any) -> CourseNotebook:
        check_kernel(f"{self.root}: {slug}/{book.name}.ipynb", book.kernelspec)
        released = Released(self.folder("release", ".", slug) / f"{book.name}.ipynb")
        order = (
            released
            if released.sources
            else Released(self.folder("source", ".", slug) / f"{book.name}.ipynb")
        )
        place = {name: i for i, name in enumerate(order.sources)}
        grades = {cell.name: cell.max_score for cell in book.grade_cells}
        tasks = {cell.name: cell.max_score for cell in book.task_cells}
        solutions = {cell.name for cell in book.solution_cells}
        cells = [
            SourceCell(
                name=cell.name,
                cell_type=cell.cell_type,
                source=cell.source or "",
                checksum=cell.checksum or "",
                locked=bool(cell.locked),
                grade=cell.name in grades,
                solution=cell.name in solutions,
                task=cell.name in tasks,
                points=float(grades.get(cell.name, tasks.get(cell.name, 0.0))),
                released=released.sources.get(cell.name, ""),
            )
            for cell in book.source_cells
        ]
        cells.sort(key=lambda cell: place.get(cell.name, len(place)))  # stable: else as stored
        return CourseNotebook(book.name, tuple(cells), book.kernelspec or "", order.imports)

    @contextlib.contextmanager
    def _gradebook(self) -> Generator[Any, None, None]:
        import sqlalchemy.exc
        from nbgrader.api import Gradebook

        file = re.fullmatch(r"sqlite(?:\+\w+)?:///(.+?)(?:\?.*)?", self.db_url)
        if file and not (self.root / file[1]).is_file():
            msg = (
                f"{self.root / file[1]}: there is no gradebook yet. "
                "Run nbgrader generate_assignment for the assignment to be graded."
            )
            raise Refusal(msg)
        try:
            with _inside(self.root), warnings.catch_warnings():
                warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
                with Gradebook(self.db_url, self.course_id) as gradebook:
                    yield gradebook
        except sqlalchemy.exc.OperationalError as error:
            msg = (
                f"{self.root}: the gradebook cannot be read ({str(error.orig).strip()}). If "
                "nbgrader was updated, back the gradebook up and run: nbgrader db upgrade"
            )
            raise Refusal(msg) from error


def open_course(folder: Path) -> NbgraderCourse:
    """Open an nbgrader course by its folder.

    Its ``nbgrader_config.py`` is loaded by the loader that nbgrader uses, in the course folder,
    and so are the defaults of what it leaves unset.

    Parameters
    ----------
    folder : Path
        The folder with ``nbgrader_config.py``.

    Returns
    -------
    NbgraderCourse
        The course; its gradebook is opened only when asked for something.

    Raises
    ------
    Refusal
        If there is no configuration, or it raises.
    """
    from nbgrader.coursedir import CourseDirectory
    from traitlets import TraitError
    from traitlets.config.loader import PyFileConfigLoader

    root = folder.resolve()
    if not (root / _CONFIG).is_file():
        msg = (
            f"{folder / _CONFIG}: there is no such file. "
            "Name the folder of an nbgrader course, the one in which nbgrader is run."
        )
        raise Refusal(msg)
    with _inside(root):
        try:
            config = PyFileConfigLoader(_CONFIG, path=str(root)).load_config()
            directory = CourseDirectory(config=config)
            course_id, db_url = directory.course_id, directory.db_url
            directory.root = directory.root  # its default is the folder of this moment: keep it
        except TraitError as error:
            msg = f"{root / _CONFIG}: nbgrader does not take a setting: {error}"
            raise Refusal(msg) from error
        except (Exception, SystemExit) as error:
            msg = f"{root / _CONFIG}: it raises {type(error).__name__}: {error}"
            raise Refusal(msg) from error
    # As nbgrader has it, whose commands run in the course folder.
    db_url = re.sub(r"^(sqlite(?:\+\w+)?:///)(?!/)", lambda start: f"{start[1]}{root}/", db_url)
    return NbgraderCourse(root, course_id, db_url, config, directory, _unhonored(config))


def _unhonored(config: Any) -> tuple[str, ...]:
    """Name settings that change plain nbgrader's scores and have no effect here."""
    autograde = config.get("Autograde", {})
    notes = [
        f"{_CONFIG}: Autograde.{name} is set; cells are run and scored without it."
        for name in ("autograde_preprocessors", "sanitize_preprocessors")
        if name in autograde
    ]
    if "exporter_class" in autograde:
        notes.append(f"{_CONFIG}: Autograde.exporter_class is set; it is not used.")
    return tuple(notes)


@contextlib.contextmanager
def _inside(folder: Path) -> Generator[None, None, None]:
    """Work in the course folder, as nbgrader's commands do."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
