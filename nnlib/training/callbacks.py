"""Callbacks: look into training, or interfere, without writing a loop of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nnlib._array import instance_hint
from nnlib.errors import DtypeError

if TYPE_CHECKING:
    from nnlib.layers import Sequential
    from nnlib.losses import Loss
    from nnlib.optimizers import Optimizer
    from nnlib.regularizers import Penalty
    from nnlib.training.history import History

Augment: TypeAlias = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]
"""A function (X, y, rng) -> (X, y) that changes a batch and leaves what it is given alone."""


@dataclass
class Run:
    """What callbacks see of the training that is going on.

    Attributes
    ----------
    model : Sequential
        The model; its ``grad`` holds the batch gradient in ``on_gradient``.
    optimizer : Optimizer
        Its ``lr`` may be set.
    loss : Loss
        The loss.
    history : History
        The epochs that are complete.
    rng : Generator
        Shuffles the rows, and serves the augmentation.
    n_epochs, n_batches : int
        How many epochs were asked for; how many batches make one.
    entries : frozenset of str
        What each epoch of this run adds to the history: ``"loss"``, ``"validation_loss"``, …
    settings : dict
        What a run that goes on from a checkpoint must share: rows, batch size, shuffling, loss,
        kind of optimizer.
    penalty, augment
        As given to ``fit``.
    callbacks : tuple of Callback
        As given to ``fit``.
    epoch, batch, step : int
        Which epoch and batch this is, counted from 0; number of updates so far in this run.
    batch_loss : float
        Loss of the last batch, before its update.
    stop_reason : str or None
        Why training will stop, once ``stop`` has been called.
    """

    model: Sequential
    optimizer: Optimizer
    loss: Loss
    history: History
    rng: np.random.Generator
    n_epochs: int
    n_batches: int
    entries: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)
    penalty: Penalty | None = None
    augment: Augment | None = None
    callbacks: tuple[Callback, ...] = ()
    epoch: int = 0
    batch: int = 0
    step: int = 0
    batch_loss: float = field(default=float("nan"))
    stop_reason: str | None = None

    def stop(self, reason: str) -> None:
        """End training after the present batch, or at once between epochs.

        An epoch that is broken off stands in the history with the batches it had, but is not
        complete: ``on_epoch_complete`` is not called, so ``Checkpoint`` keeps the epoch before,
        and a run that goes on from there does the whole epoch again.

        Parameters
        ----------
        reason : str
            Kept as ``history.stop_reason``.
        """
        self.stop_reason = reason


class Callback:
    """Override the hooks you need; each receives the ``Run``.

    A callback that remembers something from epoch to epoch gives it in ``state_dict`` and takes it
    back in ``load_state_dict``: then a run that goes on from a checkpoint goes on in this, too.

    Examples
    --------
    >>> class GradientNorms(Callback):
    ...     def on_train_begin(self, run):
    ...         self.norms = []
    ...     def on_gradient(self, run):
    ...         self.norms.append(float(np.linalg.norm(run.model.grad)))
    """

    def on_train_begin(self, run: Run) -> None:
        """Act before the first epoch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Act before the first batch of an epoch."""

    def on_batch_begin(self, run: Run) -> None:
        """Act before a batch."""

    def on_gradient(self, run: Run) -> None:
        """Act between gradient and step: the place to clip or to look.

        Second-order optimizers ask for gradients of their own, so that changes reach only others.
        """

    def on_batch_end(self, run: Run) -> None:
        """Act after the step."""

    def on_epoch_end(self, run: Run) -> None:
        """Act after an epoch, when its losses stand in ``run.history``."""

    def on_epoch_complete(self, run: Run) -> None:
        """Act after ``on_epoch_end`` of every callback: the place to save what they know.

        Not called for an epoch that ``run.stop`` broke off before its last batch.
        """

    def on_resume(self, run: Run) -> None:
        """Act after ``on_train_begin``, if the run goes on from a checkpoint."""

    def on_train_end(self, run: Run) -> None:
        """Act at the end, also when training was stopped or interrupted, but not on an error."""

    def on_close(self, run: Run) -> None:
        """Act last in every case, also on an error: the place to close files.

        It is called even if the callback's own ``on_train_begin`` was not reached.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: numbers, text, arrays, and lists and dicts of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what ``state_dict`` gave; called after ``on_train_begin``."""


class Callbacks(Callback):
    """Several callbacks as one, in order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        if not isinstance(callbacks, Iterable):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"fit: callbacks is {callbacks!r:.60}, expected a list of Callback objects. "
                "Write callbacks=[...], also for one."
            )
            raise DtypeError(message)
        self.members = tuple(callbacks)
        for callback in self.members:
            if not isinstance(callback, Callback):
                message = (  # type: ignore[unreachable]  # callers need not be typed
                    f"fit: callbacks hold {callback!r:.60}, expected a Callback."
                    f"{instance_hint(callback)}"
                )
                raise DtypeError(message)

    def on_train_begin(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_train_begin(run)

    def on_epoch_begin(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_epoch_begin(run)

    def on_batch_begin(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_batch_begin(run)

    def on_gradient(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_gradient(run)

    def on_batch_end(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_batch_end(run)

    def on_epoch_end(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_epoch_end(run)

    def on_epoch_complete(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_epoch_complete(run)

    def on_resume(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_resume(run)

    def on_train_end(self, run: Run) -> None:
        """Call all."""
        for callback in self.members:
            callback.on_train_end(run)

    def on_close(self, run: Run) -> None:
        """Call all, even if one of them fails."""
        with ExitStack() as stack:
            for callback in reversed(self.members):
                stack.callback(callback.on_close, run)
