"""Plain nbgrader grades the course: its own commands, four students, points as declared.

The class is made as an instructor would make it: a checkout with ``nbgrader_config.py`` and the
solution notebooks, then ``nbgrader generate_assignment``, ``autograde``, ``generate_feedback``,
each a command of its own on a PATH without our environment.
"""

from __future__ import annotations

import contextlib
import html
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grading.authoring import cells
from grading.authoring.answers import source_of
from grading.exercises import Exercise, Misconception, exercises_of_unit
from grading.house import Unit

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def earned(exercise: Exercise, misconception: Misconception) -> float:
    """The points that the declaration leaves to a wrong answer."""
    if exercise.tier != "core":
        return 0.0
    return sum(
        points for name, points in exercise.points.items() if name not in misconception.fails
    )


@dataclass(frozen=True)
class Student:
    """A student by what he or she hands in, and what the declarations say it is worth."""

    name: str
    answers: dict[str, str] = field(default_factory=dict)
    points: dict[str, float] = field(default_factory=dict)


def students(exercises: tuple[Exercise, ...]) -> list[Student]:
    """The four students of a unit."""
    wrong = {exercise.id: exercise.misconceptions[0] for exercise in exercises}
    half, misconception = next(
        (exercise, misconception)
        for exercise in exercises
        for misconception in exercise.misconceptions
        if 0 < exercise.graded_total == 2 * earned(exercise, misconception)
    )
    return [
        Student(
            "reference",
            {each.id: source_of(each.reference, each.id) for each in exercises},
            {each.id: each.graded_total for each in exercises},
        ),
        Student("untouched", {}, {each.id: 0.0 for each in exercises}),
        Student(
            "misled",
            {each.id: source_of(wrong[each.id].function, each.id) for each in exercises},
            {each.id: earned(each, wrong[each.id]) for each in exercises},
        ),
        Student(
            "half",
            {half.id: source_of(misconception.function, half.id)},
            {each.id: half.graded_total / 2 if each is half else 0.0 for each in exercises},
        ),
    ]


@dataclass(frozen=True)
class Class:
    """A class folder after grading."""

    root: Path
    folder: Path
    unit: Unit
    students: list[Student]
    environment: dict[str, str]

    def nbgrader(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"nbgrader {arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def hand_in(self, student: Student) -> None:
        slug = self.unit.slug
        notebook = cells.read(self.root / "course" / slug / f"{slug}.ipynb")
        for cell in notebook.cells:
            if (name := cells.grade_id(cell)) in student.answers:
                cell.source = student.answers[name]
        path = self.folder / "submitted" / student.name / slug / f"{slug}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(cells.to_text(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def graded(
    unit: Unit, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Class:
    """Generate, collect, autograde and give feedback, once a unit."""
    root = tmp_path_factory.mktemp("the course é")
    folder = tmp_path_factory.mktemp("my class")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "solutions" / unit.slug, root / "solutions" / unit.slug)
    own = environment | {
        "NNCOURSE_CLASS": str(folder),
        "NNCOURSE_HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(root / "none"),
    }
    del own["NNCOURSE_PROGRESS"]  # that nothing is recorded has to follow from nbgrader's own sign
    a_class = Class(root, folder, unit, students(exercises_of_unit(unit.number)), own)
    a_class.nbgrader("generate_assignment", unit.slug)
    for student in a_class.students:
        a_class.hand_in(student)
    a_class.nbgrader("autograde", unit.slug)
    a_class.nbgrader("generate_feedback", unit.slug)
    return a_class


def test_nbgraders_own_release_is_the_committed_notebook(graded: Class, learner_path: Path):
    slug = graded.unit.slug

    generated = (graded.root / "course" / slug / f"{slug}.ipynb").read_text(encoding="utf-8")

    assert json.loads(generated) == json.loads(learner_path.read_text(encoding="utf-8"))


def test_every_student_gets_the_declared_points(graded: Class):
    from nbgrader.api import Gradebook

    slug = graded.unit.slug
    with Gradebook(f"sqlite:///{graded.folder / 'gradebook.db'}") as gradebook:
        found = {
            student.name: {
                grade.name.removeprefix(cells.CHECK_PREFIX): (grade.score, grade.max_score)
                for grade in gradebook.find_submission_notebook(slug, slug, student.name).grades
            }
            for student in graded.students
        }
        by_hand = [
            grade.name
            for student in graded.students
            for grade in gradebook.find_submission_notebook(slug, slug, student.name).grades
            if grade.needs_manual_grade
        ]

    totals = {each.id: each.graded_total for each in exercises_of_unit(graded.unit.number)}
    assert found == {
        student.name: {name: (points, totals[name]) for name, points in student.points.items()}
        for student in graded.students
    }
    assert by_hand == []


def test_the_four_students_are_what_they_are_called(graded: Class):
    """Full marks, nothing, something between, and half of one exercise: no two alike by chance."""
    totals = {student.name: sum(student.points.values()) for student in graded.students}
    full = sum(each.graded_total for each in exercises_of_unit(graded.unit.number))

    assert totals["reference"] == full > 0
    assert totals["untouched"] == 0
    assert totals["misled"] < full
    assert 0 < totals["half"] < full


def test_feedback_tells_a_misled_student_which_mistake_it_was(graded: Class):
    messages = {
        exercise.misconceptions[0].message.split("`")[0][:40]
        for exercise in exercises_of_unit(graded.unit.number)
    }
    pages = {
        student.name: html.unescape(
            (graded.folder / "feedback" / student.name / slug / f"{slug}.html").read_text("utf-8")
        )
        for slug in [graded.unit.slug]
        for student in graded.students
    }

    assert all(message in pages["misled"] for message in messages)
    assert not any(message in pages["reference"] for message in messages)
    assert not any(message in pages["untouched"] for message in messages)


def test_untouched_exercise_reads_not_started(graded: Class):
    """The words stand in the check's own output, and only in an untouched exercise's."""
    slug = graded.unit.slug
    for student in graded.students:
        path = graded.folder / "autograded" / student.name / slug / f"{slug}.ipynb"
        said = {
            str(cells.grade_id(cell)).removeprefix(cells.CHECK_PREFIX): json.dumps(cell.outputs)
            for cell in cells.read(path).cells
            if str(cells.grade_id(cell)).startswith(cells.CHECK_PREFIX)
        }

        not_started = {name for name, outputs in said.items() if "not started" in outputs}
        assert not_started == set(student.points) - set(student.answers)


def test_grading_records_no_progress(graded: Class):
    assert not (graded.folder / "home").exists()


@contextlib.contextmanager
def jupyter_server(graded: Class) -> Generator[str, None, None]:
    """Serve the checkout on loopback; yields the address, token included in its query."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = graded.root / "server.log"
    with log.open("w", encoding="utf-8") as written:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
                *("--ServerApp.port_retries=0", "--IdentityProvider.token=loopback"),
                f"--ServerApp.root_dir={graded.root}",
            ],
            cwd=graded.root,
            env=graded.environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                assert server.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def get(address: str) -> tuple[int, str]:
    request = urllib.request.Request(address, headers={"Authorization": "token loopback"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8")


def test_formgrader_lists_the_assignment_and_opens_its_submissions(graded: Class):
    slug = graded.unit.slug

    with jupyter_server(graded) as server:
        pages = [
            "formgrader/manage_assignments",
            f"formgrader/manage_submissions/{slug}",
            "formgrader/gradebook",
            f"formgrader/gradebook/{slug}",
            f"formgrader/gradebook/{slug}/{slug}",
            "formgrader/manage_students",
        ]
        statuses = {page: get(f"{server}/{page}")[0] for page in pages}
        listed = json.loads(get(f"{server}/formgrader/api/assignments")[1])
        submissions = json.loads(get(f"{server}/formgrader/api/submissions/{slug}")[1])
        books = json.loads(get(f"{server}/formgrader/api/submitted_notebooks/{slug}/{slug}")[1])
        opened = [get(f"{server}/formgrader/submissions/{book['id']}/") for book in books]

    assert set(statuses.values()) == {200}, statuses
    assert [assignment["name"] for assignment in listed] == [slug]
    scores = {entry["student"]: entry["score"] for entry in submissions}
    assert scores == {each.name: sum(each.points.values()) for each in graded.students}
    assert len(opened) == len(graded.students)
    assert all(status == 200 and "check_" in page for status, page in opened)
