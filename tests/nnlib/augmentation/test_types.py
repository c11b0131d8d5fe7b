"""Types of numbers, new arrays, and input that must not end in an error of Python's own."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import ArgumentError, DtypeError, ShapeError
from nnlib.augmentation import (
    Compose,
    Cutout,
    FlipHorizontal,
    FlipVertical,
    Gain,
    GaussianNoise,
    Mixup,
    NoiseAtSNR,
    RandomCrop,
    Reshaped,
    Rotate,
    Scale,
    Shift,
    Sometimes,
    TimeShift,
    WordDrop,
    mixup,
    rotate,
    scale,
    shift,
)
from tests.nnlib.augmentation.cases import CASES, batch

WIDE = [np.int32, np.uint32, np.int64, np.uint64]


def odd(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Return different whole numbers near the upper end, which no smaller float type holds."""
    steps = 2 * np.arange(np.prod(shape)).reshape(shape)
    return (np.iinfo(dtype).max - steps.astype(dtype)).astype(dtype)


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize(
    "move",
    [FlipHorizontal(1.0), FlipVertical(1.0), RandomCrop(1), Cutout(2), Shift(2),
     Sometimes(0.5, FlipHorizontal(1.0))],
    ids=repr,
)  # fmt: skip
def test_moves_keep_every_number_to_the_bit(move, dtype):
    X = odd((20, 4, 5), dtype)

    new, _ = move(X, np.arange(20), 0)

    assert new.dtype == dtype
    assert (new != X).any()
    assert set(new.ravel().tolist()) <= {0, *X.ravel().tolist()}


def test_flips_and_shifts_of_wide_integers_are_exact():
    X = odd((1, 2, 3), np.int64)

    np.testing.assert_array_equal(FlipHorizontal(1.0)(X, [0], 0)[0], X[:, :, ::-1])
    np.testing.assert_array_equal(shift(X, 0, 1)[:, :, 1:], X[:, :, :-1])
    np.testing.assert_array_equal(Shift(0)(X, [0], 0)[0], X)
    sound = X.reshape(1, 6)
    np.testing.assert_array_equal(TimeShift(0)(sound, [0], 0)[0], sound)
    moved, _ = TimeShift(3)(np.repeat(sound, 50, axis=0), np.zeros(50), 0)
    assert set(moved.ravel().tolist()) == {0, *sound.ravel().tolist()}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, *WIDE])
def test_what_changes_values_stops_at_the_limits_of_the_type(dtype):
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    X = np.array([[most, least, 0]], dtype)

    np.testing.assert_array_equal(Gain(6, 6)(X, [0], 0)[0], X)
    np.testing.assert_array_equal(GaussianNoise(0.0)(X, [0], 0)[0], X)
    images = np.full((4, 3, 3), most, dtype)
    for transform in (Rotate(0), Scale(1, 1)):
        np.testing.assert_array_equal(transform(images, np.arange(4), 0)[0], images)
    mixed, _ = mixup(images, np.arange(4.0), [1, 0, 3, 2], [0.3, 0.0, 1.0, 0.5])
    np.testing.assert_array_equal(mixed, images)


@pytest.mark.parametrize("value", [16_777_217, 2_000_000_001, -16_777_219])
def test_numbers_of_32_bits_survive_what_does_nothing(value):
    X = np.full((2, 3), value, np.int32)

    for transform in (Gain(0, 0), GaussianNoise(0.0), NoiseAtSNR(400, 400)):
        np.testing.assert_array_equal(transform(X, [0, 1], 0)[0], X)
    np.testing.assert_array_equal(rotate(X[np.newaxis], 180), X[np.newaxis])


def test_the_fill_is_held_within_the_type():
    X = np.ones((30, 3, 3), np.uint8)

    for transform in (Shift(1, fill=-5), RandomCrop(1, fill=-5), Cutout(1, fill=-5)):
        assert transform(X, np.zeros(30), 0)[0].min() == 0
    assert Cutout(9, fill=300)(X, np.zeros(30), 0)[0].max() == 255
    assert TimeShift(3, fill=0.6)(np.zeros((30, 3), int), np.zeros(30), 0)[0].max() == 1


# Mixup ------------------------------------------------------------------------------------------


def test_whole_targets_are_mixed_as_floats():
    X, y = mixup([[0.0], [8.0]], [0, 10], partners=[1, 0], shares=[0.75, 1.0])

    np.testing.assert_array_equal(X, [[2], [8]])
    np.testing.assert_array_equal(y, [2.5, 10])
    assert y.dtype == np.float64


def test_bytes_are_mixed_as_floats_and_rounded():
    X = np.array([[10], [21], [255]], np.uint8)

    mixed, y = mixup(X, np.eye(3, dtype=np.uint8), [1, 0, 2], [0.75, 0.5, 0.25])

    np.testing.assert_array_equal(mixed, np.array([[13], [16], [255]]))  # 12.75, 15.5, 255
    assert mixed.dtype == np.uint8
    np.testing.assert_array_equal(y, [[0.75, 0.25, 0], [0.5, 0.5, 0], [0, 0, 1]])
    assert y.dtype == np.float32


def test_answers_of_yes_and_no_are_mixed_as_ones_and_zeros(rng):
    X, truth = rng.random((50, 2)), rng.random(50) < 0.5

    mixed, y = Mixup(1.0)(X, truth, 3)

    expected_X, expected = Mixup(1.0)(X, truth.astype(np.float32), 3)
    np.testing.assert_array_equal(mixed, expected_X)
    np.testing.assert_array_equal(y, expected)
    assert ((y > 0) & (y < 1)).any()
    _, rows = Mixup(1.0, n_classes=2)(X, truth, 3)
    np.testing.assert_allclose(rows[:, 1], y, atol=1e-6)  # float32


def test_one_hot_integers_are_not_coded_again(rng):
    X, labels = rng.random((20, 2)), rng.integers(3, size=20)

    _, rows = Mixup(1.0, n_classes=3)(X, np.eye(3, dtype=int)[labels], 3)

    np.testing.assert_array_equal(rows, Mixup(1.0, n_classes=3)(X, labels, 3)[1])
    with pytest.raises(ArgumentError, match=r"shape \(20, 3\), expected one-hot rows of 3"):
        Mixup(1.0, n_classes=3)(X, np.ones((20, 3), int), 3)
    _, steps = Mixup(1.0, n_classes=3)(X, rng.integers(3, size=(20, 5)), 3)
    assert steps.shape == (20, 5, 3)


# New arrays -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(CASES))
def test_targets_come_back_in_a_new_array(name, rng):
    X, y = batch(CASES[name], rng)

    _, labels = CASES[name].make()(X, y, 0)
    labels += 1

    np.testing.assert_array_equal(y, np.arange(len(X)))


def test_a_composition_of_nothing_gives_copies():
    X, y = np.ones((2, 2)), np.arange(2)

    new_X, new_y = Compose([])(X, y, 0)

    assert not np.shares_memory(new_X, X)
    assert not np.shares_memory(new_y, y)
    np.testing.assert_array_equal(new_X, X)
    texts = ["a b", "c"]
    new_texts, _ = Compose([])(texts, y, 0)
    assert new_texts == texts
    assert new_texts is not texts


# The documented side ------------------------------------------------------------------------------


def test_an_even_square_reaches_one_pixel_further_up_and_left():
    """Centered on the first pixel it covers that one; on the last, that and the one before."""
    cut, _ = Cutout(2)(np.ones((400, 1, 4)), np.zeros(400), 0)

    holes = {tuple(row) for row in cut[:, 0]}
    assert holes == {(0, 1, 1, 1), (0, 0, 1, 1), (1, 0, 0, 1), (1, 1, 0, 0)}
    up, _ = Cutout(2)(np.ones((400, 4, 1)), np.zeros(400), 0)
    assert {tuple(image[:, 0]) for image in up} == holes


# Bad input --------------------------------------------------------------------------------------

IMAGES = np.ones((2, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rotate(IMAGES, "a"), DtypeError, "degrees: dtype is <U1"),
        (lambda: scale(IMAGES, [[1], [1, 2]]), ShapeError, "factors: the rows differ in length"),
        (lambda: rotate([[[1, 2], [3]]], 1), ShapeError, "images: the rows differ in length"),
        (lambda: Rotate(1)([[[1, 2], [3]]], [0]), ShapeError, "X: the rows differ in length"),
        (lambda: Rotate(1)(IMAGES, [[0], [1, 2]]), ShapeError, "y: the rows differ in length"),
        (lambda: Shift(0.9), ArgumentError, "Shift: pixels is 0.9.*Write whole=False"),
        (lambda: mixup(IMAGES, [0, 1], [0, 2], [1, 1]), ArgumentError, "from 0 to 2, expected 0 t"),
        (lambda: mixup(IMAGES, [0, 1], [-1, 0], [1, 1]), ArgumentError, "partners run from -1"),
        (lambda: mixup(IMAGES, [0, 1], [0.0, 1.0], [1, 1]), DtypeError, "partners are float64"),
        (lambda: mixup(IMAGES, [0, 1], [0, 1], [1, 1.5]), ArgumentError, "shares run from 1 to 1"),
        (lambda: mixup(IMAGES, [0, 1], [0, 1], [1, np.nan]), ArgumentError, "shares run from nan"),
        (lambda: mixup(IMAGES, [0, 1], [0, 1], 1.0), ShapeError, "shares is a single number"),
        (lambda: mixup(1, 2, 3, 4), ShapeError, "X is a single number"),
        (lambda: mixup(IMAGES, ["a", "b"], [0, 1], [1, 1]), DtypeError, "y is <U1"),
        (lambda: Reshaped(4, Rotate(1)), ArgumentError, "Reshaped: shape is 4"),
        (lambda: Reshaped("ab", Rotate(1)), ArgumentError, "Reshaped: shape is 'ab'"),
        (lambda: Reshaped((2, "a"), Rotate(1)), ArgumentError, "a size in shape is 'a'"),
        (lambda: Sometimes(1, Rotate(1))(3, [0], 0), ShapeError, "X is array\\(3\\)"),
        (lambda: Sometimes(1, Rotate(1))(3, 0, 0), ShapeError, "X is array\\(3\\)"),
        (lambda: WordDrop(0.1, fill=0.5), ArgumentError, "fill is 0.5, expected a whole number"),
        (
            lambda: WordDrop(0.1, fill=-1)(np.ones((1, 2), np.uint8), [0]),
            ArgumentError, "words are uint8, which cannot hold the fill -1",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_empty_batch_is_mixed_to_an_empty_one():
    X, y = mixup(np.ones((0, 2)), np.ones(0), [], [])

    assert X.shape == (0, 2)
    assert y.shape == (0,)


def test_sometimes_and_reshaped_take_lists():
    X, y = Sometimes(1.0, FlipHorizontal(1.0))(([[1.0, 2.0]], [[3.0, 4.0]]), [0, 1], 0)
    rows, _ = Reshaped([1, 2], FlipHorizontal(1.0))([[1.0, 2.0]], [0], 0)

    np.testing.assert_array_equal(X, [[[2, 1]], [[4, 3]]])
    np.testing.assert_array_equal(y, [0, 1])
    np.testing.assert_array_equal(rows, [[2, 1]])
