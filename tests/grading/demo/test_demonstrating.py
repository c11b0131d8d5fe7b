"""The demonstration, small: a class from release to export, by the instructor's own commands."""

from __future__ import annotations

import csv
import filecmp
from pathlib import Path

import pytest

from grading.assignments import version_of
from grading.demo import __main__ as command
from grading.demo import demonstrate, make_up
from grading.house import course_root
from grading.refusals import Refusal
from tests.grading.faults.classes import grades


def released(slug: str) -> str:
    return version_of(course_root() / "course" / slug / f"{slug}.ipynb", b"s").released


def test_same_size_makes_up_the_same_class(tmp_path: Path) -> None:
    one, two = (
        make_up("00-start-here", released("00-start-here"), tmp_path / name, 20)
        for name in ("one", "two")
    )

    assert one.roster == two.roster
    assert one.canvas.read_bytes() == two.canvas.read_bytes()
    files = [path.relative_to(one.folder) for path in one.folder.rglob("*.ipynb")]
    same, other, missing = filecmp.cmpfiles(
        one.folder, two.folder, list(map(str, files)), shallow=False
    )
    assert (len(same), other, missing) == (len(files), [], [])


def test_sixty_learners_are_of_every_kind(tmp_path: Path) -> None:
    made = make_up("00-start-here", released("00-start-here"), tmp_path, 60)

    kinds = list(made.kinds.values())
    assert len(kinds) == 60
    for kind in ("reference", "alternatives", "blank", "late", "torn", "double cell", "never ends"):
        assert kind in kinds
    assert kinds.count("own") == 2
    assert kinds.count("mix") > 30


def test_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")

    with pytest.raises(Refusal, match="holds something else"):
        demonstrate(tmp_path)

    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize("n", [-1, 7, 1001])
def test_class_too_small_or_large_is_refused(tmp_path: Path, n: int) -> None:
    with pytest.raises(Refusal, match=rf"--learners {n}: a class of 8 to 1000"):
        demonstrate(tmp_path / "demo", n=n)

    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(("words", "n"), [((), 60), (("--learners", "8"), 8)])
def test_size_of_the_class_is_given_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], n: int
) -> None:
    asked = []
    monkeypatch.setattr(command, "demonstrate", lambda folder, n: asked.append((folder, n)))
    monkeypatch.setattr("sys.argv", ["grading.demo", str(tmp_path), *words])

    assert command.main() == 0
    assert asked == [(tmp_path, n)]


def test_smallest_and_largest_class_can_be_made_up(tmp_path: Path) -> None:
    made = make_up("00-start-here", released("00-start-here"), tmp_path / "8", 8)
    rows = list(csv.DictReader(made.roster.splitlines()))

    assert len(rows) == 8
    assert {"reference", "blank", "late"} <= set(made.kinds.values())
    many = make_up("00-start-here", released("00-start-here"), tmp_path / "1000", 1000)
    names = [
        (row["first_name"], row["last_name"]) for row in csv.DictReader(many.roster.splitlines())
    ]
    assert len(set(names)) == 1000


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.usefixtures("requires_sandbox")
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_demonstration_runs_from_release_to_export(tmp_path: Path) -> None:
    folder = tmp_path / "the demo é"

    steps = demonstrate(folder, unit="00", n=24)

    assert [(step.words[0], step.status) for step in steps] == [
        ("release", 0),
        ("roster", 0),
        ("grade", 0),
        ("report", 0),
        ("feedback", 0),
        ("export", 0),
        ("export", 0),
        ("similar", 0),
    ]
    found = grades(f"sqlite:///{folder / 'class' / 'gradebook.db'}", "")
    points = {
        learner: sum(score or 0.0 for _, score, *_ in book["cells"])
        for (learner, _, _), book in found.items()
    }
    assert len(points) == 24
    assert points["learner-000"] == max(points.values()) > 0
    assert points["learner-003"] == points["learner-010"] == 0  # blank; cut off in the middle
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as text:
        assert len(list(csv.reader(text))) == 25
    assert (folder / "report.html").stat().st_size > 5000
    assert (folder / "similar.html").is_file()
    pages = list((folder / "class" / "feedback").rglob("*.html"))
    assert len(pages) == 24
