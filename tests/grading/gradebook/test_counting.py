"""Points that people gave count: for lateness, in what is read back, and against the machine's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import Engine, event

from grading.gradebook import Overruled, Standing, Writer
from grading.refusals import Refusal
from tests.grading.gradebook.cases import DUE, SLUG, record, result_of, version
from tests.grading.gradebook.reading import scores

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"  # nbgrader 0.9.6 under SQLAlchemy 2.1
)


@pytest.fixture
def graded(writer: Writer, url: str, tmp_path: Path) -> Writer:
    """Ada and Grace have 2 and 1.5 points by the machine; a person looked at Ada's."""
    writer.register(version(), DUE)
    writer.record([record(tmp_path, who=who, penalty=half) for who in ("ada", "grace")])
    by_person(url, "check_g", manual_score=2.5)
    by_person(url, "essay", manual_score=4.0, extra_credit=0.5)
    return writer


def by_person(url: str, name: str, who: str = "ada", **points: float) -> None:
    """Give points as formgrader does; the cell waits for nobody any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Gradebook(url, "nn") as gradebook:
            grade = gradebook.find_grade(name, SLUG, SLUG, who)
            for column, value in points.items():
                setattr(grade, column, value)
            grade.needs_manual_grade = False
            gradebook.db.commit()


def half(points: float) -> float:
    return points / 2


def penalties(url: str) -> dict[str, float | None]:
    with Gradebook(url, "nn") as gradebook:
        return {
            who: gradebook.find_submission_notebook(SLUG, SLUG, who).late_submission_penalty
            for who in ("ada", "grace")
        }


@pytest.fixture
def statements() -> Iterator[list[str]]:
    said: list[str] = []

    def note(_: object, __: object, statement: str, *___: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield said
    event.remove(Engine, "before_cursor_execute", note)


def test_lateness_is_charged_of_what_counts_and_nothing_else_changes(
    graded: Writer, url: str
) -> None:
    before = scores(url, "ada")

    graded.charge(SLUG, {"ada": half, "grace": half, "nobody": half})

    assert penalties(url) == {"ada": (2.0 + 2.5 + 4.0 + 0.5) / 2, "grace": 1.75}
    assert scores(url, "ada") == before
    assert not before["check_g"][3]  # it waits for nobody


def test_who_is_not_late_any_more_pays_nothing(graded: Writer, url: str) -> None:
    graded.charge(SLUG, {"grace": 0.0})

    assert penalties(url) == {"ada": 1.75, "grace": None}


def test_charge_is_at_most_what_was_earned(graded: Writer, url: str) -> None:
    graded.charge(SLUG, {"ada": lambda points: points + 1, "grace": lambda _: -1.0})

    assert penalties(url) == {"ada": 9.0, "grace": 0.0}


def test_charges_of_many_take_few_statements_and_none_to_write_the_same(
    graded: Writer, statements: list[str]
) -> None:
    everybody = dict.fromkeys(["ada", "grace", *(f"student{i}" for i in range(400))], half)
    graded.charge(SLUG, everybody)
    assert [each for each in statements if each.startswith("UPDATE")]
    statements.clear()

    graded.charge(SLUG, everybody)

    assert len([each for each in statements if each.startswith("SELECT")]) <= 6
    assert not [each for each in statements if each.startswith("UPDATE")]


def test_standing_is_what_nbgrader_reads(graded: Writer, url: str) -> None:
    with Gradebook(url, "nn") as gradebook:
        theirs = {who: gradebook.find_submission(SLUG, who).score for who in ("ada", "grace")}

    found = graded.standings(SLUG, ["ada", "grace", "nobody"])

    assert found == {"ada": Standing(9.0, 1.75), "grace": Standing(3.5, 1.75)}
    assert {who: each.points for who, each in found.items()} == theirs


def test_unknown_assignment_has_no_standings_and_no_charges(graded: Writer) -> None:
    assert graded.standings("02-other", ["ada"]) == {}
    with pytest.raises(Refusal, match="does not know this assignment"):
        graded.charge("02-other", {"ada": half})


def test_recording_tells_where_a_person_overrules_the_machine(
    graded: Writer, url: str, tmp_path: Path
) -> None:
    """Not where both say the same, nor where the machine says nothing."""
    by_person(url, "check_f", "grace", manual_score=2.0)

    found = graded.record([record(tmp_path, result_of(g=3.0), who=who) for who in ("ada", "grace")])

    assert found == {("ada", SLUG): [Overruled(SLUG, "check_g", 2.5, 3.0)]}
    assert scores(url, "ada")["check_g"] == (3.0, 2.5, 2.5, True)
