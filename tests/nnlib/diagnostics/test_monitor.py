"""The monitor records what a loop written by hand would see."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nnlib.diagnostics import Monitor
from nnlib.errors import ArgumentError
from nnlib.layers import Linear, ReLU, Sequential, Sigmoid
from nnlib.losses import MSE
from nnlib.optimizers import SGD
from nnlib.training import fit


def network() -> Sequential:
    return Sequential(
        Linear(3, 5, rng=1, dtype=np.float64), ReLU(),
        Linear(5, 2, rng=2, dtype=np.float64), Sigmoid(),
    )  # fmt: skip


def run(monitor, rng, **options):
    model = network()
    X, y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    settings = {"epochs": 3, "batch_size": 4, "shuffle": False, "progress": False} | options
    fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), callbacks=[monitor], **settings)
    return model, X, y


def test_records_are_those_of_a_loop_by_hand(rng):
    monitor = Monitor(every=1)
    _, X, y = run(monitor, rng, epochs=2)
    model, expected = network(), []

    for _ in range(2):
        for start in (0, 4, 8):
            loss, grad = model.loss_and_gradient(X[start : start + 4], y[start : start + 4], MSE())
            step = 0.1 * grad
            expected.append((loss, np.linalg.norm(grad), np.linalg.norm(model.theta[:15])))
            model.theta = model.theta - step

    assert len(monitor.records) == len(expected)
    for i, (record, (loss, norm, weights)) in enumerate(
        zip(monitor.records, expected, strict=True)
    ):
        assert (record.step, record.epoch) == (i, i // 3)
        assert record.loss == pytest.approx(loss, rel=1e-12)
        whole = np.sqrt(sum(v**2 for v in record.gradient_norms.values()))
        assert whole == pytest.approx(norm, rel=1e-10)
        assert record.weight_norms["0.W"] == pytest.approx(weights, rel=1e-10)
    last = monitor.records[-1]
    moved = 0.1 * last.gradient_norms["2.b"] / np.linalg.norm(model.layers[2].b)
    assert last.update_ratios["2.b"] == pytest.approx(moved, rel=1e-10)


@pytest.mark.parametrize(("every", "steps"), [(None, [0, 2, 5, 8]), (4, [0, 4, 8]), (100, [0])])
def test_the_first_step_and_the_wanted_ones_are_recorded(every, steps, rng):
    monitor = Monitor(every=every)

    run(monitor, rng)

    assert [record.step for record in monitor.records] == steps


def test_activations_are_recorded_on_the_rows_given(rng):
    monitor = Monitor(X=rng.normal(size=(20, 3)))

    run(monitor, rng)

    assert list(monitor.records[0].dead) == ["1"]
    assert list(monitor.records[0].saturated) == ["3"]
    assert not Monitor().records
    plain = Monitor()
    run(plain, rng)
    assert plain.records[0].dead == {} == plain.records[0].saturated


def test_watching_does_not_change_the_run(rng):
    seed = rng.integers(100)
    watched, *_ = run(Monitor(every=1, X=np.ones((4, 3))), np.random.default_rng(seed))
    alone, *_ = run(Monitor(every=1000), np.random.default_rng(seed))

    np.testing.assert_array_equal(watched.theta, alone.theta)


def test_a_new_run_begins_a_new_recording(rng):
    monitor = Monitor()

    run(monitor, rng)
    run(monitor, rng, epochs=1)

    assert [record.step for record in monitor.records] == [0, 2]


def test_records_survive_a_checkpoint(rng):
    monitor, other = Monitor(X=np.ones((2, 3))), Monitor()
    run(monitor, rng)

    other.load_state_dict(json.loads(json.dumps(monitor.state_dict())))

    assert other.records == monitor.records


def test_every_must_be_a_count():
    with pytest.raises(ArgumentError, match="every is 0"):
        Monitor(every=0)
