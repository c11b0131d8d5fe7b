"""What a killed or half-failed run leaves behind is graded by the next one, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grading.engine import InProcess, Job, key_of
from grading.grade_class import Summary, grade_class, regrade
from grading.journal import Journal
from grading.results import Result
from tests.grading.faults.classes import SmallClass, grades, work_here
from tests.grading.faults.victim import worse

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


class Killed(BaseException):
    """The run ends here."""


def dies(_: Job) -> Result:
    raise Killed


def in_the_sandbox(work: Callable[[Job], Result]) -> Callable[[Job], Result]:
    """Say of a result that it comes from within a sandbox."""
    return lambda job: replace(work(job), sandbox="bubblewrap", key=key_of(job))


@pytest.fixture(scope="module")
def graded_template(template: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    copied = template.copied(tmp_path_factory.mktemp("graded"))
    grade(copied)
    return copied


@pytest.fixture
def graded(graded_template: SmallClass, tmp_path: Path) -> SmallClass:
    return graded_template.copied(tmp_path / "graded")


def grade(
    small: SmallClass, work: Callable[[Job], Result] = work_here, *, unsafe: bool = True
) -> Summary:
    with InProcess(work=work) as engine:
        return grade_class(small.classroom, [small.submissions], engine=engine, unsafe=unsafe)


def again(
    small: SmallClass,
    work: Callable[[Job], Result] = work_here,
    *,
    unsafe: bool = True,
    time_factor: float = 1.0,
    everything: bool = True,
) -> Summary:
    with InProcess(work=work) as engine:
        return regrade(
            small.classroom,
            engine=engine,
            unsafe=unsafe,
            everything=everything,
            time_factor=time_factor,
        )


def totals(small: SmallClass) -> dict[str, float]:
    room = small.classroom
    return {
        learner: sum(score or 0 for _, score, *_ in book["cells"])
        for (learner, _, _), book in grades(room.db_url, room.course_id).items()
    }


def sandboxes(small: SmallClass) -> list[str]:
    """Return where the last verdict on each learner's last submission comes from."""
    with Journal(small.classroom.journal_folder, readonly=True) as journal:
        results = [journal.result_of(entry) for entry in journal.entries(latest=True)]
    return [
        "no verdict" if result is None or result.status == "infra_error" else result.sandbox
        for result in results
    ]


def test_killed_regrade_keeps_the_higher_score(graded: SmallClass) -> None:
    before = totals(graded)
    with pytest.raises(Killed):
        again(graded, dies, time_factor=2.0)

    again(graded, worse, time_factor=2.0)

    assert totals(graded) == before


def test_whoever_a_killed_regrade_held_is_graded_under_the_limits_of_now(
    graded: SmallClass,
) -> None:
    with pytest.raises(Killed):
        again(graded, dies, time_factor=2.0)
    n_run = []

    def counted(job: Job) -> Result:
        n_run.append(job)
        return worse(job)

    before = totals(graded)
    summary = again(graded, counted, time_factor=3.0)

    assert summary.ok
    assert summary.graded + summary.reused + summary.unchanged >= 6
    assert len(n_run) >= 5
    assert sandboxes(graded) == ["none"] * 6
    assert totals(graded) == before


def test_work_left_behind_whose_limits_changed_is_still_done(small: SmallClass) -> None:
    with pytest.raises(Killed):
        grade(small, dies)

    summary = again(small, time_factor=3.0, everything=False)

    assert summary.graded == 1
    assert sandboxes(small) == ["none"]
    assert len(totals(small)) == 1


def test_work_left_behind_that_cannot_be_done_is_refused_aloud(small: SmallClass) -> None:
    with pytest.raises(Killed):
        grade(small, dies)
    objects = small.classroom.journal_folder / "objects"
    for path in [each for each in objects.rglob("*") if each.is_file()]:
        path.unlink()

    summary = again(small, time_factor=3.0)

    assert not summary.ok
    assert "learner-0000" in summary.refused[0]


def test_learner_whose_last_regrade_failed_is_not_left_out_of_the_next(
    graded: SmallClass,
) -> None:
    def broken(job: Job) -> Result:
        message = "the machine is broken"
        raise OSError(message)

    before = totals(graded)
    assert again(graded, broken, time_factor=2.0).statuses == {"infra_error": 6}

    assert again(graded, worse, time_factor=3.0).ok

    assert sandboxes(graded) == ["none"] * 6
    assert totals(graded) == before


def forged(job: Job) -> Result:
    """Give full marks, as a submission can say of itself where there is no sandbox."""
    result = work_here(job)
    books = tuple(
        replace(
            book,
            cells=tuple(replace(cell, score=cell.max_score, status="ok") for cell in book.cells),
        )
        for book in result.notebooks
    )
    return replace(result, notebooks=books, status="ok")


@pytest.mark.parametrize("command", [grade, again], ids=["grade", "regrade"])
def test_scores_from_without_a_sandbox_do_not_outlive_a_run_within(
    small: SmallClass, graded: SmallClass, command: Callable[..., Summary]
) -> None:
    honest = totals(graded)
    grade(small, forged)
    assert totals(small) != honest

    command(small, in_the_sandbox(work_here), unsafe=False)

    assert totals(small) == honest
    assert sandboxes(small) == ["bubblewrap"] * 6


def test_regrade_within_the_sandbox_needs_no_change_to_do_what_was_done_without(
    small: SmallClass, graded: SmallClass
) -> None:
    grade(small, forged)

    again(small, in_the_sandbox(work_here), unsafe=False, everything=False)

    assert totals(small) == totals(graded)


def test_score_from_within_the_sandbox_outlives_a_run_without(
    small: SmallClass, graded: SmallClass
) -> None:
    honest = totals(graded)
    grade(small, in_the_sandbox(work_here), unsafe=False)
    again(small, worse, unsafe=True)
    assert totals(small) == honest
    assert sandboxes(small) == ["none"] * 6

    again(small, in_the_sandbox(worse), unsafe=False, time_factor=2.0)

    assert totals(small) == honest
    assert sandboxes(small) == ["bubblewrap"] * 6
