"""Penalties, augmentation, optimizers that ask an objective, and where chance comes from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import (
    MSE,
    SGD,
    ArgumentError,
    BinaryCrossEntropy,
    Callback,
    CrossEntropy,
    DtypeError,
    Linear,
    NNLibError,
    Sequential,
    ShapeError,
    fit,
)
from nnlib.augmentation import Compose, FlipHorizontal, GaussianNoise, Mixup, Reshaped, Shift
from nnlib.layers.dropout import Dropout
from nnlib.layers.embedding import Embedding
from nnlib.layers.flatten import Flatten
from nnlib.optimizers.newton import Newton
from nnlib.optimizers.quasi_newton import LBFGS
from nnlib.regularizers import L1, L2, ElasticNet
from tests.nnlib.training.cases import class_data, line, line_data, mlp

# Penalties -------------------------------------------------------------------------------------


def test_an_l2_penalty_trains_as_the_same_term_in_torch(rng):
    """Weights only, λΣw² without ½; the recorded loss stays that of the data."""
    X, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    model = Sequential(Linear(3, 1, rng=0, dtype=np.float64))
    W = torch.tensor(model.layers[0].W, requires_grad=True)
    b = torch.tensor(model.layers[0].b, requires_grad=True)
    reference = torch.optim.SGD([W, b], lr=0.1, momentum=0.9)
    losses, penalties = [], []
    for _ in range(5):
        reference.zero_grad()
        loss = torch.nn.functional.mse_loss(torch.tensor(X) @ W + b, torch.tensor(y))
        (loss + 0.3 * (W**2).sum()).backward()
        reference.step()
        losses.append(loss.item())
        penalties.append(0.3 * (W**2).sum().item())

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1, momentum=0.9), epochs=5,
        batch_size=12, penalty=L2(0.3), progress=False,
    )  # fmt: skip

    # float64, a few operations a step
    np.testing.assert_allclose(model.layers[0].W, W.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(model.layers[0].b, b.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)
    np.testing.assert_allclose(history.penalty, penalties, rtol=1e-12)


def test_callbacks_see_the_gradient_with_the_penalty():
    X, y = line_data()
    model = line()
    seen = []

    class Look(Callback):
        def on_gradient(self, run):
            seen.append(run.model.grad.copy())

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.0), batch_size=7, shuffle=False,
        penalty=L2(5.0), callbacks=[Look()], progress=False,
    )  # fmt: skip

    _, plain = model.loss_and_gradient(X, y, MSE())
    np.testing.assert_allclose(seen[0] - plain, [2 * 5.0 * model.theta[0], 0.0], rtol=1e-12)


def test_the_proximal_step_follows_each_update_at_the_rate_of_that_update():
    """One full batch with a schedule: θ ← soft(θ − lr g, lr λ), by hand."""
    X, y = line_data()
    model = line()
    W, b = model.theta.copy()
    for step in range(3):
        lr = 0.1 / (1 + step)
        residual = W * X + b - y
        W, b = W - lr * 2 * (residual * X).mean(), b - lr * 2 * residual.mean()
        W = np.sign(W) * max(abs(W) - lr * 0.7, 0.0)

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=lambda step: 0.1 / (1 + step)),
        epochs=3, batch_size=7, penalty=L1(0.7, proximal=True), progress=False,
    )  # fmt: skip

    np.testing.assert_allclose(model.theta, [W, b], rtol=1e-12)


def test_the_proximal_step_leaves_exact_zeros_and_the_gradient_none(rng):
    X = rng.normal(size=(50, 9))
    y = X[:, :1]
    zeros = {}
    for proximal in (True, False):
        model = Sequential(Linear(9, 1, rng=0, dtype=np.float64))
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=60, batch_size=10,
            penalty=L1(0.1, proximal=proximal), rng=0, progress=False,
        )  # fmt: skip
        zeros[proximal] = int((model.layers[0].W == 0).sum())

    assert zeros == {True: 8, False: 0}


# Optimizers that ask an objective --------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, L2(0.1)])
def test_newton_reaches_the_minimum_of_least_squares_in_a_step(rng, penalty):
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    model = Sequential(Linear(3, 1, rng=0, dtype=np.float64))
    A = np.hstack([X, np.ones((20, 1))])
    ridge = 0.0 if penalty is None else 20 * 0.1 * np.diag([1.0, 1.0, 1.0, 0.0])
    expected = np.linalg.solve(A.T @ A + ridge, A.T @ y).ravel()

    fit(
        model, X, y, loss=MSE(), optimizer=Newton(model, damping=0.0), epochs=1, batch_size=20,
        penalty=penalty, progress=False,
    )  # fmt: skip

    # conjugate gradients end on four parameters after four steps, to their tolerance
    np.testing.assert_allclose(model.theta, expected, rtol=1e-5)


def test_lbfgs_asks_nothing_twice_and_history_shows_the_loss_before_each_step():
    X, y = line_data()
    model = line()
    before = MSE().forward(model.predict(X), y)
    calls = []
    inner = model._loss_and_gradient
    model._loss_and_gradient = lambda *args, **how: (calls.append(1), inner(*args, **how))[1]

    history = fit(
        model, X, y, loss=MSE(), optimizer=LBFGS(model), epochs=8, batch_size=7, shuffle=False,
        progress=False,
    )  # fmt: skip

    assert history.loss[0] == pytest.approx(before)
    # a quadratic in two variables; history is of the loss before the step
    assert history.loss[-1] < 1e-12
    # At most one gradient of our own a step and about one in its line search; without what fit
    # hands over it would be one more each.
    assert len(calls) <= 2 * 8 + 2


def test_an_optimizer_with_an_objective_keeps_one_dropout_mask_through_a_step(rng):
    X, y = class_data(rng)
    model = mlp(Dropout(0.5, rng=3))

    history = fit(
        model, X, y, loss=CrossEntropy(), optimizer=LBFGS(model), epochs=3, batch_size=40,
        progress=False,
    )  # fmt: skip

    assert len(history) == 3
    assert np.isfinite(model.theta).all()


# Augmentation ----------------------------------------------------------------------------------


def test_each_batch_is_augmented_and_validation_never(rng):
    X, y = rng.normal(size=(10, 1)), rng.normal(size=(10, 1))
    model = line()
    given = []

    def augment(Xb, yb, generator):
        given.append((Xb.copy(), yb.copy(), generator))
        return Xb + 100.0, yb + 1.0

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.0), batch_size=4, rng=5, epochs=2,
        validation_data=(X, y), augment=augment, progress=False,
    )  # fmt: skip

    assert [len(Xb) for Xb, _, _ in given] == [4, 4, 2] * 2
    np.testing.assert_array_equal(
        np.sort(np.vstack([a for a, _, _ in given[:3]]), 0), np.sort(X, 0)
    )
    assert len({id(generator) for _, _, generator in given}) == 1
    expected = MSE().forward(model.predict(X + 100), y + 1)
    assert history.loss[0] == pytest.approx(expected)
    assert history.validation_loss[0] == pytest.approx(MSE().forward(model.predict(X), y))


def test_rows_and_targets_of_the_caller_stay_as_they_are(rng):
    X = rng.random((8, 5, 5)).astype(np.float32)
    y = rng.integers(0, 3, 8)
    before = X.copy(), y.copy()
    model = Sequential(Flatten(), Linear(25, 3, rng=0))

    fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), batch_size=8, rng=0,
        shuffle=False, augment=Compose([Shift(1), GaussianNoise(0.1), FlipHorizontal()]),
        progress=False,
    )  # fmt: skip

    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_mixup_turns_labels_into_probabilities_and_accuracy_stays_a_share(rng):
    X, y = class_data(rng)
    model = mlp()

    history = fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), epochs=30, batch_size=8,
        rng=0, augment=Mixup(0.4, n_classes=3), validation_data=(X, y), progress=False,
    )  # fmt: skip

    assert history.loss[-1] < history.loss[0]
    assert 0.6 < history.validation_accuracy[-1] <= 1
    assert all(0 <= share <= 1 for share in history.accuracy)


def test_flattened_images_are_augmented_as_images(rng):
    X, y = rng.random((6, 16)).astype(np.float32), np.zeros(6, int)
    model = Sequential(Linear(16, 2, rng=0))

    history = fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), epochs=2, rng=0,
        augment=Reshaped((4, 4), FlipHorizontal(1.0)), progress=False,
    )  # fmt: skip

    assert len(history) == 2


@pytest.mark.parametrize(
    ("augment", "error", "message"),
    [
        (lambda X, y, rng: X, ArgumentError, "expected a pair"),
        (lambda X, y, rng: None, ArgumentError, r"augment returned None, expected a pair \(X, y\)"),
        (lambda X, y, rng: (X[:-1], y[:-1]), ShapeError, r"X of shape \(6, 1\) and y of shape"),
        (lambda X, y, rng: (X, y[:-1]), ShapeError, "one target for each row"),
        (lambda X, y, rng: (X, 3.0), ShapeError, r"y of shape \(\)"),
        (lambda X, y, rng: (np.full(X.shape, "a"), y), DtypeError, "augment: X: dtype is <U1"),
        (lambda X, y, rng: (X, y[:, 0]), ShapeError, "targets have shape"),
        ("rotate", DtypeError, "augment is 'rotate', expected a function"),
        (Shift, DtypeError, "Create it with parentheses"),
    ],
)
def test_an_augmentation_that_does_not_fit_is_refused_before_a_step(augment, error, message):
    X, y = line_data()
    model = line()
    before = model.theta.copy()

    with pytest.raises(error, match=message) as caught:
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), augment=augment, progress=False)

    assert isinstance(caught.value, NNLibError)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("penalty", [0.1, "l2", L2])
def test_what_is_no_penalty_is_refused(penalty):
    X, y = line_data()
    model = line()

    with pytest.raises(DtypeError, match=r"penalty is .*, expected a Penalty, such as L2"):
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), penalty=penalty, progress=False)


# Where chance comes from, and what is counted ---------------------------------------------------


def test_the_same_seeds_give_the_same_run_bit_for_bit_whatever_is_global(rng):
    X, y = class_data(rng)

    def run(seed: int) -> tuple[np.ndarray, list[float]]:
        np.random.seed(seed)  # ruff: ignore[numpy-legacy-random]  nothing may depend on it
        model = mlp(Dropout(0.5, rng=3))
        history = fit(
            model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1, momentum=0.9), epochs=3,
            batch_size=7, rng=11, penalty=ElasticNet(1e-3, 1e-3), augment=GaussianNoise(0.2),
            progress=False,
        )  # fmt: skip
        return model.theta, history.loss

    (theta, losses), (other_theta, other_losses) = run(1), run(2)

    np.testing.assert_array_equal(theta, other_theta)
    assert losses == other_losses


def test_accuracy_of_sequences_counts_every_place(rng):
    """A model that puts out scores for each of 5 words has 5 answers a row."""
    words = rng.integers(0, 7, (6, 5))
    model = Sequential(Embedding(7, 4, rng=0), Linear(4, 7, rng=1))
    right = model.predict(words).argmax(axis=-1)
    targets = right.copy()
    targets[0, :3] = (targets[0, :3] + 1) % 7

    history = fit(
        model, words, targets, loss=CrossEntropy(), optimizer=SGD(model, lr=0.0), batch_size=4,
        validation_data=(words, targets), progress=False,
    )  # fmt: skip

    assert history.accuracy == [pytest.approx(27 / 30)]
    assert history.validation_accuracy == [pytest.approx(27 / 30)]


def test_several_yes_or_no_answers_count_as_one_row(rng):
    X = rng.normal(size=(6, 2))
    model = Sequential(Linear(2, 3, rng=0, dtype=np.float64))
    targets = (model.forward(X) > 0).astype(float)
    targets[0, 1] = 1 - targets[0, 1]

    history = fit(
        model, X, targets, loss=BinaryCrossEntropy(), optimizer=SGD(model, lr=0.0), progress=False
    )

    assert history.accuracy == [pytest.approx(5 / 6)]


def test_words_stay_whole_numbers_through_augmentation(rng):
    words = rng.integers(1, 7, (6, 5))
    model = Sequential(Embedding(7, 4, rng=0), Flatten(), Linear(20, 2, rng=1))
    seen = []

    def augment(X, y, generator):
        seen.append(X.dtype.kind)
        return np.where(generator.random(X.shape) < 0.5, 0, X), y

    fit(
        model, words, np.zeros(6, int), loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), rng=0,
        augment=augment, progress=False,
    )  # fmt: skip
    assert seen == ["i"]

    with pytest.raises(DtypeError, match="augment: X"):
        fit(
            model, words, np.zeros(6, int), loss=CrossEntropy(), optimizer=SGD(model, lr=0.1),
            augment=lambda X, y, rng: (X + 0.5, y), progress=False,
        )  # fmt: skip
