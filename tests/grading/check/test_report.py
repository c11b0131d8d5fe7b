"""What a report says, in a terminal and in a notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from grading import progress
from grading.check import check
from grading.check.checking import examine
from grading.check.lookup import Found
from grading.check.report import report_text
from grading.check.report_html import report_html
from grading.exercises import Hint, exercise

ROOT = Path(__file__).parents[3]
MSE = exercise("mean_squared_error")
SHAPES = exercise("predict_shapes")


def _mean_over_rows_only(y, targets):
    return np.mean((y - targets) ** 2, axis=0)


def _report(function, declared=MSE):
    return examine(declared, Found(function))


def test_a_terminal_shows_sentence_parts_mistake_case_and_hint():
    lines = report_text(_report(_mean_over_rows_only)).splitlines()

    assert lines == [
        "mean_squared_error: 1 of 3 points",
        "  loss is an array of shape (2,), expected one number.",
        "  no  matrix (0/2)",
        "  ok  vector (1/1)",
        "  Known mistake, mean over rows only:",
        "    The mean runs over the rows only, so one number for each column comes back. A loss is"
        " one",
        "    number: which argument of `np.mean` limits it to one axis?",
        "  The hand example",
        "    y = [[1.0 2.0]",
        "         [3.0 4.0]",
        "         [5.0 6.0]]",
        "    targets = [[1.0 0.0]",
        "               [3.0 1.0]",
        "               [4.0 6.0]]",
        "    expected loss = 2.33333",
        "    got      loss = [0.3333 4.3333]",
        "  Hint, The loss has a shape, but should be a number: `np.mean(a)` averages over"
        " everything;",
        "  `np.mean(a, axis=0)` averages over the rows and leaves one number a column.",
    ]


def test_a_script_gets_the_same_report_on_stdout_alone(tmp_path):
    script = tmp_path / "answer.py"
    script.write_text(
        "import numpy as np\nfrom grading.check import check\n"
        "def mean_squared_error(y, targets):\n"
        "    print('seen')\n    return np.log(-1.0) * 0 + np.mean((y - targets) ** 2) / 2\n"
        "points = check('mean_squared_error')\nprint(type(points), points)\n"
    )

    ran = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ran.stderr == ""
    assert ran.stdout.startswith("mean_squared_error: 0 of 3 points\n  loss is nan, expected")
    assert ran.stdout.endswith("<class 'float'> 0.0\n")


def test_the_pointed_at_hint_is_listed_first_and_every_fold_is_closed():
    html = report_html(_report(_mean_over_rows_only))

    titles = re.findall(r"<summary>(.*?)</summary>", html)
    assert titles[0] == "Hint to open first: The loss has a shape, but should be a number"
    assert len(titles) == 3
    assert "<details open" not in html


@pytest.mark.parametrize(
    "function",
    [lambda y: y, lambda y, targets: 1 / 0, lambda y, targets: y.fill(0) or 1.0],
    ids=["arguments", "exception", "changed input"],
)
def test_no_hint_is_pointed_at_where_the_sentence_says_all(function):
    report = _report(function)

    assert report.hint is None
    assert "Hint to open first" not in report_html(report)


def test_a_first_failure_that_was_reached_is_told_before_one_that_was_not():
    def endless_on_vectors(y, targets):
        while y.ndim == 1:
            pass
        return float(np.mean((y - targets) ** 2))

    report = _report(endless_on_vectors)

    assert report.sentence.startswith("It was stopped after 1.5 s without a result, in case 2")
    assert report.evidence.title.startswith("The hand example")


def test_the_numbers_of_a_report_hold_still_from_check_to_check():
    """A learner works on the random case that is shown: it must be there the next time."""

    def wrong_at_random(y, targets):
        loss = MSE.reference(y, targets)
        return loss if y.size == MSE.criteria[0].hand.inputs["y"].size else loss + 1.0

    first, second = _report(wrong_at_random), _report(wrong_at_random)

    assert first.evidence.title.startswith("A random case")
    assert report_text(first) == report_text(second)


def test_a_function_left_behind_begins_no_further_case():
    calls = []
    gate = threading.Lock()
    gate.acquire()

    def blocked(y, targets):
        calls.append(1)
        try:
            gate.acquire()  # a call into C, which nothing can stop
            gate.release()
        except BaseException:  # ruff: ignore[blind-except]
            return 1.0
        return 1.0

    report = _report(blocked, replace(MSE, limit_s=0.1))
    left = [thread for thread in threading.enumerate() if thread.name == "check"]
    gate.release()
    for thread in left:
        thread.join(10)

    assert "It could not be stopped and still runs" in report.remark
    assert len(left) == 1
    assert not left[0].is_alive()
    assert calls == [1]


class _Balance(HTMLParser):
    """Collects tags and checks that each is closed."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("declared", [MSE, SHAPES], ids=lambda declared: declared.id)
def test_a_report_is_whole_html_without_scripts_or_requests(declared):
    answers = [declared.reference, *(m.function for m in declared.misconceptions)]

    for answer in answers:
        html = report_html(_report(answer, declared))
        parser = _Balance()
        parser.feed(html)

        assert parser.open == []
        assert not parser.tags & {"script", "img", "link", "iframe", "object"}
        assert not re.search(r"url\(|@import|https?:|\son\w+=", html)


def test_everything_of_the_learner_is_escaped():
    class NastyError(Exception):
        pass

    NastyError.__name__ = "<script>alert(1)</script>"

    def answer(y, targets):
        sys.stdout.write("<script>alert(2)</script>")
        raise NastyError("<script>alert(3)</script>")

    def text(y, targets):
        return "<script>alert(4)</script>"

    for function in (answer, text):
        html = report_html(_report(function))

        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_entries_that_differ_are_marked_without_colour():
    from grading.check.report import Evidence

    evidence = Evidence("Case", {}, "dW", np.zeros((2, 3)), np.array([[0.0, 0, 1], [0, 0, 0]]))
    report = replace(_report(_mean_over_rows_only), evidence=evidence)

    html, lines = report_html(report), report_text(report)

    assert '<b class="nnc-off">1.0</b>' in html
    assert html.count("nnc-off") == 2, "once in the style, once at the entry"
    assert "Underlined: differs" in html
    assert "1.0*" in lines
    assert "(* differs)" in lines


def test_the_state_is_written_and_not_only_coloured():
    assert "partly right · 1 of 3 points" in report_html(_report(_mean_over_rows_only))
    assert "passed · 3 of 3 points" in report_html(_report(MSE.reference))


def test_a_further_exercise_counts_nothing_in_the_grade(monkeypatch):
    further = replace(MSE, tier="further")
    monkeypatch.setattr("grading.check.checking.declared", lambda name: further)
    monkeypatch.setattr("grading.check.checking.find", lambda name, **_: Found(MSE.reference))

    points = check("mean_squared_error")

    assert type(points) is float
    assert points == 0
    assert examine(further, Found(MSE.reference)).earned == 3


def test_hint_to_open_first_fits_all_that_failed():
    """A sum fails both parts of the exercise: the hint about both comes before that about one."""
    declared = exercise("mean_squared_error")
    misconception = next(m for m in declared.misconceptions if m.name == "sum_instead_of_mean")

    report = examine(declared, Found(misconception.function))

    assert report.hint is not None
    assert report.hint.symptom == "The loss is too large or too small by a factor"


def _constant_wrong(y, targets):
    return float(np.sum(y))


HINTS = (
    Hint("about one part", "-", ("matrix",)),
    Hint("about both parts", "-", ("matrix", "vector")),
    Hint("about shapes", "-", ("matrix",), ("shape",)),
)


@pytest.mark.parametrize(
    ("function", "symptom"),
    [(_mean_over_rows_only, "about shapes"), (_constant_wrong, "about both parts")],
)
def test_a_hint_about_this_kind_of_failure_is_opened_first(function, symptom):
    """The exact set of criteria comes second, and a hint about another kind not at all."""
    declared = replace(MSE, hints=HINTS)

    assert _report(function, declared).hint.symptom == symptom


def test_a_hint_may_name_a_kind_whose_sentence_mostly_says_all():
    hints = (*HINTS[:2], Hint("it stops with an error", "-", (), ("problem",)))
    declared = replace(MSE, hints=hints)

    assert _report(lambda y, targets: 1 / 0, declared).hint.symptom == "it stops with an error"


def test_the_quoted_line_of_code_is_whole_and_escaped_on_its_own_line():
    def answer(y, targets):
        return y["<b>`"] if y.ndim else None

    report = _report(answer)

    assert '    return y["<b>`"] if y.ndim else None' in report.sentence.split("\n")
    assert '\n      return y["<b>`"] if y.ndim else None\n' in report_text(report)
    html = report_html(report)
    assert '<code class="nnc-line">return y[&quot;&lt;b&gt;`&quot;] if y.ndim' in html
    assert "<b>`" not in html


def test_an_input_that_was_not_quite_restored_is_named():
    def restores(y, targets):
        y[0] += 1e-3
        y[0] -= 1e-3
        return MSE.reference(y, targets)

    assert _report(restores).sentence == (
        "The input `y` differs from before in its last digits: subtracting what was added does "
        "not restore a float; work on a copy."
    )


def test_a_number_in_place_of_a_shape_of_one_is_mended():
    def no_comma(n, d_in, d_hidden, d_out):
        h, y, dW2, _, dh, dW1, _ = SHAPES.reference(n, d_in, d_hidden, d_out)
        return h, y, dW2, (d_out), dh, dW1, (d_hidden)

    report = _report(no_comma, SHAPES)

    assert report.sentence == (
        "db2 is a whole number, expected a list or tuple of 1. `(2)` is just a number; a tuple of "
        "one needs a comma: `(2,)`."
    )
    assert "expected db2 = (2,)\n" in report_text(report)


@pytest.mark.parametrize(
    ("body", "returned"), [("1 / 0", False), ("None", False), ("1.0", True), ("(1, 2)", True)]
)
def test_only_an_answer_that_returned_something_is_an_honest_attempt(home, body, returned):
    _report(eval(f"lambda y, targets: {body}"))

    assert [attempt.returned for attempt in progress.read()] == [returned]
