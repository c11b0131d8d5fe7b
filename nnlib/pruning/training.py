"""Pruning and training together: little by little, in rounds, or from the beginning once more."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, check_count, check_number
from nnlib.errors import ArgumentError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.optimizers import Optimizer
from nnlib.pruning._structure import check_choice, check_model, weight_slices
from nnlib.pruning.criteria import Criterion, magnitude, mean_loss
from nnlib.pruning.selection import SCOPES, Scope, select
from nnlib.training import Callback, History, fit
from nnlib.training._checks import check_data, pair
from nnlib.training.callbacks import Run


def cubic_schedule(
    step: float, start: int, end: int, final_sparsity: float, initial_sparsity: float = 0.0
) -> float:
    """Compute the sparsity at a step: fast at first, while much is redundant, then slower.

        s = s_f + (s_i − s_f) (1 − (step − start) / (end − start))³

    It is s_i up to ``start`` and s_f from ``end`` on.

    Parameters
    ----------
    step : float
        Number of updates so far.
    start, end : int
        Between which steps the sparsity grows.
    final_sparsity : float
        s_f, from 0 to below 1.
    initial_sparsity : float, default 0
        s_i, at most s_f.

    Returns
    -------
    sparsity : float
        Share of the weights to be gone.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    References
    ----------
    Zhu & Gupta (2017), To prune, or not to prune, arXiv:1710.01878, equation 1.

    Examples
    --------
    >>> [cubic_schedule(step, start=0, end=8, final_sparsity=0.5) for step in (0, 4, 8, 9)]
    [0.0, 0.4375, 0.5, 0.5]
    """
    where = "cubic_schedule"
    step = check_number(step, "step", where)
    start = check_count(start, "start", where, 0)
    end = check_count(end, "end", where, start + 1)
    final = check_number(final_sparsity, "final_sparsity", where, below=1)
    initial = check_number(initial_sparsity, "initial_sparsity", where)
    if initial > final:
        message = (
            f"{where}: initial_sparsity={initial:g}, expected at most {final:g}, the final one."
        )
        raise ArgumentError(message)
    progress = min(max((step - start) / (end - start), 0.0), 1.0)
    return final + (initial - final) * (1 - progress) ** 3


class GradualPruning(Callback):
    """Prune while ``fit`` trains, as a schedule says.

    After every ``every``-th update the weights are scored and the mask is set anew; between two
    such steps the remaining weights recover. Nothing that was pruned comes back.

    Parameters
    ----------
    criterion : function model -> scores
        For example ``magnitude``, or ``partial(taylor, X=X, y=y, loss=loss)``.
    schedule : function step -> sparsity
        For example ``partial(cubic_schedule, start=100, end=1000, final_sparsity=0.9)``; ``step``
        is the number of updates of this run.
    every : int, default 1
        Updates from one pruning step to the next.
    scope : "global" (default) or "layer"
        As in ``select``.

    Attributes
    ----------
    timeline : list of (int, float)
        Number of updates and sparsity after each pruning step that changed the sparsity.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be; while training, if the schedule gives something else
        than a number from 0 to below 1.

    References
    ----------
    Zhu & Gupta (2017), To prune, or not to prune, arXiv:1710.01878.
    """

    def __init__(
        self,
        criterion: Criterion,
        schedule: Callable[[int], float],
        *,
        every: int = 1,
        scope: Scope = "global",
    ) -> None:
        _check_function(criterion, "criterion", "magnitude", "GradualPruning")
        _check_function(schedule, "schedule", "lambda step: 0.5", "GradualPruning")
        check_choice(scope, SCOPES, "scope", "GradualPruning")
        self.criterion, self.schedule, self.scope = criterion, schedule, scope
        self.every = check_count(every, "every", "GradualPruning")
        self.timeline: list[tuple[int, float]] = []

    def on_train_begin(self, run: Run) -> None:  # ruff: ignore[unused-method-argument]
        """Begin a new timeline."""
        self.timeline = []

    def on_batch_end(self, run: Run) -> None:
        """Prune to what the schedule says, if the turn has come."""
        if run.step % self.every:
            return
        name = f"schedule({run.step})"
        wanted = check_number(self.schedule(run.step), name, "GradualPruning", below=1)
        before = sparsity_of(run.model)
        if wanted <= before:  # what is pruned stays pruned, so nothing would change
            return
        run.model.mask = select(run.model, self.criterion(run.model), wanted, scope=self.scope)
        if sparsity_of(run.model) > before:
            self.timeline.append((run.step, sparsity_of(run.model)))

    def state_dict(self) -> dict[str, Any]:
        """Return the timeline; the mask is kept with the model."""
        return {"timeline": [list(entry) for entry in self.timeline]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the timeline back."""
        self.timeline = [(int(step), float(sparsity)) for step, sparsity in state["timeline"]]


@dataclass(frozen=True, eq=False)
class PruningRound:
    """One round of ``prune_and_finetune``.

    Attributes
    ----------
    sparsity : float
        Share of the weights that are gone.
    pruned_loss, tuned_loss : float
        Loss on the rows that judge, right after pruning and after fine-tuning.
    mask : ndarray of bool of shape (P,)
        A copy of the mask of this round.
    history : History
        The fine-tuning.
    """

    sparsity: float
    pruned_loss: float
    tuned_loss: float
    mask: BoolArray = field(repr=False)
    history: History = field(repr=False)


def prune_and_finetune(
    model: Sequential,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss,
    optimizer: Callable[[Sequential], Optimizer],
    sparsities: Sequence[float],
    epochs: int,
    criterion: Criterion = magnitude,
    scope: Scope = "global",
    validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    **fit_options: Any,
) -> list[PruningRound]:
    """Prune, train what is left, prune more.

    If something goes wrong, in whichever round, the model is put back to what it was at the start.

    Parameters
    ----------
    model : Sequential
        A trained model; it is changed in place.
    X : ndarray of shape (N, ...)
        Training rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.
    optimizer : function model -> Optimizer
        Makes a new one for each round: ``lambda model: SGD(model, lr=0.01)``.
    sparsities : sequence of float
        Share of the weights to be gone after each round, ascending, from 0 to below 1.
    epochs : int
        Epochs of fine-tuning in each round.
    criterion : function model -> scores, default magnitude
        For example ``partial(taylor, X=X, y=y, loss=loss)``.
    scope : "global" (default) or "layer"
        As in ``select``.
    validation_data : (X, y), optional
        Rows that judge; the training rows by default.
    **fit_options
        Passed on to ``fit``, such as ``batch_size`` and ``rng``.

    Returns
    -------
    rounds : list of PruningRound
        In order.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.
    DtypeError
        If the loss, or what ``optimizer`` returns, is something else.
    ShapeError
        If rows and targets do not fit.

    References
    ----------
    Han, Pool, Tran & Dally (2015), NeurIPS 28, 1135-1143.
    """
    where = "prune_and_finetune"
    check_model(model, where)
    steps = _ascending(sparsities, where)
    check_count(epochs, "epochs", where, 0)
    check_choice(scope, SCOPES, "scope", where)
    _check_function(optimizer, "optimizer", "lambda model: SGD(model, lr=0.01)", where)
    _check_function(criterion, "criterion", "magnitude", where)
    check_loss(loss, where)
    check_data(model, loss, X, y, "")
    judges = (X, y)
    if validation_data is not None:
        judges = pair(validation_data)
        check_data(model, loss, *judges, "validation ")
    rounds = []
    with _all_or_nothing(model):
        for sparsity in steps:
            model.mask = select(model, criterion(model), sparsity, scope=scope)
            pruned_loss = mean_loss(model, *judges, loss, where)
            history = fit(
                model, X, y, loss=loss, optimizer=optimizer(model), epochs=epochs,
                validation_data=validation_data, **fit_options,
            )  # fmt: skip
            tuned_loss = mean_loss(model, *judges, loss, where)
            mask = model.mask.copy()
            rounds.append(PruningRound(sparsity_of(model), pruned_loss, tuned_loss, mask, history))
    return rounds


@contextmanager
def _all_or_nothing(model: Sequential) -> Generator[None]:
    """Put values, mask and modes back to what they were if something goes wrong."""
    state, mask = model.state_dict(), model.mask
    modes = [(leaf, leaf.training) for leaf in model._everything()]
    try:
        yield
    except BaseException:
        model.mask = None  # so that no value is held back
        model.load_state_dict(state)
        model.mask = mask
        for leaf, mode in modes:
            leaf.training = mode
        raise


def _ascending(sparsities: object, where: str) -> list[float]:
    """Return the sparsities as a list after checking each, and their order."""
    steps = []
    if isinstance(sparsities, Sequence | np.ndarray) and not isinstance(sparsities, str):
        steps = [check_number(s, "a sparsity", where, below=1) for s in sparsities]
    if not steps or steps != sorted(steps):
        message = (
            f"{where}: sparsities are {sparsities!r:.60}, expected ascending numbers, such as "
            "[0.5, 0.8]."
        )
        raise ArgumentError(message)
    return steps


def _check_function(value: object, name: str, example: str, where: str) -> None:
    if not callable(value):
        message = f"{where}: {name} is {value!r:.60}, expected a function, such as {example}."
        raise ArgumentError(message)


@dataclass(frozen=True, eq=False)
class LotteryTicket:
    """A sparse network and the values with which it began.

    Attributes
    ----------
    mask : ndarray of bool of shape (P,)
        True is kept.
    initial : ndarray of shape (P,)
        All values of the untrained model. The ticket starts from ``initial * mask``.
    sparsities : tuple of float
        Share of the weights that was gone after each round.
    """

    mask: BoolArray = field(repr=False)
    initial: Array = field(repr=False)
    sparsities: tuple[float, ...]


def lottery_ticket(
    model: Sequential,
    train: Callable[[Sequential], object],
    *,
    rounds: int,
    rate: float = 0.2,
    criterion: Criterion = magnitude,
    scope: Scope = "layer",
) -> LotteryTicket:
    """Find a winning ticket: train, prune, go back to the initial values, and again.

    After r rounds (1 − rate)^r of the weights are left. A fair comparison trains the ticket, the
    whole network, and the same mask on other initial values, all equally long.

    If ``train`` or the criterion raises an error, the model is put back to what it was.

    Parameters
    ----------
    model : Sequential
        An untrained model. In the end it is the ticket: initial values where the mask is True,
        zero elsewhere, with ``model.mask`` set.
    train : function model -> anything
        Trains the model in place, with a new optimizer each time.
    rounds : int
        How often.
    rate : float, default 0.2
        Share of the remaining weights that goes in each round.
    criterion : function model -> scores, default magnitude
        Applied to the trained model.
    scope : "layer" (default) or "global"
        As in ``select``.

    Returns
    -------
    ticket : LotteryTicket
        Mask, initial values and the way there.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    References
    ----------
    Frankle & Carbin (2019), The Lottery Ticket Hypothesis, ICLR.
    """
    where = "lottery_ticket"
    check_model(model, where)
    n_rounds = check_count(rounds, "rounds", where)
    rate = check_number(rate, "rate", where, below=1, positive=True)
    check_choice(scope, SCOPES, "scope", where)
    _check_function(train, "train", "lambda model: fit(model, ...)", where)
    _check_function(criterion, "criterion", "magnitude", where)
    state, initial = model.state_dict(), model.theta.copy()
    mask = np.ones(initial.shape, bool)
    sparsities = []
    with _all_or_nothing(model):
        for r in range(1, n_rounds + 1):
            train(model)
            mask = select(model, criterion(model), 1 - (1 - rate) ** r, scope=scope)
            model.load_state_dict(state)  # running statistics go back, too
            model.mask = mask
            sparsities.append(sparsity_of(model))
    return LotteryTicket(mask.copy(), initial, tuple(sparsities))


def sparsity_of(model: Sequential) -> float:
    """Compute the share of the weights that ``model.mask`` has pruned; biases do not count.

    What a weight is the layers say, as in ``select``; ``decay_mask`` has no part in it.

    Parameters
    ----------
    model : Sequential
        The model.

    Returns
    -------
    sparsity : float
        From 0 to 1.

    Raises
    ------
    ArgumentError
        If the model has no weights.
    """
    slices = weight_slices(check_model(model, "sparsity_of"), "sparsity_of").values()
    if model.mask is None:
        return 0.0
    kept = np.concatenate([model.mask[part] for part in slices])
    return float(1 - kept.mean())
