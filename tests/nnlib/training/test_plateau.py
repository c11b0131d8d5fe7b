"""Lower rates on a plateau, and the average of the parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import MSE, SGD, ArgumentError, fit
from nnlib.training import ReduceOnPlateau, WeightAveraging
from tests.nnlib.training.cases import line, line_data, scripted


@pytest.mark.parametrize(("patience", "min_delta", "min_lr"), [(1, 0.0, 0.0), (2, 0.3, 0.02)])
def test_the_rates_are_those_of_torch(rng, patience, min_delta, min_lr):
    """There a reduction comes after *more* than ``patience`` epochs, so its patience is one less.

    History notes the rate of the epoch's own steps, hence the torch rate before its step.
    """
    values = list(np.round(rng.uniform(0, 4, 30), 2))
    parameter = torch.nn.Parameter(torch.zeros(1))
    reference = torch.optim.SGD([parameter], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        reference, factor=0.5, patience=patience - 1, threshold=min_delta, threshold_mode="abs",
        min_lr=min_lr, eps=0,
    )  # fmt: skip
    expected = []
    for value in values:
        expected.append(reference.param_groups[0]["lr"])
        scheduler.step(value)

    reduce = ReduceOnPlateau(0.5, patience, min_delta, min_lr=min_lr)
    history, _, _ = scripted(values, reduce)

    # Halving is exact in binary, so both hold the same numbers.
    assert history.lr == expected
    assert len(set(expected)) > 2


def test_a_schedule_leaves_nothing_to_reduce():
    X, y = line_data()
    model = line()

    with pytest.raises(ArgumentError, match="lr is a schedule, expected a number to reduce"):
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=lambda step: 0.1), epochs=3,
            callbacks=[ReduceOnPlateau(monitor="loss")], progress=False,
        )  # fmt: skip


@pytest.mark.parametrize("factor", [0.0, 1.0, -1])
def test_a_factor_that_does_not_reduce_is_refused(factor):
    with pytest.raises(ArgumentError, match="factor is"):
        ReduceOnPlateau(factor)


def test_the_average_is_that_of_the_formula():
    X, y = line_data()
    model, averaging = line(), WeightAveraging(decay=0.3)
    thetas = []

    class Note(WeightAveraging):
        def on_batch_end(self, run):
            thetas.append(run.model.theta.copy())

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=3, batch_size=3,
        callbacks=[Note(), averaging], rng=0, progress=False,
    )  # fmt: skip

    expected = thetas[0]
    for t, theta in enumerate(thetas[1:], start=1):
        d = min(0.3, t / (t + 9))
        expected = d * expected + (1 - d) * theta
    np.testing.assert_allclose(model.theta, expected, rtol=1e-13)  # two ways to round one sum
    np.testing.assert_array_equal(model.theta, averaging.average)
    assert len(thetas) == 9


def test_averaging_keeps_the_dtype_of_the_model():
    X, y = line_data()
    model, averaging = line(np.float32), WeightAveraging()

    fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=2, callbacks=[averaging],
        progress=False)  # fmt: skip

    assert averaging.average.dtype == np.float32


def test_a_decay_that_never_takes_anything_in_is_refused():
    with pytest.raises(ArgumentError, match="decay is 1"):
        WeightAveraging(1.0)
