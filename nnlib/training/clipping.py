"""Clip every batch gradient before its step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlib._array import check_number
from nnlib.errors import ArgumentError
from nnlib.optimizers.clipping import clip_by_global_norm, clip_by_value
from nnlib.training.callbacks import Callback, Run


class ClipGradient(Callback):
    """Clip ``model.grad`` between gradient and step: by norm, by value, or both in this order.

    Optimizers that ask for losses themselves, such as ``LBFGS``, do not read ``model.grad``.

    Parameters
    ----------
    max_norm : float, optional
        Largest norm of the whole gradient: see ``clip_by_global_norm``.
    value : float, optional
        Largest size of an entry: see ``clip_by_value``.

    Attributes
    ----------
    norms : list of float
        Norm of every batch gradient before clipping, of the longest fold if there are folds. Only
        with ``max_norm``.

    Raises
    ------
    ArgumentError
        If neither is given, or one is not above 0.

    Examples
    --------
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    >>> model.theta = 0.0
    >>> clip = ClipGradient(max_norm=1.0)
    >>> history = fit(model, [[1.0]], [[5.0]], loss=MSE(), optimizer=SGD(model, lr=0.5),
    ...               callbacks=[clip], progress=False)
    >>> clip.norms, model.theta
    ([10.0], array([0.5]))
    """

    def __init__(self, max_norm: float | None = None, value: float | None = None) -> None:
        if max_norm is None and value is None:
            message = "ClipGradient: neither max_norm nor value is given, expected one of them."
            raise ArgumentError(message)
        for name, limit in (("max_norm", max_norm), ("value", value)):
            if limit is not None:
                check_number(limit, name, "ClipGradient", positive=True)
        self.max_norm, self.value = max_norm, value
        self.norms: list[float] = []

    def on_train_begin(self, run: Run) -> None:  # ruff: ignore[unused-method-argument]  a hook
        """Forget the norms of an earlier run."""
        self.norms = []

    def on_gradient(self, run: Run) -> None:
        """Clip."""
        grad = run.model.grad
        if self.max_norm is not None:
            self.norms.append(float(np.max(clip_by_global_norm(grad, self.max_norm))))
        if self.value is not None:
            clip_by_value(grad, self.value)

    def state_dict(self) -> dict[str, Any]:
        """Return the norms so far."""
        return {"norms": np.array(self.norms)} if self.norms else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the norms back."""
        self.norms = [float(norm) for norm in state["norms"]]
