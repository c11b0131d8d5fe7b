"""Make-believe classes: roster, journal and gradebook as grading leaves them, nothing executed."""

from __future__ import annotations

import json
import os
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from nbgrader.api import Gradebook

from grading.check.solution import source_of
from grading.classroom import Classroom, Learner
from grading.exercises import Exercise, exercises_of_unit
from grading.house import course_folder
from grading.journal import Entry, Journal
from grading.results import CellResult, CriterionResult, NotebookResult, Result, Usage, worst

SLUG = "01-backpropagation"
DUE = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """How one exercise was answered: a source, the criteria that failed, what was recognized."""

    source: str = ""
    failed: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()
    status: str = ""
    sentence: str = "The first entry is 2, expected 3."


@dataclass(frozen=True)
class Handed:
    """What a learner handed in."""

    learner: Learner
    answers: Mapping[str, Answer] = field(default_factory=dict)
    status: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    handed_in: datetime = DUE - timedelta(hours=3)
    penalty: float = 0.0
    usage: Usage = field(default_factory=lambda: Usage(0.5, 0.3, 2**27))
    verdicts: Any = "outside"
    sandbox: Any = "bubblewrap"


@cache
def _source(function: Callable[..., Any], name: str) -> str:
    return source_of(function, name)


def right(exercise: Exercise, i: int = -1) -> Answer:
    """The reference, or one of the right alternatives."""
    functions = (*exercise.alternatives, exercise.reference)
    return Answer(_source(functions[i], exercise.id))


def wrong(exercise: Exercise, i: int = 0) -> Answer:
    """A known wrong answer."""
    known = exercise.misconceptions[i]
    return Answer(_source(known.function, exercise.id), tuple(known.fails), (known.name,))


def cell_result(exercise: Exercise, answer: Answer | None) -> CellResult:
    """What the broker would say."""
    most = exercise.graded_total
    if answer is None:
        return CellResult(f"check_{exercise.id}", 0.0, most, "not_started", exercise.id)
    criteria = tuple(
        CriterionResult(
            each.name,
            each.points,
            0.0 if each.name in answer.failed else each.points,
            "value" if each.name in answer.failed else "",
            answer.sentence if each.name in answer.failed else "",
        )
        for each in exercise.criteria
    )
    earned = sum(each.earned for each in criteria) if most else 0.0
    status: Any = answer.status or ("failed_tests" if answer.failed else "ok")
    hint = exercise.hints[0].symptom if answer.failed else ""
    return CellResult(
        f"check_{exercise.id}", float(earned), most, status, exercise.id, criteria,
        answer.misconceptions, hint,
    )  # fmt: skip


@cache
def released(slug: str = SLUG) -> dict[str, Any]:
    """The released notebook of a unit; not to be changed."""
    path = course_folder() / slug / f"{slug}.ipynb"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def autograded(notebook: Mapping[str, Any], answers: Mapping[str, Answer]) -> str:
    """The released notebook with the answers in it."""
    cells = []
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        source = answers[name].source if name in answers else cell["source"]
        cells.append({**cell, "source": source})
    return json.dumps({**notebook, "cells": cells})


def result_of(handed: Handed, slug: str, exercises: Sequence[Exercise], book: Any) -> Result:
    """The result of a submission."""
    cells = tuple(cell_result(each, handed.answers.get(each.id)) for each in exercises)
    statuses: list[Any] = [c.status for c in cells if c.status not in {"not_started", "manual"}]
    status: Any = handed.status or worst(statuses)
    notebook = NotebookResult(slug, cells, autograded(book, handed.answers), handed.notes)
    return Result(
        f"key-{handed.learner.id}-{slug}", "s" * 64, "v" * 64, status,
        () if status == "invalid_submission" else (notebook,),
        handed.verdicts, handed.sandbox, handed.message, handed.usage,
    )  # fmt: skip


def make_class(root: Path, handed: Sequence[Handed], slug: str = SLUG) -> Classroom:
    """Write roster, journal and gradebook of a class in which everything was graded."""
    classroom = Classroom.open(root, create=True, timezone="Europe/Berlin")
    known = {learner.id for learner in classroom.roster}
    classroom.roster.add(*(each.learner for each in handed if each.learner.id not in known))
    exercises = exercises_of_unit(slug[:2])
    book = released(slug)
    results = [result_of(each, slug, exercises, book) for each in handed]
    with Journal(classroom.journal_folder) as journal:
        for each, result in zip(handed, results, strict=True):
            entry = Entry.of(
                key=result.key, learner=each.learner.key, slug=slug, attempt=1,
                handed_in=each.handed_in, submission=result.submission,
            )  # fmt: skip
            journal.accept(entry, {f"{slug}.ipynb": result.key.encode()})
            journal.done(entry.id, result)
            journal.recorded([entry.id])
    fill_gradebook(classroom.db_url, slug, exercises, list(zip(handed, results, strict=True)))
    return classroom


@cache
def _empty_gradebook() -> bytes:
    """A gradebook without a class. Making one starts a process, so it is made once."""
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by its name
    path = os.environ["PATH"]
    os.environ["PATH"] = os.pathsep.join([scripts, path])
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "gradebook.db"
            Gradebook(f"sqlite:///{file}", course_id="").close()
            return file.read_bytes()
    finally:
        os.environ["PATH"] = path


def fill_gradebook(
    db_url: str, slug: str, exercises: Sequence[Exercise], graded: list[tuple[Handed, Result]]
) -> None:
    """Put scores into nbgrader's gradebook through its own interface."""
    file = Path(db_url.removeprefix("sqlite:///"))
    if not file.exists():
        file.write_bytes(_empty_gradebook())
    with warnings.catch_warnings(), Gradebook(db_url) as gradebook:
        warnings.simplefilter("ignore")  # nbgrader adds rows in an order SQLAlchemy remarks on
        gradebook.update_or_create_assignment(slug, duedate=DUE.replace(tzinfo=None))
        gradebook.update_or_create_notebook(slug, slug)
        for each in exercises:
            gradebook.update_or_create_grade_cell(
                f"check_{each.id}", slug, slug, max_score=each.graded_total, cell_type="code"
            )
            gradebook.update_or_create_solution_cell(each.id, slug, slug)
        for handed, result in graded:
            person = handed.learner
            gradebook.update_or_create_student(
                person.id, first_name=person.first_name, last_name=person.last_name,
                email=person.email, lms_user_id=person.lms_user_id,
            )  # fmt: skip
            gradebook.update_or_create_submission(
                slug, person.id, timestamp=handed.handed_in.replace(tzinfo=None)
            )
            submitted = gradebook.find_submission_notebook(slug, slug, person.id)
            submitted.late_submission_penalty = handed.penalty
            scores = {c.grade_id: c.score for book in result.notebooks for c in book.cells}
            for grade in submitted.grades:
                grade.auto_score = scores.get(grade.cell.name, 0.0)
                grade.needs_manual_grade = False
            gradebook.db.commit()


def person(i: int, **given: str) -> Learner:
    """The i-th learner."""
    known = {
        "id": f"s{i:03d}",
        "first_name": f"First{i}",
        "last_name": f"Last{i:03d}",
        "email": f"s{i:03d}@example.org",
        "lms_user_id": str(1000 + i),
        "group": "AB"[i % 2],
    }
    return Learner(key=f"{i:032x}", **{**known, **given})


def mixed(n: int, slug: str = SLUG, seed: int = 3) -> list[Handed]:
    """A class that got much right and some things wrong."""
    rng = np.random.default_rng(seed)
    exercises = exercises_of_unit(slug[:2])
    handed = []
    for i in range(n):
        skill = rng.random()
        answers = {}
        for j, each in enumerate(exercises):
            if rng.random() < 0.04 * j * (1 - skill):
                continue
            good = rng.random() < 0.5 + 0.5 * skill - 0.03 * j
            pick = int(min(rng.integers(3, size=2)))
            answers[each.id] = right(each, pick) if good else wrong(each, pick)
        at = DUE + timedelta(hours=float(rng.normal(-20, 25)))
        usage = Usage(float(0.3 + rng.random()), 0.2, 2**27)
        handed.append(Handed(person(i), answers, handed_in=at, usage=usage))
    return handed
