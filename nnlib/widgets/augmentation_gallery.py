"""What augmentation does to a digit, whether its label survives, and what training with it gains.

``record`` trains every model; its result is kept in ``augmentation_gallery.json``, and ``python -m
nnlib.widgets augmentation_gallery`` makes it anew (about two minutes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib.widgets._base import synced
from nnlib.widgets._digit_images import packed, unpacked
from nnlib.widgets._figure import Figure
from nnlib.widgets._record import recorded

LEVELS: dict[str, tuple[float, ...]] = {
    "rotate": (0, 10, 20, 45, 90, 180),
    "scale": (0, 0.1, 0.2, 0.3, 0.5),
    "shift": (0, 0.5, 1, 2, 3),
    "mirror": (0, 1),
    "upside": (0, 1),
    "noise": (0, 0.05, 0.1, 0.2, 0.4),
    "cutout": (0, 2, 3, 4, 5),
    "mixup": (0, 0.2, 0.5, 1),
}
"""The strengths of each change: degrees, share, pixels, off and on, standard deviation, pixels of a
side, and alpha. The first is always none."""

DIGITS = (6, 9, 3, 8, 0, 2)
"""The digits on show, one image each."""

CENTERS = ((4, 4), (3, 4), (2, 5), (4, 3), (5, 4), (3, 3))
"""Row and column of the pixel around which each image on show is blotted out."""

SECOND = {0: 0.0, 0.2: 0.1, 0.5: 0.18, 1: 0.25}
"""The mean share that mixup with this alpha gives to the second image: E min(λ, 1 − λ)."""

SEEDS = 10
LABELS = 100


def record(seeds: int = SEEDS) -> dict[str, Any]:
    """Train with and without each change on 100 labeled digits, once for each seed.

    A quarter of the digits (449) is held out. A seed chooses the 100 rows, the initial weights, the
    batches and the changes. One hidden layer of 64 ReLU units, Adam with rate 0.01, 1000 updates of
    32 rows (the last of an epoch has 4). Mirrored images make up half of each batch.

    Parameters
    ----------
    seeds : int, default 10
        The first so many seeds are run.

    Returns
    -------
    dict
        ``images``, those on show; ``normals``, the noise that they get; ``network``, weights of a
        model (32 hidden units) that has seen 899 digits, all of them as they are; ``turned``, how
        often it calls each held-out digit each (10 × 10) after half a turn; ``mirrored``, after a
        mirror; and ``runs``: for each change and strength the held-out digits that each seed gets
        wrong, ``[as they are, changed likewise, changed likewise but trained without]``.
    """
    from nnlib import datasets

    parts = datasets.load("digits").split(validation=0.25, test=0.25, rng=0)
    network = _trained(parts.X_train, parts.y_train, None, seed=0, width=32, updates=1200)
    z = network.forward(parts.X_test)
    right = z.argmax(axis=1) == parts.y_test
    # The clearest of each digit: where the model's lead over the second guess is median or above.
    lead = np.diff(np.sort(z, axis=1)[:, -2:], axis=1)[:, 0]
    shown = [_typical(parts.X_test, right & (parts.y_test == digit), lead) for digit in DIGITS]
    pictures = parts.X_test.reshape(-1, 8, 8)
    result: dict[str, Any] = {
        "images": packed(parts.X_test[shown]),
        "normals": np.random.default_rng(0).standard_normal((len(DIGITS), 64)).round(2).tolist(),
        "network": [layer.astype(float).round(3).tolist() for layer in _arrays(network)],
        "turned": _called(network, pictures[:, ::-1, ::-1], parts.y_test),
        "mirrored": _called(network, pictures[:, :, ::-1], parts.y_test),
        "held": len(parts.y_test),
        "runs": {name: [[] for _ in levels] for name, levels in LEVELS.items()},
    }
    for seed in range(seeds):
        _run_seed(parts, seed, result["runs"])
    return result


def _run_seed(parts: Any, seed: int, runs: dict[str, list[list[list[int]]]]) -> None:
    """Train one model for each change and strength, and append what it gets wrong."""
    from nnlib.augmentation import Reshaped

    rows = np.random.default_rng(seed).permutation(len(parts.y_train))[:LABELS]
    X, y = parts.X_train[rows], parts.y_train[rows]
    plain = _trained(X, y, None, seed)

    def wrong(model: Any, images: NDArray[Any]) -> int:
        return int((model.forward(images).argmax(axis=1) != parts.y_test).sum())

    for name, levels in LEVELS.items():
        for i, strength in enumerate(levels):
            if i == 0:
                runs[name][0].append([wrong(plain, parts.X_test)] * 3)
                continue
            change = Reshaped((8, 8), augmentation(name, strength))
            model = _trained(X, y, change, seed)
            if name == "mixup":  # a mixture has two labels: there is nothing to be right about
                runs[name][i].append([wrong(model, parts.X_test)] * 3)
                continue
            changed, _ = change(parts.X_test, parts.y_test, 1000 + seed)
            counts = [wrong(model, parts.X_test), wrong(model, changed), wrong(plain, changed)]
            runs[name][i].append(counts)


def augmentation(name: str, strength: float) -> Any:
    """Return the transform of ``nnlib.augmentation`` that training with a change uses.

    Parameters
    ----------
    name : str
        A key of ``LEVELS``.
    strength : float
        Above 0.

    Returns
    -------
    Transform
        Angles, factors and distances are drawn evenly up to the strength in both directions.
    """
    from nnlib import augmentation as a

    makers: dict[str, Callable[[], Any]] = {
        "rotate": lambda: a.Rotate(strength),
        "scale": lambda: a.Scale(1 - strength, 1 + strength),
        "shift": lambda: a.Shift(strength, whole=False),
        "mirror": a.FlipHorizontal,
        "upside": a.FlipVertical,
        "noise": lambda: a.GaussianNoise(strength),
        "cutout": lambda: a.Cutout(int(strength)),
        "mixup": lambda: a.Mixup(strength, n_classes=10),
    }
    return makers[name]()


def _trained(
    X: NDArray[Any], y: NDArray[Any], change: Any, seed: int, width: int = 64, updates: int = 1000
) -> Any:
    from nnlib import Adam, CrossEntropy, Linear, ReLU, Sequential, fit

    model = Sequential(Linear(64, width, rng=seed), ReLU(), Linear(width, 10, rng=100 + seed))
    epochs = round(updates / np.ceil(len(y) / 32))
    fit(model, X, y, loss=CrossEntropy(), optimizer=Adam(model, lr=0.01), epochs=epochs,
        batch_size=32, rng=seed, progress=False, augment=change)  # fmt: skip
    return model


def _arrays(model: Any) -> list[NDArray[Any]]:
    first, _, last = model.layers
    return [first.W, first.b, last.W, last.b]


def _typical(images: NDArray[Any], wanted: NDArray[np.bool_], lead: NDArray[Any]) -> int:
    """Return the wanted image that is nearest to the mean of those with a clear lead."""
    rows = np.flatnonzero(wanted)
    rows = rows[lead[rows] >= np.median(lead[rows])]
    distances = ((images[rows] - images[rows].mean(axis=0)) ** 2).sum(axis=1)
    return int(rows[distances.argmin()])


def _called(model: Any, pictures: NDArray[Any], truth: NDArray[Any]) -> list[list[int]]:
    from nnlib.metrics import confusion_matrix

    said = model.forward(pictures.reshape(len(pictures), 64)).argmax(axis=1)
    counts: list[list[int]] = confusion_matrix(truth, said, labels=np.arange(10)).tolist()
    return counts


def transformed(
    images: ArrayLike, name: str, strength: float, normals: ArrayLike
) -> NDArray[np.float64]:
    """Change the images on show as far as training may change them.

    Images turn, grow and move in one direction and its opposite by turns: the first, third, …
    counter-clockwise, larger, down and right. Mixup adds a share of the next image.

    Parameters
    ----------
    images : array_like of shape (N, 64)
        Gray levels from 0 to 1.
    name : str
        A key of ``LEVELS``.
    strength : float
        As there.
    normals : array_like of shape (N, 64)
        Standard normal numbers for the noise.

    Returns
    -------
    ndarray of shape (N, 64)
        The images after the change; noise may lead outside 0 to 1.
    """
    from nnlib.augmentation import rotate, scale, shift

    X = np.asarray(images, float).reshape(-1, 8, 8)
    sign = np.where(np.arange(len(X)) % 2, -1.0, 1.0) * strength
    if strength == 0:
        new = X
    elif name == "rotate":
        new = rotate(X, sign)
    elif name == "scale":
        new = scale(X, 1 + sign)
    elif name == "shift":
        new = shift(X, sign, sign)
    elif name in {"mirror", "upside"}:
        new = np.flip(X, axis=2 if name == "mirror" else 1)
    elif name == "noise":
        new = X + strength * np.asarray(normals, float).reshape(X.shape)
    elif name == "cutout":
        new = _blotted(X, int(strength))
    else:
        share = SECOND[strength]
        new = (1 - share) * X + share * np.roll(X, -1, axis=0)
    return np.asarray(new, float).reshape(len(X), 64)


def _blotted(X: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    new = X.copy()
    for image, (row, column) in zip(new, CENTERS, strict=False):
        top, left = max(0, row - size // 2), max(0, column - size // 2)
        image[top : row - size // 2 + size, left : column - size // 2 + size] = 0
    return new


def answers(network: Iterable[ArrayLike], images: ArrayLike) -> NDArray[np.float64]:
    """Return softmax(ReLU(x W₁ + b₁) W₂ + b₂): what the network thinks of each image.

    Parameters
    ----------
    network : iterable of 4 array_like
        W₁, b₁, W₂ and b₂.
    images : array_like of shape (N, d)
        Rows x.

    Returns
    -------
    ndarray of shape (N, K)
        Probabilities of the classes.

    Examples
    --------
    >>> answers([[[1.0]], [0.0], [[0.0, 1.0]], [0.0, -1.0]], [[1.0], [-5.0]]).round(3).tolist()
    [[0.5, 0.5], [0.731, 0.269]]
    """
    W1, b1, W2, b2 = (np.asarray(a, float) for a in network)
    z = np.maximum(np.asarray(images, float) @ W1 + b1, 0) @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def gains(runs: ArrayLike, none: ArrayLike, held: int) -> tuple[float, float, int]:
    """Return how much training with a change gains on digits as they are.

    Parameters
    ----------
    runs, none : array_like of shape (n_seeds, 3)
        What the record holds for the change, and for none.
    held : int
        How many held-out digits there are.

    Returns
    -------
    mean, spread : float
        Mean and standard deviation over seeds of the difference in accuracy, with − without.
    better : int
        How many seeds are better with it.

    Examples
    --------
    >>> gains([[3, 0, 0], [7, 0, 0]], [[5, 0, 0], [6, 0, 0]], held=100)
    (0.005, 0.015, 1)
    """
    difference = (np.asarray(none, float)[:, 0] - np.asarray(runs, float)[:, 0]) / held
    return float(difference.mean()), float(difference.std()), int((difference > 0).sum())


class AugmentationGallery(Figure):
    """Change digits, mark those that lose their label, and see what training gains.

    Parameters
    ----------
    change : str, default "rotate"
        A key of ``LEVELS``: ``"rotate"``, ``"scale"``, ``"shift"``, ``"mirror"``, ``"upside"``,
        ``"noise"``, ``"cutout"`` or ``"mixup"``.
    level : int, default 5
        The place of the strength in ``LEVELS``; 0 is none.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    change, level
        What the controls hold; set them here and the picture follows.
    marks : list of str
        The images whose label the learner holds for broken, as ``"rotate 5 6"``: change, level and
        digit.
    compared : bool
        Whether the answers of a model and the measured accuracies are shown.

    Raises
    ------
    ValueError
        If there is no such change, or no such level of it.
    """

    title = "Which changes leave a label true?"
    purpose = (
        "Change six digits, mark those that lose their label, and compare with what training says."
    )
    height = 1060

    images: list[str] = synced([])
    normals: list[list[float]] = synced([])
    network: list[Any] = synced([])
    runs: list[list[list[list[int]]]] = synced([])
    held: int = synced(449)
    change: str = synced("rotate")
    level: int = synced(5)
    marks: list[str] = synced([])
    compared: bool = synced(False)

    def __init__(self, *, change: str = "rotate", level: int | None = None, key: str = "") -> None:
        if change not in LEVELS:
            message = f"AugmentationGallery: change is {change!r}, expected one of {tuple(LEVELS)}."
            raise ValueError(message)
        last = len(LEVELS[change]) - 1
        chosen = last if level is None else int(level)
        if not 0 <= chosen <= last:
            message = f"AugmentationGallery: level is {level!r}, expected 0 to {last} for {change}."
            raise ValueError(message)
        data = recorded("augmentation_gallery")
        given: dict[str, Any] = {name: data[name] for name in ("images", "normals", "network")}
        given |= {"runs": [data["runs"][name] for name in LEVELS], "held": data["held"]}
        super().__init__(key=key, change=change, level=chosen, **given)

    @property
    def strength(self) -> float:
        """The strength at this level."""
        return LEVELS[self.change][min(self.level, len(LEVELS[self.change]) - 1)]

    def changed(self) -> NDArray[np.float64]:
        """Return the images on show after the change, shape (6, 64)."""
        return transformed(unpacked(self.images), self.change, self.strength, self.normals)

    def summary(self) -> str:
        """Return the state in one sentence."""
        runs = self.runs[list(LEVELS).index(self.change)]
        place = min(self.level, len(runs) - 1)
        mean, spread, better = gains(runs[place], runs[0], self.held)
        return (
            f"training 100 labels with {self.change} at {self.strength:g} changes the accuracy by "
            f"{100 * mean:+.1f} ± {100 * spread:.1f} points; {better} of {len(runs[0])} runs gain."
        )
