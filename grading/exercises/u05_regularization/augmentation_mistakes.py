"""Known wrong answers to `augment_batch`: which rows, in which order, with which label."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _shifted(originals: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    copies = np.zeros_like(originals)
    height, width = originals.shape[1:]
    for i, (down, right) in enumerate(shifts):
        moved = np.roll(originals[i], (down, right), axis=(0, 1))
        rows, columns = np.arange(height) - down, np.arange(width) - right
        inside = ((rows >= 0) & (rows < height))[:, np.newaxis] & (columns >= 0) & (columns < width)
        copies[i] = moved * inside
    return copies


def _labels_not_shuffled(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)


def _labels_repeated_one_by_one(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    return np.concatenate([originals, copies])[order], np.repeat(labels[is_training], 2)[order]


def _labels_of_the_first_rows(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    m = len(originals)
    return np.concatenate([originals, copies])[order], np.tile(labels[:m], 2)[order]


def _shifts_of_the_first_rows(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[: len(originals)])
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _validation_rows_augmented(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    copies = _shifted(images, shifts)
    return np.concatenate([images, copies])[order], np.tile(labels, 2)[order]


def _order_inverted(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    joined = np.concatenate([originals, _shifted(originals, shifts[is_training])])
    batch, batch_labels = np.zeros_like(joined), np.tile(labels[is_training], 2)
    batch[order] = joined
    batch_labels[order] = np.tile(labels[is_training], 2)
    return batch, batch_labels


def _down_and_right_swapped(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training][:, ::-1])
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _opposite_direction(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, -shifts[is_training])
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _originals_shifted_too(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    copies = _shifted(images[is_training], shifts[is_training])
    return np.concatenate([copies, copies])[order], np.tile(labels[is_training], 2)[order]


def _one_shift_for_all(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    first = np.tile(shifts[is_training][0], (len(originals), 1))
    copies = _shifted(originals, first)
    return np.concatenate([originals, copies])[order], np.tile(labels[is_training], 2)[order]


def _copies_first(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    return np.concatenate([copies, originals])[order], np.tile(labels[is_training], 2)[order]


def _pairs_listed(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    pairs = np.stack([originals, copies], axis=1).reshape(-1, *images.shape[1:])
    return pairs[order], np.repeat(labels[is_training], 2)[order]


def _images_not_shuffled(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    return np.concatenate([originals, copies]), np.tile(labels[is_training], 2)[order]


def _nothing_shuffled(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    copies = _shifted(originals, shifts[is_training])
    return np.concatenate([originals, copies]), np.tile(labels[is_training], 2)


def _copies_not_shifted(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    originals = images[is_training]
    return np.concatenate([originals, originals])[order], np.tile(labels[is_training], 2)[order]


def _validation_rows_listed(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    copies = _shifted(images[is_training], shifts[is_training])
    pictures = np.concatenate([images, copies])
    return pictures[order], np.concatenate([labels, labels[is_training]])[order]


_BOTH = ("labels", "validation rows")
_PICTURES = ("images", "validation rows")
_ALL = ("images", "labels", "validation rows")

BATCH_MISTAKES = (
    Misconception(
        "labels_not_shuffled",
        _labels_not_shuffled,
        _BOTH,
        "The images are shuffled, their labels are not: a network that learns from this learns "
        "noise. Whatever moves the images must move the labels. Where is `order` used a second "
        "time?",
    ),
    Misconception(
        "labels_repeated_one_by_one",
        _labels_repeated_one_by_one,
        _BOTH,
        "The labels are doubled as 3, 3, 8, 8, while the images stand as originals first and "
        "copies afterwards. In which order must the labels be listed to fit that?",
    ),
    Misconception(
        "labels_of_the_first_rows",
        _labels_of_the_first_rows,
        ("validation rows",),
        "The labels come from the first M rows, whether they are training rows or not. As soon as "
        "a validation row stands among them, labels slip to other images. How did you choose the "
        "images?",
    ),
    Misconception(
        "shifts_of_the_first_rows",
        _shifts_of_the_first_rows,
        ("validation rows",),
        "After the choice image number i is no longer row number i, but the shifts are still "
        "counted by rows. Which of the arguments have one entry a row, and must be chosen from?",
    ),
    Misconception(
        "validation_rows_augmented",
        _validation_rows_augmented,
        ("validation rows",),
        "The validation rows are in the training batch, with copies. The model would then be "
        "judged on images that it has learned from. Which argument says which rows may be used?",
    ),
    Misconception(
        "order_inverted",
        _order_inverted,
        _ALL,
        "Entry i of the list went to place order[i]. The text between the triple quotes asks for "
        "the reverse: place i receives entry order[i]. On which side of the `=` does `order` then "
        "stand?",
    ),
    Misconception(
        "down_and_right_swapped",
        _down_and_right_swapped,
        _PICTURES,
        "The images move right where they should move down. Axis 1 of `images` counts the rows of "
        "pixels, axis 2 the columns. Which of them does a step down go along?",
    ),
    Misconception(
        "opposite_direction",
        _opposite_direction,
        _PICTURES,
        "The images move the other way. If the copy's row r is read from row r + down, the picture "
        "goes up. From which old row must the new row r be read?",
    ),
    Misconception(
        "originals_shifted_too",
        _originals_shifted_too,
        _PICTURES,
        "The shifted images appear twice and the originals are missing. A network that never sees "
        "a digit in its usual place learns that worse. What should the first half of the list "
        "hold?",
    ),
    Misconception(
        "one_shift_for_all",
        _one_shift_for_all,
        _PICTURES,
        "All images are moved by the shift of the first. Each row of `shifts` belongs to one "
        "image: the more different the copies are, the more they teach. What must change from "
        "turn to turn of your loop?",
    ),
    Misconception(
        "copies_first",
        _copies_first,
        _PICTURES,
        "Your list begins with the copies, so `order` picks a copy wherever it means an "
        "original. The labels are the same either way. Which of the two comes first in the text "
        "between the triple quotes?",
    ),
    Misconception(
        "pairs_listed",
        _pairs_listed,
        _ALL,
        "Your list holds each image next to its copy: first, its copy, second, its copy. Images "
        "and labels fit each other, but `order` was made for another list. In which order does "
        "the text between the triple quotes list the 2M images?",
    ),
    Misconception(
        "images_not_shuffled",
        _images_not_shuffled,
        _PICTURES,
        "The labels are shuffled, the images are not: a network that learns from this learns "
        "noise. Whatever moves the labels must move the images. Where is `order` used a second "
        "time?",
    ),
    Misconception(
        "nothing_shuffled",
        _nothing_shuffled,
        _ALL,
        "The list is right and comes back in its own order. A batch sorted like that shows the "
        "originals first. Which argument has not been used?",
    ),
    Misconception(
        "copies_not_shifted",
        _copies_not_shifted,
        _PICTURES,
        "Each image appears twice, both times in its old place. A network learns nothing from "
        "that which it has not seen. Which argument has not been used?",
    ),
    Misconception(
        "validation_rows_listed",
        _validation_rows_listed,
        ("validation rows",),
        "The copies are those of the training rows, but the originals are all rows, the "
        "validation rows among them. The model would be judged on images that it has learned "
        "from. Where is `is_training` needed a second time?",
    ),
)
