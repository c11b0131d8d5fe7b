"""The hot path stays float32: no operation in it, named or not, makes a float64 array.

Every array that layers, losses and optimizers work on is a ``Spy`` here, an array that records the
type of every result that NumPy computes from it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from nnlib import (
    MSE,
    SGD,
    BinaryCrossEntropy,
    CrossEntropy,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    fit,
)
from nnlib._workspace import Workspace
from nnlib.layers import (
    GELU,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LayerNorm,
    MaxPool2d,
    Softplus,
)


class Spy(np.ndarray):
    """An array that keeps a list of (operation, type of its result)."""

    seen: ClassVar[list[tuple[str, str]]] = []

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [x.view(np.ndarray) if isinstance(x, Spy) else x for x in inputs]
        if out is not None:
            options["out"] = tuple(x.view(np.ndarray) if isinstance(x, Spy) else x for x in out)
        if isinstance(options.get("where"), Spy):
            options["where"] = options["where"].view(np.ndarray)
        result = getattr(ufunc, method)(*plain, **options)
        if isinstance(result, np.ndarray | np.generic):
            Spy.seen.append((ufunc.__name__, result.dtype.name))
        if out is not None:
            return out[0]
        return result.view(Spy) if isinstance(result, np.ndarray) else result


@pytest.fixture
def spied(monkeypatch):
    """Make every parameter vector and every array of a workspace a Spy."""
    bind, array = Layer._bind, Workspace.array
    Spy.seen.clear()
    monkeypatch.setattr(
        Layer, "_bind", lambda self, theta, grad, m: bind(self, theta.view(Spy), grad.view(Spy), m)
    )
    monkeypatch.setattr(
        Workspace,
        "array",
        lambda self, name, shape, dtype: array(self, name, shape, dtype).view(Spy),
    )
    return Spy.seen


class Leak(Layer):
    """A layer with the usual mistake: a float64 array from outside."""

    def forward(self, x):
        self.ones = np.ones(x.shape[-1])
        return np.asarray(x * self.ones, dtype=np.float32).view(Spy)

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return dy


def train(loss, targets: np.ndarray, *extra: Layer) -> Sequential:
    rng = np.random.default_rng(0)
    model = Sequential(
        Linear(7, 6, rng=1), ReLU(), Linear(6, 5, bias=False, rng=2), LeakyReLU(), Sigmoid(),
        Tanh(), Softmax(), *extra, Linear(5, 3, rng=3),
    )  # fmt: skip
    optimizer = SGD(
        model, lr=lambda step: np.float64(0.1), momentum=0.9, nesterov=True, weight_decay=0.1
    )
    X = rng.normal(size=(11, 7))  # float64 from outside: cast once
    fit(
        model, X, targets, loss=loss, optimizer=optimizer, epochs=2, batch_size=4,
        validation_data=(X, targets), progress=False, rng=0,
    )  # fmt: skip
    model.loss_and_gradient(X, targets, loss, rows_per_slice=3)
    optimizer.step()
    return model


def wide(seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [entry for entry in seen if entry[1] in {"float64", "longdouble"}]


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (CrossEntropy(), np.arange(11) % 3),
        (BinaryCrossEntropy(), np.tile([0.0, 1.0, 0.5], (11, 1))),
        (MSE(), np.ones((11, 3))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_training_makes_no_float64(loss, targets, spied):
    model = train(loss, targets)

    operations = {name for name, _ in spied}
    assert {"matmul", "maximum", "multiply", "subtract"} <= operations  # the spies were there
    assert wide(spied) == []
    assert model.theta.dtype == model.grad.dtype == np.float32


@pytest.mark.parametrize(
    "head",
    [
        lambda: [
            AvgPool2d((2, 1), 1), Softplus(2.0), Flatten(), Dropout(0.3, rng=4),
            Linear(12, 5, rng=5),
        ],
        lambda: [GlobalAvgPool2d(), LayerNorm(6), GELU(), Linear(6, 5, rng=5), BatchNorm1d(5)],
    ],
    ids=["flatten", "global_pool"],
)  # fmt: skip
def test_training_on_images_makes_no_float64(head, spied):
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 4, 3, padding=1, rng=1), BatchNorm2d(4), ReLU(), MaxPool2d(2),
        Conv2d(4, 6, (2, 3), stride=(1, 2), padding=1, rng=2), GELU("tanh"), MaxPool2d(2, 1),
        *head(), Linear(5, 3, rng=3),
    )  # fmt: skip
    X, targets = rng.normal(size=(11, 7, 8, 1)), np.arange(11) % 3

    fit(
        model, X, targets, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), epochs=2,
        batch_size=4, validation_data=(X, targets), progress=False, rng=0,
    )  # fmt: skip

    operations = {name for name, _ in spied}
    assert {"matmul", "maximum", "greater_equal", "multiply", "subtract"} <= operations
    assert wide(spied) == []
    state = model.state_dict().values()
    assert {array.dtype for array in [model.grad, *state]} == {np.dtype(np.float32)}


def test_the_spy_notices_a_float64_temporary(spied):
    train(CrossEntropy(), np.arange(11) % 3, Leak())

    assert ("multiply", "float64") in wide(spied)


def test_public_calls_stay_float32(rng):
    model = Sequential(Linear(4, 3, rng=0), ReLU(), Linear(3, 2, rng=1))
    loss: Any = CrossEntropy()

    z = model.forward(rng.normal(size=(5, 4)))
    value = loss.forward(z, [0, 1, 0, 1, 0])
    dz = loss.backward()
    dx = model.backward(dz)
    prediction = model.predict(rng.normal(size=(5, 4)))

    assert {a.dtype for a in (z, dz, dx, model.grad, prediction)} == {np.dtype(np.float32)}
    assert type(value) is float
