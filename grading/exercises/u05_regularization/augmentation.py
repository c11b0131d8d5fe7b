"""A training batch with shifted copies."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u05_regularization.augmentation_mistakes import BATCH_MISTAKES
from grading.exercises.u05_regularization.augmentation_mistakes_shifts import SHIFT_MISTAKES
from grading.probes import Call


def _case(rng: np.random.Generator, n_validation: int) -> Case:
    """Draw images with a shift in every direction and, perhaps, validation rows among them."""
    m, height, width = rng.choice(np.arange(4, 8), size=3, replace=False)
    n = int(m) + n_validation
    is_training = np.ones(n, dtype=bool)
    if n_validation:
        is_training[[0, *rng.choice(np.arange(1, n - 1), size=n_validation - 1, replace=False)]] = (
            False
        )
    shifts = np.array([[1, -2], [-1, 1], [2, 1], [-2, -1]])[rng.integers(4, size=n)]
    shifts[np.flatnonzero(is_training)[:4]] = rng.permutation(
        np.array([[1, -2], [-1, 1], [2, 0], [0, -1]])
    )
    order = rng.permutation(2 * int(m))
    while (np.argsort(order) == order).all() or (order[:3] == np.arange(3)).all():
        order = rng.permutation(2 * int(m))  # not its own inverse
    return Case({
        "images": rng.uniform(0.1, 1.0, size=(n, height, width)),
        "labels": rng.permutation(n) + 1,
        "is_training": is_training,
        "shifts": shifts,
        "order": order,
    })


def _training_rows(rng: np.random.Generator) -> Case:
    return _case(rng, n_validation=0)


def _with_validation_rows(rng: np.random.Generator) -> Case:
    return _case(rng, n_validation=3)


def augment_batch(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the training rows and their shifted copies, shuffled, and their labels."""
    originals = images[is_training]
    height, width = images.shape[1:]
    copies = np.zeros_like(originals)
    for i, (down, right) in enumerate(shifts[is_training]):
        for row in range(max(0, down), min(height, height + down)):
            for column in range(max(0, right), min(width, width + right)):
                copies[i, row, column] = originals[i, row - down, column - right]
    batch = np.concatenate([originals, copies])[order]
    batch_labels = np.concatenate([labels[is_training]] * 2)[order]
    return batch, batch_labels


def _in_a_frame(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(is_training)
    height, width = images.shape[1:]
    margin = max(height, width)
    framed = np.pad(images[rows], ((0, 0), (margin, margin), (margin, margin)))
    copies = [
        image[margin - down : margin - down + height, margin - right : margin - right + width]
        for image, (down, right) in zip(framed, shifts[rows], strict=True)
    ]
    batch = np.array([*images[rows], *copies])
    return batch[order], np.tile(labels[rows], 2)[order]


def _rolled_and_cleared(
    images: np.ndarray,
    labels: np.ndarray,
    is_training: np.ndarray,
    shifts: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    pictures, answers = [], []
    for image, label, training in zip(images, labels, is_training, strict=True):
        if training:
            pictures.append(image)
            answers.append(label)
    for (down, right), training, image, label in zip(
        shifts, is_training, images, labels, strict=True
    ):
        if not training:
            continue
        moved = np.roll(image, (down, right), axis=(0, 1))
        moved[: max(down, 0)] = 0.0
        moved[len(moved) + min(down, 0) :] = 0.0
        moved[:, : max(right, 0)] = 0.0
        moved[:, moved.shape[1] + min(right, 0) :] = 0.0
        pictures.append(moved)
        answers.append(label)
    return np.array([pictures[i] for i in order]), np.array([answers[i] for i in order])


_IMAGES = np.array([
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]],
    [[7.0, 7.0, 7.0], [8.0, 8.0, 8.0]],
])
_HAND = HandCase(
    {
        "images": _IMAGES[:2],
        "labels": np.array([3, 8]),
        "is_training": np.array([True, True]),
        "shifts": np.array([[1, 0], [0, -1]]),
        "order": np.array([2, 0, 3, 1]),
    },
    {
        "batch": np.array([
            [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]],
            [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
            [[20.0, 30.0, 0.0], [50.0, 60.0, 0.0]],
            [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]],
        ]),
        "batch_labels": np.array([3, 3, 8, 8]),
    },
)
_VALIDATION_HAND = HandCase(
    {
        "images": _IMAGES[[2, 0, 1]],
        "labels": np.array([5, 3, 8]),
        "is_training": np.array([False, True, True]),
        "shifts": np.array([[0, 1], [1, 0], [0, -1]]),
        "order": np.array([2, 0, 3, 1]),
    },
    dict(_HAND.expected),
)

AUGMENT_BATCH = Exercise(
    id="augment_batch",
    unit="05",
    tier="core",
    title="A batch with shifted copies",
    minutes=15,
    difficulty=3,
    probe=Call(returns=("batch", "batch_labels")),
    cases=_training_rows,
    criteria=(
        Criterion("images", 2, ("batch",), _HAND),
        Criterion("labels", 1, ("batch_labels",), _HAND),
        Criterion(
            "validation rows",
            1,
            ("batch", "batch_labels"),
            _VALIDATION_HAND,
            draw=_with_validation_rows,
        ),
    ),
    reference=augment_batch,
    alternatives=(_in_a_frame, _rolled_and_cleared),
    misconceptions=(*BATCH_MISTAKES, *SHIFT_MISTAKES),
    hints=(
        Hint(
            "I do not know where to begin, or a shape or an index is off",
            "Three steps. Choose: `images[is_training]` leaves M images; do the same with "
            "everything that has one entry a row. Copy: an array of zeros like them, filled image "
            "by image. Join and shuffle: `np.concatenate([a, b])[order]`.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "The shifted images are wrong",
            "Take the hand example: one row down means that the new row 1 holds the old row 0, and "
            "the new row 0 is empty, 0. So the pixel at (r, c) of the copy comes from "
            "(r − down, c − right), if that lies within the image.",
            ("images",),
            ("value",),
        ),
        Hint(
            "The labels are wrong, or it fails only with validation rows",
            "Whatever is done to the list of images must be done to the list of labels: the same "
            "choice, the same doubling, the same order. The shifts have one entry for each row of "
            "`images`, validation rows included.",
            ("labels", "validation rows"),
        ),
    ),
    solution_note=(
        "Keep what belongs together in one order all the way: choose the training rows of images,\n"
        "labels and shifts with the same mask, append M copies and the M labels once more, and\n"
        "apply the same `order` to both lists. A copy has the label of its original, because a\n"
        "digit moved by a pixel is the same digit. Pixels from outside are 0, the background;\n"
        "np.roll would bring the right edge back on the left.\n"
        "Validation rows are left out altogether: their copies in the training batch would show\n"
        "the model nearly the very images that it is to be judged on."
    ),
)
