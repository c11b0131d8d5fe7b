"""A small class to be graded under adverse conditions, and all that grading leaves behind.

Its learners hand in unit 00: right, blank, mixed, late, one like the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.broker import grade
from grading.classroom import Classroom, Learner
from grading.engine import Job
from grading.journal import Journal
from grading.releasing import release
from grading.results import Result
from grading.sandbox import LocalSandboxes
from tests.grading.corpus import corpus

SLUG = "00-start-here"
DUE = "2026-06-01 12:00"


def work_here(job: Job) -> Result:
    """Grade by the real broker in this very process: quick, and only for honest submissions."""
    return grade(job.files, job.version, job.limits, LocalSandboxes(), job.exercises)


@dataclass(frozen=True)
class SmallClass:
    """A class folder, and what was handed in."""

    root: Path
    submissions: Path

    def copied(self, to: Path) -> SmallClass:
        """Return the same class, keys and all, in another place."""
        return SmallClass(
            Path(shutil.copytree(self.root, to / "class")),
            Path(shutil.copytree(self.submissions, to / "submissions")),
        )

    @property
    def classroom(self) -> Classroom:
        return Classroom.open(self.root)


def make_class(folder: Path, n: int = 6, slug: str = SLUG) -> SmallClass:
    """Make the class.

    The first is all right, the second blank, the third between and late, the last like the first.
    """
    room = Classroom.open(folder / "class", create=True)
    (room.root / "class.toml").write_text(
        'timezone = "UTC"\n[late]\npercent = 10\nper = "day"\n', encoding="utf-8"
    )
    release([slug[:2]], room, due=DUE, to=folder / "unit.zip")
    room = Classroom.open(room.root)
    made = list(corpus(slug, n + 6))
    handed_in = made[:n]
    work = [
        made[9] if i == 2 else made[0] if i == n - 1 else each for i, each in enumerate(handed_in)
    ]
    room.roster.add(*(Learner("", each.learner, first_name=each.name) for each in handed_in))
    marks = json.loads(room.assignment(slug).released)["metadata"]
    submissions = folder / "submissions"
    for i, each in enumerate(handed_in):
        book = json.loads(work[i].text) | {"metadata": marks}
        day = 3 if i == 2 else 1
        hand_in(submissions, each.learner, slug, json.dumps(book), f"2026-06-0{day} 10:00:00 UTC")
    return SmallClass(room.root, submissions)


def hand_in(folder: Path, learner: str, slug: str, text: str, when: str) -> None:
    """Write a submission in nbgrader's tree."""
    own = folder / learner / slug
    own.mkdir(parents=True, exist_ok=True)
    (own / f"{slug}.ipynb").write_text(text, encoding="utf-8")
    (own / "timestamp.txt").write_text(when, encoding="utf-8")


def state(classroom: Classroom) -> dict[str, Any]:
    """Return all that counts: gradebook, autograded notebooks, journal. No ids, no clocks."""
    with Journal(classroom.journal_folder) as journal:
        left = [entry.id for entry in journal.pending()]
        left += [entry.id for entry, _ in journal.unrecorded()]
        results = {
            (
                classroom.roster.by_key(entry.learner).id,
                entry.slug,
                entry.attempt,
            ): result.body_sha256
            for entry in journal.entries(latest=True)
            if (result := journal.result_of(entry)) is not None
        }
        n_entries = len(journal)
    files = {
        path.relative_to(classroom.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for step in ("autograded", "submitted", "attempts")
        for path in sorted((classroom.root / step).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return {
        "grades": grades(classroom.db_url, classroom.course_id),
        "files": files,
        "results": results,
        "n_entries": n_entries,
        "left": left,
    }


def grades(db_url: str, course_id: str) -> dict[str, Any]:
    """Read the gradebook through nbgrader's own api."""
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SAWarning

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        with Gradebook(db_url, course_id) as gradebook:
            for assignment in gradebook.assignments:
                for submission in assignment.submissions:
                    for book in submission.notebooks:
                        found[submission.student.id, assignment.name, book.name] = {
                            "handed in": str(submission.timestamp),
                            "penalty": book.late_submission_penalty,
                            "cells": sorted(
                                (
                                    grade.name,
                                    grade.auto_score,
                                    grade.manual_score,
                                    grade.max_score,
                                    bool(grade.needs_manual_grade),
                                )
                                for grade in book.grades
                            ),
                            "comments": sorted(
                                (comment.name, comment.auto_comment, comment.manual_comment)
                                for comment in book.comments
                            ),
                        }
    return found


def assert_same(found: dict[str, Any], expected: dict[str, Any], where: str = "") -> None:
    """Compare two states part by part, so that a difference can be read."""
    assert found["left"] == [], where
    for part in ("grades", "files", "results", "n_entries"):
        assert found[part] == expected[part], f"{part} {where}"


def n_kills(default: int, full: int) -> int:
    """How many kills, by whether everything is to be tried."""
    return full if os.environ.get("NNCOURSE_FULL") == "1" else default
