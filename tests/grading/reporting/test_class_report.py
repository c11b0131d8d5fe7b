"""What a class page says, from results counted by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup

from grading.exercises import exercise, exercises_of_unit
from grading.reporting import UnitReport, Work, class_page, count, unit_report
from grading.reporting._class_report import fences
from tests.grading.reporting.classes import (
    DUE,
    SLUG,
    Answer,
    Handed,
    mixed,
    person,
    released,
    result_of,
    right,
    wrong,
)

EXERCISES = exercises_of_unit("01")
RELU = exercise("relu_backward")
LINEAR = exercise("linear_backward")


def works(handed: Iterable[Handed]) -> list[Work]:
    book = released()
    return [
        Work(
            learner=each.learner,
            slug=SLUG,
            result=result_of(each, SLUG, EXERCISES, book),
            handed_in=each.handed_in,
            due=DUE,
            attempt=1,
        )
        for each in handed
    ]


def report(handed: Iterable[Handed], *, names: bool = False) -> UnitReport:
    return unit_report(count(works(handed), SLUG, "Unit", {}), names=names)


def everyone(n: int, answer: Answer, name: str = RELU.id, start: int = 0) -> list[Handed]:
    return [Handed(person(i), {name: answer}) for i in range(start, start + n)]


def test_groups_parts_and_mistakes_are_counted() -> None:
    name, fails = LINEAR.misconceptions[0].name, LINEAR.misconceptions[0].fails
    handed = everyone(12, right(LINEAR), LINEAR.id)
    handed += everyone(7, wrong(LINEAR), LINEAR.id, start=12)
    handed += [Handed(person(i)) for i in range(19, 25)]

    found = next(each for each in report(handed).exercises if each.name == LINEAR.id)

    assert {group: each.text for group, each in found.groups.items()} == {
        "full": "12",
        "partly": "7",
        "none": "0",
        "not started": "6",
    }
    assert {part.name: part.passed.text for part in found.parts} == {
        each.name: "12" if each.name in fails else "19" for each in LINEAR.criteria
    }
    assert [(words, n) for words, _, n in found.misconceptions] == [(name.replace("_", " "), 7)]
    lost = sum(LINEAR.points[part] for part in fails)
    assert found.mean == pytest.approx((12 * LINEAR.total + 7 * (LINEAR.total - lost)) / 25)
    assert found.n_wrong == 7


def test_mistakes_of_fewer_than_five_are_not_named_anywhere() -> None:
    handed = everyone(20, right(RELU)) + everyone(4, wrong(RELU), start=20)
    known = RELU.misconceptions[0]

    one = report(handed)
    text = class_page("Course", [one], ZoneInfo("UTC"))

    assert known.name.replace("_", " ") not in text
    assert known.message[:30] not in BeautifulSoup(text, "html.parser").get_text()
    assert known.name not in str(one.to_dict())
    assert (
        report(everyone(15, right(RELU)) + everyone(5, wrong(RELU), start=15))
        .exercises[[each.id for each in EXERCISES].index(RELU.id)]
        .misconceptions
    )


def test_fewer_than_five_learners_give_an_empty_report() -> None:
    one = report(mixed(4))

    text = class_page("Course", [one], ZoneInfo("UTC"))

    assert one.to_dict()["graded"] == "<5"
    assert "exercises" not in one.to_dict()
    assert "Fewer than 5 learners were graded" in text
    assert "All gradients of a two-layer network" not in text


def test_no_name_of_a_person_unless_asked_for() -> None:
    handed = mixed(30)

    plain, named = report(handed), report(handed, names=True)

    for text in (class_page("Course", [plain], ZoneInfo("UTC")), str(plain.to_dict())):
        assert re.search(r"First\d|Last\d|s0\d\d|example\.org", text) is None
    shown = class_page("Course", [named], ZoneInfo("UTC"))
    assert all(each.learner.name in shown for each in handed)
    assert len(named.to_dict()["learners"]) == 30


def test_report_with_names_names_also_who_handed_in_nothing() -> None:
    absent = [Work(person(i), SLUG, None) for i in (40, 41)]
    counts = count([*works(mixed(6)), *absent], SLUG, "Unit", {})

    plain, named = unit_report(counts), unit_report(counts, names=True)

    shown = [class_page("Course", [each], ZoneInfo("UTC")) for each in (plain, named)]
    assert ["First41 Last041" in text for text in shown] == [False, True]
    assert named.to_dict()["nothing_from"] == ["s040", "s041"]
    assert "nothing_from" not in plain.to_dict()


def test_labels_of_bars_fit_beside_them() -> None:
    """A letter of 13 pixels is 8 wide at most, as the fonts of a system are."""
    early = [
        Handed(each.learner, each.answers, handed_in=DUE - timedelta(days=days))
        for days, each in zip([8] * 5 + [5] * 5 + [0.1] * 5, mixed(15), strict=True)
    ]

    soup = BeautifulSoup(class_page("Course", [report(early)], ZoneInfo("UTC")), "html.parser")

    labels = [
        (text.get_text(), float(str(text["x"])))
        for text in soup.find_all("text", {"text-anchor": "end"})
    ]
    assert "7 days before to 3 days before" in dict(labels)
    assert all(x >= 7.9 * len(label) for label, x in labels)


def test_asking_for_names_hides_no_number_and_says_so() -> None:
    """Of twelve learners hardly a number is published."""
    handed = everyone(9, right(RELU)) + everyone(3, wrong(RELU), start=9)
    place = [each.id for each in EXERCISES].index(RELU.id)

    plain, own = report(handed), report(handed, names=True)

    assert plain.exercises[place].groups["full"].exact is None
    assert plain.exercises[place].misconceptions == ()
    relu = own.exercises[place]
    assert {group: each.exact for group, each in relu.groups.items() if each.exact} == {
        "full": 9,
        "partly" if relu.groups["partly"].exact else "none": 3,
    }
    assert [n for _, _, n in relu.misconceptions] == [3]
    assert [n for _, n in own.points] == [3, 9]
    shown = class_page("Course", [own], ZoneInfo("UTC"))
    assert "hides no number" in shown
    assert re.search(r"&lt;5|>hidden</span>|widened", shown) is None
    assert "hides no number" not in class_page("Course", [plain], ZoneInfo("UTC"))


@pytest.mark.parametrize("n", [1, 3])
def test_own_report_of_a_few_is_shown(n: int) -> None:
    own = report(everyone(n, right(RELU)), names=True)

    text = class_page("Course", [own], ZoneInfo("UTC"))

    assert own.to_dict()["graded"] == n
    assert [own.outlying(line) for line in own.names] == [""] * n
    assert "First0 Last000" in text
    assert RELU.title in text
    assert "1 learners" not in text


@pytest.mark.parametrize(
    ("status", "words"),
    [("invalid_submission", "not readable"), ("infra_error", "failed on our side")],
)
def test_submission_that_was_not_graded_is_among_the_names(status: str, words: str) -> None:
    handed = mixed(6)
    handed.insert(2, Handed(person(50), status=status))

    own = report(handed, names=True)

    assert [line.learner_id for line in own.names] == [each.learner.id for each in handed]
    table = BeautifulSoup(class_page("Course", [own], ZoneInfo("UTC")), "html.parser").find(
        "table", class_="grid"
    )
    row = " ".join(table.find_all("tr")[3].get_text(" ").split())
    assert row.startswith("First50 Last050")
    assert row.endswith(words)
    assert own.to_dict()["learners"][2]["status"] == status
    assert {each.groups["full"].of for each in own.exercises} == {6}


def test_times_are_on_the_clock_of_the_class_and_name_it() -> None:
    own, zone = report(everyone(6, right(RELU)), names=True), ZoneInfo("Europe/Berlin")

    assert "2026-12-01 20:59 CET" in class_page("Course", [own], zone)
    assert own.to_dict(zone)["learners"][0]["handed_in"] == "2026-12-01T20:59:00+01:00"


@pytest.mark.parametrize("n_unread", range(1, 15))
@pytest.mark.parametrize("n_graded", range(1, 5))
def test_few_graded_among_five_handed_in_are_counted_but_not_told(
    n_graded: int, n_unread: int
) -> None:
    """A reader adds up: whatever fits all numbers leaves two values for each hidden one."""
    bad = [Handed(person(100 + i), status="invalid_submission") for i in range(n_unread)]

    one = report(mixed(n_graded) + bad)

    counts = (one.graded, one.unread, one.failed_here)
    n = n_graded + n_unread
    assert one.handed.exact == (n if n >= 5 else None)
    possible = [
        (a, b, n - a - b)
        for a in range(5)
        for b in range(n - a + 1)
        if all(c.low <= k <= c.high for c, k in zip(counts, (a, b, n - a - b), strict=True))
    ]
    assert (n_graded, n_unread, 0) in possible
    for i, count_ in enumerate(counts):
        assert count_.exact is not None or len({each[i] for each in possible}) > 1
    assert one.graded.text == "<5"
    text = " ".join(
        BeautifulSoup(class_page("C", [one], ZoneInfo("UTC")), "html.parser").get_text(" ").split()
    )
    assert f"{n if n >= 5 else '<5'} handed in <5 graded" in text
    assert "so nothing is shown about their answers" in text


def test_submissions_that_could_not_be_read_are_counted_apart() -> None:
    bad = [Handed(person(100 + i), status="invalid_submission") for i in range(6)]
    lost = [Handed(person(200), status="infra_error")]
    absent = [Work(person(300 + i), SLUG, None) for i in range(5)]

    one = unit_report(count([*works(mixed(20) + bad + lost), *absent], SLUG, "Unit", {}))

    assert (one.n_graded, one.unread.text, one.failed_here.text, one.nothing.text) == (
        20,
        "6",
        "<5",
        "5",
    )


def test_stopped_answers_are_counted() -> None:
    parts = tuple(each.name for each in RELU.criteria)
    handed = everyone(9, right(RELU)) + everyone(
        6, Answer("while True: pass", parts, status="timeout"), start=9
    )

    found = next(each for each in report(handed).exercises if each.name == RELU.id)

    assert found.stopped.text == "6"
    assert found.groups["none"].text == "6"


@pytest.mark.parametrize("mark", ["inside", "none"])
def test_weaker_verdicts_are_marked(mark: str) -> None:
    handed = everyone(12, right(RELU))
    given = {"verdicts": "inside"} if mark == "inside" else {"sandbox": "none"}
    odd = Handed(handed[0].learner, handed[0].answers, **given)

    text = class_page("Course", [report([odd, *handed[1:]])], ZoneInfo("UTC"))

    sentence = "formed inside" if mark == "inside" else "without a sandbox"
    assert sentence in text
    assert sentence not in class_page("Course", [report(handed)], ZoneInfo("UTC"))


def test_outliers_lie_beyond_one_and_a_half_quartile_distances_on_both_sides() -> None:
    """Quartiles of 1..9 are 3 and 7, so the fences stand at -3 and 13."""
    assert fences([float(i) for i in range(1, 10)]) == (-3.0, 13.0)
    assert fences([1.0, 2.0]) == (0.0, 0.0)

    counts = count(works(mixed(30)), SLUG, "Unit", {})
    shift = {0: -50.0, 1: -50.0, 2: 90.0, 3: 90.0, 4: 90.0, 5: 90.0, 6: 90.0}
    lines = [
        line.__class__(**{**vars(line), "points": 10.0 + i % 4 + shift.get(i, 0.0)})
        for i, line in enumerate(counts.lines)
    ]
    counts.lines[:] = lines
    one, own = unit_report(counts), unit_report(counts, names=True)

    assert one.outliers is not None
    assert own.outliers is not None
    assert [each.text for each in one.outliers] == ["<5", "5"]
    assert [each.text for each in own.outliers] == ["2", "5"]
    assert [one.outlying(line) for line in lines[:3]] == ["far below", "far below", "far above"]
    assert one.outlying(lines[10]) == ""


def test_bins_of_points_hold_five_learners_each() -> None:
    one = report(mixed(60))

    assert sum(n for _, n in one.points) == 60
    assert min(n for _, n in one.points) >= 5
    assert one.quarters is not None
    assert one.quarters[0] <= one.quarters[1] <= one.quarters[2]
    assert report(mixed(19)).quarters is None


def test_unit_with_one_exercise_shows_no_bins_of_points() -> None:
    """They would be its groups under another name, and so undo what is hidden there."""
    one = report(everyone(20, right(RELU)) + everyone(10, wrong(RELU), start=20))

    assert one.points == ()
    assert one.quarters is None


def test_late_work_is_told_apart_only_where_five_are_late() -> None:
    def at(hours: float, n: int, start: int) -> list[Handed]:
        moment = DUE + timedelta(hours=hours)
        return [
            Handed(person(i), {RELU.id: right(RELU)}, handed_in=moment)
            for i in range(start, start + n)
        ]

    many = report(at(-30, 10, 0) + at(-2, 8, 10) + at(3, 6, 18))
    few = report(at(-30, 10, 0) + at(-2, 8, 10) + at(3, 3, 18))

    assert dict(many.times) == {"more than 1 day before": 10, "1 day before to due": 8, "late": 6}
    assert sum(n for _, n in few.times) == 21
    assert all(label != "late" for label, _ in few.times)


def test_worst_exercises_are_named_in_the_order_of_the_notebook() -> None:
    handed = [
        Handed(person(i), {e.id: wrong(e) if i < 30 - 4 * j else right(e)
                           for j, e in enumerate(EXERCISES[:6])})
        for i in range(40)
    ]  # fmt: skip

    found = [each.name for each in report(handed).to_talk_about]

    assert found == [each.id for each in EXERCISES[:4]]


def test_page_is_well_formed_and_carries_no_script(tmp_path: Path) -> None:
    hostile = person(0, first_name="<script>alert(1)</script>", group="<img src=x onerror=a()>")
    handed = [Handed(hostile, {}), *mixed(30)[1:]]

    text = class_page("A <b> course", [report(handed, names=True)], ZoneInfo("UTC"))

    soup = BeautifulSoup(text, "html.parser")
    assert soup.find(["script", "img", "iframe", "link"]) is None
    assert "<script>alert(1)</script>" in soup.get_text()
    assert all(not name.startswith("on") for tag in soup.find_all() for name in tag.attrs)
    assert all(tag.get("aria-label") or tag.find_parent(attrs={"aria-hidden": "true"})
               for tag in soup.find_all("svg"))  # fmt: skip
    assert [tag.name for tag in soup.find_all(["h1", "main", "footer"])] == ["h1", "main", "footer"]


@pytest.mark.parametrize("own", [False, True])
def test_page_says_what_its_numbers_are_of(own: bool) -> None:
    stopped = Answer("while True: pass", status="timeout")
    handed = [*everyone(20, right(RELU)), *everyone(6, stopped, start=20)]
    units = [report(handed, names=own), report(mixed(30), names=own)]
    text = class_page("C", units, ZoneInfo("UTC"))
    said = " ".join(BeautifulSoup(text, "html.parser").get_text(" ").split())

    assert "points in the middle, before lateness and of the work that could be read" in said
    assert "6 of these stopped at a limit" in said
    assert "In no exercise was a quarter of the class wrong" in said
    assert ("wrong, as far as the numbers may be shown" in said) is not own
    assert ("For your own eyes: nncourse report --names" in said) is not own
    assert "thead th{color:var(--soft);font-size:.9rem;overflow-wrap:break-word}" in text
