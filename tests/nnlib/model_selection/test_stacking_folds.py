"""Which folds train at once, and what happens where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import SGD, ArgumentError, Linear, NonFiniteError, ReLU, Sequential
from nnlib.layers import Embedding, Flatten
from nnlib.model_selection import KFold, Standardizer, cross_validate
from nnlib.model_selection import cross_validation as module
from tests.nnlib.model_selection.parts import build, common, same_results, two_clouds

X, Y = two_clouds(43)


def run(cv=None, **changes):
    arguments = common(rng=7) | changes
    return cross_validate(
        arguments.pop("build"), arguments.pop("X", X), arguments.pop("y", Y),
        cv=cv or KFold(4), **arguments,
    )  # fmt: skip


def masked(rng):
    model = build(rng)
    model.mask = rng.random(model.theta.size) < 0.5
    return model


def of_a_drawn_width(rng):
    width = int(rng.integers(2, 9))
    return Sequential(Linear(3, width, rng=rng), ReLU(), Linear(width, 2, rng=rng))


by_size = {"optimizer": lambda model: SGD(model, lr=1 / model.theta.size)}
by_weights = {"optimizer": lambda model: SGD(model, lr=0.1 / abs(model.theta).max())}
by_schedule = {"optimizer": lambda model: SGD(model, lr=lambda step: step / model.theta.size)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"build": masked}, "models that differ in more than their weights"),
        ({"build": of_a_drawn_width}, "models that differ in more than their weights"),
        (by_size, "the settings of the optimizer hang on the parameters of the model"),
        (by_weights, "the settings of the optimizer hang on the parameters"),
        (by_schedule, "the settings of the optimizer hang on the parameters"),
    ],
    ids=["mask", "width", "size", "weights", "schedule"],
)
def test_folds_that_differ_run_one_by_one_unless_they_must_not(changes, reason):
    result = run(**changes)

    assert not result.stacked
    same_results(result, run(stacked=False, **changes), exactly=True)
    with pytest.raises(ArgumentError, match=f"stacked=True, but .*{reason}"):
        run(stacked=True, **changes)


def test_a_schedule_that_is_the_same_for_all_folds_stacks():
    result = run(optimizer=lambda model: SGD(model, lr=lambda step: 1 / (step + 1)))

    assert result.stacked


def test_rows_of_other_shapes_run_one_by_one():
    def narrow(rows):
        return type("Narrow", (Standardizer,), {
            "transform": lambda self, X: Standardizer.transform(self, X)[:, :, : rows(self)],
        })  # fmt: skip

    images = np.repeat(X[:, :, np.newaxis], 4, axis=2)
    kind = narrow(lambda self: 2 if self.mean[0, 0] > X[:, 0].mean() else 4)

    def per_pixel(rng):  # takes any number of places
        return Sequential(Linear(4, 2, rng=rng))

    options = {"X": images, "preprocess": kind, "build": per_pixel, "epochs": 1}
    with pytest.raises(
        ArgumentError, match=r"rows of two folds have the shapes \(3, 2\) and \(3, 4\)"
    ):
        run(stacked=True, **options)


def test_divergence_that_only_the_sum_of_the_folds_knows_is_none(monkeypatch):
    def beyond(recipe, groups):
        raise NonFiniteError("the losses add up to infinity")

    expected = run(stacked=False)
    monkeypatch.setattr(module, "train_stacked", beyond)

    result = run()

    assert not result.stacked
    same_results(result, expected, exactly=True)


@pytest.mark.parametrize("stacked", [True, False])
def test_predictions_that_are_not_finite_reach_no_scorer(stacked):
    wild = X.copy()
    wild[30] = 1e300
    splits = [(np.arange(20), [21, 22]), (np.arange(20), [30, 31])]

    def steep(rng):
        model = build(rng)
        model.theta = 1e10
        return model

    with pytest.raises(NonFiniteError, match="fold 1: 2 of 4 predictions for test rows are nan"):
        run(splits, X=wild, build=steep, epochs=0, stacked=stacked, scoring={"f1": lambda y, z: 1})


@pytest.mark.parametrize("stacked", [True, False])
def test_parameters_that_are_not_finite_are_noticed_where_no_prediction_shows_it(stacked):
    def dying(rng):
        model = Sequential(Linear(3, 1, rng=rng), ReLU(), Linear(1, 2, rng=rng))
        model.layers[0].b, model.layers[2].W, model.layers[2].b = 1e-30, [[0, 1e3]], 0.0
        return model

    # Rows of zeros: the first bias alone overflows, to −∞, and ReLU makes 0 of it.
    with (
        np.errstate(over="ignore"),
        pytest.raises(NonFiniteError, match="cross_validate: fold 0: fit: "),
    ):
        run(X=0 * X, y=0 * Y, build=dying, optimizer=lambda model: SGD(model, lr=3e38), epochs=1,
            batch_size=64, stacked=stacked, scoring={"f1": lambda y, z: 1})  # fmt: skip


def test_numbers_of_words_are_never_rounded():
    words = np.array([[1, 2**24 + 1]] * 16)

    def words_first(rng):
        return Sequential(Embedding(9, 2, rng=rng), Flatten(), Linear(4, 2, rng=rng))

    with pytest.raises(ArgumentError, match=str(2**24 + 1)):  # beyond the vocabulary, but whole
        run(X=words, y=np.arange(16) % 2, build=words_first, stacked=False)
