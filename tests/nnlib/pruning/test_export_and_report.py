"""Sparse rows give the same predictions; the report's numbers are those of a hand count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nnlib import ArgumentError, Linear, ReLU, Sequential, ShapeError
from nnlib.layers import Layer
from nnlib.layers.attention import MultiHeadAttention
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.lstm import LSTM
from nnlib.layers.recurrent import RNN
from nnlib.layers.tied import TiedLinear
from nnlib.pruning import (
    compression_report,
    magnitude,
    remove_units,
    select,
    select_units,
    to_csr,
    unit_mask,
    unit_norm,
)
from tests.nnlib.pruning.cases import MODELS


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def case(request):
    return request.param


def test_sparse_rows_predict_what_the_masked_model_does(case, rng):
    model, (X, _) = case.built(rng), case.data(rng)
    model.mask = select(model, magnitude(model), 0.7)

    sparse = to_csr(model)

    # the same sums without the zero terms
    np.testing.assert_allclose(sparse.predict(X), model.predict(X), rtol=1e-11, atol=1e-13)
    for name, matrix in sparse.matrices.items():
        parts = {p.name: model.theta[p.slice].reshape(p.shape) for p in model.parameters()}
        np.testing.assert_array_equal(matrix.toarray(), parts[f"{name}.W"].T)
        assert matrix.nnz == np.count_nonzero(parts[f"{name}.W"])


def test_sparse_rows_are_a_copy(rng):
    case = MODELS["mlp"]
    model, (X, _) = case.built(rng), case.data(rng)
    before = model.predict(X)

    sparse = to_csr(model.train())
    model.theta = 0.0

    np.testing.assert_allclose(sparse.predict(X), before, rtol=1e-11)
    assert model.training
    assert repr(sparse).startswith("SparseModel(Sequential(")


def test_float32_stays_float32(rng):
    model = Sequential(Linear(4, 3, rng=0))

    assert to_csr(model).predict(rng.normal(size=(2, 4))).dtype == np.float32


def test_what_does_not_fit_is_refused(rng):
    model = Sequential(Linear(4, 3, rng=0))
    with pytest.raises(ShapeError, match=r"layer 0 was given \(2, 3\), expected \(..., 4\)"):
        to_csr(model).predict(np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="to_csr: model is Linear"):
        to_csr(Linear(4, 3))


def test_the_numbers_of_the_report_are_those_of_a_hand_count():
    """4-3-2 with biases: 12 + 3 + 6 + 2 = 23 parameters, of which 5 + 3 weights are not zero."""
    model = Sequential(Linear(4, 3, rng=0), ReLU(), Linear(3, 2, rng=1))
    model.theta = 1.0
    mask = np.ones(23, bool)
    mask[:7] = False  # of the first matrix 5 of 12 stay
    mask[15:18] = False  # of the second 3 of 6
    model.mask = mask
    ticks = itertools.count()

    report = compression_report(model, np.ones((5, 4)), repeats=3, clock=lambda: float(next(ticks)))

    dense, csr = report.variants
    assert (dense.parameters, dense.nonzeros, dense.stored_bytes) == (23, 13, 23 * 4)
    # 2 for each weight, 1 for each bias: zeros are multiplied, too
    assert dense.flops == 2 * 18 + 5
    assert (csr.parameters, csr.nonzeros) == (13, 13)
    assert csr.flops == 2 * 8 + 5
    # values and columns of 8 weights, 4 + 3 row starts, 5 biases, 4 bytes each
    assert csr.stored_bytes == 4 * (8 + 8 + 7 + 5)
    assert (dense.latency_s, csr.latency_s) == (1, 1)
    assert report.n_rows == 5
    assert report.speedups == {"dense": 1.0, "CSR": 1.0}


def test_a_convolution_is_counted_once_for_each_window(rng):
    case = MODELS["cnn"]
    model, (X, _) = case.built(rng), case.data(rng)

    dense = compression_report(model, X, repeats=1).variants[0]

    # 7 × 9 windows of the first, with padding; 3 × 4 pixels after pooling hold 2 × 3 windows
    first = 63 * (2 * 3 * 3 * 2 * 4 + 4)
    second = 6 * (2 * 2 * 2 * 4 * 5)
    assert dense.flops == first + second + (2 * 30 * 6 + 6) + (2 * 6 * 3 + 3)


def test_a_smaller_model_has_its_own_row(rng):
    case = MODELS["mlp"]
    model, (X, _) = case.built(rng), case.data(rng)
    keep = select_units(unit_norm(model), 0.5)
    model.mask = unit_mask(model, keep)
    smaller = remove_units(model, keep)
    theta = model.theta.copy()

    report = compression_report(model, X, smaller=smaller)

    names = [variant.name for variant in report.variants]
    assert names == ["dense", "CSR", "smaller"]
    assert report.variants[2].parameters == smaller.theta.size
    assert report.variants[2].flops < report.variants[0].flops
    assert all(variant.latency_s > 0 for variant in report.variants)
    np.testing.assert_array_equal(model.theta, theta)
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == names
    assert "8 rows" in lines[-1]
    assert len({len(line) for line in lines[:4]}) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, X: compression_report(m.layers[0], X), ArgumentError, "model is Linear"),
        (lambda m, X: compression_report(m, X, smaller=3), ArgumentError, "smaller: model is 3"),
        (lambda m, X: compression_report(m, X, repeats=0), ArgumentError, "repeats is 0"),
        (
            lambda m, X: compression_report(m, X, clock=3),
            ArgumentError,
            "clock is 3, expected a fun",
        ),
        (lambda m, X: compression_report(m, X[:0]), ShapeError, r"X_example has shape \(0, 7\)"),
    ],
)
def test_a_report_on_nothing_is_refused(call, error, message, rng):
    case = MODELS["mlp"]
    with pytest.raises(error, match=message):
        call(case.built(rng), case.data(rng)[0])


def test_the_first_run_does_not_count():
    time = [0.0]

    class SlowAtFirst(ReLU):
        runs = 0

        def forward(self, x):
            type(self).runs += 1
            time[0] += 100.0 if type(self).runs <= 2 else 1.0  # the first of each variant
            return super().forward(x)

    model = Sequential(Linear(3, 2, rng=0), SlowAtFirst(), Linear(2, 1, rng=1))

    report = compression_report(model, np.ones((4, 3)), repeats=1, clock=lambda: time[0])

    assert [variant.latency_s for variant in report.variants] == [1.0, 1.0]


def test_a_clock_that_stands_still_gives_no_speed():
    report = compression_report(Sequential(Linear(3, 2, rng=0)), np.ones((4, 3)), clock=lambda: 0.0)

    assert all(np.isnan(speed) for speed in report.speedups.values())
    assert "nanx" in str(report)


def test_shared_matrices_recurrence_and_attention_are_counted():
    first = Linear(4, 3, rng=0)
    tied = Sequential(first, ReLU(), TiedLinear(first))
    steps = Sequential(
        LSTM(4, 5, rng=1), RNN(5, 4, return_sequences=False, rng=2), LayerNorm(4)
    )  # fmt: skip
    mixing = Sequential(MultiHeadAttention(6, 2, rng=3))

    (dense, csr), _, _ = _variants(tied, (8, 4))
    assert dense.flops == 2 * 12 + 3 + 2 * 12
    assert csr.flops == dense.flops  # a shared matrix stays dense
    assert csr.stored_bytes == dense.stored_bytes
    (dense, _), _, _ = _variants(steps, (8, 7, 4))
    # four gates in each of 7 steps, then one; both with one bias
    assert dense.flops == 7 * (2 * 4 * 5 * (4 + 5) + 20) + 7 * (2 * 4 * (5 + 4) + 4)
    (dense, _), _, _ = _variants(mixing, (8, 7, 6))
    # queries, keys and values; scores and means of 7 steps with 7 others; the output
    assert dense.flops == 7 * (2 * 6 * 18 + 18) + 2 * (2 * 7 * 7 * 6) + 7 * (2 * 6 * 6 + 6)


def _variants(model, shape):
    report = compression_report(model, np.ones(shape), repeats=1)
    return report.variants, report.not_counted, str(report)


def test_what_is_not_counted_is_named():
    class Scaled(Linear):
        pass

    class Own(Layer):
        def __init__(self):
            super().__init__({"a": (1,)})

        def forward(self, x):
            return x

        def backward(self, dy, *, need_dx=True, accumulate=False):
            return dy

        def __repr__(self):
            return "Own()"

    model = Sequential(Scaled(3, 2, rng=0), Own(), BatchNorm1d(2))

    _, not_counted, printed = _variants(model, (4, 3))

    assert not_counted == ("1 (Own())",)
    assert "FLOPs are a lower bound, without those of 1 (Own())." in printed
    assert "lower bound" not in _variants(Sequential(Linear(3, 2, rng=0)), (4, 3))[2]
