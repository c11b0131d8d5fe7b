"""Images: against SciPy's interpolation, exact identities, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, stats

from nnlib import ArgumentError, DtypeError, NNLibError, ShapeError
from nnlib.augmentation import (
    Compose,
    Cutout,
    FlipHorizontal,
    FlipVertical,
    GaussianNoise,
    Mixup,
    RandomCrop,
    Reshaped,
    Rotate,
    Scale,
    Shift,
    Sometimes,
    mixup,
    rotate,
    scale,
    shift,
)

SHAPES = [(3, 7, 7), (3, 6, 9), (2, 8, 5, 3), (2, 1, 6)]


def by_scipy(image: np.ndarray, matrix: np.ndarray, offset: np.ndarray, fill: float) -> np.ndarray:
    """Return one image as SciPy maps it about its center, fill weighted in at the border."""
    center = (np.array(image.shape[:2]) - 1) / 2
    start = center - matrix @ center + offset
    channels = image[..., np.newaxis] if image.ndim == 2 else image
    mapped = [
        ndimage.affine_transform(
            channels[..., c], matrix, start, order=1, mode="grid-constant", cval=fill
        )
        for c in range(channels.shape[-1])
    ]
    return np.stack(mapped, axis=-1).reshape(image.shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fill", [0.0, -2.5])
def test_rotate_is_scipys(rng, shape, fill):
    images, degrees = rng.normal(size=shape), rng.uniform(-200, 200, shape[0])

    found = rotate(images, degrees, fill)

    for image, result, angle in zip(images, found, np.deg2rad(degrees), strict=True):
        c, s = np.cos(angle), np.sin(angle)
        expected = by_scipy(image, np.array([[c, s], [-s, c]]), np.zeros(2), fill)
        # coordinates up to 10 rounded to 1e-15, times slopes of a few
        np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_scale_and_shift_are_scipys(rng, shape):
    images, n = rng.normal(size=shape), shape[0]
    factors, down, right = rng.uniform(0.5, 2, n), *rng.uniform(-3, 3, (2, n))

    scaled, shifted = scale(images, factors, 1.5), shift(images, down, right, 1.5)

    for i, image in enumerate(images):
        expected = by_scipy(image, np.eye(2) / factors[i], np.zeros(2), 1.5)
        np.testing.assert_allclose(scaled[i], expected, atol=1e-12)
        expected = by_scipy(image, np.eye(2), np.array([-down[i], -right[i]]), 1.5)
        np.testing.assert_allclose(shifted[i], expected, atol=1e-12)


def test_away_from_the_border_scipys_shift_and_zoom_agree_too(rng):
    """The functions by those names, whose own treatment of borders differs."""
    image = ndimage.gaussian_filter(rng.normal(size=(21, 21)), 2)

    shifted = shift(image[np.newaxis], 1.25, -2.5)[0]
    enlarged = scale(image[np.newaxis], 2.0)[0]

    expected = ndimage.shift(image, (1.25, -2.5), order=1)
    np.testing.assert_allclose(shifted[3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-12)
    # Enlarged twice about the center: old pixels lie at every other new one.
    np.testing.assert_allclose(enlarged[::2, ::2], image[5:16, 5:16], atol=1e-12)


def test_float32_agrees_with_float64(rng):
    images = rng.random((5, 28, 28))

    found = rotate(images.astype(np.float32), np.arange(5) * 17.0)

    assert found.dtype == np.float32
    # coordinates up to 28 in float32: 28 · 6e-8 a rounding, and a few of them
    np.testing.assert_allclose(found, rotate(images, np.arange(5) * 17.0), atol=2e-5)


@given(quarters=st.integers(-9, 9), size=st.integers(1, 8), channels=st.sampled_from([(), (2,)]))
def test_quarter_turns_of_squares_are_exact_and_counter_clockwise(quarters, size, channels):
    images = np.random.default_rng(size).normal(size=(2, size, size, *channels))

    turned = rotate(images, 90.0 * quarters)

    np.testing.assert_array_equal(turned, np.rot90(images, quarters, axes=(1, 2)))


@pytest.mark.parametrize("shape", SHAPES)
def test_four_quarter_turns_angle_zero_scale_one_and_no_shift_change_nothing(rng, shape):
    images = rng.normal(size=shape)

    np.testing.assert_array_equal(rotate(images, 360.0), images)
    np.testing.assert_array_equal(rotate(images, 0.0), images)
    np.testing.assert_array_equal(scale(images, 1.0), images)
    np.testing.assert_array_equal(shift(images, 0, 0), images)


def test_whole_shifts_move_pixels_exactly(rng):
    images = rng.normal(size=(2, 5, 6))

    moved = shift(images, [1, -2], [0, 3], fill=9.0)

    np.testing.assert_array_equal(moved[0, 1:], images[0, :-1])
    np.testing.assert_array_equal(moved[1, :3, 3:], images[1, 2:, :3])
    assert (moved[0, 0] == 9).all()
    assert (moved[1, 3:] == 9).all()


def test_far_away_there_is_only_fill():
    images = np.ones((2, 4, 4))

    assert (shift(images, [40, -40], 0, fill=3.0) == 3).all()
    assert (shift(images, 1e30, 0, fill=3.0) == 3).all()


def test_one_number_serves_all_images_and_each_may_have_its_own(rng):
    images = rng.normal(size=(3, 5, 5))

    together = rotate(images, [0.0, 45.0, 90.0])

    for i, angle in enumerate((0.0, 45.0, 90.0)):
        np.testing.assert_array_equal(together[i], rotate(images, angle)[i])


def test_bytes_are_rounded_and_stay_within_their_range(rng):
    images = rng.integers(0, 256, (3, 9, 9)).astype(np.uint8)

    turned = rotate(images, 33.0)
    noisy, _ = GaussianNoise(200.0)(images, np.zeros(3), rng)

    np.testing.assert_array_equal(turned, np.rint(rotate(images.astype(np.float32), 33.0)))
    assert (noisy.min(), noisy.max()) == (0, 255)
    truth = rng.random((2, 5, 5)) < 0.5
    np.testing.assert_array_equal(rotate(truth, 90), np.rot90(truth, axes=(1, 2)))


def test_flips_mirror_the_right_axis_and_twice_is_nothing(rng):
    X = rng.normal(size=(4, 3, 5, 2))
    y = np.arange(4)

    across, _ = FlipHorizontal(1.0)(X, y, rng)
    down, _ = FlipVertical(1.0)(X, y, rng)

    np.testing.assert_array_equal(across, X[:, :, ::-1])
    np.testing.assert_array_equal(down, X[:, ::-1])
    np.testing.assert_array_equal(FlipHorizontal(1.0)(across, y, rng)[0], X)
    np.testing.assert_array_equal(FlipVertical(0.0)(X, y, rng)[0], X)


# What is drawn: each bound is five standard errors, so that one honest run in a million fails. ---

N = 4000


def spread(values: np.ndarray, mean: float, std: float) -> None:
    """Assert that the mean of many draws is within five standard errors."""
    assert abs(values.mean() - mean) < 5 * std / np.sqrt(len(values))


def test_angles_are_uniform_on_both_sides(rng):
    """A ramp along the columns: its slope is the cosine, its change along the rows the sine."""
    ramp = np.broadcast_to(np.arange(9.0), (N, 9, 9))

    turned, _ = Rotate(40)(ramp, np.zeros(N), rng)

    along, down = turned[:, 4, 5] - turned[:, 4, 4], turned[:, 5, 4] - turned[:, 4, 4]
    # a point down the page shows, after a counter-clockwise turn, what lay left of the center
    angles = np.rad2deg(np.arctan2(-down, along))
    assert abs(angles).max() <= 40 + 1e-9
    assert stats.kstest(angles, stats.uniform(-40, 80).cdf).pvalue > 1e-6


def test_factors_are_uniform(rng):
    ramp = np.broadcast_to(np.arange(9.0), (N, 9, 9))

    scaled, _ = Scale(0.8, 1.5)(ramp, np.zeros(N), rng)

    factors = 1 / (scaled[:, 4, 5] - scaled[:, 4, 4])
    assert stats.kstest(factors, stats.uniform(0.8, 0.7).cdf).pvalue > 1e-6


def places(X: np.ndarray) -> np.ndarray:
    """Return row and column of the one bright pixel of each image."""
    return np.stack(np.unravel_index(X.reshape(len(X), -1).argmax(axis=1), X.shape[1:]))


@pytest.mark.parametrize("transform", [Shift(2), RandomCrop(2)])
def test_all_whole_shifts_are_equally_likely_along_both_axes(rng, transform):
    X = np.zeros((N, 9, 9), np.float32)
    X[:, 4, 4] = 1

    rows, columns = places(transform(X, np.zeros(N), rng)[0])

    counts = np.bincount((rows - 2) * 5 + columns - 2, minlength=25)
    assert len(counts) == 25
    assert stats.chisquare(counts).pvalue > 1e-6


def test_shifts_between_pixels_stay_within_their_range(rng):
    ramp = np.broadcast_to(np.arange(11.0), (N, 11, 11))

    moved, _ = Shift(1.5, whole=False)(ramp, np.zeros(N), rng)

    distances = 5 - moved[:, 5, 5]
    assert stats.kstest(distances, stats.uniform(-1.5, 3).cdf).pvalue > 1e-6


def test_half_of_the_images_are_flipped(rng):
    X = np.broadcast_to(np.array([[[0.0, 1.0]]]), (N, 1, 2))

    flipped, _ = FlipHorizontal()(X, np.zeros(N), rng)

    spread(flipped[:, 0, 0], 0.5, 0.5)


def test_noise_has_its_standard_deviation_and_no_mean(rng):
    X = np.full((N, 50), 3.0, np.float32)

    noise = (GaussianNoise(0.2)(X, np.zeros(N), rng)[0] - X).ravel()

    spread(noise, 0.0, 0.2)
    spread(noise**2, 0.04, 0.04 * np.sqrt(2))  # the variance of a squared normal number is 2σ⁴


@pytest.mark.parametrize("size", [1, 2, 3])
def test_cutout_centers_are_uniform_and_blots_have_their_size(rng, size):
    X = np.ones((N, 6, 7))

    cut, _ = Cutout(size, fill=0.0)(X, np.zeros(N), rng)

    # every pixel is as often inside as centers lie around it, on average
    holes = (cut == 0).sum(axis=(1, 2))
    assert holes.max() == size**2
    starts = np.arange(6) - size // 2, np.arange(7) - size // 2
    rows, columns = (
        np.clip(start + size, 0, length) - np.clip(start, 0, length)
        for start, length in zip(starts, (6, 7), strict=True)
    )
    expected = np.outer(rows, columns).ravel()
    spread(holes, expected.mean(), max(expected.std(), 1e-9) + 1e-9)
    if size == 1:
        row, column = np.unravel_index(cut.reshape(N, -1).argmin(axis=1), (6, 7))
        assert stats.chisquare(np.bincount(row * 7 + column, minlength=42)).pvalue > 1e-6


def test_cutout_is_the_same_in_all_channels(rng):
    cut, _ = Cutout(3)(np.ones((5, 6, 6, 3)), np.zeros(5), rng)

    np.testing.assert_array_equal(cut[..., 0], cut[..., 2])


# Mixup ------------------------------------------------------------------------------------------


def test_mixup_mixes_targets_as_it_mixes_pixels(rng):
    """Each row is one-hot in its pixels too, so that the shares can be read off them."""
    labels = np.array([2, 0, 1, 2, 0])
    X = np.eye(3)[labels]

    mixed, targets = Mixup(1.0, n_classes=3)(X, labels, rng)

    np.testing.assert_allclose(mixed, targets, atol=1e-15)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-15)
    assert ((targets > 0).sum(axis=1) == 2).any()


def test_mixup_of_given_partners_and_shares_is_the_formula(rng):
    X, y = rng.normal(size=(4, 2, 3)), rng.normal(size=4)
    partners, shares = np.array([1, 3, 2, 0]), rng.random(4)

    mixed, targets = mixup(X, y, partners, shares)

    for i, j in enumerate(partners):
        np.testing.assert_allclose(mixed[i], shares[i] * X[i] + (1 - shares[i]) * X[j], rtol=1e-12)
        np.testing.assert_allclose(targets[i], shares[i] * y[i] + (1 - shares[i]) * y[j])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_follow_the_beta_distribution(rng, alpha):
    X = np.arange(N, dtype=float)[:, np.newaxis]
    labels = np.arange(N) % 2

    _, targets = Mixup(alpha, n_classes=2)(X, labels, rng)

    own = targets[np.arange(N), labels]
    mixed = own[own < 1]  # half of the rows meet one of the other class
    assert stats.kstest(mixed, stats.beta(alpha, alpha).cdf).pvalue > 1e-6


def test_rows_of_probabilities_and_quantities_are_mixed_as_they_are(rng):
    X = rng.random((6, 2)).astype(np.float32)

    _, rows = Mixup(1.0)(X, np.full((6, 3), 1 / 3, np.float32), rng)
    mixed, quantities = Mixup(1.0)(X, X.sum(axis=1), rng)

    np.testing.assert_allclose(rows, 1 / 3, rtol=1e-6)  # float32
    np.testing.assert_allclose(quantities, mixed.sum(axis=1), rtol=1e-5)
    assert (rows.dtype, quantities.dtype) == (np.float32, np.float32)


def test_mixup_keeps_the_dtype_of_the_inputs_and_one_hot_rows_have_a_float_one(rng):
    X = rng.integers(0, 256, (6, 4, 4)).astype(np.uint8)

    mixed, targets = Mixup(1.0, n_classes=3)(X, np.arange(6) % 3, rng)

    assert (mixed.dtype, targets.dtype, targets.shape) == (np.uint8, np.float32, (6, 3))


# Put together -----------------------------------------------------------------------------------


def test_compose_applies_one_after_the_other_with_one_generator(rng):
    X, y = rng.random((4, 6, 6)), np.arange(4)
    first, second = Rotate(20), Cutout(2)

    together, labels = Compose([first, second])(X, y, np.random.default_rng(5))

    generator = np.random.default_rng(5)
    expected, _ = second(*first(X, y, generator), generator)
    np.testing.assert_array_equal(together, expected)
    np.testing.assert_array_equal(labels, y)


def test_sometimes_changes_that_share_of_rows_whole_or_not_at_all(rng):
    X = np.ones((N, 2, 2))

    changed, _ = Sometimes(0.3, Compose([lambda X, y, rng: (X + 1, y)]))(X, np.zeros(N), rng)

    assert set(np.unique(changed.reshape(N, -1).sum(axis=1))) == {4.0, 8.0}
    spread(changed[:, 0, 0] - 1, 0.3, np.sqrt(0.21))


def test_sometimes_lets_labels_follow(rng):
    X, y = np.zeros((50, 2)), np.arange(50)

    changed, labels = Sometimes(0.5, lambda X, y, rng: (X + 1, y + 100))(X, y, rng)

    np.testing.assert_array_equal(labels, y + 100 * changed[:, 0].astype(int))


def test_reshaped_rows_are_what_the_images_are(rng):
    X, y = rng.random((5, 24)), np.arange(5)

    rows, _ = Reshaped((4, 3, 2), Rotate(30))(X, y, 3)

    images, _ = Rotate(30)(X.reshape(5, 4, 3, 2), y, 3)
    np.testing.assert_array_equal(rows, images.reshape(5, 24))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Rotate(-1), ArgumentError, "degrees is -1"),
        (lambda: Rotate(5, fill=np.nan), ArgumentError, "Rotate: fill is nan"),
        (lambda: Scale(1.2, 0.8), ArgumentError, "low and high are 1.2 and 0.8.*rising order"),
        (lambda: Scale(0.0, 1.0), ArgumentError, "low is 0.0, expected a number above 0"),
        (lambda: Scale("a", 1.0), ArgumentError, "Scale: low and high is 'a'"),
        (lambda: Shift(-1), ArgumentError, "pixels is -1"),
        (lambda: FlipHorizontal(1.5), ArgumentError, "FlipHorizontal: p is 1.5"),
        (lambda: FlipVertical("p"), ArgumentError, "FlipVertical: p is 'p'"),
        (lambda: RandomCrop(1.5), ArgumentError, "pad is 1.5"),
        (lambda: Cutout(0), ArgumentError, "size is 0"),
        (lambda: GaussianNoise(-0.1), ArgumentError, "std is -0.1"),
        (lambda: Mixup(0), ArgumentError, "alpha is 0"),
        (lambda: Compose(3), DtypeError, "transforms is 3"),
        (lambda: Compose([Rotate]), DtypeError, "Create it with parentheses"),
        (lambda: Sometimes(2, Rotate(1)), ArgumentError, "Sometimes: p is 2"),
        (lambda: Reshaped((2, 2), 3), DtypeError, "Reshaped: 3 is no transform"),
        (lambda: rotate(np.ones((4, 4)), 3), ShapeError, r"\(4, 4\).*Reshaped\(\(H, W\)"),
        (lambda: rotate(np.ones((2, 0, 4)), 3), ShapeError, r"\(2, 0, 4\)"),
        (lambda: rotate(np.full((2, 3, 3), "a"), 3), DtypeError, "images are <U1"),
        (lambda: rotate(np.ones((2, 3, 3)), [1, 2, 3]), ShapeError, r"degrees has shape \(3,\)"),
        (lambda: rotate(np.ones((2, 3, 3)), np.inf), ArgumentError, "nan or infinity"),
        (lambda: scale(np.ones((2, 3, 3)), [1, 0]), ArgumentError, "factors go down to 0"),
        (lambda: mixup([1.0], [1.0, 2.0], [0], [1]), ShapeError, r"\(2,\), \(1,\) and \(1,\)"),
        (lambda: Mixup()([[1.0]], [0], 0), ArgumentError, r"Mixup\(n_classes=10\)"),
        (lambda: Mixup(n_classes=2)([[1.0]], [2], 0), ArgumentError, "run from 2 to 2.*0 to 1"),
        (
            lambda: Sometimes(1, Mixup(n_classes=2))(np.ones((2, 1)), [0, 1], 0),
            ArgumentError, "turned targets of shape",
        ),
        (lambda: Sometimes(1, Rotate(1))(np.ones((2, 3, 3)), [0], 0), ShapeError, "X has 2 rows"),
        (lambda: Reshaped((2, 2), Rotate(1))(np.ones((2, 5)), [0, 1]), ShapeError, "rows of 4"),
        (lambda: GaussianNoise(1)(np.full((2, 2), "a"), [0, 1]), DtypeError, "X is <U1"),
        (lambda: GaussianNoise(1)(np.ones(2), [0, 1]), ShapeError, r"expected rows \(N, ...\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()

    assert isinstance(caught.value, NNLibError)
