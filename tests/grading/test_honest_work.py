"""Honest work scores the same here as with plain ``nbgrader autograde``, cell by cell.

One class of generated submissions is handed in on both sides: to nbgrader's own commands with the
course's configuration, as an instructor runs them, and to ours. Figure and drive cells are emptied
on both sides, for time. With NNCOURSE_FULL=1 the class has 300 members, spread over all units.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from grading.assignments import AssignmentVersion, version_of
from grading.authoring import cells
from grading.check.solution import source_of
from grading.classroom import Classroom
from grading.collection import collect
from grading.engine import InProcess, Job
from grading.exercises import exercises_of_unit
from grading.house import course_root, units
from grading.releasing import release
from grading.results import Result
from tests.grading.corpus import HonestSubmission, answers_of, corpus, lightened

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

ROOT = course_root()
FULL = os.environ.get("NNCOURSE_FULL") == "1"
SLUGS = [unit.slug for unit in units(ROOT)] if FULL else ["01-backpropagation"]
N_SUBMISSIONS = 300 if FULL else 24

Scores = dict[str, float | None]

# ------------------------------------------------------------ where both sides may differ

DIFFERENCES = {
    "deleted check": "A locked check that was deleted: plain nbgrader gives no score and waits for "
    "a person, ours puts the check back.",
    "added library": "An answer that imports what its unit does not use: plain nbgrader runs it, "
    "in ours the import fails.",
}
"""Everything in which honest work may be scored differently; each has a submission below.

That stderr costs no points is a difference for ordinary assert cells only: `check` keeps it away
from plain nbgrader too.
"""

ALIKE = ("stderr", "retyped answer")
"""Odd but honest work that both sides score alike."""


@dataclass(frozen=True)
class Different:
    """A submission of which both scores are known, and not the same."""

    learner: str
    difference: str
    text: str
    plain: Scores
    ours: Scores


def different(slug: str) -> list[Different]:
    """Make one submission for each documented difference, about the first core exercise."""
    released = lightened(json.loads((ROOT / "course" / slug / f"{slug}.ipynb").read_text("utf-8")))
    exercise = next(each for each in exercises_of_unit(slug[:2]) if each.tier == "core")
    right = source_of(exercise.reference, exercise.id)
    full = exercise.graded_total
    noisy = right.replace("):\n", "):\n    __import__('os').write(2, b'note: computing')\n", 1)
    shortcut = f"import scipy.stats, sklearn.metrics\n\n\n{right}"
    made = []
    for name, source, plain, ours in (
        ("deleted check", right, None, full),
        ("added library", shortcut, full, 0.0),
        ("stderr", noisy, full, full),
        ("retyped answer", right, full, full),
    ):
        notebook = json.loads(json.dumps(released))
        place = {
            cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]
        }
        place[exercise.id]["source"] = source
        if name == "deleted check":
            notebook["cells"].remove(place[f"check_{exercise.id}"])
        if name == "retyped answer":
            answer = place[exercise.id]
            answer["cell_type"] = "markdown"
            del answer["outputs"], answer["execution_count"]
        learner = f"odd-{name.replace(' ', '-')}"
        text = json.dumps(notebook)
        made.append(Different(learner, name, text, {exercise.id: plain}, {exercise.id: ours}))
    return made


# ------------------------------------------------------------ both sides


@dataclass(frozen=True)
class Graded:
    """One unit, graded on both sides."""

    version: AssignmentVersion
    honest: list[HonestSubmission]
    odd: list[Different]
    plain: dict[str, Scores]
    ours: dict[str, Result]


def hand_in(folder: Path, slug: str, learner: str, text: str) -> None:
    path = folder / "submitted" / learner / slug / f"{slug}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def nbgrader(root: Path, environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"nbgrader {arguments}:\n{done.stdout}\n{done.stderr}"


def plain_scores(root: Path, slug: str, works: dict[str, str]) -> dict[str, Scores]:
    """Run nbgrader's own commands on all works of one unit."""
    from nbgrader.api import Gradebook

    folder = root / "my class"
    environment = dict(os.environ) | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "NNCOURSE_CLASS": str(folder),
        "NNCOURSE_HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(root / "none"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    environment.pop("NNCOURSE_PROGRESS", None)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    source = cells.read(ROOT / "solutions" / slug / f"{slug}.ipynb")
    for cell in source.cells:
        if cells.tags(cell) & {"figure", "drive"}:
            cell.source = ""
    path = root / "solutions" / slug / f"{slug}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(cells.to_text(source), encoding="utf-8")
    nbgrader(root, environment, "generate_assignment", slug)
    for learner, text in works.items():
        hand_in(folder, slug, learner, text)
    nbgrader(root, environment, "autograde", slug)
    scores: dict[str, Scores] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's queries trip SQLAlchemy's newest warnings
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
            for learner in works:
                notebook = gradebook.find_submission_notebook(slug, slug, learner)
                scores[learner] = {
                    grade.name.removeprefix(cells.CHECK_PREFIX): grade.auto_score
                    for grade in notebook.grades
                }
    return scores


def our_results(version: AssignmentVersion, works: dict[str, str]) -> Iterator[tuple[str, Result]]:
    """Grade all works of one unit, one after the other."""
    name = f"{version.slug}.ipynb"
    jobs = [Job(learner, {name: text.encode()}, version) for learner, text in works.items()]
    with InProcess() as engine:
        for pair in engine.run(jobs):
            assert pair is not None
            yield pair


def scores_of(result: Result) -> Scores:
    return {cell.exercise: cell.score for cell in result.notebooks[0].cells}


@pytest.fixture(scope="module", params=SLUGS)
def graded(
    request: pytest.FixtureRequest,
    requires_sandbox: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Graded:
    """Grade a unit's share of the class on both sides."""
    del requires_sandbox
    slug: str = request.param
    honest = list(corpus(slug, N_SUBMISSIONS // len(SLUGS)))
    odd = different(slug)
    works = {each.learner: each.text for each in (*honest, *odd)}
    version = version_of(ROOT / "course" / slug / f"{slug}.ipynb", b"the secret of this class")
    plain = plain_scores(tmp_path_factory.mktemp("plain nbgrader"), slug, works)
    return Graded(version, honest, odd, plain, dict(our_results(version, works)))


def test_scores_equal_plain_nbgraders_cell_by_cell(graded: Graded) -> None:
    unlike = {
        (each.learner, each.trimming, name, each.ways[name]): (points, ours[name])
        for each in graded.honest
        for ours in [scores_of(graded.ours[each.learner])]
        for name, points in graded.plain[each.learner].items()
        if points != ours[name]
    }

    assert unlike == {}
    assert {len(graded.plain[each.learner]) for each in graded.honest} == {
        len(graded.version.exercises)
    }


def test_scores_are_what_the_declarations_say(graded: Graded) -> None:
    for each in graded.honest:
        assert scores_of(graded.ours[each.learner]) == each.points, (each.learner, each.ways)


def test_documented_differences_are_all_there_is(graded: Graded) -> None:
    seen = {
        each.difference: (
            graded.plain[each.learner][name],
            scores_of(graded.ours[each.learner])[name],
        )
        for each in graded.odd
        for name in each.plain
    }

    assert list(seen) == [*DIFFERENCES, *ALIKE]
    assert seen == {
        each.difference: (each.plain[name], each.ours[name])
        for each in graded.odd
        for name in each.plain
    }
    assert {name for name, (plain, ours) in seen.items() if plain != ours} == set(DIFFERENCES)


def test_no_honest_work_ends_in_anything_but_its_own_failures(graded: Graded) -> None:
    statuses = {graded.ours[each.learner].status for each in graded.honest}

    assert statuses <= {"ok", "failed_tests", "student_error"}
    assert graded.ours[graded.honest[0].learner].status == "ok"


def test_a_known_mistake_is_recognized(graded: Graded) -> None:
    named = {
        (each.learner, name): each.ways[name]
        for each in graded.honest
        for name in each.ways
        if any(each.ways[name] == wrong.name for wrong in _declared(name).misconceptions)
    }
    told = {
        (each.learner, cell.exercise): cell.misconceptions
        for each in graded.honest
        for cell in graded.ours[each.learner].notebooks[0].cells
    }

    assert len(named) >= len(graded.version.exercises)
    missed = {key: (way, told[key]) for key, way in named.items() if way not in told[key]}
    assert missed == {}


def _declared(name: str) -> Any:
    from grading.exercises import exercise

    return exercise(name)


def test_regrading_gives_the_same_results_and_notebooks(graded: Graded) -> None:
    works = {each.learner: each.text for each in reversed(graded.honest)}

    again = dict(our_results(replace(graded.version), works))

    for learner, result in again.items():
        first = graded.ours[learner]
        assert result.body_sha256 == first.body_sha256, learner
        assert result.notebooks[0].autograded == first.notebooks[0].autograded, learner


@pytest.mark.parametrize("beside", ["Untitled.ipynb", "00-start-here-Copy1.ipynb", "notes.txt"])
def test_what_lies_beside_a_notebook_is_not_taken_for_it(tmp_path: Path, beside: str) -> None:
    """Learners leave scratch notebooks there, often saved later; nbgrader goes by the name."""
    slug = "00-start-here"
    classroom = Classroom.open(tmp_path / "class", create=True)
    classroom.roster.new("ada")
    release(["00"], classroom, to=tmp_path / "bundle.zip")
    text = json.dumps(classroom.assignment(slug).notebook)
    hand_in(tmp_path, slug, "ada", text)
    other = tmp_path / "submitted" / "ada" / slug / beside
    other.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    os.utime(other, (2e9, 2e9))

    taken = list(collect([tmp_path / "submitted"], classroom))

    assert [dict(each.files) for each in taken] == [{f"{slug}.ipynb": text.encode()}]


# ------------------------------------------------------------ the corpus itself


@pytest.mark.parametrize("unit", units(ROOT), ids=lambda unit: unit.slug)
def test_the_corpus_holds_every_way_to_answer(unit: Any) -> None:
    n = 2 * max(len(answers_of(each)) for each in exercises_of_unit(unit.number)) + 2
    submissions = list(corpus(unit.slug, n))

    for exercise in exercises_of_unit(unit.number):
        ways = {each.ways[exercise.id] for each in submissions}
        assert ways == {answer.way for answer in answers_of(exercise)}, exercise.id


def test_the_same_corpus_comes_again() -> None:
    first, second = (list(corpus("00-start-here", 12)) for _ in range(2))

    assert first == second
    assert len({each.text for each in first}) == 12
    assert list(corpus("00-start-here", 12, seed=1)) != first
