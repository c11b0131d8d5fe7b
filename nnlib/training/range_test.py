"""Learning-rate range test: raise the rate until the loss explodes, see where it fell fastest."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, Seed, as_generator, check_count, check_number
from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.optimizers import Optimizer
from nnlib.training._checks import check_data, check_parts, set_modes, training_modes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEMORY = 0.8
"""Share of the running mean of the losses that is kept from step to step."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw, one entry a step.

    Attributes
    ----------
    rates : ndarray of shape (n,)
        Learning rates, each the same multiple of the one before.
    losses : ndarray of shape (n,)
        Loss of the batch before the step with that rate.
    smoothed : ndarray of shape (n,)
        Running mean of the losses.
    suggestion : float or None
        The rate at which ``smoothed`` fell fastest; None if it never fell.
    """

    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float | None

    def plot(self) -> Figure:
        """Draw the loss against the rate, with the suggestion.

        Returns
        -------
        figure : Figure
            One panel, its rates on a logarithmic axis.
        """
        from nnlib.plotting import TRAINING, new_axes  # here: only pictures need it

        figure, (axes,) = new_axes(1)
        axes.plot(self.rates, self.losses, ".", color=TRAINING, alpha=0.3)
        axes.plot(self.rates, self.smoothed, "-", color=TRAINING)
        if self.suggestion is not None:
            axes.axvline(self.suggestion, linestyle=":", color="0.4")
            axes.annotate(
                f" {self.suggestion:.2g}", (self.suggestion, float(self.smoothed.max())), va="top"
            )
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        return figure


def learning_rate_range_test(
    model: Sequential,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss,
    optimizer: Optimizer,
    lowest: float = 1e-6,
    highest: float = 10.0,
    n_steps: int = 100,
    batch_size: int = 32,
    explosion: float = 4.0,
    rng: Seed = None,
) -> RangeTest:
    """Train a copy with rates from ``lowest`` to ``highest``, and return the losses on the way.

    The test ends early when the smoothed loss exceeds ``explosion`` times its minimum, or is no
    longer finite. Model, optimizer and loss stay as they are: parameters, statistics, modes and
    generators. There is no progress bar: it lasts about as long as an epoch of ``n_steps`` batches.

    The suggestion, where the loss fell fastest, is a rate to start from; the largest usable one
    lies between it and the minimum of the curve.

    Parameters
    ----------
    model : Sequential
        What will be trained.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets.
    loss : Loss
        For example ``CrossEntropy()``.
    optimizer : Optimizer
        Made for this model; its own rate plays no part. Rates beside ``lr``, such as ``adamw_lr``
        of ``Muon``, stay as they are. Those that ask for losses, as ``LBFGS``, are refused.
    lowest, highest : float
        The first and the last rate.
    n_steps : int, default 100
        Steps, at least 3.
    batch_size : int, default 32
        Rows of a step; they come in random order, and anew when all were used.
    explosion : float, default 4
        Above 1.
    rng : Generator, int or None
        Orders the rows. None differs in every run.

    Returns
    -------
    seen : RangeTest
        Rates, losses and the suggestion.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or the optimizer was made for another model, or asks
        for losses.
    ShapeError
        If rows and targets do not fit the model or each other.
    NonFiniteError
        If the loss is not finite before the first step.

    References
    ----------
    Smith (2017), IEEE Winter Conference on Applications of Computer Vision, 464-472.

    Examples
    --------
    >>> from nnlib import MSE, SGD, Linear, Sequential
    >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> seen = learning_rate_range_test(model, X, 3 * X, loss=MSE(), optimizer=SGD(model, lr=1.0),
    ...                                 lowest=1e-4, highest=100.0, rng=0)
    >>> 0.01 < seen.suggestion < 3.0  # the curvature is ⅔ for W and 2 for b: 2/λ is 3 and 1
    True
    """
    where = "learning_rate_range_test"
    check_parts(model, loss, optimizer)
    lowest = check_number(lowest, "lowest", where, positive=True)
    highest = check_number(highest, "highest", where, positive=True)
    if highest <= lowest:
        message = f"{where}: lowest is {lowest:g} and highest is {highest:g}, expected a rise."
        raise ArgumentError(message)
    n_steps = check_count(n_steps, "n_steps", where, minimum=3)
    batch_size = check_count(batch_size, "batch_size", where)
    if check_number(explosion, "explosion", where) <= 1:
        message = f"{where}: explosion is {explosion:g}, expected a number above 1."
        raise ArgumentError(message)
    if optimizer.needs_objective:
        message = (
            f"{where}: {type(optimizer).__name__} finds the length of its steps itself, expected "
            "an optimizer whose rate is the length, such as SGD or Adam."
        )
        raise ArgumentError(message)
    generator = as_generator(rng, where)
    inputs, targets = check_data(model, loss, X, y, "")
    # A copy of the optimizer brings a copy of its model along, with statistics and generators.
    trial, trial_loss = copy.deepcopy(optimizer), copy.deepcopy(loss)
    net = trial.model
    assert isinstance(net, Sequential)  # ruff: ignore[assert]  a copy of the model checked above
    set_modes(net._everything(), training_modes(model))
    rates, losses, smoothed = np.geomspace(lowest, highest, n_steps), [], _RunningMean()
    order = np.empty(0, int)
    for rate in rates:
        if len(order) < min(batch_size, len(inputs)):
            order = np.concatenate([order, generator.permutation(len(inputs))])
        index, order = order[:batch_size], order[batch_size:]
        rows, answers = inputs[index], targets[index]
        try:
            value = net._loss_and_gradient(rows, answers, trial_loss)
            losses.append(value)
            if smoothed.add(value) > explosion * smoothed.least:
                break
            trial.lr = float(rate)
            trial.step()
        except NonFiniteError:
            if not losses:
                raise
            break
    n = len(losses)
    means = np.array(smoothed.means)
    return RangeTest(rates[:n], np.array(losses), means, _steepest(rates[:n], means))


class _RunningMean:
    """An exponential mean that is right from the first value on."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self.least = math.inf
        self._sum = self._weight = 0.0

    def add(self, value: float) -> float:
        """Take in a value, and return the mean."""
        self._sum = MEMORY * self._sum + (1 - MEMORY) * value
        self._weight = MEMORY * self._weight + (1 - MEMORY)
        self.means.append(self._sum / self._weight)
        self.least = min(self.least, self.means[-1])
        return self.means[-1]


def _steepest(rates: Array, means: Array) -> float | None:
    """Return the rate at which the mean fell fastest, per factor of the rate."""
    if len(means) < 2:
        return None
    slope = np.gradient(means, np.log(rates))
    best = int(slope.argmin())
    return float(rates[best]) if slope[best] < 0 else None
