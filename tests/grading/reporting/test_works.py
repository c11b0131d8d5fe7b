"""Each learner's newest result, put beside what the gradebook holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grading.classroom import Classroom
from grading.journal import Entry, Journal
from grading.refusals import Refusal
from grading.reporting import cell_sources, opened, slugs_of, solution_sources
from grading.results import Result
from tests.grading.reporting.classes import SLUG, Handed, make_class, mixed, person


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Four learners, of whom the last handed nothing in."""
    made = make_class(tmp_path_factory.mktemp("class"), mixed(3))
    made.roster.add(person(3))
    return made


def later_result(classroom: Classroom, points: float) -> Result:
    """Accept another attempt of the first learner; its points are not in the gradebook."""
    with opened(classroom, [SLUG]) as reader:
        first = next(reader.works(SLUG)).result
    assert first is not None
    (book,) = first.notebooks
    cells = (replace(book.cells[0], score=points), *book.cells[1:])
    result = replace(first, key="later", notebooks=(replace(book, cells=cells),))
    with Journal(classroom.journal_folder) as journal:
        entry = Entry.of(
            key="later", learner=person(0).key, slug=SLUG, attempt=2, handed_in=None,
            submission="t" * 64,
        )  # fmt: skip
        journal.accept(entry, {f"{SLUG}.ipynb": b"later"})
        journal.done(entry.id, result)
    return result


def test_everybody_of_the_roster_comes_once(classroom: Classroom) -> None:
    with opened(classroom, [SLUG]) as reader:
        works = list(reader.works(SLUG))

    assert [work.learner.id for work in works] == ["s000", "s001", "s002", "s003"]
    assert [work.result is None for work in works] == [False, False, False, True]
    assert [work.recorded is None for work in works] == [False, False, False, True]
    assert works[0].result is not None
    assert works[0].points == works[0].result.points


def test_one_learner_can_be_asked_for(classroom: Classroom) -> None:
    with opened(classroom, [SLUG]) as reader:
        assert [work.learner.id for work in reader.works(SLUG, "s002")] == ["s002"]
        with pytest.raises(Refusal, match="--student nobody"):
            list(reader.works(SLUG, "nobody"))


def test_result_that_the_gradebook_holds_is_taken_before_a_newer_one(tmp_path: Path) -> None:
    """After a regrade that keeps the higher score, feedback explains the score that counts."""
    made = make_class(tmp_path, mixed(1))

    later_result(made, points=0.125)

    with opened(made, [SLUG]) as reader:
        (work,) = reader.works(SLUG)
    assert work.result is not None
    assert work.result.key == f"key-s000-{SLUG}"
    assert work.attempt == 1


def test_words_mean_assignments(classroom: Classroom) -> None:
    assert slugs_of(classroom, ["01"]) == [SLUG]
    assert slugs_of(classroom, [SLUG, "01"]) == [SLUG]
    assert slugs_of(classroom, []) == [SLUG]
    with pytest.raises(Refusal, match=rf"07: it is no assignment.*{SLUG}"):
        slugs_of(classroom, ["07"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"cells": 3}',
        '{"cells": [null]}',
        '{"cells": [{"metadata": {"nbgrader": {"grade_id": ["x"]}}}]}',
        "[" * 100_000,
    ],
)
def test_damaged_notebook_has_no_sources(text: str) -> None:
    assert solution_sources(text) == {}


def test_sources_are_read_by_name() -> None:
    marks = {"grade_id": "relu", "solution": True}
    cells = [
        {"metadata": {"nbgrader": marks}, "source": ["a\n", "b"]},
        {"metadata": {"nbgrader": {"grade_id": "check_relu"}}, "source": "check()"},
        {"metadata": {}, "source": "other"},
    ]
    text = json.dumps({"cells": cells})

    assert solution_sources(text) == {"relu": "a\nb"}
    assert cell_sources(text) == {"relu": "a\nb", "check_relu": "check()"}


def test_class_without_assignments_is_refused(tmp_path: Path) -> None:
    made = make_class(tmp_path, [Handed(person(0))])
    (tmp_path / "gradebook.db").unlink()

    with pytest.raises(Refusal, match="no gradebook yet"):
        slugs_of(made, ["01"])
