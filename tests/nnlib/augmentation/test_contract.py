"""What every augmentation promises, whatever it changes."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import NNLibError
from nnlib.augmentation import Transform
from tests.nnlib.augmentation.cases import CASES, Case, batch

NAMES = list(CASES)


def check_contract(case: Case, rng: np.random.Generator, dtype=None) -> None:
    """Raise ``AssertionError`` unless the transform keeps the promises of ``Transform``."""
    X, y = batch(case, rng, dtype)
    before_X, before_y = X.copy(), y.copy()

    new, labels = case.make()(X, y, np.random.default_rng(1))

    np.testing.assert_array_equal(X, before_X)
    np.testing.assert_array_equal(y, before_y)
    assert new.shape == X.shape
    assert new.dtype == X.dtype
    assert not np.shares_memory(new, X)
    np.testing.assert_array_equal(labels, y)
    assert (new != X).any()
    again, _ = case.make()(X, y, np.random.default_rng(1))
    np.testing.assert_array_equal(again, new)
    other, _ = case.make()(X, y, np.random.default_rng(2))
    assert (other != new).any()
    assert any((new[i] != X[i]).any() for i in range(1, len(X)))


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_holds(name, rng):
    check_contract(CASES[name], rng)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int16])
@pytest.mark.parametrize("name", NAMES)
def test_the_dtype_is_kept(name, dtype, rng):
    check_contract(CASES[name], rng, dtype)


class Broken(Transform):
    """Break one promise of the contract."""

    def __init__(self, how: str):
        self.how = how

    def __call__(self, X, y, rng=None):
        if self.how == "changes its input":
            X += 1
            return X.copy(), y
        if self.how == "returns its input":
            return X, y
        if self.how == "other dtype":
            return X + rng.random(X.shape), y
        if self.how == "forgets labels":
            return X + np.float32(rng.random()), y[::-1]
        if self.how == "only the first row":
            new = X.copy()
            new[0] = rng.random()
            return new, y
        return X + np.float32(np.random.random()), y  # ruff: ignore[numpy-legacy-random]

    def _rows(self, X, rng):
        raise NotImplementedError


@pytest.mark.parametrize(
    "how",
    ["changes its input", "returns its input", "other dtype", "forgets labels",
     "only the first row", "global chance"],
)  # fmt: skip
def test_the_contract_test_refuses_what_breaks_it(how, rng):
    with pytest.raises(AssertionError):
        check_contract(Case(lambda: Broken(how), (6, 7, 9)), rng)


@pytest.mark.parametrize("name", NAMES)
def test_rows_draw_on_their_own(name, rng):
    """Equal rows must not all be changed in the same way."""
    case = CASES[name]
    X, _ = batch(case, rng)
    X = np.repeat(X[:1], 40, axis=0)

    new, _ = case.make()(X, np.zeros(40, int), rng=3)

    assert len({row.tobytes() for row in new}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_stays_empty(name, rng):
    case = CASES[name]
    X = np.empty((0, *case.shape[1:]), case.dtype)

    new, labels = case.make()(X, np.empty(0, int), rng)

    assert new.shape == X.shape
    assert len(labels) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_will_do_for_a_generator_and_targets_of_any_shape_follow(name, rng):
    case = CASES[name]
    X, _ = batch(case, rng)
    targets = rng.random((6, 3))

    new, labels = case.make()(X, targets, 7)
    same, _ = case.make()(X, targets, np.random.default_rng(7))

    np.testing.assert_array_equal(new, same)
    np.testing.assert_array_equal(labels, targets)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["targets", "rng", "axes", "kind"])
def test_bad_input_is_a_named_error(name, fault, rng):
    X, y = batch(CASES[name], rng)
    arguments = {
        "targets": (X, y[:-1], 0),
        "rng": (X, y, "seed"),
        "axes": (X[0, 0], y[: len(X[0, 0])] if X[0, 0].ndim else 0, 0),
        "kind": (np.full(X.shape, 1j), y, 0),
    }[fault]

    with pytest.raises(NNLibError):
        CASES[name].make()(*arguments)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_printed(name):
    assert type(CASES[name].make()).__name__ in repr(CASES[name].make())
