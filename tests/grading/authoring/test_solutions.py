"""Which lines of an answer may not be seen, and which are nobody's secret."""

from __future__ import annotations

import numpy as np
import pytest

from grading.authoring.solutions import distinctive_lines, stub

CELL = '''\
def layer(x, W):
    """Multiply; y = x @ W + 0.0 is not the answer."""
    ### BEGIN SOLUTION
    # the answer in words
    n = 3
    y = x @ W + 0.0
    for i in range(n):
        label = "dots # and dashes"  # a remark
        y = np.where(y > 0,   y, 0.0)
        y = np.where(y > 0, y, 0.0)
    if y is None:
        import numpy as np
    return y, label
    ### END SOLUTION
'''


def test_line_counts_without_indentation_comment_and_repetition():
    assert [line.text for line in distinctive_lines("layer", CELL)] == [
        "the answer in words",
        'label = "dots # and dashes"',
        "y = np.where(y > 0, y, 0.0)",
    ]


def test_line_shown_on_purpose_is_no_secret():
    shown = frozenset({"y = np.where(y>0, y, 0.0)"})

    texts = [line.text for line in distinctive_lines("layer", CELL, shown)]

    assert "y = np.where(y > 0, y, 0.0)" not in texts
    assert len(texts) == 2


@pytest.mark.parametrize(
    "line",
    [
        "dW = x.T @ dy",
        "return x * mask",
        "if y > 0: y -= 1",
        "for row in dy * y:",
        "z = f(x, 3)[0]",
    ],
)
def test_short_formula_is_distinctive(line):
    source = f'def f(x):\n    """Do."""\n    ### BEGIN SOLUTION\n    {line}\n    ### END SOLUTION\n'

    assert [found.text for found in distinctive_lines("f", source)] == [line]


@pytest.mark.parametrize(
    "line",
    [
        "return loss, gradient",
        "for parent in parents:",
        "for i, row in enumerate(rows):",
        "if total is not None:",
        "while waiting:",
        "from numpy import linalg",
        "y = x @ W",
    ],
)
def test_line_of_any_program_is_not_distinctive(line):
    source = f'def f(x):\n    """Do."""\n    ### BEGIN SOLUTION\n    {line}\n    ### END SOLUTION\n'

    assert distinctive_lines("f", source) == []


def test_stub_raises_until_the_answer_is_written():
    namespace = {"np": np}

    exec(stub(CELL), namespace)

    with pytest.raises(NotImplementedError):
        namespace["layer"](np.zeros((2, 3)), np.zeros((3, 1)))
    assert "SOLUTION" not in stub(CELL)
