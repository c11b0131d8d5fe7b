"""The Hessian's eigenvalues of a trained network, slices of its loss, and flat against sharp.

``record`` trains and measures; its result is kept in ``spectrum_slices.json``, and ``python -m
nnlib.widgets spectrum_slices`` makes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._record import recorded

if TYPE_CHECKING:
    from nnlib.datasets import Split
    from nnlib.layers import Sequential

Floats = NDArray[np.float64]

HIDDEN, LR, STEPS, SEEDS = 12, 0.5, 300, 6
"""Units between 64 pixels and 10 classes; rate and steps of the training; how many networks."""

RANKS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 20, 30, 50, 100, 200, 300, 910)
"""The eigenvectors along which the loss is sliced, by rank; the last has the least eigenvalue."""

DISTANCES = tuple(round(-1 + 0.05 * i, 2) for i in range(41))
"""How far the slices go, in units of the parameters."""

LOG_SCALES = tuple(-3 + 0.5 * i for i in range(13))
"""log2 of the factors α of the re-scaling."""

PARTS = ("spectrum", "rescaling")
NETWORKS = ("before", "after")


def trained(seed: int = 0) -> tuple[Sequential, Sequential, Split]:
    """Train a small network on the embedded digits with plain gradient descent.

    64 pixels, 12 ReLU units and 10 classes are 910 parameters; each of the 300 steps at rate 0.5
    takes the gradient of the cross-entropy over all 1078 training rows. Everything is float64.

    Parameters
    ----------
    seed : int, default 0
        Splits the data and draws the weights.

    Returns
    -------
    before, after : Sequential
        The network as it was drawn, and trained.
    split : Split
        The data.
    """
    from nnlib import CrossEntropy, Linear, ReLU, Sequential
    from nnlib.datasets import load

    split = load("digits").split(rng=seed)
    rng = np.random.default_rng(seed)
    layers = (
        Linear(64, HIDDEN, dtype=np.float64, rng=rng),
        Linear(HIDDEN, 10, dtype=np.float64, rng=rng),
    )
    model = Sequential(layers[0], ReLU(), layers[1])
    before, X, loss = model.astype(np.float64), split.X_train.astype(np.float64), CrossEntropy()
    for _ in range(STEPS):
        _, grad = model.loss_and_gradient(X, split.y_train, loss)
        model.theta = model.theta - LR * grad
    return before, model, split


def rescaled(model: Sequential, alpha: float) -> Sequential:
    """Multiply the first layer by α and divide the weights of the second by α.

        ReLU(x αW₁ + αb₁) W₂/α + b₂  =  ReLU(x W₁ + b₁) W₂ + b₂        for every α > 0

    Parameters
    ----------
    model : Sequential
        Linear, ReLU, Linear. It is left as it was.
    alpha : float
        Above 0.

    Returns
    -------
    Sequential
        The same function of x at another place of parameter space.

    References
    ----------
    Dinh, Pascanu, Bengio & Bengio (2017), Sharp minima can generalize for deep nets, ICML.
    """
    copy = model.astype(np.float64)
    factors = {"W": alpha, "b": alpha}, {"W": 1 / alpha, "b": 1.0}
    for layer, scales in zip((copy.layers[0], copy.layers[2]), factors, strict=True):
        for name, factor in scales.items():
            setattr(layer, name, getattr(layer, name) * factor)
    return copy


def slice_along(model: Sequential, X: Floats, y: NDArray[Any], direction: Floats) -> Floats:
    """Return L(θ + t v) − L(θ) for every t of ``DISTANCES``.

    Parameters
    ----------
    model : Sequential
        At θ; it is left as it was.
    X, y : ndarray
        Rows and targets of the cross-entropy.
    direction : ndarray of shape (P,)
        v, of length 1.

    Returns
    -------
    ndarray of shape (41,)
        Changes of the loss in nats.
    """
    from nnlib import CrossEntropy

    copy, loss = model.astype(np.float64), CrossEntropy()
    losses = []
    for t in DISTANCES:
        copy.theta = model.theta + t * direction
        losses.append(loss.forward(copy.forward(X), y))
    return np.array(losses) - losses[DISTANCES.index(0.0)]


def predicted(slope: float, eigenvalue: float, t: float) -> float:
    """Return what the second derivatives say about a step along an eigenvector.

        L(θ + t v) − L(θ) ≈ t gᵀv + ½ λ t²

    Parameters
    ----------
    slope : float
        gᵀv, the gradient along v.
    eigenvalue : float
        λ.
    t : float
        How far.

    Returns
    -------
    float
        The change of the loss.

    Examples
    --------
    >>> predicted(-0.5, 3.0, 2.0)
    5.0
    """
    return t * slope + 0.5 * eigenvalue * t * t


def count_tall(eigenvalues: Sequence[float], share: float = 0.1) -> int:
    """Count the eigenvalues that reach a share of the largest.

    Parameters
    ----------
    eigenvalues : sequence of float
        Largest first.
    share : float, default 0.1
        Between 0 and 1.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> count_tall([5.0, 0.5, 0.4, -3.0])
    2
    """
    return sum(value >= share * eigenvalues[0] for value in eigenvalues)


def _short(values: Any, digits: int = 4) -> Any:
    """Round to a number of significant digits, as the record keeps them."""
    if np.ndim(values):
        return [_short(value, digits) for value in values]
    return float(f"{values:.{digits}g}")


def measure(model: Sequential, split: Split) -> dict[str, Any]:
    """Return loss, accuracies, all eigenvalues and the slices of a network.

    Parameters
    ----------
    model : Sequential
        The network.
    split : Split
        Its data; the Hessian is that of the loss on the training rows.

    Returns
    -------
    dict
        ``loss``, ``accuracy`` on the training and the test rows, ``norm`` of the gradient,
        ``eigenvalues``, and for each of ``RANKS`` the ``slopes`` gᵀv and the ``slices``.
    """
    from nnlib import CrossEntropy
    from nnlib.curvature import Hessian

    X, y, loss = split.X_train.astype(np.float64), split.y_train, CrossEntropy()
    value, grad = model.loss_and_gradient(X, y, loss)
    grad = grad.copy()
    values, vectors = np.linalg.eigh(Hessian(model, X, y, loss).dense())
    values, vectors = values[::-1], vectors[:, ::-1]
    # An eigenvector may point either way: here its largest entry is positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(len(values))])
    directions = [vectors[:, rank - 1] for rank in RANKS]
    return {
        "loss": _short(value, 6),
        "accuracy": _accuracies(model, split),
        "norm": _short(np.linalg.norm(grad)),
        "eigenvalues": _short(values, 3),
        "slopes": [_short(grad @ v, 3) for v in directions],
        "slices": [_short(slice_along(model, X, y, v)) for v in directions],
    }


def _accuracies(model: Sequential, split: Split) -> list[float]:
    """Return the shares of training and test rows that a network gets right."""
    pairs = (split.X_train, split.y_train), (split.X_test, split.y_test)
    return [float(np.mean(model.forward(X).argmax(axis=1) == y)) for X, y in pairs]


def measure_rescaled(model: Sequential, split: Split, log_scale: float) -> dict[str, Any]:
    """Return what a re-scaling by α = 2^``log_scale`` changes, and what it does not.

    Parameters
    ----------
    model : Sequential
        The network before the re-scaling.
    split : Split
        Its data.
    log_scale : float
        log2 α.

    Returns
    -------
    dict
        ``loss``, ``accuracy`` on training and test rows, ``norm`` of the parameters, ``largest``
        eigenvalue, ``trace`` of the Hessian, and ``slope`` and ``slice`` along the top eigenvector.
    """
    from nnlib import CrossEntropy
    from nnlib.curvature import Hessian

    X, y, loss = split.X_train.astype(np.float64), split.y_train, CrossEntropy()
    copy = rescaled(model, 2.0**log_scale)
    value, grad = copy.loss_and_gradient(X, y, loss)
    slope = grad.copy()
    hessian = Hessian(copy, X, y, loss)
    top = hessian.spectrum(1, rng=0)
    v = top.eigenvectors[:, 0]
    v = v * np.sign(v[np.abs(v).argmax()])
    return {
        "loss": _short(value, 6),
        "accuracy": _accuracies(copy, split),
        "norm": _short(np.linalg.norm(copy.theta)),
        "largest": _short(top.eigenvalues[0]),
        "trace": _short(hessian.diagonal().sum()),
        "slope": _short(slope @ v, 3),
        "slice": _short(slice_along(copy, X, y, v)),
    }


def record(seeds: int = SEEDS) -> dict[str, Any]:
    """Train one network, measure it before and after and re-scaled, and count over more seeds.

    Parameters
    ----------
    seeds : int, default 6
        For how many networks the tall eigenvalues are counted.

    Returns
    -------
    dict
        ``before`` and ``after`` of ``measure``, ``rescaled`` for each of ``LOG_SCALES``, and
        ``tall``: for each seed how many eigenvalues reach a tenth of the largest after training.
    """
    from nnlib import CrossEntropy
    from nnlib.curvature import Hessian

    before, after, split = trained()
    tall = []
    for seed in range(seeds):
        _, model, data = trained(seed)
        hessian = Hessian(model, data.X_train.astype(np.float64), data.y_train, CrossEntropy())
        tall.append(count_tall(np.linalg.eigvalsh(hessian.dense())[::-1].tolist()))
    return {
        "before": measure(before, split),
        "after": measure(after, split),
        "rescaled": [measure_rescaled(after, split, p) for p in LOG_SCALES],
        "tall": tall,
    }


class SpectrumSlices(Figure):
    """See the eigenvalues of a trained network, its loss along eigenvectors, and a re-scaling.

    Parameters
    ----------
    part : str, default "spectrum"
        ``"spectrum"`` or ``"rescaling"``: what is shown first, and what the prediction is about.
    network : str, default "after"
        ``"before"`` or ``"after"`` training.
    rank : int, default 1
        Along which eigenvector the loss is sliced, one of ``RANKS``.
    distance : float, default 0.5
        t, where the slice is read: −1 to 1 in steps of 0.05.
    log_scale : float, default 0
        log2 α of the re-scaling: −3 to 3 in steps of 0.5.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    part, network, rank, distance, log_scale
        What the controls hold; set them here and the picture follows.
    record : list
        One entry, the measurements: see ``record`` of this module.

    Raises
    ------
    ValueError
        If a value is none of those above.
    """

    title = "How curved is the loss of a trained network?"
    purpose = (
        "See the curvatures of a trained network's loss, one by one, and what a re-scaling does to "
        "them."
    )
    height = 880

    part: str = synced("spectrum")
    network: str = synced("after")
    rank: int = synced(1)
    distance: float = synced(0.5)
    log_scale: float = synced(0.0)
    record: list[Any] = synced([])

    def __init__(
        self,
        *,
        part: str = "spectrum",
        network: str = "after",
        rank: int = 1,
        distance: float = 0.5,
        log_scale: float = 0.0,
        key: str = "",
    ) -> None:
        allowed: dict[str, tuple[Any, Sequence[Any]]] = {
            "part": (part, PARTS),
            "network": (network, NETWORKS),
            "rank": (rank, RANKS),
            "distance": (distance, DISTANCES),
            "log_scale": (log_scale, LOG_SCALES),
        }
        for name, (value, choices) in allowed.items():
            if value not in choices:
                message = f"SpectrumSlices: {name} is {value!r}, expected one of {tuple(choices)}."
                raise ValueError(message)
        given: dict[str, Any] = {"part": part, "network": network, "rank": int(rank)}
        given |= {"distance": float(distance), "log_scale": float(log_scale)}
        super().__init__(key=key, record=[recorded("spectrum_slices")], **given)

    def summary(self) -> str:
        """Return the state in one sentence."""
        data = self.record[0]
        if self.part == "rescaling":
            point = data["rescaled"][LOG_SCALES.index(self.log_scale)]
            return (
                f"a trained network re-scaled by {2**self.log_scale:.3g}: its loss is "
                f"{point['loss']:.4f} as before, its largest eigenvalue {point['largest']:.3g}."
            )
        values = data[self.network]["eigenvalues"]
        return (
            f"{count_tall(values)} of {len(values)} eigenvalues of a network {self.network} "
            f"training reach a tenth of the largest, {values[0]:.3g}."
        )
