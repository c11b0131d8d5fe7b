"""Each symptom is provoked in a real run, and recognized; rules at their limits by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.diagnostics import Condition, Monitor, Record, diagnose, generalization_gap
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError
from nnlib.layers import Linear, ReLU, Sequential, Sigmoid
from nnlib.losses import MSE, CrossEntropy
from nnlib.optimizers import SGD
from nnlib.training import History, fit


def trained(model, X, y, *, loss=None, lr=0.05, epochs=20, validation_data=None):
    """Train, and return what was recorded, also if training diverged."""
    monitor = Monitor(X=X)
    try:
        history = fit(
            model, X, y, loss=loss or MSE(), optimizer=SGD(model, lr=lr), epochs=epochs,
            validation_data=validation_data, callbacks=[monitor], rng=0, progress=False,
        )  # fmt: skip
    except NonFiniteError as error:
        history = error.history
    return history, monitor.records


def deep(depth, activation, scale=1.0, width=12):
    layers = [
        layer
        for i in range(depth)
        for layer in (Linear(width, width, rng=i, dtype=np.float64), activation())
    ]
    model = Sequential(*layers, Linear(width, 2, rng=99, dtype=np.float64))
    model.theta *= scale
    return model


def task(rng, n=60):
    X = rng.normal(size=(n, 12))
    return X, np.stack([X[:, 0], np.sin(X[:, 1])], axis=1)


def test_a_good_run_is_healthy(rng):
    X, y = task(rng)

    found = diagnose(*trained(deep(2, ReLU), X, y))

    assert found.condition == "healthy"


def test_thirty_sigmoids_vanish(rng):
    X, y = task(rng)

    found = diagnose(*trained(deep(30, Sigmoid), X, y, epochs=5))

    assert found.condition is Condition.VANISHING
    assert "the first weights have a gradient of" in found.reason


def test_a_large_initialization_explodes(rng):
    X, y = task(rng)

    found = diagnose(*trained(deep(10, ReLU, scale=4.0), X, y, lr=1e-12, epochs=3))

    assert found.condition is Condition.EXPLODING


def test_biases_pushed_far_below_zero_are_dead_units(rng):
    X, y = task(rng)
    model = deep(2, ReLU)
    model.layers[2].b = -100.0

    found = diagnose(*trained(model, X, y))

    assert found.condition is Condition.DEAD_UNITS
    assert "100% of the units of layer 3" in found.reason


@pytest.mark.parametrize("lr", [1.5, 1e3])
def test_a_rate_beyond_the_stable_one_is_too_high(lr, rng):
    """At 1.5 the loss of a linear model grows for some epochs; at 1000 it leaves float64."""
    X, y = task(rng)
    model = Sequential(Linear(12, 2, rng=1, dtype=np.float64))

    found = diagnose(*trained(model, X, y, lr=lr, epochs=6 if lr < 10 else 200))

    assert found.condition is Condition.RATE_TOO_HIGH


def test_random_labels_are_over_fitted(rng):
    X, y = rng.normal(size=(40, 12)), rng.integers(0, 2, 40)
    validation = rng.normal(size=(40, 12)), rng.integers(0, 2, 40)
    model = Sequential(
        Linear(12, 40, rng=1, dtype=np.float64), ReLU(), Linear(40, 2, rng=2, dtype=np.float64)
    )

    history, records = trained(
        model, X, y, loss=CrossEntropy(), lr=0.3, epochs=150, validation_data=validation
    )

    assert diagnose(history, records).condition is Condition.OVERFITTING
    assert generalization_gap(history) > 0.5
    assert generalization_gap(history, measure="accuracy", last=10) > 0.2


def record(first: float, last: float, *, dead: float = 0.0, loss: float = 1.0) -> Record:
    return Record(0, 0, loss, {"0.W": first, "0.b": 1e-9, "1.W": last}, {}, {}, {"1": dead})


FALLING = History(loss=[1.0, 0.9, 0.8])


@pytest.mark.parametrize(
    ("history", "records", "expected"),
    [
        (FALLING, [record(1.0, 1.0)], "healthy"),
        (FALLING, [record(1001.0, 1.0)], "exploding"),
        (FALLING, [record(999.0, 1.0)], "healthy"),
        (FALLING, [record(1.0, 0.0009)], "exploding"),
        (FALLING, [record(1.0, 0.0)], "healthy"),
        (FALLING, [record(np.nan, 1.0)], "exploding"),
        (FALLING, [record(1.0, 1.0), record(5000.0, 1.0)], "healthy"),
        (FALLING, [record(0.0009, 1.0)], "vanishing"),
        (FALLING, [record(0.0011, 1.0)], "healthy"),
        (FALLING, [record(1.0, 1.0), record(1e-9, 1.0)], "vanishing"),
        (FALLING, [record(1.0, 1.0), record(1.0, 1.0), record(1e-9, 1.0)], "healthy"),
        # All is fitted: what is left of the gradient is rounding, in the last layer too.
        (FALLING, [record(1.0, 1.0), record(1e-12, 1e-7), record(1e-12, 1e-8)], "healthy"),
        (FALLING, [record(1.0, 1.0), record(1e-12, 1e-5), record(1e-12, 1e-5)], "vanishing"),
        (FALLING, [record(1.0, 1.0, dead=0.5)], "dead units"),
        (FALLING, [record(1e-9, 1.0, dead=0.5)], "dead units"),
        (FALLING, [record(1.0, 1.0, dead=0.9), record(1.0, 1.0)], "healthy"),
        (FALLING, [record(1.0, 1.0, loss=np.inf)], "rate too high"),
        (History(loss=[1.0, 1.2]), [], "rate too high"),
        (History(loss=[1.0, 1.05]), [], "healthy"),
        (History(loss=[1.0, 0.5, 0.9, 0.4, 0.8, 0.3]), [], "rate too high"),
        (History(loss=[1.0, 0.5, 0.9, 0.4, 0.3, 0.2]), [], "healthy"),
        (History(stop_reason="diverged in epoch 1"), [], "rate too high"),
        (History(loss=[1.0, 0.5], validation_loss=[1.0, 1.2]), [], "over-fitting"),
        (History(loss=[1.0, 0.5], validation_loss=[1.0, 1.05]), [], "healthy"),
        (History(loss=[1.0, 1.0], validation_loss=[1.0, 1.2]), [], "healthy"),
        (History(loss=[1.0]), [Record(0, 0, 1.0, {"0.gamma": 2.0}, {}, {})], "healthy"),
        (History(loss=[1.0]), [Record(0, 0, 1.0, {}, {}, {})], "healthy"),
        (History(loss=[1.0, 0.5, 0.8, 0.4]), [], "healthy"),  # one jump is chance
        (History(loss=[1.0, 0.5], validation_loss=[1.0, np.inf]), [], "rate too high"),
        (History(loss=[1.0, 0.5], validation_loss=[np.nan, 0.9]), [], "rate too high"),
        (FALLING, [record(1.0, 1.0), record(1.0, np.inf)], "rate too high"),
        (FALLING, [record(1.0, 1.0), record(np.nan, 1.0)], "rate too high"),
        (FALLING, [record(1.0, np.inf)], "exploding"),
    ],
)
def test_the_rules_at_their_limits(history, records, expected):
    assert diagnose(history, records).condition == expected


def test_limits_are_arguments():
    assert diagnose(FALLING, [record(0.01, 1.0)], vanishing=0.1).condition == "vanishing"
    assert diagnose(FALLING, [record(20.0, 1.0)], exploding=10).condition == "exploding"
    assert diagnose(FALLING, [record(1.0, 1.0, dead=0.2)], dead=0.1).condition == "dead units"
    assert diagnose(History(loss=[1.0, 1.05]), rise=0.01).condition == "rate too high"


def test_gap_of_loss_and_accuracy():
    history = History(
        loss=[1.0, 0.5, 0.2], validation_loss=[1.1, 0.7, 0.8],
        accuracy=[0.5, 0.8, 0.9], validation_accuracy=[0.5, 0.7, 0.6],
    )  # fmt: skip

    assert generalization_gap(history) == pytest.approx(0.6)
    assert generalization_gap(history, last=2) == pytest.approx(0.4)
    assert generalization_gap(history, measure="accuracy", last=99) == pytest.approx(0.4 / 3)


def test_bad_input_is_named():
    with pytest.raises(DtypeError, match="expected what fit returns"):
        diagnose([1.0, 2.0])
    with pytest.raises(DtypeError, match=r"expected monitor\.records"):
        diagnose(FALLING, Monitor())
    with pytest.raises(DtypeError, match=r"expected monitor\.records"):
        diagnose(FALLING, [1.0])
    with pytest.raises(ArgumentError, match="nothing was recorded"):
        diagnose(History())
    with pytest.raises(ArgumentError, match="vanishing is 0"):
        diagnose(FALLING, vanishing=0)
    with pytest.raises(ArgumentError, match=r"Give fit validation_data"):
        generalization_gap(FALLING)
    with pytest.raises(ArgumentError, match="'loss' or 'accuracy'"):
        generalization_gap(FALLING, measure="error")
    with pytest.raises(ArgumentError, match="last is 0"):
        generalization_gap(FALLING, last=0)
