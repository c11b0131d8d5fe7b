"""Erase a student of an instructor's own nbgrader course; what is killed can be begun again."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from grading.refusals import Refusal
from grading.runs._classes import CourseClass
from grading.runs._session import writer_of

if TYPE_CHECKING:
    from grading.kernel import NbgraderCourse

__all__ = ["forget_student", "key_in_course"]

_STEPS = ("submitted", "autograded", "feedback")


def forget_student(course: NbgraderCourse, student: str) -> list[str]:
    """Erase a student from gradebook, journal, folders and keys.

    The key goes last: as long as it is there, a job that was killed can be begun again.

    Parameters
    ----------
    course : NbgraderCourse
        The course. No other command may be running on it.
    student : str
        nbgrader's id.

    Returns
    -------
    list of str
        What was removed, one phrase each.

    Raises
    ------
    Refusal
        If nobody of this id was graded here.
    """
    from grading.journal import Journal  # pulls in file locks, which differ by system

    key = key_in_course(course, student)
    port = CourseClass(course)
    with writer_of(port) as writer:
        writer.erase(student)
    done = ["all rows in the gradebook"]
    if port.journal_folder.is_dir():
        with Journal(port.journal_folder) as journal:
            done.append(f"{journal.forget(key)} entries of the journal")
    done += _from_folders(course, student)
    port.drop(student)
    return [*done, "the key"]


def key_in_course(course: NbgraderCourse, student: str) -> str:
    """Return the key that stands for a student in the journal of a course.

    Parameters
    ----------
    course : NbgraderCourse
        The course.
    student : str
        nbgrader's id.

    Returns
    -------
    str
        Random; made when the student was graded first.

    Raises
    ------
    Refusal
        If nobody of this id was graded here.
    """
    key = CourseClass(course).key_of(student)
    if key is None:
        msg = (
            f"{student}: nobody of this id was graded with nncourse grade --course {course.root}. "
            f"Look at the id, or run: nbgrader db student remove {student}"
        )
        raise Refusal(msg)
    return key


def _from_folders(course: NbgraderCourse, student: str) -> Iterator[str]:
    for step in _STEPS:
        pattern = course.folder(step, glob.escape(student), "*")
        base = Path(pattern.anchor)
        for folder in sorted(base.glob(str(pattern.relative_to(base)))):
            if folder.is_symlink() or not folder.is_dir():
                folder.unlink()
            else:
                shutil.rmtree(folder)
            yield f"{folder}"
            above = folder.parent
            if above.name == student and not above.is_symlink() and not any(above.iterdir()):
                above.rmdir()
