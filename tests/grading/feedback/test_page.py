"""A feedback page explains, holds nothing hidden, and nothing in it can act."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.exercises import exercise, exercises_of_unit
from grading.feedback import Contents, contents, feedback_page
from grading.reporting import Mark, Recorded, Work
from grading.results import CellResult, CriterionResult, NotebookResult, Result
from tests.grading.reporting.classes import (
    DUE,
    SLUG,
    Answer,
    Handed,
    cell_result,
    person,
    released,
    result_of,
    right,
    wrong,
)

EXERCISES = exercises_of_unit("01")
LINEAR = exercise("linear_backward")
ALLOWED = {
    "a", "body", "caption", "code", "dd", "details", "div", "dl", "dt", "em", "footer", "h1", "h2",
    "h3", "head", "header", "html", "li", "main", "meta", "nav", "ol", "p", "pre", "rect",
    "section", "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "th", "thead",
    "title", "tr", "ul",
}  # fmt: skip


def work(handed: Handed, **given: object) -> Work:
    result = result_of(handed, SLUG, EXERCISES, released())
    base = Work(handed.learner, SLUG, result, handed.handed_in, DUE, 1)
    return replace(base, **given)  # type: ignore[arg-type]


def shown(one: Work, rubrics: dict[tuple[str, str], str] | None = None) -> BeautifulSoup:
    text = feedback_page(one, {}, rubrics or {}, title="Unit 1", zone=ZoneInfo("Europe/Berlin"))
    return BeautifulSoup(text, "html.parser")


def section(soup: BeautifulSoup, title: str) -> str:
    heading = next(tag for tag in soup.find_all("h2") if tag.get_text() == title)
    return " ".join(heading.find_parent("section").get_text(" ").split())


def plain(soup: BeautifulSoup) -> str:
    return " ".join(soup.get_text(" ").split())


def test_mistake_is_explained_with_its_message_and_hint() -> None:
    known, hint = LINEAR.misconceptions[0], LINEAR.hints[0]

    text = section(shown(work(Handed(person(1), {LINEAR.id: wrong(LINEAR)}))), LINEAR.title)

    assert "Known mistake: " + known.name.replace("_", " ") in text
    assert known.message.split("`")[-1].strip()[:40] in text
    assert "Hint to open first: " + hint.symptom.split("`")[0].strip()[:20] in text
    assert "✗ not yet . The first entry is 2, expected 3." in text
    assert "def linear_backward" in text


def test_right_answer_needs_no_hint_and_folds_the_code() -> None:
    soup = shown(work(Handed(person(1), {LINEAR.id: right(LINEAR)})))

    text = section(soup, LINEAR.title)
    assert "4 of 4 points" in text
    assert "Hint" not in text
    assert soup.find("details").get("open") is None


def test_same_sentence_is_said_once() -> None:
    answer = Answer("x", tuple(each.name for each in LINEAR.criteria))

    text = section(shown(work(Handed(person(1), {LINEAR.id: answer}))), LINEAR.title)

    assert text.count(answer.sentence) == 1
    assert text.count("As above.") == len(LINEAR.criteria) - 1


def test_untouched_submission_is_a_list_without_cards() -> None:
    soup = shown(work(Handed(person(1))))

    assert plain(soup).count("not started") == len(EXERCISES)
    assert [tag.get_text() for tag in soup.find_all("h2")] == ["Your points"]
    assert soup.find("pre") is None


def test_unreadable_submission_says_why_and_judges_nothing() -> None:
    marks = tuple(
        Mark(SLUG, f"check_{each.id}", each.graded_total, 0.0, None, 0.0, False)
        for each in EXERCISES
    )
    handed = Handed(person(1), status="invalid_submission", message="x.ipynb: it is not JSON.")
    one = work(handed, recorded=Recorded("s001", SLUG, None, None, marks, max_points=22.0))

    text = plain(shown(one))

    assert "x.ipynb: it is not JSON." in text
    assert text.count("could not be judged") == len(EXERCISES)
    assert "✓" not in text
    assert "check_" not in text


def test_unreadable_submission_says_why_once_and_shows_no_code_of_the_release() -> None:
    """As the broker writes it: the reason as message and as note, the stubs as the notebook."""
    why = "01-backpropagation.ipynb: the file is cut off. Save it again and hand it in again."
    read = result_of(Handed(person(1)), SLUG, EXERCISES, released())
    cells = tuple(
        replace(
            cell_result(each, Answer("x", tuple(c.name for c in each.criteria), sentence="")),
            status="invalid_submission",
            message="Nothing could be read.",
        )
        for each in EXERCISES
    )
    (book,) = read.notebooks
    result = replace(
        read,
        status="invalid_submission",
        message=why,
        notebooks=(replace(book, cells=cells, notes=(why,)),),
    )

    soup = shown(work(Handed(person(1)), result=result))

    text = plain(soup)
    assert text.count(why) == 1
    assert "Mend that and hand it in again" in text
    assert soup.find("pre") is None
    assert "Your code" not in text
    assert "✗" not in text
    assert "What was mended" not in text
    assert text.count("could not be judged") == len(EXERCISES)
    assert "Mend that" not in plain(shown(work(Handed(person(1)))))


def test_points_penalty_and_a_persons_points_add_up() -> None:
    handed = Handed(person(1), {LINEAR.id: right(LINEAR)}, handed_in=DUE + timedelta(hours=1))
    marks = (
        Mark(SLUG, f"check_{LINEAR.id}", 4.0, 4.0, None, 0.0, False),
        Mark(SLUG, "essay", 6.0, None, 5.0, 0.5, False),
    )
    comments = {(SLUG, "essay"): "Well put.\n<b>But</b> short."}
    late = Recorded("s001", SLUG, None, None, marks, comments, 1.5, 28.0)

    soup = shown(work(handed, recorded=late), {(SLUG, "essay"): "2 points: the sign"})

    text = plain(soup)
    assert "8 of 28 points" in text
    assert "Judged by running your code 4 Given by a person 5.5 Handed in late −1.5" in text
    assert "after the due date" in text
    essay = section(soup, "essay")
    assert "How it is graded 2 points: the sign" in essay
    assert "Comment Well put. <b>But</b> short." in essay
    assert "0.5 of them as extra credit" in essay


def test_cell_that_waits_for_a_person_is_not_called_wrong() -> None:
    marks = (Mark(SLUG, "essay", 6.0, None, None, 0.0, True),)
    recorded = Recorded("s001", SLUG, None, None, marks, max_points=28.0)

    soup = shown(work(Handed(person(1)), recorded=recorded), {(SLUG, "essay"): "the rubric"})

    assert "a person will grade it" in section(soup, "essay")
    assert "so far" in plain(soup)
    assert "✗" not in plain(soup)


def test_answer_to_a_manual_cell_is_shown_as_text() -> None:
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {"nbgrader": {"grade_id": "essay", "solution": True, "grade": True}},
            "source": "My *answer* <script>alert(1)</script>",
        }
    ]
    book = NotebookResult(
        "ps1", (CellResult("essay", None, 6.0, "manual"),), json.dumps({"cells": cells})
    )
    one = Work(person(1), "ps1", Result("k", "s", "v", "ok", (book,), verdicts="inside"))

    soup = shown(one)

    assert "My *answer* <script>alert(1)</script>" in soup.find("pre").get_text()
    assert "judged themselves" in plain(soup)


def test_number_stands_only_where_a_command_takes_it() -> None:
    """``regrade --explain`` replays cases; an nbgrader course has none."""
    one = work(Handed(person(1), {LINEAR.id: right(LINEAR)}))
    own = replace(one, result=replace(one.result, verdicts="inside"))  # type: ignore[type-var]

    ours, theirs = (shown(each).find("footer").get_text() for each in (one, own))

    number = one.result.key[:12]  # type: ignore[union-attr]
    assert f"name this number to your instructor: {number}." in ours
    assert number not in theirs
    assert "write to your instructor, and name the exercise." in theirs


def test_tests_of_the_instructor_are_never_shown() -> None:
    """The autograded notebook holds them again: in test cells, and in tasks beside the rubric."""
    hidden = "### BEGIN HIDDEN TESTS\nassert mean([4]) == 4\n### END HIDDEN TESTS"
    scheme = "=== BEGIN MARK SCHEME ===\n1 point: the sign\n=== END MARK SCHEME ==="
    cells = [
        ({"grade_id": "test_mean", "grade": True}, f"assert mean([1]) == 1\n{hidden}"),
        ({"grade_id": "own", "grade": True, "solution": True}, f"mean = sum\n{hidden}"),
        ({"grade_id": "essay", "task": True}, f"Why?\n{scheme}\n{hidden}"),
    ]
    text = json.dumps({
        "cells": [{"metadata": {"nbgrader": marks}, "source": source} for marks, source in cells]
    })
    failed = (CriterionResult("tests", 2.0, 0.0, "tests", "A hidden test did not pass.", True),)
    book = NotebookResult(
        "ps1",
        (
            CellResult("test_mean", 0.0, 2.0, "failed_tests", "", failed),
            CellResult("own", None, 2.0, "manual"),
            CellResult("essay", None, 2.0, "manual"),
        ),
        text,
    )
    one = Work(person(1), "ps1", Result("k", "s", "v", "ok", (book,), verdicts="inside"))

    soup = shown(one)

    assert "assert mean" not in plain(soup)
    assert "A hidden test did not pass." in plain(soup)
    assert [pre.get_text() for pre in soup.find_all("pre")] == ["mean = sum\n", "Why?\n"]
    assert plain(soup).count("1 point: the sign") == 1


def test_exercise_beyond_the_graded_ones_counts_as_practice() -> None:
    further = next(each for each in EXERCISES if each.tier == "further")

    text = section(shown(work(Handed(person(1), {further.id: right(further)}))), further.title)

    assert "no points: practice" in text
    assert "all right" in text


def test_time_is_on_the_clock_of_the_class() -> None:
    text = plain(shown(work(Handed(person(1), handed_in=DUE - timedelta(hours=1)))))

    assert "Handed in 1 December 2026, 22:59 CET" in text
    assert "Due 1 December 2026, 23:59 CET" in text


def test_seconds_tell_what_came_first_within_a_minute() -> None:
    text = plain(shown(work(Handed(person(1), handed_in=DUE + timedelta(seconds=40)))))

    assert "Handed in 1 December 2026, 23:59:40 CET, after the due date" in text
    assert "Due 1 December 2026, 23:59:00 CET" in text


def test_notes_name_what_was_mended() -> None:
    handed = Handed(person(1), notes=("The cell `check_relu` was put back.",))

    soup = shown(work(handed))

    assert "What was mended in your notebook" in plain(soup)
    assert soup.find("section", class_="note").find("code").get_text() == "check_relu"


def test_several_notebooks_stand_on_one_page() -> None:
    one = NotebookResult("p1", (CellResult("t1", 1.0, 2.0, "failed_tests"),), "", ("mended",))
    two = NotebookResult("p2", (CellResult("t1", 2.0, 2.0, "ok"),))
    held = contents(Work(person(1), "ps1", Result("k", "s", "v", "ok", (one, two))), {}, {})

    assert isinstance(held, Contents)
    assert [block.state for block in held.blocks] == ["partly", "full"]
    assert held.notes == ("p1: mended",)


def test_page_has_headings_landmarks_and_labels() -> None:
    soup = shown(work(Handed(person(1), {each.id: wrong(each) for each in EXERCISES})))

    assert soup.html["lang"] == "en"
    assert len(soup.find_all("h1")) == 1
    assert all(soup.find(name) for name in ("header", "main", "nav", "footer"))
    ids = {tag["id"] for tag in soup.find_all(id=True)}
    assert {tag["href"][1:] for tag in soup.find_all("a")} <= ids
    assert {tag["aria-labelledby"] for tag in soup.find_all(attrs={"aria-labelledby": True})} <= ids
    assert all(tag.get("scope") for tag in soup.find_all("th"))
    assert all(tag.get("aria-label") for tag in soup.find_all("svg"))


HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus=alert(1) '",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!--",
    "]]>",
    "`<b>`<i>",
    "\x00\x1b[31m\u202e\ud800",
    "&lt;script&gt;",
    "<meta http-equiv=refresh content=0>",
    "<a href=//evil.example>x</a>",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join),
)


def assert_harmless(text: str) -> None:
    """Parse the page and look for anything that could act or fetch."""
    assert text.encode("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert {tag.name for tag in soup.find_all()} <= ALLOWED
    assert len(soup.find_all("style")) == 1
    assert len(soup.find_all("meta")) == 6
    for tag in soup.find_all():
        for name, value in tag.attrs.items():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "action", "formaction", "style", "xlink:href"}
            if name == "href":
                assert re.fullmatch(r"#[a-z0-9]+", str(value))
    assert re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_nothing_that_others_wrote_can_act(data: st.DataObject) -> None:
    def draw() -> str:
        return data.draw(TEXTS)

    criteria = (CriterionResult(draw(), 1.0, 0.0, "value", draw()),)
    cells = (
        CellResult("check_linear_backward", 0.0, 4.0, "failed_tests", "linear_backward", criteria,
                   (draw(),), draw(), draw()),
        CellResult(draw(), None, 2.0, "manual", message=draw()),
        CellResult(draw(), 1.0, 2.0, "student_error", draw(), criteria),
    )  # fmt: skip
    source = draw() + "\n" + draw()
    written = {
        "cells": [
            {"metadata": {"nbgrader": {"grade_id": name, "solution": True}}, "source": source}
            for name in ("linear_backward", cells[1].grade_id)
        ]
    }
    book = NotebookResult(draw(), cells, json.dumps(written), (draw(), draw()))
    result = Result(draw(), "s", "v", "failed_tests", (book,), message=draw())
    learner = person(1, first_name=draw(), last_name=draw(), id=draw())
    mark = Mark(book.name, cells[1].grade_id, 2.0, None, 1.0, 0.0, False)
    place = (book.name, cells[1].grade_id)
    recorded = Recorded("s", "a", None, None, (mark,), {place: draw()}, 0.5, 6.0)
    one = Work(learner, draw(), result, DUE, DUE, 1, recorded)

    assert_harmless(feedback_page(one, {}, {place: draw()}, title=draw()))


@pytest.mark.parametrize(
    "text",
    [
        "<p onclick=x>",
        "<script>",
        "<a href='javascript:x'>",
        "<p style='x'>",
        "<img>",
        "\u202e",
    ],
)
def test_check_for_harm_finds_harm(text: str) -> None:
    """The fixture that must be rejected: the same page with one thing put in unescaped."""
    page = feedback_page(work(Handed(person(1))), {}, {})
    assert_harmless(page)

    with pytest.raises(AssertionError):
        assert_harmless(page.replace("<footer>", f"<footer>{text}"))


@pytest.mark.parametrize("source", ["x = 1\n" * 200_000, "x" * 1_000_000, "(" * 50_000])
def test_huge_code_is_cut_and_shown_without_colors(source: str) -> None:
    text = feedback_page(work(Handed(person(1), {LINEAR.id: Answer(source, ("dW",))})), {}, {})

    assert len(text) < 500_000
    assert '<span class="c-' not in text
