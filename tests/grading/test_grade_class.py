"""Grading a class: which attempt counts, what lateness costs, what is run at all, what is told."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grading import assignments
from grading.broker import _grading
from grading.classroom import Extension, TimeFactor
from grading.engine import InProcess, Job, ProcessPool
from grading.grade_class import Summary, explain_verdict, grade_class, regrade
from grading.journal import Journal
from grading.refusals import Refusal
from grading.results import Result
from tests.grading.faults.classes import (
    SLUG,
    SmallClass,
    grades,
    hand_in,
    make_class,
    state,
    work_here,
)

Scores = dict[str, dict[str, float]]


@pytest.fixture(autouse=True)
def quiet() -> Any:
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("class"))


@pytest.fixture
def small(template: SmallClass, tmp_path: Path) -> SmallClass:
    return template.copied(tmp_path)


@pytest.fixture
def began() -> list[Job]:
    """The jobs that were run."""
    return []


@pytest.fixture
def run(small: SmallClass, began: list[Job]) -> Callable[..., Summary]:
    """Grade the class in this process."""

    def grade(*paths: Path, work: Any = work_here, **options: Any) -> Summary:
        def counting(job: Job) -> Result:
            began.append(job)
            return work(job)

        with InProcess(work=counting) as engine:
            named = list(paths) or [small.submissions]
            return grade_class(small.classroom, named, engine=engine, unsafe=True, **options)

    return grade


@pytest.fixture
def again(small: SmallClass, began: list[Job]) -> Callable[..., Summary]:
    """Grade the class again in this process."""

    def grade(work: Any = work_here, **options: Any) -> Summary:
        def counting(job: Job) -> Result:
            began.append(job)
            return work(job)

        with InProcess(work=counting) as engine:
            return regrade(small.classroom, engine=engine, unsafe=True, **options)

    return grade


def scores(small: SmallClass) -> Scores:
    """Machine scores by learner and cell."""
    room = small.classroom
    return {
        learner: {name: score for name, score, *_ in book["cells"]}
        for (learner, _, _), book in grades(room.db_url, room.course_id).items()
    }


def penalties(small: SmallClass) -> dict[str, float]:
    room = small.classroom
    found = grades(room.db_url, room.course_id).items()
    return {learner: book["penalty"] for (learner, _, _), book in found if book["penalty"]}


def text_of(small: SmallClass, learner: str) -> str:
    path = small.submissions / learner / SLUG / f"{SLUG}.ipynb"
    return path.read_text(encoding="utf-8")


def test_everybody_is_graded_and_equal_work_is_done_once(
    small: SmallClass, run: Callable[..., Summary], began: list[Job]
) -> None:
    summary = run()

    assert (summary.graded, summary.reused, summary.unchanged) == (5, 1, 0)
    assert len(began) == 5
    found = scores(small)
    assert len(found) == 6
    assert found["learner-0005"] == found["learner-0000"]
    assert sum(found["learner-0000"].values()) > sum(found["learner-0001"].values()) == 0


def test_second_run_runs_nothing(run: Callable[..., Summary], began: list[Job]) -> None:
    run()
    summary = run()

    assert len(began) == 5
    assert (summary.graded, summary.unchanged, summary.statuses) == (0, 6, {})
    assert summary.ok


def test_late_work_is_charged_by_the_policy_of_the_class(
    small: SmallClass, run: Callable[..., Summary]
) -> None:
    run()

    points = sum(scores(small)["learner-0002"].values())
    assert points > 0
    # Due on the 1st at 12:00, handed in on the 3rd at 10:00: the second day has begun, 10 % each.
    assert penalties(small) == {"learner-0002": pytest.approx(0.2 * points)}


def test_extension_given_afterwards_counts_with_the_next_regrade(
    small: SmallClass,
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    began: list[Job],
) -> None:
    run()
    until = datetime(2026, 6, 4, tzinfo=UTC)
    small.classroom.extend(extension=Extension("learner-0002", "", SLUG, until=until))

    summary = again()

    assert penalties(small) == {}
    assert (summary.unchanged, len(began)) == (6, 5)


def test_time_factor_of_a_learner_reaches_the_limits(
    small: SmallClass, run: Callable[..., Summary], began: list[Job]
) -> None:
    small.classroom.extend(time_factor=TimeFactor("learner-0003", "", "", 3.0))

    run(time_factor=2.0)

    assert sorted(job.limits.time_factor for job in began) == [2.0, 2.0, 2.0, 2.0, 6.0]


@pytest.mark.parametrize(("attempts", "counts"), [("first", 0), ("last", 2), ("best", 1)])
def test_attempt_that_counts(
    small: SmallClass, run: Callable[..., Summary], tmp_path: Path, attempts: str, counts: int
) -> None:
    """Blank, then right, then something between, on three days."""
    order = ["learner-0001", "learner-0000", "learner-0002"]
    folders = [tmp_path / f"day {i}" for i in range(3)]
    for i, (folder, source) in enumerate(zip(folders, order, strict=True)):
        when = f"2026-05-1{i} 10:00:00 UTC"
        hand_in(folder, "learner-0004", SLUG, text_of(small, source), when)
    expected = []
    for source in order:
        alone = small.copied(tmp_path / source)
        with InProcess(work=work_here) as engine:
            grade_class(alone.classroom, [alone.submissions], engine=engine, unsafe=True)
        expected.append(scores(alone)[source])
    assert sum(expected[1].values()) > sum(expected[2].values()) > sum(expected[0].values())

    for _ in range(2):  # the second time nothing changes
        run(*folders, attempts=attempts)

        assert scores(small)["learner-0004"] == expected[counts]
        with Journal(small.classroom.journal_folder, readonly=True) as journal:
            (entry,) = journal.entries(latest=True)
            assert entry.attempt == counts + 1


def test_best_attempt_is_the_one_after_its_penalty(
    small: SmallClass, run: Callable[..., Summary], tmp_path: Path
) -> None:
    """The better one came so late that the earlier one is worth more."""
    early, late = tmp_path / "early", tmp_path / "late"
    between = text_of(small, "learner-0002")
    hand_in(early, "learner-0004", SLUG, between, "2026-05-10 10:00:00 UTC")
    right = text_of(small, "learner-0000")
    hand_in(late, "learner-0004", SLUG, right, "2026-06-20 10:00:00 UTC")

    run(early, late, attempts="best")

    assert penalties(small) == {}
    assert sum(scores(small)["learner-0004"].values()) > 0


def test_hand_in_of_a_group_counts_for_every_member_and_is_run_once(
    small: SmallClass, run: Callable[..., Summary], began: list[Job], tmp_path: Path
) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text("group,id\none,learner-0000\none,learner-0001\n", encoding="utf-8")

    run(small.submissions / "learner-0000", groups=groups)

    found = scores(small)
    assert set(found) == {"learner-0000", "learner-0001"}
    assert found["learner-0000"] == found["learner-0001"]
    assert len(began) == 1


def test_other_units_are_left_out(run: Callable[..., Summary]) -> None:
    assert run(unit="00").done == 6
    with pytest.raises(Refusal, match=r"no assignment '07'\. There are: 00-start-here"):
        run(unit="07")


def test_bad_submission_is_named_and_the_others_go_on(
    small: SmallClass, run: Callable[..., Summary]
) -> None:
    hand_in(small.submissions, "nobody-we-know", SLUG, "{}", "2026-05-30 10:00:00 UTC")

    summary = run()

    assert summary.done == 6
    assert (len(summary.refused), summary.ok) == (1, False)
    assert "nobody-we-know" in summary.refused[0]


def test_infra_error_is_told_not_recorded_and_tried_by_the_next_run(
    small: SmallClass, run: Callable[..., Summary], began: list[Job]
) -> None:
    def broken(job: Job) -> Result:
        message = "the machine is broken"
        raise OSError(message)

    summary = run(work=broken)
    in_between = scores(small)
    healed = run()

    assert summary.statuses == {"infra_error": 6}
    assert "could not be graded" in summary.troubles[0]
    assert in_between == {}
    assert healed.ok
    assert len(scores(small)) == 6


def test_result_of_other_work_does_not_count(
    small: SmallClass, run: Callable[..., Summary]
) -> None:
    summary = run(work=lambda job: replace(work_here(job), key="another"))

    assert summary.statuses == {"infra_error": 6}
    assert scores(small) == {}


def test_unsafe_run_marks_every_result(small: SmallClass, run: Callable[..., Summary]) -> None:
    assert run().unsafe
    with Journal(small.classroom.journal_folder, readonly=True) as journal:
        marks = [journal.result_of(entry).sandbox for entry in journal.entries()]

    assert marks == ["none"] * 6


def test_journal_and_jobs_name_no_learner(
    small: SmallClass, run: Callable[..., Summary], began: list[Job]
) -> None:
    run()

    lines = (small.classroom.journal_folder / "journal.jsonl").read_text(encoding="utf-8")
    assert "learner-0000" not in lines
    assert not [job for job in began if "learner" in f"{job.entry_id} {list(job.files)}"]


# ---------------------------------------------------------------- after a mended exercise


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make one exercise's declaration look changed from now on."""
    original = assignments._source_hash
    known = _grading._known  # holds versions whose hashes are computed

    def mend(name: str) -> None:
        monkeypatch.setattr(
            assignments,
            "_source_hash",
            lambda each: original(each) + ("mended" if each.id == name else ""),
        )
        known.cache_clear()

    yield mend
    known.cache_clear()


def with_scores(chosen: dict[str, float]) -> Callable[[Job], Result]:
    """Grade, but for cells that get these scores."""

    def work(job: Job) -> Result:
        result = work_here(job)
        (book,) = result.notebooks
        cells = tuple(
            replace(cell, score=chosen.get(cell.grade_id, cell.score)) for cell in book.cells
        )
        return replace(result, notebooks=(replace(book, cells=cells),))

    return work


def test_nothing_changed_means_nothing_is_run(
    small: SmallClass, run: Callable[..., Summary], again: Callable[..., Summary]
) -> None:
    run()
    before = state(small.classroom)

    def never(job: Job) -> Result:
        raise AssertionError(job)

    summary = again(work=never)

    assert (summary.graded, summary.unchanged, summary.changed) == (0, 6, [])
    assert state(small.classroom) == before


def test_only_the_mended_exercise_changes_and_only_upwards(
    small: SmallClass,
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    mended: Callable[[str], None],
) -> None:
    run()
    before = scores(small)
    mended("mean_squared_error")

    summary = again(
        work=with_scores({"check_mean_squared_error": 2.0, "check_predict_shapes": 0.5})
    )

    after = scores(small)
    assert {name: each["check_predict_shapes"] for name, each in after.items()} == {
        name: each["check_predict_shapes"] for name, each in before.items()
    }
    assert {name: each["check_mean_squared_error"] for name, each in after.items()} == {
        name: max(2.0, each["check_mean_squared_error"]) for name, each in before.items()
    }
    assert {each["check_mean_squared_error"] for each in after.values()} == {2.0, 3.0}
    assert "learner-0001, 00-start-here: mean_squared_error 0 → 2 of 3" in summary.changed
    assert not [line for line in summary.changed if "predict_shapes" in line]
    assert again().unchanged == 6


def test_score_that_was_kept_is_shown_with_what_was_said_then(
    small: SmallClass,
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    mended: Callable[[str], None],
) -> None:
    run()
    path = small.classroom.autograded("learner-0000", SLUG) / f"{SLUG}.ipynb"
    before = json.loads(path.read_text(encoding="utf-8"))
    mended("mean_squared_error")

    def worse(job: Job) -> Result:
        result = with_scores({"check_mean_squared_error": 0.0})(job)
        (book,) = result.notebooks
        said = book.autograded.replace('"outputs": [', '"outputs": [ ')
        content = json.loads(said)
        for cell in content["cells"]:
            cell.pop("outputs", None) if cell["cell_type"] != "code" else cell.update(outputs=[])
        return replace(result, notebooks=(replace(book, autograded=json.dumps(content)),))

    again(work=worse)

    after = json.loads(path.read_text(encoding="utf-8"))
    check = "check_mean_squared_error"
    assert outputs(after, check) == outputs(before, check) != []


def outputs(notebook: dict[str, Any], name: str) -> Any:
    return next(
        cell["outputs"]
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def test_one_learner_or_one_exercise_may_be_chosen(
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    mended: Callable[[str], None],
    began: list[Job],
) -> None:
    run()
    mended("mean_squared_error")
    began.clear()

    assert again(exercise="predict_shapes").graded == 0
    assert again(student="learner-0003").graded == 1
    assert len(began) == 1
    with pytest.raises(Refusal, match="no released assignment has the exercise 'relu'"):
        again(exercise="relu")
    with pytest.raises(Refusal, match="nobody has the id 'grace'"):
        again(student="grace")


def test_score_by_hand_stays(
    small: SmallClass,
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    mended: Callable[[str], None],
) -> None:
    from nbgrader.api import Gradebook

    run()
    room = small.classroom
    with Gradebook(room.db_url, room.course_id) as gradebook:
        found = gradebook.find_grade("check_mean_squared_error", SLUG, SLUG, "learner-0001")
        found.manual_score = 1.25
        gradebook.db.commit()
    mended("mean_squared_error")

    again(work=with_scores({"check_mean_squared_error": 2.0}))

    with Gradebook(room.db_url, room.course_id) as gradebook:
        found = gradebook.find_grade("check_mean_squared_error", SLUG, SLUG, "learner-0001")
        assert (found.auto_score, found.manual_score, found.score) == (2.0, 1.25, 1.25)


def test_grading_everything_again_gives_the_same(
    small: SmallClass,
    run: Callable[..., Summary],
    again: Callable[..., Summary],
    began: list[Job],
) -> None:
    run()
    before = state(small.classroom)

    summary = again(everything=True)

    assert len(began) == 5 + 6
    assert (summary.graded, summary.changed) == (6, [])
    assert state(small.classroom) == before


def test_other_result_of_the_same_work_is_told(
    run: Callable[..., Summary], again: Callable[..., Summary]
) -> None:
    run()

    summary = again(work=with_scores({"check_predict_shapes": 0.5}), everything=True)

    assert len(summary.changed) >= 5
    assert all("another result than before" in line for line in summary.changed)


def test_longer_time_never_costs_points(
    small: SmallClass, run: Callable[..., Summary], began: list[Job]
) -> None:
    run()
    before = scores(small)

    summary = run(work=with_scores({"check_predict_shapes": 0.5}), time_factor=2.0)

    assert len(began) == 10
    after = scores(small)
    assert all(
        after[name][cell] >= points
        for name, each in before.items()
        for cell, points in each.items()
    )
    assert summary.changed


def test_run_is_refused_while_another_holds_the_class(
    small: SmallClass, run: Callable[..., Summary]
) -> None:
    with Journal(small.classroom.journal_folder), pytest.raises(Refusal):
        run()


@pytest.mark.sandbox
@pytest.mark.usefixtures("requires_sandbox")
def test_explanation_replays_the_cases_of_the_verdict(
    small: SmallClass, mended: Callable[[str], None]
) -> None:
    room = small.classroom
    with ProcessPool(1) as engine:
        summary = grade_class(room, [small.submissions], engine=engine)
    verdicts = {}
    with Journal(room.journal_folder, readonly=True) as journal:
        for entry in journal.entries():
            (book,) = journal.result_of(entry).notebooks
            verdicts[room.roster.by_key(entry.learner).id] = book.cells

    found, warning = explain_verdict(room, "learner-0000", "mean_squared_error")
    mended("mean_squared_error")
    _, later = explain_verdict(room, "learner-0000", "mean_squared_error")

    assert summary.ok
    assert (found.cell, warning) == (verdicts["learner-0000"][0], "")
    assert len(found.cases) > 2
    assert "has changed since" in later
    with pytest.raises(Refusal, match="nothing that holds 'relu_backward' was graded"):
        explain_verdict(room, "learner-0000", "relu_backward")
