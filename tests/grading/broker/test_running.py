"""A submission that ends its process costs what was running, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from grading.broker import _grading, _running
from grading.broker._judging import Judged, judge_one, judge_submission
from grading.limits import Limits
from grading.sandbox import LocalSandboxes, RunEndedError, SandboxError
from tests.grading.broker.cases import (
    BACKPROP,
    Told,
    cell,
    code,
    dying,
    graded,
    notebook,
    notes,
    references,
    version,
)

FIRST, SECOND = "mean_squared_error", "predict_shapes"
CORE = {name for name, each in version(BACKPROP).exercises.items() if each.tier == "core"}


@pytest.mark.parametrize("reason", ["timeout", "memory", "exited", "protocol", "flood"])
@pytest.mark.parametrize("culprit", [FIRST, SECOND])
def test_exercise_that_ends_its_run_is_marked_and_the_others_are_judged(
    culprit: str, reason: str
) -> None:
    result = graded(notebook(), sandboxes=dying(reason, f"observe {culprit}"))

    [other] = {FIRST, SECOND} - {culprit}
    state = reason if reason in {"timeout", "memory"} else "killed"
    assert cell(result, culprit).status == state
    assert cell(result, culprit).score == 0
    assert cell(result, culprit).criteria[0].sentence
    assert cell(result, other).status == "ok"
    assert result.status == state
    assert result.usage.restarts == 1


@pytest.mark.parametrize("reason", ["timeout", "memory", "exited"])
@pytest.mark.parametrize("culprit", [FIRST, SECOND])
def test_answer_whose_cell_ends_the_run_is_marked_and_left_out(culprit: str, reason: str) -> None:
    sandboxes = dying(reason, f"cell {culprit}")

    result = graded(notebook(), sandboxes=sandboxes)

    [other] = {FIRST, SECOND} - {culprit}
    assert cell(result, culprit).status == (reason if reason != "exited" else "killed")
    assert cell(result, culprit).message.startswith("Its cell")
    assert cell(result, other).status == "ok"
    assert sandboxes.n_taken == 2
    assert sandboxes.asked[0] == "setup"
    assert sandboxes.asked.count("setup") == 2


@pytest.mark.parametrize("culprit", list(version(BACKPROP).exercises))
def test_death_in_any_exercise_of_a_unit_costs_that_exercise_alone(culprit: str) -> None:
    result = graded(
        notebook(references(BACKPROP), BACKPROP),
        BACKPROP,
        sandboxes=dying("exited", f"observe {culprit}"),
    )

    lost = {each.exercise for each in result.notebooks[0].cells if each.status != "ok"}
    assert lost == {culprit}


def test_added_cell_that_ends_the_run_is_left_out_and_noted() -> None:
    content = notebook()
    content["cells"].append(code("while True: pass"))
    content["cells"].insert(0, code("while True: pass"))

    result = graded(content, sandboxes=dying("timeout", "cell added cell"))

    assert result.points == 7
    assert result.status == "ok"
    assert "did not come to an end within 10 s. It was left out." in notes(result)


def test_death_during_a_replay_keeps_what_was_judged() -> None:
    """A cell that survives once and ends the second run takes nothing back."""
    seen: list[str] = []

    def tell(message: Mapping[str, Any]) -> None:
        name = f"{message['do']} {message.get('name') or message.get('exercise')}"
        seen.append(name)
        if name == f"observe {SECOND}" or seen.count(f"cell {FIRST}") == 2:
            raise RunEndedError("exited")

    result = graded(notebook(), sandboxes=Told(tell))

    assert cell(result, FIRST).status == "ok"
    assert cell(result, SECOND).status == "killed"


def test_restarts_are_counted_and_the_rest_is_killed() -> None:
    content = notebook()
    content["cells"][:0] = [code(f"die({i})") for i in range(40)]

    result = graded(content, sandboxes=dying("exited", "cell added cell"))

    assert result.usage.restarts == _running.MAX_RESTARTS + 1
    assert result.status == "killed"
    assert {each.status for each in result.notebooks[0].cells} == {"killed"}
    assert "too often" in cell(result, FIRST).message


def test_time_of_the_whole_submission_ends_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(_running.time, "monotonic", lambda: now[0])

    def tell(message: Mapping[str, Any]) -> None:
        now[0] += 50.0 if message["do"] == "cell" else 0.0

    result = graded(notebook(), sandboxes=Told(tell), limits=Limits(base_submission_s=120.0))

    assert cell(result, FIRST).status == "ok"
    assert cell(result, SECOND).status == "timeout"
    assert "within the time for the whole notebook" in cell(result, SECOND).message


def test_limits_grow_with_the_factor_of_a_learner() -> None:
    given: dict[str, float] = {}

    class Timed(LocalSandboxes):
        def take(self, *arguments: Any) -> Any:
            run = super().take(*arguments)
            ask = run.ask

            def asked(message: Mapping[str, Any], within_s: float, answer: Any = None) -> Any:
                given.setdefault(str(message["do"]), within_s)
                return ask(message, within_s, answer)

            run.ask = asked  # type: ignore[method-assign]
            return run

    graded(notebook(), sandboxes=Timed(), limits=Limits(time_factor=3.0))

    assert given["cell"] == 30
    assert 3 * 1.5 - 0.5 < given["observe"] <= 3 * 1.5


def test_failure_of_the_sandbox_itself_is_not_the_learners() -> None:
    class Broken(LocalSandboxes):
        def take(self, *_: Any) -> Any:
            message = "no namespaces"
            raise SandboxError(message)

    with pytest.raises(SandboxError):
        graded(notebook(), sandboxes=Broken())


def test_cell_that_stopped_before_its_definition_is_a_student_error() -> None:
    source = "1 / 0\n" + references()[FIRST]

    result = graded(notebook({**references(), FIRST: source}))

    assert cell(result, FIRST).status == "student_error"
    assert cell(result, FIRST).message == (
        "Its cell stopped with ZeroDivisionError in line 1: division by zero."
    )
    assert cell(result, SECOND).status == "ok"
    assert result.status == "student_error"


def test_cell_that_does_not_parse_is_a_student_error() -> None:
    result = graded(notebook({FIRST: f"def {FIRST}(y, targets:\n    return 0"}))

    assert cell(result, FIRST).status == "student_error"
    assert "SyntaxError in line 1" in cell(result, FIRST).message


def test_cell_that_stopped_after_its_definition_is_judged() -> None:
    """As in the notebook, where the definition took effect."""
    result = graded(notebook({FIRST: references()[FIRST] + "\n1 / 0\n"}))

    assert cell(result, FIRST).score == 3
    assert "ZeroDivisionError" in cell(result, FIRST).message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("answer = 1", "`mean_squared_error` is not defined."),
        (f"{FIRST} = 3", "`mean_squared_error` is a value, not a function."),
        (f"class {FIRST}:\n    x = 1", "`mean_squared_error` is a class, not a function."),
    ],
)
def test_name_that_stands_for_something_else_is_said(source: str, said: str) -> None:
    result = graded(notebook({FIRST: source}))

    assert cell(result, FIRST).message == said
    assert cell(result, FIRST).score == 0


def test_usage_is_measured_outside_of_the_result() -> None:
    result = graded(notebook())

    assert result.usage.received_bytes > 0
    assert result.usage.wall_s > 0


def test_verdicts_are_the_same_whether_formed_early_or_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[str] = []

    def told(*given: Any) -> Judged:
        judged.append(given[-1])
        return judge_one(*given)

    monkeypatch.setattr(_grading, "judge_one", told)
    early = graded(notebook())

    def none(version: Any, mended: Any, ran: Any, limits: Any, early: Any = None) -> Any:
        return judge_submission(version, mended, ran, limits)

    monkeypatch.setattr(_grading, "judge_submission", none)
    late = graded(notebook())

    assert judged  # all but the last while the next one ran
    assert replace(early, usage=late.usage) == late


def test_nothing_that_was_judged_before_a_death_is_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[Any] = []

    def noted(*given: Any) -> Any:
        taken.append(dict(given[-1]))
        return judge_submission(*given)

    monkeypatch.setattr(_grading, "judge_submission", noted)

    graded(notebook(), sandboxes=dying("exited", f"observe {SECOND}"))

    assert taken == [{}]
