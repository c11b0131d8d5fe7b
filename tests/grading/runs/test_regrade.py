"""A regrade runs what changed, and whatever is changed back never costs a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grading import assignments
from grading.broker import _grading
from grading.engine import InProcess, Job
from grading.journal import Journal
from grading.results import Result
from grading.runs import Summary, grade_class, regrade
from tests.grading.faults.classes import SmallClass, grades, make_class, state, work_here

MENDED, OTHER = "mean_squared_error", "predict_shapes"
Work = Callable[[Job], Result]


class Killed(BaseException):
    """The run ends here."""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    made = make_class(tmp_path_factory.mktemp("class"))
    grade(made)
    return made


@pytest.fixture
def small(graded: SmallClass, tmp_path: Path) -> SmallClass:
    return graded.copied(tmp_path)


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make declarations look changed from now on; without a name they are as they were."""
    original = assignments._source_hash
    known = _grading._known  # holds versions whose hashes are computed

    def mend(*names: str) -> None:
        monkeypatch.setattr(
            assignments,
            "_source_hash",
            lambda each: original(each) + ("mended" if each.id in names else ""),
        )
        known.cache_clear()

    yield mend
    known.cache_clear()


def grade(small: SmallClass, work: Work = work_here, **options: Any) -> Summary:
    with InProcess(work=work) as engine:
        return grade_class(
            small.classroom, [small.submissions], engine=engine, unsafe=True, **options
        )


def again(small: SmallClass, work: Work = work_here, **options: Any) -> Summary:
    with InProcess(work=work) as engine:
        return regrade(small.classroom, engine=engine, unsafe=True, **options)


def giving(points: float, exercise: str = MENDED) -> Work:
    """Grade, but for one exercise, for which everybody gets the same."""

    def work(job: Job) -> Result:
        result = work_here(job)
        (book,) = result.notebooks
        cells = tuple(
            replace(cell, score=points) if cell.exercise == exercise else cell
            for cell in book.cells
        )
        return replace(result, notebooks=(replace(book, cells=cells),))

    return work


def scores(small: SmallClass, exercise: str = MENDED) -> list[float]:
    room = small.classroom
    return [
        score
        for book in grades(room.db_url, room.course_id).values()
        for name, score, *_ in book["cells"]
        if name == f"check_{exercise}"
    ]


# ---------------------------------------------------------------- what is run


def test_only_the_mended_exercise_is_judged_and_the_rest_is_as_it_was(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    before = state(small.classroom)
    asked, said = [], set()

    def seen(job: Job) -> Result:
        asked.append(job.exercises)
        result = work_here(job)
        said.update(cell.message for cell in result.notebooks[0].cells if cell.exercise == OTHER)
        return result

    mended(MENDED)
    summary = again(small, seen)

    assert asked == [{MENDED}] * 5
    assert said == {"Not judged anew."}
    assert (summary.graded, summary.reused, summary.changed) == (5, 1, [])
    after = state(small.classroom)
    assert (after["grades"], after["files"]) == (before["grades"], before["files"])


def test_status_of_a_regrade_is_that_of_all_exercises(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    def statuses() -> list[str]:
        with Journal(small.classroom.journal_folder, readonly=True) as journal:
            results = [journal.result_of(entry) for entry in journal.entries(latest=True)]
        return sorted(result.status for result in results if result is not None)

    before = statuses()
    mended(MENDED)
    again(small)

    assert statuses() == before
    assert "ok" in before


@pytest.mark.parametrize("names", [(MENDED, OTHER), ()])
def test_whole_submission_is_judged_where_all_changed_or_all_is_asked_for(
    small: SmallClass, mended: Callable[..., None], names: tuple[str, ...]
) -> None:
    asked = []

    def seen(job: Job) -> Result:
        asked.append(job.exercises)
        return work_here(job)

    mended(*names)
    again(small, seen, everything=not names)

    assert set(asked) == {None}


def test_whoever_is_killed_in_a_regrade_of_a_part_is_judged_whole(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    before = scores(small), scores(small, OTHER)

    def dies(_: Job) -> Result:
        raise Killed

    mended(MENDED)
    with pytest.raises(Killed):
        again(small, dies)
    again(small)

    assert (scores(small), scores(small, OTHER)) == before
    with Journal(small.classroom.journal_folder, readonly=True) as journal:
        assert list(journal.pending()) == list(journal.unrecorded()) == []


# ---------------------------------------------------------------- changed back


def test_higher_score_stays_when_an_exercise_is_changed_back(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    mended(MENDED)
    again(small, giving(3.0))
    mended()

    summary = again(small)

    assert scores(small) == [3.0] * 6
    assert summary.changed == []
    assert again(small).unchanged == 6


def test_nor_does_grading_the_same_folder_again_bring_it_back(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    mended(MENDED)
    again(small, giving(3.0))
    mended()

    for _ in range(2):
        summary = grade(small)

        assert scores(small) == [3.0] * 6
    assert (summary.graded, summary.unchanged) == (0, 6)


def test_nor_does_a_limit_of_time_that_is_taken_back(small: SmallClass) -> None:
    grade(small, giving(3.0), time_factor=2.0)
    assert scores(small) == [3.0] * 6

    grade(small)

    assert scores(small) == [3.0] * 6


def test_back_and_forth_many_times_only_raises(
    small: SmallClass, mended: Callable[..., None]
) -> None:
    for points, names in ((1.0, [MENDED]), (0.0, []), (2.0, [MENDED, OTHER]), (0.5, [MENDED])):
        mended(*names)
        before = scores(small)
        again(small, giving(points))
        assert all(new >= old for new, old in zip(scores(small), before, strict=True))

    assert min(scores(small)) >= 2.0
    mended()
    again(small)
    assert min(scores(small)) >= 2.0


@pytest.mark.parametrize("step", ["accept", "done", "recorded"])
def test_nor_does_a_run_that_is_killed_on_the_way_back(
    small: SmallClass,
    mended: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    mended(MENDED)
    again(small, giving(3.0))
    mended()
    whole = getattr(Journal, step)

    def dies(journal: Journal, *given: Any) -> Any:
        whole(journal, *given)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, step, dies)
        with pytest.raises(Killed):
            again(small)
    assert scores(small) == [3.0] * 6
    grade(small)

    assert scores(small) == [3.0] * 6
    with Journal(small.classroom.journal_folder, readonly=True) as journal:
        assert list(journal.pending()) == list(journal.unrecorded()) == []


# ---------------------------------------------------------------- everything


def test_all_records_what_is_worth_more(small: SmallClass) -> None:
    summary = again(small, giving(3.0), everything=True)

    assert scores(small) == [3.0] * 6
    assert any("another result than before" in line for line in summary.changed)
    assert again(small).unchanged == 6
    assert grade(small).unchanged == 6
    assert scores(small) == [3.0] * 6


def test_all_keeps_what_was_worth_more_and_says_so(small: SmallClass) -> None:
    before = state(small.classroom)

    summary = again(small, giving(0.0), everything=True)

    assert state(small.classroom) == before
    assert summary.changed
    assert all(line.endswith("; the higher score is kept") for line in summary.changed)


@pytest.mark.parametrize("step", ["accept", "done", "recorded"])
def test_killed_run_of_all_loses_nothing_and_can_be_run_again(
    small: SmallClass, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = scores(small)
    whole = getattr(Journal, step)

    def dies(journal: Journal, *given: Any) -> Any:
        if whole(journal, *given) is not False:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, step, dies)
        with pytest.raises(Killed):
            again(small, giving(3.0), everything=True)
    assert all(new >= old for new, old in zip(scores(small), before, strict=True))
    again(small, giving(3.0), everything=True)

    assert scores(small) == [3.0] * 6


def test_what_one_learner_keeps_is_not_given_to_another_with_the_same_work(
    tmp_path: Path, mended: Callable[..., None]
) -> None:
    """A higher score that is kept is that learner's own; the same bytes come in first under v2."""
    small = make_class(tmp_path / "class")
    by_content: dict[bytes, list[Path]] = {}
    for path in small.submissions.rglob("*.ipynb"):
        by_content.setdefault(path.read_bytes(), []).append(path)
    (content, (_, twin, *_)) = next(each for each in by_content.items() if len(each[1]) > 1)
    twin.unlink()
    grade(small, giving(3.0))
    mended(MENDED)
    again(small, giving(1.0))
    assert set(scores(small)) == {3.0}

    twin.write_bytes(content)
    summary = grade(small, giving(1.0))

    assert (summary.graded, summary.reused) == (1, 0)
    assert sorted(scores(small))[:2] == [1.0, 3.0]
