"""A result depends on what was handed in, and its points are those of the learner's own check."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from grading.broker import grade, result_key
from grading.broker._grading import work_on
from grading.check.diagnosis import diagnose
from grading.check.judging import judge
from grading.check.solution import source_of
from grading.check.trials import draw_trials, expected_outputs, observe
from grading.exercises import Exercise, Misconception
from grading.limits import Limits
from grading.results import Result
from grading.sandbox import LocalSandboxes
from tests.grading.broker.cases import (
    BACKPROP,
    FULL,
    SLUGS,
    START,
    cell,
    code,
    files,
    graded,
    notebook,
    references,
    version,
)


@pytest.mark.parametrize("slug", SLUGS)
def test_references_get_full_marks_and_stubs_none(slug: str) -> None:
    full, none = graded(notebook(references(slug), slug), slug), graded(notebook({}, slug), slug)

    assert (full.status, full.points) == ("ok", full.max_points)
    assert {each.status for each in full.notebooks[0].cells} == {"ok"}
    assert none.points == 0
    assert {each.status for each in none.notebooks[0].cells} == {"not_started"}
    assert none.status == "failed_tests"


def rounds(slug: str) -> list[dict[str, Misconception]]:
    """Submissions that hold every known wrong answer of a unit; in the default run, two of them."""
    exercises = version(slug).exercises
    n_rounds = max(len(each.misconceptions) for each in exercises.values())
    lists = {
        name: list(islice(cycle(each.misconceptions), n_rounds)) for name, each in exercises.items()
    }
    found = [{name: wrong[i] for name, wrong in lists.items()} for i in range(n_rounds)]
    return found if FULL else found[:2]


def locally(exercise: Exercise, misconception: Misconception) -> tuple[list[float], list[str]]:
    """Judge as the learner's own check does, less its watchdog, which a busy machine wakes."""
    trials = draw_trials(exercise, np.random.default_rng(zlib.crc32(exercise.id.encode())))
    seen = observe(exercise, trials, misconception.function)
    verdict = judge(exercise, trials, seen, expected_outputs(exercise, trials))
    known = diagnose(exercise, trials, seen, verdict)
    return list(verdict.points.values()), [each.name for each in known]


@pytest.mark.parametrize("slug", SLUGS)
def test_points_and_diagnosis_are_those_of_the_local_check(slug: str) -> None:
    exercises = version(slug).exercises
    for wrong in rounds(slug):
        answers = {name: source_of(each.function, name) for name, each in wrong.items()}

        result = graded(notebook(answers, slug), slug)

        for name, misconception in wrong.items():
            earned, known = locally(exercises[name], misconception)
            found = cell(result, name)
            assert [each.earned for each in found.criteria] == earned, misconception.name
            assert list(found.misconceptions) == known, misconception.name
            assert found.score == (sum(earned) if exercises[name].tier == "core" else 0.0)


def test_further_exercise_is_judged_and_does_not_count() -> None:
    further = next(
        name for name, each in version(BACKPROP).exercises.items() if each.tier == "further"
    )
    result = graded(notebook({further: references(BACKPROP)[further]}, BACKPROP), BACKPROP)

    found = cell(result, further)
    assert (found.score, found.max_score, found.status) == (0.0, 0.0, "ok")
    assert all(each.earned == each.points > 0 for each in found.criteria)


def test_further_exercise_that_fails_misses_no_point() -> None:
    further = next(
        name for name, each in version(BACKPROP).exercises.items() if each.tier == "further"
    )
    wrong = source_of(version(BACKPROP).exercises[further].misconceptions[0].function, further)
    result = graded(notebook({**references(BACKPROP), further: wrong}, BACKPROP), BACKPROP)

    assert cell(result, further).status == "failed_tests"
    assert result.status == "ok"


def test_same_submission_gives_the_same_result_and_the_same_bytes() -> None:
    content = notebook({"mean_squared_error": "def mean_squared_error(y, targets):\n    return y"})
    content["cells"].append(code("x = 1"))

    first, second = graded(content), graded(content)

    assert first.body_sha256 == second.body_sha256
    assert first.notebooks[0].autograded == second.notebooks[0].autograded
    assert Result.from_json(first.to_json()) == first


def drawn(secret: bytes, answers: dict[str, str]) -> list[str]:
    """The hidden cases of the first exercise, written down."""
    work = work_on(files(notebook(answers)), version(START, secret), Limits(), LocalSandboxes())
    trials = work.ran.exercises["mean_squared_error"].trials
    return [repr(dict(trial.case.inputs)) for trial in trials if not trial.is_hand]


def test_another_secret_and_another_submission_get_other_hidden_cases() -> None:
    answers = dict(references())
    changed = {**answers, "predict_shapes": answers["predict_shapes"] + "\n# changed"}

    here = drawn(b"a" * 32, answers)

    assert here == drawn(b"a" * 32, answers)
    assert not set(here) & set(drawn(b"b" * 32, answers))
    assert not set(here) & set(drawn(b"a" * 32, changed))


def test_key_changes_with_each_part() -> None:
    content = files(notebook())
    base = (content, version(), Limits(), "bubblewrap")

    keys = {
        result_key(*base),
        result_key({**content, "data.csv": b"1"}, *base[1:]),
        result_key(files(notebook({})), *base[1:]),
        result_key(content, version(START, b"t" * 32), *base[2:]),
        result_key(*base[:2], Limits(time_factor=2.0), "bubblewrap"),
        result_key(*base[:3], "none"),
    }

    assert len(keys) == 6
    assert result_key(*base) in keys
    assert grade(content, version(), Limits(), LocalSandboxes()).key == result_key(
        *base[:3], "none"
    )


def test_key_does_not_hang_on_the_order_of_files() -> None:
    one, other = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}

    assert result_key(one, version(), Limits(), "none") == result_key(
        other, version(), Limits(), "none"
    )
    assert result_key({"a": b"12", "b": b""}, version(), Limits(), "none") != result_key(
        one, version(), Limits(), "none"
    )


def test_result_says_where_it_was_run_and_judged() -> None:
    result = graded(notebook())

    assert (result.sandbox, result.verdicts) == ("none", "outside")
    assert result.version == version().hash


def test_equal_version_from_elsewhere_gives_the_same() -> None:
    """A version is pickled to each worker; what it holds decides, not which object it is."""
    again = replace(version())

    assert graded(notebook()).key == result_key(files(notebook()), again, Limits(), "none")


def test_weird_values_fail_the_exercise_with_a_sentence() -> None:
    """Whatever stumbles while values are compared, the other exercises are judged."""
    weird = (
        "np.array(['a', 'b'])", "np.array(1 + 2j)", "[[], [[]]]", "10 ** 290", "float('nan')",
        "np.zeros((0, 3))", "np.zeros((1,) * 30)", "lambda: 0", "np", "[None] * 7", "{1: 2}",
        "np.float16(3)", "np.longdouble(3)", "-0.0", "True", "'3.0'", "np.ma.masked",
        "np.array([1, 2], dtype=object)", "(x for x in y)", "type", "...", "b'3'", "[y] * 3",
    )  # fmt: skip
    for value in weird:
        source = f"def mean_squared_error(y, targets):\n    return {value}"

        result = graded(notebook({**references(), "mean_squared_error": source}))

        found = cell(result, "mean_squared_error")
        assert (found.score, found.status) == (0.0, "failed_tests"), value
        assert found.criteria[0].sentence or found.message, value
        assert result.points == 4
        json.loads(result.notebooks[0].autograded)


def test_where_one_exercise_is_asked_for_no_other_is_called(tmp_path: Path) -> None:
    """All cells run, so that what an answer rests on is there."""
    ran, called = tmp_path / "ran", tmp_path / "called"
    answers = references(START) | {
        "predict_shapes": "def predict_shapes(*sizes, **named):\n"
        f"    open({str(called)!r}, 'w').close()\n"
        f"open({str(ran)!r}, 'w').close()\n"
    }
    handed = files(notebook(answers))

    only = frozenset({"mean_squared_error"})
    part = grade(handed, version(), Limits(), LocalSandboxes(), only)
    assert not called.exists()
    assert ran.exists()
    whole = grade(handed, version(), Limits(), LocalSandboxes())
    assert called.exists()

    assert cell(part, "mean_squared_error") == cell(whole, "mean_squared_error")
    assert cell(part, "predict_shapes").message == "Not judged anew."
    assert part.key == result_key(handed, version(), Limits(), "none", only)
    assert part.key != whole.key
