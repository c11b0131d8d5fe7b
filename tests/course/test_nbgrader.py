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
from nbgrader.api import Gradebook

from grading.authoring import cells
from grading.check.solution import source_of
from grading.exercises import Exercise, Misconception, exercises_of_unit
from grading.house import Unit, units

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
    part, misconception = min(
        (
            (exercise, misconception)
            for exercise in exercises
            for misconception in exercise.misconceptions
            if 0 < earned(exercise, misconception) < exercise.graded_total
        ),
        key=lambda pair: abs(earned(*pair) / pair[0].graded_total - 0.5),
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
            "partial",
            {part.id: source_of(misconception.function, part.id)},
            {each.id: earned(part, misconception) if each is part else 0.0 for each in exercises},
        ),
    ]


@dataclass(frozen=True)
class Class:
    """A class folder after grading, beside the checkout it was graded from."""

    root: Path
    folder: Path
    environment: dict[str, str]
    students: dict[str, list[Student]] = field(default_factory=dict)
    """By unit: its students are four people in each unit, under the same four names."""

    def nbgrader(self, *arguments: str) -> None:
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

    def hand_in(self, student: Student, slug: str) -> None:
        """Write the student's notebook: the released one with answers in its solution cells.

        Only the reference keeps figures and drives; they carry no points, and the others may do
        without the time they take.
        """
        notebook = cells.read(self.root / "course" / slug / f"{slug}.ipynb")
        for cell in notebook.cells:
            if (name := cells.grade_id(cell)) in student.answers:
                cell.source = student.answers[name]
            elif student.name != "reference" and cells.tags(cell) & {"figure", "drive"}:
                cell.source = ""
        path = self.folder / "submitted" / student.name / slug / f"{slug}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(cells.to_text(notebook), encoding="utf-8")

    def said(self, student: Student, slug: str) -> dict[str, str]:
        """What the checks in the autograded notebook say, by exercise."""
        path = self.folder / "autograded" / student.name / slug / f"{slug}.ipynb"
        return {
            str(cells.grade_id(cell)).removeprefix(cells.CHECK_PREFIX): html.unescape(
                "".join(output.data.get("text/html", "") for output in cell.outputs)
            )
            for cell in cells.read(path).cells
            if str(cells.grade_id(cell)).startswith(cells.CHECK_PREFIX)
        }


@pytest.fixture(scope="module")
def graded(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Generate, collect, autograde and give feedback, all units of the course."""
    root = tmp_path_factory.mktemp("the course é")
    folder = tmp_path_factory.mktemp("my class")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    own = environment | {
        "NNCOURSE_CLASS": str(folder),
        "NNCOURSE_HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(root / "none"),
    }
    del own["NNCOURSE_PROGRESS"]  # that nothing is recorded has to follow from nbgrader's own sign
    a_class = Class(root, folder, own)
    for unit in units(ROOT):
        slug = unit.slug
        shutil.copytree(ROOT / "solutions" / slug, root / "solutions" / slug)
        a_class.students[slug] = students(exercises_of_unit(unit.number))
        a_class.nbgrader("generate_assignment", slug)
        for student in a_class.students[slug]:
            a_class.hand_in(student, slug)
        a_class.nbgrader("autograde", slug)
        a_class.nbgrader("generate_feedback", slug)
    return a_class


def test_nbgraders_own_release_is_the_committed_notebook(
    graded: Class, unit: Unit, learner_path: Path
):
    generated = cells.read(graded.root / "course" / unit.slug / f"{unit.slug}.ipynb")

    del generated.metadata["nncourse"]  # the hash of the solution, which the build leaves out
    assert generated == cells.read(learner_path)


def test_every_student_gets_the_declared_points(graded: Class, unit: Unit):
    totals = {each.id: each.graded_total for each in exercises_of_unit(unit.number)}
    with Gradebook(f"sqlite:///{graded.folder / 'gradebook.db'}") as gradebook:
        for student in graded.students[unit.slug]:
            submission = gradebook.find_submission_notebook(unit.slug, unit.slug, student.name)
            found = {
                grade.name.removeprefix(cells.CHECK_PREFIX): (grade.score, grade.max_score)
                for grade in submission.grades
            }
            by_hand = [grade.name for grade in submission.grades if grade.needs_manual_grade]

            expected = {name: (points, totals[name]) for name, points in student.points.items()}
            assert found == expected, student.name
            assert by_hand == [], student.name


def test_the_four_students_are_what_they_are_called(graded: Class, unit: Unit):
    """Full marks, nothing, something between, and a part of one exercise."""
    totals = {each.name: sum(each.points.values()) for each in graded.students[unit.slug]}
    full = sum(each.graded_total for each in exercises_of_unit(unit.number))

    assert totals["reference"] == full > 0
    assert totals["untouched"] == 0
    assert totals["misled"] < full
    assert 0 < totals["partial"] < full


def test_misled_student_is_told_which_mistake_it_was(graded: Class, unit: Unit):
    by_name = {student.name: student for student in graded.students[unit.slug]}
    said = {name: graded.said(student, unit.slug) for name, student in by_name.items()}
    page = graded.folder / "feedback" / "misled" / unit.slug / f"{unit.slug}.html"
    feedback = html.unescape(page.read_text(encoding="utf-8"))

    for exercise in exercises_of_unit(unit.number):
        message = max(exercise.misconceptions[0].message.split("`"), key=len)[:40]
        assert len(message) > 20
        assert message in said["misled"][exercise.id]
        assert message in feedback
        assert message not in said["reference"][exercise.id]
        assert message not in said["untouched"][exercise.id]


def test_untouched_exercise_reads_not_started(graded: Class, unit: Unit):
    for student in graded.students[unit.slug]:
        said = graded.said(student, unit.slug)

        not_started = {name for name, text in said.items() if "not started" in text}
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


def test_formgrader_lists_the_assignments_and_opens_their_submissions(graded: Class):
    slugs = list(graded.students)

    with jupyter_server(graded) as server:
        pages = ["manage_assignments", "gradebook", "manage_students"]
        pages += [
            f"{kind}/{slug}" for slug in slugs for kind in ("manage_submissions", "gradebook")
        ]
        pages += [f"gradebook/{slug}/{slug}" for slug in slugs]
        statuses = {page: get(f"{server}/formgrader/{page}")[0] for page in pages}
        api = f"{server}/formgrader/api"
        listed = json.loads(get(f"{api}/assignments")[1])
        handed_in = {slug: json.loads(get(f"{api}/submissions/{slug}")[1]) for slug in slugs}
        books = [
            book
            for slug in slugs
            for book in json.loads(get(f"{api}/submitted_notebooks/{slug}/{slug}")[1])
        ]
        opened = [get(f"{server}/formgrader/submissions/{book['id']}/") for book in books]

    assert set(statuses.values()) == {200}, statuses
    assert sorted(assignment["name"] for assignment in listed) == slugs
    for slug, submissions in handed_in.items():
        assert {entry["student"]: entry["score"] for entry in submissions} == {
            student.name: sum(student.points.values()) for student in graded.students[slug]
        }
    assert len(opened) == sum(len(students) for students in graded.students.values())
    assert all(status == 200 and "check_" in page for status, page in opened)
