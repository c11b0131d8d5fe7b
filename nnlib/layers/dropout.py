"""Dropout: random silence in training, so that no unit can rely on another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, Seed, as_generator, check_number
from nnlib.layers.activations import Elementwise


class Dropout(Elementwise):
    """Set each number to zero with probability p, else divide it by 1 − p: y = x m / (1 − p).

    The mask m is drawn anew in every forward pass of training. The division keeps the mean of y at
    x ("inverted" dropout), so in evaluation the layer does nothing at all.

    Parameters
    ----------
    rate : float, default 0.5
        p, from 0 to below 1.
    rng : Generator, int or None
        Where the masks come from. None differs in every run.

    Raises
    ------
    ArgumentError
        If ``rate`` or ``rng`` is outside what it may be.

    Notes
    -----
    Within ``with model.frozen():`` the mask of the last forward pass serves again, as long as the
    shape of x stays; else one is drawn for each shape, and serves again. Masks are drawn in float32
    whatever the model computes in, so the same seed gives the same masks in both precisions.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), JMLR 15, 1929-1958.

    Examples
    --------
    >>> layer = Dropout(0.5, rng=0)
    >>> y = layer.forward(np.ones((2, 4)))
    >>> y  # each entry is 0 or 1 / (1 − 0.5)
    array([[2., 2., 2., 0.],
           [0., 0., 0., 0.]])
    >>> bool((layer.backward(np.ones((2, 4))) == y).all())
    True
    >>> layer.eval().forward(np.ones((1, 3)))
    array([[1., 1., 1.]])
    """

    stackable = True

    def __init__(self, rate: float = 0.5, *, rng: Seed = None) -> None:
        super().__init__()
        self.rate = check_number(rate, "rate", "Dropout", below=1)
        self._generators["rng"] = as_generator(rng, "Dropout")
        self._masks: dict[tuple[int, ...], BoolArray] = {}

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = x m / (1 − p) in training, y = x in evaluation.

        Parameters
        ----------
        x : ndarray of any shape
            Input.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.
        """
        x = self._input(x)
        mask = self._mask_for(x.shape) if self.training and self.rate else None
        self._kept = {"mask": mask, "output": (x.shape, x.dtype)}
        y: Array = self._array("y", x.shape, x.dtype)
        np.multiply(x, self._slope(), out=y)
        return y

    def _mask_for(self, shape: tuple[int, ...]) -> BoolArray:
        """Draw which numbers pass; while frozen, take those that passed before."""
        if self._frozen and shape in self._masks:
            return self._masks[shape]
        uniform = self._array("uniform", shape, np.float32)
        self._generators["rng"].random(out=uniform, dtype=np.float32)
        mask: BoolArray = uniform >= self.rate
        self._masks = {**self._masks, shape: mask} if self._frozen else {shape: mask}
        return mask

    def _thaw(self) -> None:
        """Keep the mask drawn last, which serves within the next ``with model.frozen():`` too."""
        drawn: list[BoolArray] = [*self._masks.values()]
        used: BoolArray | None = self._kept.get("mask")  # None in evaluation
        self._masks = {mask.shape: mask for mask in ([used] if used is not None else drawn[-1:])}

    def _slope(self) -> Array:
        """Return m / (1 − p); 1 in evaluation."""
        (shape, dtype), mask = self._kept["output"], self._kept["mask"]
        if mask is None:
            return np.ones((), dtype)  # of the type of x: a float64 would widen everything
        slope: Array = self._array("slope", shape, dtype)
        np.multiply(mask, dtype.type(1.0 / (1.0 - self.rate)), out=slope)
        return slope

    def _bend(self) -> None:
        return None

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
