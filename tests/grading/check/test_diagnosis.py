"""Known wrong answers are named in order, and none is named that the answer does not show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grading.check.checking import examine
from grading.check.lookup import Found
from grading.exercises import Misconception, exercise
from tests.grading.test_proof import SOUND


def _named(declared, answer) -> list[str]:
    return [known.name for known in examine(declared, Found(answer)).misconceptions]


def _both_wrong(x):
    return float(x.mean()), x


def test_the_mistake_that_explains_more_is_named_alone_though_declared_last():
    """``mean_in_place_of_sum`` and ``not_centred`` match as well, and are declared before."""
    added = Misconception("both", _both_wrong, ("sum", "centred"), "Both.")
    declared = replace(SOUND, misconceptions=(*SOUND.misconceptions, added))

    assert _named(declared, _both_wrong) == ["both"]


def test_two_mistakes_that_explain_different_parts_are_both_named():
    assert _named(SOUND, _both_wrong) == ["mean_in_place_of_sum", "not_centred"]


@pytest.mark.parametrize("epsilon", [1e-9, 1e-15, 1e-300])
def test_a_number_is_not_taken_for_the_infinity_of_a_known_mistake(epsilon):
    """With ε the loss is at most −log ε; the known mistake's is infinite."""
    declared = exercise("softmax_cross_entropy")

    def with_epsilon(z, targets):
        rows = np.arange(len(z))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        dz = p.copy()
        dz[rows, targets] -= 1.0
        return float(-np.log(p[rows, targets] + epsilon).mean()), dz / len(z)

    assert "log_of_a_vanished_probability" not in _named(declared, with_epsilon)


@pytest.mark.parametrize("wrap", [float, lambda x: [x], lambda x: np.array([x])])
def test_infinities_agree_with_themselves_only(wrap):
    """In a number, in a list and in an array."""

    def infinite(x):
        return wrap(np.inf), x - x.mean()

    added = Misconception("infinite", infinite, ("sum",), "Infinite.")
    declared = replace(SOUND, misconceptions=(*SOUND.misconceptions, added))

    assert _named(declared, infinite) == ["infinite"]
    for other in (1.0, -np.inf, np.nan):
        assert _named(declared, lambda x, y=other: (wrap(y), x - x.mean())) == []
