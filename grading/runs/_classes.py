"""What a run has to know of a class, and the two kinds of classes that there are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from grading.refusals import Refusal

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.gradebook import Penalty
    from grading.kernel import CourseVersion, NbgraderCourse

__all__ = ["ClassPort", "CourseClass", "ReleasedClass"]


class ClassPort(Protocol):
    """Who is in a class, what they are held to, and where results go."""

    @property
    def journal_folder(self) -> Path:
        """Where the journal lies."""

    @property
    def db_url(self) -> str:
        """URL of the gradebook; it may hold a password."""

    @property
    def course_id(self) -> str:
        """Id of the course in the gradebook."""

    @property
    def timezone(self) -> tzinfo:
        """For times that come without one."""

    def learner(self, key: str) -> Learner | None:
        """Find a learner by random key; None for one who was removed."""

    def version(self, slug: str, release: str = "") -> Any:
        """Return what submissions of an assignment are held to; the current release without one."""

    def releases(self, slug: str) -> list[str]:
        """List the releases of an assignment, the current one first."""

    def due(self, slug: str) -> datetime | None:
        """Return the due date of an assignment, for the gradebook."""

    def time_factor(self, learner: Learner, slug: str) -> float:
        """Return what a learner's limits of time are multiplied by."""

    def penalties(
        self, slug: str, hands: Sequence[tuple[Learner, datetime | None]]
    ) -> list[Penalty]:
        """Say what lateness costs each, by the points of a notebook; 0 for who is not late."""

    def autograded(self, learner_id: str, slug: str) -> Path:
        """Return the folder of a learner's autograded notebooks."""


@dataclass(frozen=True)
class ReleasedClass:
    """A class of this course.

    Attributes
    ----------
    classroom : Classroom
        The class folder.
    exercises : tuple of str
        Files with an instructor's own declarations, beside those kept with each release.
    """

    classroom: Classroom
    exercises: tuple[str, ...] = ()

    @property
    def journal_folder(self) -> Path:
        """Where the journal lies."""
        return self.classroom.journal_folder

    @property
    def db_url(self) -> str:
        """URL of the gradebook."""
        return self.classroom.db_url

    @property
    def course_id(self) -> str:
        """Id of the course in the gradebook."""
        return self.classroom.course_id

    @property
    def timezone(self) -> tzinfo:
        """The class's."""
        return self.classroom.settings.timezone

    def learner(self, key: str) -> Learner | None:
        """Find a learner by random key."""
        try:
            return self.classroom.roster.by_key(key)
        except KeyError:
            return None

    def version(self, slug: str, release: str = "") -> Any:
        """Read a release from the class folder."""
        found = self.classroom.assignment(slug, release or None)
        if self.exercises:
            found = replace(found, private=(*found.private, *self.exercises))
        return found

    def releases(self, slug: str) -> list[str]:
        """List the releases of an assignment, the current one first, then the newest."""
        settings = self.classroom.settings.assignments.get(slug)
        if settings is None:
            return []
        return list(dict.fromkeys([settings.version, *reversed(settings.releases)]))

    def due(self, slug: str) -> datetime | None:
        """Return the due date for all."""
        settings = self.classroom.settings.assignments.get(slug)
        return settings.due if settings else None

    def time_factor(self, learner: Learner, slug: str) -> float:
        """Return what was granted."""
        return self.classroom.time_factor(learner, slug)

    def penalties(
        self, slug: str, hands: Sequence[tuple[Learner, datetime | None]]
    ) -> list[Penalty]:
        """Apply the class's late policy."""
        return [self._penalty(learner, slug, handed_in) for learner, handed_in in hands]

    def _penalty(self, learner: Learner, slug: str, handed_in: datetime | None) -> Penalty:
        if handed_in is None or not self.classroom.lateness_s(learner, slug, handed_in):
            return 0.0
        return partial(_by_policy, self.classroom, learner, slug, handed_in)

    def autograded(self, learner_id: str, slug: str) -> Path:
        """Return the folder in nbgrader's tree."""
        return self.classroom.autograded(learner_id, slug)


def _by_policy(
    classroom: Classroom, learner: Learner, slug: str, handed_in: datetime, points: float
) -> float:
    return classroom.penalty(learner, slug, points, handed_in)


class CourseClass:
    """The students of an instructor's own nbgrader course.

    The journal lies in ``.nncourse`` in the course folder, and so do the random keys that stand
    for students in it.

    Parameters
    ----------
    course : NbgraderCourse
        The course.
    """

    def __init__(self, course: NbgraderCourse) -> None:
        self.course = course
        self._keys_path = course.root / ".nncourse" / "keys.json"
        self._keys: dict[str, str] = {}
        # Before the journal comes, which makes the folders above its own as the system has it.
        self._keys_path.parent.mkdir(mode=0o700, exist_ok=True)
        self._keys_path.parent.chmod(0o700)
        if self._keys_path.is_file():
            self._keys_path.chmod(0o600)
            try:
                self._keys = dict(json.loads(self._keys_path.read_text(encoding="utf-8")))
            except ValueError as error:
                msg = f"{self._keys_path}: this is no table of keys. Bring it back from a copy."
                raise Refusal(msg) from error
        self._ids = {key: student for student, key in self._keys.items()}

    @property
    def journal_folder(self) -> Path:
        """Where the journal lies."""
        return self.course.root / ".nncourse" / "journal"

    @property
    def db_url(self) -> str:
        """The course's own."""
        return self.course.db_url

    @property
    def course_id(self) -> str:
        """The course's own."""
        return self.course.course_id

    @property
    def timezone(self) -> tzinfo:
        """Nbgrader keeps times in UTC."""
        return UTC

    def enrolled(self, students: list[str]) -> dict[str, Learner]:
        """Return learners by id, drawing keys for new ones.

        Parameters
        ----------
        students : list of str
            Ids.

        Returns
        -------
        dict of str to Learner
            By id.
        """
        from grading.classroom import Learner

        new = [each for each in students if each not in self._keys]
        if new:
            self._keys |= {each: secrets.token_hex(16) for each in new}
            self._ids = {key: student for student, key in self._keys.items()}
            self._write_keys()
        return {each: Learner(self._keys[each], each) for each in students}

    def key_of(self, student: str) -> str | None:
        """Return a student's key; None for one who was never graded.

        Parameters
        ----------
        student : str
            Id.

        Returns
        -------
        str or None
            As it stands in the journal.
        """
        return self._keys.get(student)

    def drop(self, student: str) -> None:
        """Forget a student's key.

        Parameters
        ----------
        student : str
            Id.
        """
        self._ids.pop(self._keys.pop(student, ""), None)
        self._write_keys()

    def _write_keys(self) -> None:
        from grading.classroom._files import write_atomically

        write_atomically(self._keys_path, json.dumps(self._keys, indent=1).encode())

    def learner(self, key: str) -> Learner | None:
        """Find a student by random key."""
        student = self._ids.get(key)
        return None if student is None else self.enrolled([student])[student]

    def version(self, slug: str, release: str = "") -> CourseVersion:
        """Read the assignment from the course's gradebook; it keeps no releases."""
        del release
        return self.course.version(slug)

    def releases(self, slug: str) -> list[str]:
        """Name the only one."""
        del slug
        return [""]

    def due(self, slug: str) -> None:
        """Leave the due date in the gradebook as it is."""
        del slug

    def time_factor(self, learner: Learner, slug: str) -> float:
        """Give everybody the same time: nbgrader knows of no other."""
        del learner, slug
        return 1.0

    def penalties(
        self, slug: str, hands: Sequence[tuple[Learner, datetime | None]]
    ) -> list[Penalty]:
        """Ask the course's late submission plugin."""
        asked = self.course.charges(slug, [(learner.id, when) for learner, when in hands])
        return [0.0 if charge is None else charge for charge in asked]

    def autograded(self, learner_id: str, slug: str) -> Path:
        """Return the course's own folder."""
        return self.course.folder("autograded", learner_id, slug)
