"""Two kinds of class folder, read alike: a class of this course, and any nbgrader course."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grading.classroom import Classroom, Learner
from grading.exercises import Exercise
from grading.refusals import Refusal
from grading.reporting._marks import gradebook

if TYPE_CHECKING:
    from grading.kernel import NbgraderCourse

__all__ = ["ClassFolder", "CourseFolder", "ReleasedFolder", "as_folder"]


class ClassFolder(Protocol):
    """What pages and tables want to know of a class."""

    @property
    def root(self) -> Path:
        """The folder."""

    @property
    def name(self) -> str:
        """The course, for people."""

    @property
    def zone(self) -> tzinfo:
        """The clock of the class."""

    @property
    def db_url(self) -> str:
        """URL of the gradebook; it may hold a password."""

    @property
    def journal_folder(self) -> Path:
        """Where the journal lies."""

    @property
    def learners(self) -> tuple[Learner, ...]:
        """Everybody, in order."""

    def title(self, slug: str) -> str:
        """Return the title of an assignment, or else its name."""

    def zone_of(self, slug: str) -> tzinfo:
        """Return the clock of an assignment: its own, or else that of the class."""

    def exercises(self, slug: str) -> Mapping[str, Exercise]:
        """Return the declarations of an assignment; empty where it has none."""

    def released(self, slug: str) -> str:
        """Return the released notebook, JSON text; empty where none is kept."""

    def due(self, learner: Learner, slug: str) -> datetime | None:
        """Return a learner's own due date; None to take the gradebook's."""

    def feedback(self, learner_id: str, slug: str) -> Path:
        """Return the folder of a learner's feedback."""


class ReleasedFolder:
    """A class of this course.

    Parameters
    ----------
    classroom : Classroom
        The class.
    """

    def __init__(self, classroom: Classroom) -> None:
        self.classroom = classroom
        self.root = classroom.root
        self.name = classroom.settings.course
        self.zone: tzinfo = classroom.settings.timezone
        self.db_url = classroom.db_url
        self.journal_folder = classroom.journal_folder

    @property
    def learners(self) -> tuple[Learner, ...]:
        """The roster."""
        return tuple(self.classroom.roster.all())

    def title(self, slug: str) -> str:
        """Return the title that was released."""
        settings = self.classroom.settings.assignments.get(slug)
        return settings.title if settings is not None and settings.title else slug

    def zone_of(self, slug: str) -> tzinfo:
        """Return the time zone that was released with it."""
        settings = self.classroom.settings.assignments.get(slug)
        return settings.timezone if settings is not None else self.zone

    def exercises(self, slug: str) -> Mapping[str, Exercise]:
        """Return the declarations, private ones too."""
        if slug not in self.classroom.settings.assignments:
            return {}
        return dict(self.classroom.assignment(slug).exercises)

    def released(self, slug: str) -> str:
        """Return the notebook of the release that counts now."""
        if slug not in self.classroom.settings.assignments:
            return ""
        return self.classroom.assignment(slug).released

    def due(self, learner: Learner, slug: str) -> datetime | None:
        """Return the due date with the learner's extensions."""
        return self.classroom.due(learner, slug)

    def feedback(self, learner_id: str, slug: str) -> Path:
        """Return the folder in nbgrader's tree."""
        return self.classroom.feedback(learner_id, slug)


class CourseFolder:
    """An instructor's own nbgrader course, graded with ``nncourse grade --course``.

    Parameters
    ----------
    course : NbgraderCourse
        The course.
    """

    zone: tzinfo = UTC

    def __init__(self, course: NbgraderCourse) -> None:
        self.course = course
        self.root = course.root
        self.name = course.course_id or course.root.name
        self.db_url = course.db_url
        self.journal_folder = course.root / ".nncourse" / "journal"

    @cached_property
    def learners(self) -> tuple[Learner, ...]:
        """The students of the gradebook, with the random keys of the journal."""
        path = self.root / ".nncourse" / "keys.json"
        try:
            keys = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            known = {str(student): str(key) for student, key in keys.items()}
        except (ValueError, AttributeError) as error:
            msg = f"{path}: this is no table of keys. Bring it back from a copy."
            raise Refusal(msg) from error
        with gradebook(self.db_url) as book:
            return tuple(
                Learner(
                    key=known.get(each.id, ""),
                    id=each.id,
                    first_name=each.first_name or "",
                    last_name=each.last_name or "",
                    email=each.email or "",
                    lms_user_id=each.lms_user_id or "",
                )
                for each in book.students
            )

    def title(self, slug: str) -> str:
        """Return the name: nbgrader has no titles."""
        return slug

    def zone_of(self, slug: str) -> tzinfo:
        """Return UTC, which is all that nbgrader knows."""
        del slug
        return self.zone

    def exercises(self, slug: str) -> Mapping[str, Exercise]:
        """Declare nothing."""
        del slug
        return {}

    def released(self, slug: str) -> str:
        """Return all notebooks of the release, their cells one after the other."""
        folder = self.course.folder("release", ".", slug)
        cells = []
        for path in sorted(folder.glob("*.ipynb")):
            try:
                cells += json.loads(path.read_text(encoding="utf-8"))["cells"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return json.dumps({"cells": cells})

    def due(self, learner: Learner, slug: str) -> None:
        """Leave it to the gradebook."""
        del learner, slug

    def feedback(self, learner_id: str, slug: str) -> Path:
        """Return the course's own folder."""
        return self.course.folder("feedback", learner_id, slug)


def as_folder(given: Classroom | ClassFolder) -> ClassFolder:
    """Take a class of either kind."""
    return ReleasedFolder(given) if isinstance(given, Classroom) else given
