"""The training loop: shuffle, cut into batches, gradient, step; epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib._progress import Progress
from nnlib._workspace import Workspace
from nnlib.errors import NonFiniteError
from nnlib.layers import Sequential
from nnlib.losses import CrossEntropy, Loss
from nnlib.optimizers import Optimizer
from nnlib.training._checks import (
    Rows,
    check_augmented,
    check_data,
    check_extras,
    check_last_batch,
    check_parts,
    pair,
    set_modes,
    training_modes,
)
from nnlib.training._snapshot import check_file, load_states, put_back, read_snapshot, undo
from nnlib.training.callbacks import Augment, Callback, Callbacks, Run
from nnlib.training.history import History

if TYPE_CHECKING:
    from nnlib.optimizers.objective import Objective
    from nnlib.regularizers import Penalty


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
    penalty: Penalty | None = None,
    augment: Augment | None = None,
    resume: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Train a model: ⌈N / batch_size⌉ updates an epoch.

    Everything is checked before the first update, so a refusal changes nothing. If the loss or a
    gradient becomes nan or infinite, the parameters and running statistics of the last finite loss
    are put back and the optimizer forgets its momentum. If only the validation loss does, training
    stops and the parameters stay as they are. An interrupt from the keyboard ends training, and
    the history of the completed epochs is returned.

    While it trains, the model is in training mode; afterwards every layer is in the mode it was
    in. A layer that is set to ``eval()`` within a model in training mode stays so: after
    ``model.layers[1].eval()`` a batch normalization keeps its statistics, as fine-tuning wants.

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
        Shuffles the rows, and serves ``augment``. None differs in every run.
    shuffle : bool, default True
        Whether rows come in a new order in each epoch.
    penalty : Penalty, optional
        Added to the loss that is minimized, as ``L2(1e-3)``; not in the losses that are recorded.
    augment : function (X, y, rng) -> (X, y), optional
        Changes each training batch before it is used, as ``Rotate(10)``; never validation rows. It
        may turn labels into rows of probabilities. It must not change the arrays it is given.
    resume : str or Path, optional
        A file written by ``Checkpoint``. Training goes on from there to ``epochs`` epochs in all,
        exactly as if it had never stopped, if all else is given as it was: data, sizes, and
        model, optimizer and callbacks made anew. Pass a schedule anew, too; a fixed rate
        comes from the file.
    progress : bool, default True
        Show a bar, on stdout.

    Returns
    -------
    history : History
        Losses and, for classes, accuracies by epoch.

    Raises
    ------
    ShapeError
        If rows and targets do not fit the model or each other, or the last batch would be a row
        alone in a model that normalizes over rows.
    DtypeError
        If model, loss, optimizer or callbacks are something else, or data are not numbers.
    ArgumentError
        If a value is outside what it may be, or data hold nan, or the penalty does not go with the
        optimizer, or the file to resume from is missing, damaged, or that of another model.
    NonFiniteError
        If training diverged, or the validation loss is not finite; its ``history`` holds the
        completed epochs.
    """
    check_parts(model, loss, optimizer)
    check_extras(penalty, augment, optimizer)
    n_epochs = check_count(epochs, "epochs", "fit", minimum=0)
    batch_size = check_count(batch_size, "batch_size", "fit")
    together = Callbacks(callbacks)
    generator = as_generator(rng, "fit")
    rows = check_data(model, loss, X, y, "")
    check_last_batch(model, rows[0], batch_size)
    validation = None
    if validation_data is not None:
        validation = check_data(model, loss, *pair(validation_data), "validation ")
    run = Run(
        model, optimizer, loss, History(), generator, n_epochs,
        n_batches=-(-len(rows[0]) // batch_size),
        entries=_entries(loss, validation is not None, penalty is not None),
        settings={
            "the shape of X": list(rows[0].shape), "batch_size": batch_size,
            "shuffle": bool(shuffle), "loss": repr(loss), "penalty": repr(penalty),
            "the optimizer": type(optimizer).__name__,
        },
        penalty=penalty, augment=augment, callbacks=together.members,
    )  # fmt: skip
    snapshot = None
    if resume is not None:
        snapshot = read_snapshot(check_file(resume, "fit: resume"), "fit: resume")
    trainer = _Trainer(run, rows, validation, batch_size, together, shuffle=shuffle)
    bar = Progress(n_epochs * run.n_batches, "step", wanted=progress)
    try:
        trainer.begin(snapshot)
        bar.advance(run.epoch * run.n_batches)
        trainer.train(bar)
    finally:
        together.on_close(run)
        bar.close()
    return run.history


def _entries(loss: Loss, validation: bool, penalty: bool) -> frozenset[str]:
    """Return the names of what each epoch adds to the history."""
    classes = type(loss).count_correct is not Loss.count_correct
    judged = ["loss", *(["accuracy"] if classes else [])]
    names = [*judged, "lr", "seconds", *(["penalty"] if penalty else [])]
    return frozenset(names + [f"validation_{name}" for name in judged if validation])


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
        self.penalty, self.augment = run.penalty, run.augment
        self.batch_size, self.shuffle = batch_size, shuffle
        self.workspace = Workspace()
        self.modes = training_modes(run.model)
        self.keep()
        self.rate = float("nan")
        self.batches_done = False  # whether the updates of the present epoch are complete
        # A model class with a rule of its own for loss and gradient is asked by its public name;
        # what its answers got right is then not known.
        self.own_rule = type(run.model).loss_and_gradient is not Sequential.loss_and_gradient
        self.labels_per_row = _labels_per_row(run.loss, self.y)
        self.correct: int | None = 0  # answers right so far in the epoch; None without classes
        self.after_slice = self.count_correct  # bound once: this saves a closure a step

    def begin(self, snapshot: Mapping[str, Any] | None) -> None:
        """Let the callbacks begin, from the snapshot if there is one; a refusal undoes all."""
        run, where = self.run, "fit: resume"
        if snapshot is None:
            self.callbacks.on_train_begin(run)
            return
        before = put_back(run, snapshot, where)
        try:
            self.callbacks.on_train_begin(run)
            load_states(run, snapshot["callbacks"], where)
            self.callbacks.on_resume(run)
        except BaseException:
            undo(run, before)
            raise
        self.keep()

    def train(self, bar: Progress) -> None:
        """Run all epochs, and leave a usable history however they end."""
        run = self.run
        modes = [(layer, layer.training) for layer in run.model._everything()]
        try:
            for epoch in range(run.epoch, run.n_epochs):
                if run.stop_reason is not None:
                    break
                run.epoch = epoch
                self.epoch(bar)
        except KeyboardInterrupt:
            run.stop_reason = f"interrupted in epoch {run.epoch + 1}"
        except NonFiniteError as error:
            raise self.diagnosis(error) from error
        finally:
            for layer, mode in modes:
                layer.training = mode
            run.history.steps = run.step
            run.history.stop_reason = run.stop_reason
        self.callbacks.on_train_end(run)

    def epoch(self, bar: Progress) -> None:
        """Use every row once, then judge."""
        run, n = self.run, len(self.X)
        start_time, total, seen = perf_counter(), 0.0, 0
        self.batches_done, self.correct = False, None if self.own_rule else 0
        set_modes(run.model._everything(), self.modes)
        self.callbacks.on_epoch_begin(run)
        order = run.rng.permutation(n) if self.shuffle else np.arange(n)
        title = f"epoch {run.epoch + 1}/{run.n_epochs}"
        bar.say(title)
        for batch, start in enumerate(range(0, n, self.batch_size)):
            run.batch = batch
            index = order[start : start + self.batch_size]
            self.update(index)
            total += run.batch_loss * len(index)
            seen += len(index)
            bar.advance()
            if run.stop_reason is not None:
                break
        self.batches_done = True
        self.check_parameters()
        entries = {"loss": total / seen, "lr": self.rate}
        if self.correct is not None:
            entries["accuracy"] = self.correct / (seen * self.labels_per_row)
        if run.penalty is not None:
            entries["penalty"] = run.penalty.value(run.model.theta, run.model.decay_mask)
        if self.validation is not None:
            entries |= self.judge(self.validation)
        entries["seconds"] = perf_counter() - start_time
        # All at once: an epoch that fails or is interrupted half way leaves no ragged history.
        for name, value in entries.items():
            getattr(run.history, name).append(value)
        bar.say(title, **{k: v for k, v in entries.items() if k in {"loss", "validation_loss"}})
        self.callbacks.on_epoch_end(run)
        if seen == n:
            self.callbacks.on_epoch_complete(run)

    def update(self, index: np.ndarray[Any, Any]) -> None:
        """Take one step on the rows ``index``."""
        run, model, optimizer, penalty = self.run, self.run.model, self.run.optimizer, self.penalty
        self.callbacks.on_batch_begin(run)
        X, y = self.batch(index)
        if self.own_rule:
            run.batch_loss, gradient = model.loss_and_gradient(X, y, run.loss)
            model.grad = gradient
        else:
            run.batch_loss = model._loss_and_gradient(
                X, y, run.loss, after_slice=self.after_slice, checked=self.augment is None
            )
        if penalty is not None:
            penalty.gradient(model.theta, model.grad, model.decay_mask)
        np.copyto(self.last_finite, model.theta)
        if self.last_buffers:
            self.keep_buffers()
        objective = self.objective(X, y) if optimizer.needs_objective else None
        self.callbacks.on_gradient(run)
        self.rate = optimizer.lr
        optimizer.step(objective)
        if penalty is not None:
            penalty.prox(model.theta, self.rate, model.decay_mask)
        run.step += 1
        self.callbacks.on_batch_end(run)

    def batch(self, index: np.ndarray[Any, Any]) -> Rows:
        """Return the rows ``index``, augmented if wanted, in memory that is used again."""
        X = self.workspace.array("X", (len(index), *self.X.shape[1:]), self.X.dtype)
        # mode="clip" lets take write into X directly; the default goes through a copy.
        self.X.take(index, axis=0, out=X, mode="clip")
        y = self.y[index]
        if self.augment is None:
            return X, y
        return check_augmented(self.augment(X, y, self.run.rng), X)

    def objective(self, X: Array, y: np.ndarray[Any, Any]) -> Objective:
        """Return the batch as what optimizers ask that want more than one gradient of it."""
        from nnlib.optimizers.objective import ModelObjective  # here: few optimizers need it

        run, model, penalty = self.run, self.run.model, self.penalty
        objective = ModelObjective(model, run.loss, X, y, penalty)
        if not model.generators():  # else its dropout masks may be others than those just used
            # The first thing it will be asked is what we have just computed.
            extra = penalty.value(model.theta, model.decay_mask) if penalty is not None else 0.0
            objective._know(run.batch_loss + extra, model.grad.copy())
        return objective

    def count_correct(self) -> None:
        """Count the right answers of the slice that just went through the loss."""
        correct = self.run.loss.count_correct()
        if correct is None or self.correct is None:
            self.correct = None
        else:
            self.correct += correct

    def judge(self, validation: Rows) -> dict[str, float]:
        """Return the validation loss, and accuracy if there is one, by their history names."""
        X, y = validation
        loss = self.run.loss
        entries = {"validation_loss": loss.forward(self.predict(X), y)}
        correct = loss.count_correct()
        if correct is not None:
            entries["validation_accuracy"] = correct / (len(X) * _labels_per_row(loss, y))
        return entries

    def predict(self, X: Array) -> Array:
        """Run the model; overflow is reported by the loss, so no second, vaguer warning."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.run.model.predict(X)

    def check_parameters(self) -> None:
        """Raise if the last update of an epoch, whose loss nobody computes, went wrong."""
        if not np.isfinite(self.run.model.theta).all():
            message = (
                "The last update of the epoch made parameters nan or infinite. "
                "Scale inputs and targets, or take smaller steps."
            )
            raise NonFiniteError(message)

    def diagnosis(self, error: NonFiniteError) -> NonFiniteError:
        """Say what happened in terms of training, with the record of the completed epochs."""
        run, epoch = self.run, self.run.epoch + 1
        # Validation is often the first to see what the last update did: ask the training rows too.
        sound = self.batches_done and bool(np.isfinite(run.model.theta).all())
        training_loss = self.training_loss() if sound else None
        if training_loss is not None:
            run.stop_reason = f"validation loss not finite in epoch {epoch}"
            message = (
                f"fit: the validation loss of epoch {epoch} is not finite, while the training rows "
                f"give {training_loss:.3g} with the same parameters, which stay. "
                "Scale the validation inputs and targets like those of training."
            )
        elif run.step == 0:
            run.stop_reason = f"diverged in epoch {epoch}"
            self.put_back()
            message = (
                "fit: the loss or its gradient is not finite before the first update, "
                f"with data and weights as they came: {error}"
            )
        else:
            run.stop_reason = f"diverged in epoch {epoch}"
            self.put_back()
            update = run.step if self.batches_done else run.step + 1
            message = (
                f"fit: training diverged in epoch {epoch}, update {update}, at learning rate "
                f"{self.rate:g}, after a loss of {run.batch_loss:.3g}. The parameters of the last "
                f"finite loss were put back, and the optimizer was reset. {error}"
            )
            run.optimizer.reset()
        diagnosed = NonFiniteError(message)
        run.history.stop_reason, run.history.steps = run.stop_reason, run.step
        diagnosed.history = run.history
        return diagnosed

    def keep(self) -> None:
        """Keep what is put back if training diverges."""
        self.last_finite = self.run.model.theta.copy()
        self.last_buffers = {k: buffer.copy() for k, buffer in self.run.model.buffers().items()}

    def keep_buffers(self) -> None:
        """Keep the running statistics, after a forward pass that was finite."""
        for name, buffer in self.run.model.buffers().items():
            np.copyto(self.last_buffers[name], buffer)

    def put_back(self) -> None:
        """Put back what was kept."""
        self.run.model.theta = self.last_finite
        for name, buffer in self.run.model.buffers().items():
            np.copyto(buffer, self.last_buffers[name])

    def training_loss(self) -> float | None:
        """Return the loss of the training rows with the present parameters; None if not finite."""
        try:
            return self.run.loss.forward(self.predict(self.X), self.y)
        except NonFiniteError:
            return None


def _labels_per_row(loss: Loss, targets: np.ndarray[Any, Any]) -> int:
    """Return how many answers ``count_correct`` counts in a row: one, or one for each place."""
    if targets.dtype.kind in "iu":
        return math.prod(targets.shape[1:])
    return math.prod(targets.shape[1:-1]) if isinstance(loss, CrossEntropy) else 1
