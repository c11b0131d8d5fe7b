"""The training loop: shuffle, cut into batches, gradient, step; epoch after epoch."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, Seed, as_array, as_generator, check_count, instance_hint
from nnlib._progress import Progress
from nnlib._workspace import Workspace
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.optimizers import Optimizer
from nnlib.training.callbacks import Callback, Callbacks, Run
from nnlib.training.history import History

Rows = tuple[Array, np.ndarray[Any, Any]]
"""Inputs and checked targets, row by row."""


def fit(
    model: Sequential,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int = 32,
    validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    callbacks: Sequence[Callback] = (),
    rng: Seed = None,
    shuffle: bool = True,
    progress: bool = True,
) -> History:
    """Train a model: ⌈N / batch_size⌉ updates an epoch.

    Everything is checked before the first update, so a refusal changes nothing. If the loss or a
    gradient becomes nan or infinite, the parameters of the last finite loss are put back and the
    optimizer forgets its momentum. If only the validation loss does, training stops and the
    parameters stay as they are. An interrupt from the keyboard ends training, and the history
    of the completed epochs is returned.

    Parameters
    ----------
    model : Sequential
        Trained in place.
    X : ndarray of shape (N, ...)
        Inputs; cast to the model's dtype once.
    y : ndarray of shape (N,) or (N, ...)
        Targets, as the loss wants them.
    loss : Loss
        For example ``CrossEntropy()``.
    optimizer : Optimizer
        Made for this model: ``SGD(model, lr=0.1)``.
    epochs : int, default 1
        How often every row is used.
    batch_size : int, default 32
        Rows of an update. The last batch of an epoch takes what is left.
    validation_data : (X, y), optional
        Judged after each epoch, never trained on.
    callbacks : sequence of Callback
        Called at the hooks, in order.
    rng : Generator, int or None
        Shuffles the rows. None differs in every run.
    shuffle : bool, default True
        Whether rows come in a new order in each epoch.
    progress : bool, default True
        Show a bar, on stdout.

    Returns
    -------
    history : History
        Losses and, for classes, accuracies by epoch.

    Raises
    ------
    ShapeError
        If rows and targets do not fit the model or each other.
    DtypeError
        If model, loss, optimizer or callbacks are something else, or data are not numbers.
    ArgumentError
        If a value is outside what it may be, or data hold nan.
    NonFiniteError
        If training diverged, or the validation loss is not finite; its ``history`` holds the
        completed epochs.
    """
    _check_parts(model, loss, optimizer)
    n_epochs = check_count(epochs, "epochs", "fit", minimum=0)
    batch_size = check_count(batch_size, "batch_size", "fit")
    rows = _check_data(model, loss, X, y, "")
    validation = None
    if validation_data is not None:
        validation = _check_data(model, loss, *_pair(validation_data), "validation ")
    run = Run(
        model, optimizer, loss, History(), as_generator(rng, "fit"), n_epochs,
        n_batches=-(-len(rows[0]) // batch_size),
    )  # fmt: skip
    trainer = _Trainer(run, rows, validation, batch_size, Callbacks(callbacks), shuffle=shuffle)
    bar = Progress(n_epochs * run.n_batches, "step", wanted=progress)
    try:
        trainer.train(bar)
    finally:
        bar.close()
    return run.history


class _Trainer:
    """One run of ``fit``: its data, its batch memory, and the parameters to go back to."""

    def __init__(
        self,
        run: Run,
        rows: Rows,
        validation: Rows | None,
        batch_size: int,
        callbacks: Callbacks,
        *,
        shuffle: bool,
    ) -> None:
        self.run, self.validation, self.callbacks = run, validation, callbacks
        self.X, self.y = rows
        self.batch_size, self.shuffle = batch_size, shuffle
        self.workspace = Workspace()
        self.last_finite = run.model.theta.copy()
        self.rate = float("nan")
        self.batches_done = False  # whether the updates of the present epoch are complete

    def train(self, bar: Progress) -> None:
        """Run all epochs, and leave a usable history however they end."""
        run = self.run
        was_training = run.model.training
        try:
            self.callbacks.on_train_begin(run)
            for epoch in range(run.n_epochs):
                if run.stop_reason is not None:
                    break
                run.epoch = epoch
                self.epoch(bar)
        except KeyboardInterrupt:
            run.stop_reason = f"interrupted in epoch {run.epoch + 1}"
        except NonFiniteError as error:
            raise self.diagnosis(error) from error
        finally:
            run.model.train(was_training)
            run.history.steps = run.step
            run.history.stop_reason = run.stop_reason
        self.callbacks.on_train_end(run)

    def epoch(self, bar: Progress) -> None:
        """Use every row once, then judge."""
        run, n = self.run, len(self.X)
        start_time, total, correct = perf_counter(), 0.0, 0
        self.batches_done = False
        run.model.train()
        self.callbacks.on_epoch_begin(run)
        order = run.rng.permutation(n) if self.shuffle else np.arange(n)
        title = f"epoch {run.epoch + 1}/{run.n_epochs}"
        bar.say(title)
        seen = 0
        for batch, start in enumerate(range(0, n, self.batch_size)):
            run.batch = batch
            index = order[start : start + self.batch_size]
            correct += self.update(index)
            total += run.batch_loss * len(index)
            seen += len(index)
            bar.advance()
            if run.stop_reason is not None:
                break
        self.batches_done = True
        self.check_parameters()
        entries = {"loss": total / seen, "lr": self.rate}
        if self.counts:
            entries["accuracy"] = correct / seen
        if self.validation is not None:
            entries |= self.judge(self.validation)
        entries["seconds"] = perf_counter() - start_time
        # All at once: an epoch that fails or is interrupted half way leaves no ragged history.
        for name, value in entries.items():
            getattr(run.history, name).append(value)
        bar.say(title, **{k: v for k, v in entries.items() if k in {"loss", "validation_loss"}})
        self.callbacks.on_epoch_end(run)

    def update(self, index: np.ndarray[Any, Any]) -> int:
        """Take one step on the rows ``index``, and return how many were classified right."""
        run, model = self.run, self.run.model
        self.callbacks.on_batch_begin(run)
        X = self.workspace.array("X", (len(index), *self.X.shape[1:]), self.X.dtype)
        # mode="clip" lets take write into X directly; the default goes through a copy.
        np.take(self.X, index, axis=0, out=X, mode="clip")
        correct: list[int | None] = []
        run.batch_loss = model._loss_and_gradient(
            X, self.y[index], run.loss, after_slice=lambda: correct.append(run.loss.count_correct())
        )
        np.copyto(self.last_finite, model.theta)
        self.callbacks.on_gradient(run)
        self.rate = run.optimizer.lr
        run.optimizer.step()
        run.step += 1
        self.callbacks.on_batch_end(run)
        self.counts = None not in correct
        return sum(filter(None, correct))

    def judge(self, validation: Rows) -> dict[str, float]:
        """Return the validation loss, and accuracy if there is one, by their history names."""
        X, y = validation
        loss = self.run.loss
        entries = {"validation_loss": loss.forward(self.predict(X), y)}
        correct = loss.count_correct()
        if correct is not None:
            entries["validation_accuracy"] = correct / len(X)
        return entries

    def predict(self, X: Array) -> Array:
        """Run the model; overflow is reported by the loss, so no second, vaguer warning."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.run.model.predict(X)

    def check_parameters(self) -> None:
        """Raise if the last update of an epoch, whose loss nobody computes, went wrong."""
        if not np.isfinite(self.run.model.theta).all():
            message = "the last update of the epoch made parameters nan or infinite."
            raise NonFiniteError(message)

    def diagnosis(self, error: NonFiniteError) -> NonFiniteError:
        """Say what happened in terms of training, with the record of the completed epochs."""
        run, epoch = self.run, self.run.epoch + 1
        # Validation is often the first to see what the last update did: ask the training rows too.
        training_loss = self.training_loss() if self.batches_done else None
        if training_loss is not None:
            run.stop_reason = f"validation loss not finite in epoch {epoch}"
            message = (
                f"fit: the validation loss of epoch {epoch} is not finite, while the training rows "
                f"give {training_loss:.3g} with the same parameters, which stay. "
                "Scale the validation inputs and targets like those of training."
            )
        elif run.step == 0:
            run.stop_reason = f"diverged in epoch {epoch}"
            message = (
                "fit: the loss or its gradient is not finite before the first update, "
                f"with data and weights as they came: {error}"
            )
        else:
            run.stop_reason = f"diverged in epoch {epoch}"
            run.model.theta = self.last_finite
            update = run.step if self.batches_done else run.step + 1
            message = (
                f"fit: training diverged in epoch {epoch}, update {update}, at learning rate "
                f"{self.rate:g}, after a loss of {run.batch_loss:.3g}: {error} "
                "The parameters of the last finite loss were put back, and the optimizer was "
                "reset. Try a tenth of the rate, or scale the inputs."
            )
            run.optimizer.reset()
        diagnosed = NonFiniteError(message)
        run.history.stop_reason, run.history.steps = run.stop_reason, run.step
        diagnosed.history = run.history
        return diagnosed

    def training_loss(self) -> float | None:
        """Return the loss of the training rows with the present parameters; None if not finite."""
        try:
            return self.run.loss.forward(self.predict(self.X), self.y)
        except NonFiniteError:
            return None


def _check_parts(model: object, loss: object, optimizer: object) -> None:
    """Check that the three parts are what they should be, and belong together."""
    for name, part, kind, expected in (
        ("model", model, Sequential, "a Sequential, such as Sequential(Linear(64, 10))"),
        ("optimizer", optimizer, Optimizer, "an Optimizer, such as SGD(model, lr=0.1)"),
    ):
        if not isinstance(part, kind):
            message = f"fit: {name} is {part!r:.60}, expected {expected}.{instance_hint(part)}"
            raise DtypeError(message)
    check_loss(loss, "fit")
    assert isinstance(model, Sequential)  # ruff: ignore[assert]  narrows the types
    assert isinstance(optimizer, Optimizer)  # ruff: ignore[assert]
    if optimizer.model is not model:
        message = (
            "fit: the optimizer was made for another model, expected this one. "
            f"Write {type(optimizer).__name__}(model, ...) after building the model."
        )
        raise ArgumentError(message)
    if not np.isfinite(model.theta).all():
        message = "fit: the model's parameters hold nan or infinity. Build it anew."
        raise ArgumentError(message)


def _pair(validation_data: object) -> tuple[ArrayLike, ArrayLike]:
    """Return the two parts of ``validation_data``."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        message = "fit: validation_data is not a pair, expected (X_validation, y_validation)."
        raise ArgumentError(message)
    X, y = validation_data
    return X, y


def _check_data(model: Sequential, loss: Loss, X: ArrayLike, y: ArrayLike, kind: str) -> Rows:
    """Return inputs in the model's dtype and targets as the loss wants them."""
    inputs = as_array(X, model.dtype, f"fit: {kind}X")
    targets = np.asarray(y)
    if inputs.ndim < 2 or len(inputs) == 0:
        message = (
            f"fit: {kind}X has shape {inputs.shape}, expected (N, ...) with at least one row. "
            "Rows of one number each are X.reshape(-1, 1)."
        )
        raise ShapeError(message)
    if targets.ndim == 0 or len(targets) != len(inputs):
        message = (
            f"fit: {kind}X has {len(inputs)} rows and {kind}y has shape {targets.shape}, "
            "expected one target for each row."
        )
        raise ShapeError(message)
    if not np.isfinite(inputs).all():
        bad = int(np.count_nonzero(~np.isfinite(inputs)))
        message = f"fit: {kind}X holds nan or infinity in {bad} places. Drop or fill those rows."
        raise ArgumentError(message)
    with np.errstate(over="ignore", invalid="ignore"):  # only the shape is looked at
        output = model.predict(inputs[:1])
    return inputs, loss.check((len(inputs), *output.shape[1:]), targets, output.dtype)
