"""Penalties whose L1 part acts by a step of its own: where that is right, and where refused."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, ArgumentError, DtypeError, Linear, Sequential, fit
from nnlib.optimizers import (
    BFGS,
    LBFGS,
    AdaGrad,
    Adam,
    AdamW,
    LevenbergMarquardt,
    Lion,
    ModelObjective,
    Muon,
    Newton,
    RMSProp,
)
from nnlib.regularizers import L1, L2, ElasticNet
from tests.nnlib.training.cases import line, line_data

REFUSED = {
    "momentum": lambda m: SGD(m, lr=0.1, momentum=0.9),
    "nesterov": lambda m: SGD(m, lr=0.1, momentum=0.5, nesterov=True),
    "RMSProp with momentum": lambda m: RMSProp(m, momentum=0.5),
    "Muon": Muon,
    "AdaGrad": AdaGrad,
    "Lion": Lion,
    "Newton": Newton,
    "LevenbergMarquardt": LevenbergMarquardt,
    "BFGS": BFGS,
    "LBFGS": LBFGS,
}


@pytest.mark.parametrize("penalty", [L1(0.1, proximal=True), ElasticNet(0.1, 0.1, proximal=True)])
@pytest.mark.parametrize("name", REFUSED)
def test_optimizers_that_would_minimize_something_else_are_refused(name, penalty):
    model, (X, y) = line(), line_data()
    before = model.theta.copy()

    with pytest.raises(ArgumentError, match=r"proximal=True.* together with .* Use SGD without"):
        fit(
            model, X, y, loss=MSE(), optimizer=REFUSED[name](model), penalty=penalty,
            progress=False,
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("name", REFUSED)
def test_without_the_proximal_step_each_of_them_takes_the_penalty(name):
    model, (X, y) = line(), line_data()

    history = fit(
        model, X, y, loss=MSE(), optimizer=REFUSED[name](model), penalty=L1(0.1), progress=False
    )

    assert len(history) == 1


@pytest.mark.parametrize("kind", [RMSProp, Adam, AdamW])
def test_adaptive_methods_serve_as_an_approximation_with_exact_zeros(kind, rng):
    X = rng.normal(size=(50, 9))
    model = Sequential(Linear(9, 1, rng=0, dtype=np.float64))

    fit(
        model, X, X[:, :1], loss=MSE(), optimizer=kind(model, lr=0.02), epochs=120, batch_size=10,
        penalty=L1(0.1, proximal=True), rng=0, progress=False,
    )  # fmt: skip

    W = model.layers[0].W[:, 0]
    assert abs(W[0]) > 0.5
    assert (W == 0).any()


def test_plain_steps_end_where_the_subgradient_of_loss_and_penalty_holds_zero(rng):
    """−∂L/∂w = λ sign(w) where w ≠ 0, and |∂L/∂w| ≤ λ where w = 0."""
    X = rng.normal(size=(40, 6))
    y = X[:, :2] @ np.array([[1.0], [-0.5]]) + 0.1 * rng.normal(size=(40, 1))
    model = Sequential(Linear(6, 1, rng=0, dtype=np.float64))

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=600, batch_size=40,
        penalty=L1(0.2, proximal=True), progress=False,
    )  # fmt: skip

    _, grad = model.loss_and_gradient(X, y, MSE())
    w, g = model.theta[:6], grad[:6]
    assert 0 < (w == 0).sum() < 6
    np.testing.assert_allclose(g[w != 0], -0.2 * np.sign(w[w != 0]), atol=1e-9)  # converged
    assert (np.abs(g[w == 0]) <= 0.2).all()


def test_an_objective_takes_no_proximal_penalty():
    model, (X, y) = line(), line_data()

    with pytest.raises(ArgumentError, match="proximal part acts after a step"):
        ModelObjective(model, MSE(), X, y, L1(0.1, proximal=True))
    assert ModelObjective(model, MSE(), X, y, ElasticNet(0.1, 0.1)).value_and_gradient()[0] > 0


def test_an_object_with_a_value_alone_is_no_penalty():
    class Half:
        value = 0.5

    model, (X, y) = line(), line_data()

    with pytest.raises(DtypeError, match="expected a Penalty"):
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), penalty=Half(), progress=False)
    assert not L2(0.1).proximal
