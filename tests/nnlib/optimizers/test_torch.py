"""Ten steps of each first-order method, next to those of torch or of the paper's own lines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Linear
from nnlib.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    FunctionObjective,
    Lion,
    Muon,
    RMSProp,
    newton_schulz,
)
from nnlib.schedules import cosine
from tests.nnlib.optimizers.cases import FIRST_ORDER, Vectors

WITH_TORCH = [case for case in FIRST_ORDER if case.theirs is not None]

SAME = 1e-9  # relative; both sides compute in float64, ten steps


def torch_twin(vectors: Vectors, weight_decay: float, case, **settings):
    """Weights in a group with decay, biases in one without, as ours are."""
    W = torch.tensor(vectors.theta[:6], requires_grad=True)
    b = torch.tensor(vectors.theta[6:], requires_grad=True)
    groups = [
        {"params": [W], "weight_decay": weight_decay},
        {"params": [b], "weight_decay": 0.0},
    ]
    return W, b, case.theirs(groups, lr=case.lr, **settings)


@pytest.mark.parametrize("case", WITH_TORCH, ids=lambda case: case.name)
@pytest.mark.parametrize("scheduled", [False, True])
def test_ten_steps_equal_those_of_torch(case, scheduled, rng):
    vectors = Vectors(rng.normal(size=9))
    settings = dict(case.settings)
    default = 0.01 if case.kind.__name__ == "AdamW" else 0.0
    W, b, theirs = torch_twin(vectors, settings.pop("weight_decay", default), case, **settings)
    schedule = cosine(case.lr, n_steps=10, minimum=case.lr / 7)
    their_schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        theirs, T_max=10, eta_min=case.lr / 7
    )
    ours = case.build(vectors, **({"lr": schedule} if scheduled else {}))

    for grad in rng.normal(size=(10, 9)):
        vectors.grad[:] = grad
        W.grad, b.grad = torch.tensor(grad[:6]), torch.tensor(grad[6:])
        ours.step()
        theirs.step()
        if scheduled:
            their_schedule.step()

        expected = torch.cat([W, b]).detach().numpy()
        np.testing.assert_allclose(vectors.theta, expected, rtol=SAME, atol=1e-13)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_lion_follows_the_program_of_its_paper(weight_decay, rng):
    """Program 1 of Chen et al. (2023), entry by entry; biases are spared by the decay."""
    vectors = Vectors(rng.normal(size=9))
    optimizer = Lion(vectors, lr=0.02, betas=(0.8, 0.95), weight_decay=weight_decay)
    expected, m = vectors.theta.tolist(), [0.0] * 9

    for grad in rng.normal(size=(10, 9)):
        vectors.grad[:] = grad
        optimizer.step()
        for i, g in enumerate(grad):
            update = math.copysign(1.0, 0.8 * m[i] + 0.2 * g)
            decay = weight_decay if i < 6 else 0.0
            expected[i] -= 0.02 * (update + decay * expected[i])
            m[i] = 0.95 * m[i] + 0.05 * g

    np.testing.assert_allclose(vectors.theta, expected, rtol=SAME)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
def test_muon_equals_that_of_torch_where_torch_does_not_round(nesterov, adjust, rng, monkeypatch):
    """Torch orthogonalizes in bfloat16, to two digits; here it is kept from doing so."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    vectors = Vectors(rng.normal(size=9))
    W = torch.tensor(vectors.theta[:6].reshape(3, 2).T.copy(), requires_grad=True)  # (out, in)
    b = torch.tensor(vectors.theta[6:], requires_grad=True)
    settings = {"momentum": 0.9, "nesterov": nesterov, "adjust_lr_fn": adjust}
    muon = torch.optim.Muon([W], lr=0.05, weight_decay=0.2, **settings)
    adamw = torch.optim.AdamW([b], lr=0.01, betas=(0.8, 0.9), weight_decay=0.0)
    ours = Muon(
        vectors, lr=0.05, weight_decay=0.2, adamw_lr=lambda step: 0.01, betas=(0.8, 0.9), **settings
    )

    for grad in rng.normal(size=(10, 9)):
        vectors.grad[:] = grad
        W.grad = torch.tensor(grad[:6].reshape(3, 2).T.copy())
        b.grad = torch.tensor(grad[6:])
        ours.step()
        muon.step()
        adamw.step()

    np.testing.assert_allclose(vectors.theta[:6].reshape(3, 2).T, W.detach().numpy(), rtol=SAME)
    np.testing.assert_allclose(vectors.theta[6:], b.detach().numpy(), rtol=SAME)


def test_muon_scales_matrices_with_more_outputs_than_inputs(rng, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    vectors = Vectors(rng.normal(size=9))
    vectors.grad[:] = rng.normal(size=9)
    listed = vectors.parameters()
    wide = type(listed[0])("W", slice(0, 6), (2, 3), decays=True)
    vectors.parameters = lambda: [wide, listed[1]]
    W = torch.tensor(vectors.theta[:6].reshape(2, 3).T.copy(), requires_grad=True)
    W.grad = torch.tensor(vectors.grad[:6].reshape(2, 3).T.copy())

    torch.optim.Muon([W], lr=0.05).step()
    Muon(vectors, lr=0.05).step()

    np.testing.assert_allclose(vectors.theta[:6].reshape(2, 3).T, W.detach().numpy(), rtol=SAME)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 5, 3)])
def test_newton_schulz_keeps_singular_vectors_and_evens_out_singular_values(shape, rng):
    """An odd polynomial acts on singular values alone: oracle by the decomposition itself."""
    G = rng.normal(size=shape)
    U, S, V = np.linalg.svd(G, full_matrices=False)
    S = S / np.sqrt((S**2).sum(axis=-1, keepdims=True))
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(5):
        S = a * S + b * S**3 + c * S**5

    X = newton_schulz(G)

    np.testing.assert_allclose(X, (U * S[..., np.newaxis, :]) @ V, rtol=1e-8, atol=1e-10)
    assert S.min() > 0.6
    assert S.max() < 1.3


def test_excluded_matrices_go_to_adamw(rng):
    vectors, twin = (Vectors(np.ones(9)) for _ in range(2))
    adamw = next(case for case in FIRST_ORDER if case.kind.__name__ == "AdamW")
    muon = Muon(vectors, lr=0.01, exclude=["W"], weight_decay=0.01)
    other = adamw.build(twin)

    for grad in rng.normal(size=(3, 9)):
        vectors.grad[:] = twin.grad[:] = grad
        muon.step()
        other.step()

    np.testing.assert_allclose(vectors.theta, twin.theta, rtol=1e-14)


@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adam, AdamW])
def test_without_eps_a_parameter_that_never_had_a_gradient_stands_still(kind):
    """0 / 0 would be nan."""
    vectors = Vectors(np.ones(9))
    vectors.decay_mask[:] = False
    vectors.grad[:4] = 2.0
    optimizer = kind(vectors, lr=0.1, eps=0.0)

    optimizer.step()
    optimizer.step()

    np.testing.assert_array_equal(vectors.theta[4:], 1.0)
    assert (vectors.theta[:4] < 1.0).all()


def test_a_variance_that_rounds_below_zero_has_a_root():
    """A gradient that never changes has variance 0, and rounding would make some of it negative."""
    vectors = Vectors(np.ones(9))
    vectors.grad[:] = np.linspace(0.1, 1.3, 9)
    optimizer = RMSProp(vectors, lr=0.001, alpha=0.9, centered=True)

    for _ in range(400):
        optimizer.step()

    assert np.isfinite(vectors.theta).all()


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda v: Adam(v, betas=(0.9, 1.0)), ArgumentError, r"betas\[1\] is 1.0"),
        (lambda v: Adam(v, betas=0.9), ArgumentError, "expected two numbers"),
        (lambda v: AdamW(v, eps=-1.0), ArgumentError, "AdamW: eps is -1.0"),
        (lambda v: AdamW(v, weight_decay=None), ArgumentError, "weight_decay is None"),
        (lambda v: Lion(v, betas=(0.9,)), ArgumentError, "Lion: betas is"),
        (lambda v: AdaGrad(v, initial_accumulator_value=-1), ArgumentError, "is -1"),
        (lambda v: RMSProp(v, alpha=1.0), ArgumentError, "alpha is 1.0"),
        (lambda v: RMSProp(v, momentum=-0.1), ArgumentError, "momentum is -0.1"),
        (lambda v: Muon(v, adjust_lr_fn="none"), ArgumentError, "adjust_lr_fn is 'none'"),
        (lambda v: Muon(v, ns_steps=0), ArgumentError, "ns_steps is 0"),
        (lambda v: Muon(v, exclude=("V",)), ArgumentError, r"exclude names \['V'\]"),
        (lambda v: Muon(v, exclude="W"), ArgumentError, "a list of names"),
        (lambda v: Muon(v, adamw_lr=-1.0), ArgumentError, "the learning rate is -1.0"),
        (lambda v: SGD(Linear, lr=0.1), DtypeError, "Create it with parentheses"),
        (
            lambda v: Muon(FunctionObjective(lambda x: (0.0, x), [1.0])),
            DtypeError,
            "does not list its parameters",
        ),
        (lambda v: newton_schulz([1.0, 2.0]), ShapeError, r"G has shape \(2,\)"),
    ],
)
def test_settings_out_of_range_are_refused(make, error, match):
    with pytest.raises(error, match=match):
        make(Vectors(np.ones(9)))


def test_muon_of_zero_gradients_stands_still():
    vectors = Vectors(np.ones(9))

    Muon(vectors, lr=0.1, weight_decay=0.0).step()

    np.testing.assert_array_equal(vectors.theta, 1.0)
