"""The size of the gradient in each layer of a deep random network, before any training."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats, normals

WIDTH, ROWS, DEEPEST = 48, 16, 50
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky", "gelu")
INITIALIZERS = {"small": 0.01, "xavier": WIDTH**-0.5, "he": (2 / WIDTH) ** 0.5, "large": 1.0}
"""The standard deviation of the weights. Fan in and fan out are equal here, so that Xavier's
variance 2 / (fan_in + fan_out) is 1 / fan_in."""

STRUCTURES = ("plain", "norm", "residual", "both")
LEAK, EPS = 0.1, 1e-5
VANISHING, EXPLODING = 1e-3, 1e3
"""Limits of first to last layer, those of ``nnlib.diagnostics.diagnose``."""


class Flow(NamedTuple):
    """What one forward and one backward pass through D layers measure."""

    signal: list[float]
    """√mean h² of each layer's output, first to last."""
    gradient: list[float]
    """‖∂L/∂h‖ at each layer's output, first to last."""
    weight_gradient: list[float]
    """‖∂L/∂W‖ of each layer, first to last."""
    slope: list[float]
    """mean φ'(z)² of each layer, first to last."""


def activate(name: str, z: Floats) -> tuple[Floats, Floats]:
    """Return φ(z) and φ'(z).

    Parameters
    ----------
    name : str
        One of ``ACTIVATIONS``. Leaky ReLU has the slope 0.1 below zero; GELU is its tanh form.
    z : ndarray of any shape
        Values before the activation.

    Returns
    -------
    h, slope : ndarray of the shape of z
        Values after it, and the slope there; at 0 the slope of ReLU is 0.

    Examples
    --------
    >>> h, slope = activate("leaky", np.array([-2.0, 3.0]))
    >>> h, slope
    (array([-0.2,  3. ]), array([0.1, 1. ]))
    """
    if name == "sigmoid":
        h = np.exp(-np.logaddexp(0.0, -z))
        return h, h * (1 - h)
    if name == "tanh":
        h = np.tanh(z)
        return h, 1 - h * h
    if name == "gelu":
        u = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
        t = np.tanh(u)
        inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)
        # Where tanh is 1 its slope is 0, but the inner slope may be too large to square.
        return 0.5 * z * (1 + t), 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * inner
    below = LEAK if name == "leaky" else 0.0
    slope = np.where(z > 0, 1.0, below)
    return z * slope, slope


def flow(depth: int, activation: str, init: str, structure: str, seed: int = 0) -> Flow:
    """Send 16 random rows forward through D layers of 48 units, and a random gradient back.

    A layer computes, with ``norm`` between z and φ, and with ``residual`` around both,

        z = h W        h ← φ(z)        or        h ← h + φ(z)

    without bias. On the way back ∂L/∂z = φ'(z) ∂L/∂h, and a plain layer passes on ∂L/∂h = ∂L/∂z Wᵀ.
    The same gradient enters at the top whatever the choices are, so the layers alone make the
    difference.

    Parameters
    ----------
    depth : int
        D, from 2 to 50.
    activation : str
        One of ``ACTIVATIONS``.
    init : str
        One of ``INITIALIZERS``.
    structure : str
        ``"plain"``, ``"norm"`` (batch normalization), ``"residual"`` or ``"both"``.
    seed : int, default 0
        Names the draw of rows, weights and gradient.

    Returns
    -------
    Flow
        Four lists of length D.

    References
    ----------
    Glorot & Bengio (2010), AISTATS, 249-256.

    Examples
    --------
    >>> gradient = flow(20, "sigmoid", "xavier", "plain").gradient
    >>> gradient[0] < 1e-9 * gradient[-1]
    True
    """
    n, rows = WIDTH, ROWS
    std = INITIALIZERS[init]
    drawn = normals(3 * seed, depth * n * n).reshape(depth, n, n)
    h = normals(3 * seed + 1, rows * n).reshape(rows, n)
    norm, residual = structure in {"norm", "both"}, structure in {"residual", "both"}
    inputs, slopes, hats, scales, signal = [], [], [], [], []
    for W in std * drawn:
        z = h @ W
        if norm:
            scale = 1 / np.sqrt(z.var(axis=0) + EPS)
            z = (z - z.mean(axis=0)) * scale
            hats.append(z)
            scales.append(scale)
        y, slope = activate(activation, z)
        inputs.append(h)
        slopes.append(slope)
        h = h + y if residual else y
        signal.append(math.sqrt(float(np.mean(h * h))))

    dh = normals(3 * seed + 2, rows * n).reshape(rows, n) / rows
    gradient, weight_gradient = [0.0] * depth, [0.0] * depth
    for i in reversed(range(depth)):
        gradient[i] = float(np.linalg.norm(dh))
        dz = slopes[i] * dh
        if norm:
            x_hat = hats[i]
            dz = scales[i] * (dz - dz.mean(axis=0) - x_hat * (dz * x_hat).mean(axis=0))
        weight_gradient[i] = float(np.linalg.norm(inputs[i].T @ dz))
        back = dz @ (std * drawn[i]).T
        dh = dh + back if residual else back
    return Flow(signal, gradient, weight_gradient, [float(np.mean(s * s)) for s in slopes])


def ratio(found: Flow) -> float:
    """Return ‖∂L/∂h‖ at the first layer over that at the last.

    Parameters
    ----------
    found : Flow
        What ``flow`` measured.

    Returns
    -------
    float
        1 where the gradient arrives as it left.
    """
    return found.gradient[0] / found.gradient[-1]


def factor(found: Flow) -> float:
    """Return by what one layer multiplies the gradient on average: ratio^(1 / (D − 1)).

    Parameters
    ----------
    found : Flow
        What ``flow`` measured.

    Returns
    -------
    float
        The geometric mean over the D − 1 layers that the gradient passes.
    """
    return math.pow(ratio(found), 1 / (len(found.gradient) - 1))


def expected_factor(found: Flow, init: str) -> float:
    """Return what theory gives for ``factor`` in a plain network: √(n · var W · mean φ'²).

    Parameters
    ----------
    found : Flow
        What ``flow`` measured: its slopes enter, of the layers that the gradient passes.
    init : str
        One of ``INITIALIZERS``.

    Returns
    -------
    float
        The geometric mean over these layers.
    """
    gains = [WIDTH * INITIALIZERS[init] ** 2 * s for s in found.slope[1:]]
    return math.exp(sum(math.log(max(gain, 1e-300)) for gain in gains) / (2 * len(gains)))


def verdict(found: Flow) -> str:
    """Return ``"vanishing"``, ``"exploding"`` or ``"healthy"`` by the ratio and its two limits.

    Parameters
    ----------
    found : Flow
        What ``flow`` measured.

    Returns
    -------
    str
        Vanishing below 1/1000, exploding above 1000.
    """
    r = ratio(found)
    return "vanishing" if r < VANISHING else "exploding" if r > EXPLODING else "healthy"


class GradientFlow(Figure):
    """Watch the gradient shrink or grow on its way back through a deep network.

    Parameters
    ----------
    depth : int, default 20
        Layers, from 2 to 50.
    activation : str, default "sigmoid"
        ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky"`` or ``"gelu"``.
    init : str, default "xavier"
        ``"small"`` (standard deviation 0.01), ``"xavier"``, ``"he"`` or ``"large"`` (1).
    structure : str, default "plain"
        ``"plain"``, ``"norm"``, ``"residual"`` or ``"both"``.
    seed : int, default 0
        Names the draw.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    depth, activation, init, structure, seed
        What the controls hold; set them here and the picture follows.
    ratio : float
        Gradient at the first layer over that at the last.
    verdict : str
        ``"vanishing"``, ``"healthy"`` or ``"exploding"``.

    Raises
    ------
    ValueError
        If a name is none of those above, or the depth is outside 2 to 50.
    """

    title = "What is left of the gradient at the first layer?"
    purpose = (
        "Follow the gradient from the last layer back to the first, through layer after layer."
    )
    height = 900

    depth: int = synced(20)
    activation: str = synced("sigmoid")
    init: str = synced("xavier")
    structure: str = synced("plain")
    seed: int = synced(0)
    ratio: float = synced(0.0)
    verdict: str = synced("")

    def __init__(
        self,
        *,
        depth: int = 20,
        activation: str = "sigmoid",
        init: str = "xavier",
        structure: str = "plain",
        seed: int = 0,
        key: str = "",
    ) -> None:
        given = {"activation": activation, "init": init, "structure": structure}
        allowed = (ACTIVATIONS, tuple(INITIALIZERS), STRUCTURES)
        for (name, value), names in zip(given.items(), allowed, strict=True):
            if value not in names:
                message = f"GradientFlow: {name} is {value!r}, expected one of {names}."
                raise ValueError(message)
        if not 2 <= depth <= DEEPEST:
            message = (
                f"GradientFlow: depth is {depth!r}, expected a whole number from 2 to {DEEPEST}."
            )
            raise ValueError(message)
        super().__init__(key=key, depth=int(depth), seed=int(seed), **given)
        self._refresh()
        self._follow(("depth", "activation", "init", "structure", "seed"), self._refresh)

    def _refresh(self) -> None:
        """Keep the numbers true where Python sets a control and no browser is open."""
        found = flow(self.depth, self.activation, self.init, self.structure, self.seed)
        self.ratio, self.verdict = ratio(found), verdict(found)

    def summary(self) -> str:
        """Return the state in one sentence."""
        return (
            f"{self.depth} {self.activation} layers, {self.init} weights, {self.structure}: the "
            f"first layer's gradient is {self.ratio:.1e} times the last's ({self.verdict})."
        )
