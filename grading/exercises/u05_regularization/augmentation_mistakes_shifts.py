"""Known wrong answers to `augment_batch`: how an image is moved."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _wrapped_round(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = [
        np.roll(image, (down, right), axis=(0, 1))
        for image, (down, right) in zip(originals, shifts[is_training], strict=True)
    ]
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _slices_for_positive_shifts(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    height, width = images.shape[1:]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        copies[k, d:, r:] = originals[k, : height - d, : width - r]
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _slices_to_minus_the_shift(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        copies[k, d:, r:] = originals[k, :-d, :-r]
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _cleared_from_the_start(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        moved = np.roll(originals[k], (d, r), axis=(0, 1))
        moved[:d] = 0.0
        moved[:, :r] = 0.0
        copies[k] = moved
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _negative_shifts_wrap(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        moved = np.roll(originals[k], (d, r), axis=(0, 1))
        if d > 0:
            moved[:d] = 0.0
        if r > 0:
            moved[:, :r] = 0.0
        copies[k] = moved
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _cleared_by_the_size(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        moved = np.roll(originals[k], (d, r), axis=(0, 1))
        moved[: abs(d)] = 0.0
        moved[:, : abs(r)] = 0.0
        copies[k] = moved
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _read_over_the_edge(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    height, width = images.shape[1:]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        for row in range(height):
            for column in range(width):
                if row - d < height and column - r < width:
                    copies[k, row, column] = originals[k, row - d, column - r]
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _edge_repeated(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    height, width = images.shape[1:]
    copies = np.zeros_like(originals)
    for k, (d, r) in enumerate(shifts[is_training]):
        rows = np.clip(np.arange(height) - d, 0, height - 1)
        columns = np.clip(np.arange(width) - r, 0, width - 1)
        copies[k] = originals[k][rows][:, columns]
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


_PICTURES = ("images", "validation rows")
_ALL = ("images", "labels", "validation rows")

SHIFT_MISTAKES = (
    Misconception(
        "wrapped_round",
        _wrapped_round,
        _PICTURES,
        "Pixels that leave on one side come back on the other, as np.roll does it. The top of a 7 "
        "at its foot makes another sign. What should stand in the places that become free?",
    ),
    Misconception(
        "slices_for_positive_shifts",
        _slices_for_positive_shifts,
        _ALL,
        "These slices fit a shift down and to the right. For a negative one, as −1 to the left, "
        "`r:` is the last column alone and `: width - r` is all of them, so the shapes do not "
        "agree. At which index must each slice begin and end when the shift is negative?",
    ),
    Misconception(
        "slices_to_minus_the_shift",
        _slices_to_minus_the_shift,
        _ALL,
        "`:-d` leaves out the last d rows, but for d = 0 it means `:0` and is empty; for a "
        "negative d it keeps the first rows alone. Both kinds of shift come up. Which end of a "
        "slice works for 2, for 0 and for −2?",
    ),
    Misconception(
        "cleared_from_the_start",
        _cleared_from_the_start,
        _PICTURES,
        "You roll and then clear `[:d]`. For d = 2 these are the two rows that came in at the "
        "top; for d = −1 they are all rows but the last. Where do rows come in when the image "
        "moves up?",
    ),
    Misconception(
        "negative_shifts_wrap",
        _negative_shifts_wrap,
        _PICTURES,
        "You roll and clear what came in at the top or on the left. With a negative shift it "
        "comes in at the bottom or on the right, and stays there. Which rows does `np.roll` "
        "bring round for −1?",
    ),
    Misconception(
        "cleared_by_the_size",
        _cleared_by_the_size,
        _PICTURES,
        "You roll and clear as many rows at the top as the shift is large, also when it is "
        "negative. Then the picture is cut where it should be, and what came round at the "
        "bottom stays. At which edge does an image that moves up leave a free row?",
    ),
    Misconception(
        "read_over_the_edge",
        _read_over_the_edge,
        _PICTURES,
        "Row r is read from row r − d, also where that is below 0. Python counts a negative "
        "index from the end, so the opposite edge comes in. What must be asked of both indices "
        "before they are used?",
    ),
    Misconception(
        "edge_repeated",
        _edge_repeated,
        _PICTURES,
        "The places that become free are filled with the edge of the picture. A stroke that "
        "touches the edge is drawn out by that. Which value has the background?",
    ),
)
