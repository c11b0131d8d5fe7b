"""All folds at once: one model with a stack axis, one optimizer, one loop.

Fold f shuffles with its own generator, exactly as ``fit`` does, so each fold takes the steps that
it takes alone. Its rows of one step are row f of an index array, and the batch is (F, B, ...). Only
in the last step of an epoch the folds may differ in rows: there the shorter ones are padded, and
padding has row weight 0. The sum of the folds' mean losses is what is differentiated, so each fold
gets its own gradient, unscaled. Folds whose epochs differ in the number of steps are trained in
groups of their own; by size, there are two at most for folds of k-fold cross-validation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._workspace import Workspace
from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.layers import Sequential
from nnlib.layers._stacked_plan import StackedPlan, has_stacked_plan
from nnlib.layers.stacking import stack_models, why_not_stackable
from nnlib.losses.base import Share
from nnlib.model_selection._folds import (
    Fold,
    Outcome,
    Recipe,
    Started,
    judge,
    optimizer_for,
)
from nnlib.optimizers import Optimizer

MEMORY_LIMIT_BYTES = 2**28
"""Folds hold copies of their rows: so many of them are trained at once as fit in here."""

MOST_AT_ONCE = 32
"""By then the calls are shared by so many folds that more would only leave the cache."""


NOT_FINITE = "cross_validate: a loss of the folds that train at once is not finite."


def why_not_stacked(recipe: Recipe, fold: Fold) -> str:
    """Say why these folds must be trained one after the other; empty if they can be stacked."""
    if recipe.callbacks is not None or recipe.fit_options:
        return "callbacks and options of fit see one model at a time"
    model = recipe.build(np.random.default_rng(fold.seed))
    if not isinstance(model, Sequential):
        return "build(rng) gave no Sequential"  # type: ignore[unreachable]  # named when it is trained
    reason = why_not_stackable(model)
    if reason:
        return reason
    if not is_elementwise(optimizer_for(recipe, model)):
        return "the optimizer mixes parameters, so it knows no stack axis"
    if recipe.batch_size > model.slice_rows:
        return f"a batch of {recipe.batch_size} rows is cut in slices"
    return ""


def is_elementwise(optimizer: Optimizer) -> bool:
    """Whether each parameter's step depends on that parameter's gradient alone."""
    return bool(getattr(optimizer, "stackable", type(optimizer).__name__ in ELEMENTWISE))


ELEMENTWISE = frozenset({"SGD", "AdaGrad", "RMSProp", "Adam", "AdamW", "Lion"})


@dataclass
class Group:
    """Folds that take equally many steps an epoch, as one model with its optimizer."""

    folds: list[Started]
    n_steps: int
    model: Sequential
    optimizer: Optimizer


def grouped(recipe: Recipe, folds: list[Started]) -> tuple[list[Group], str]:
    """Return folds in groups that train at once, or why folds of one group cannot; else nothing."""
    by_steps: defaultdict[int, list[Started]] = defaultdict(list)
    for started in folds:
        by_steps[-(-len(started.X) // recipe.batch_size)].append(started)
    groups = []
    for n_steps, some in by_steps.items():
        shapes = sorted({started.X.shape[1:] for started in some})
        if len(shapes) > 1:
            return [], f"rows of two folds have the shapes {shapes[0]} and {shapes[1]}"
        try:
            stacked = stack_models([started.model for started in some])
        except ArgumentError:
            return [], "build(rng) gave models that differ in more than their weights"
        optimizer = optimizer_for(recipe, stacked)
        last = max(n_steps * recipe.epochs - 1, 0)
        wanted = _settings(optimizer, last)
        if any(_settings(optimizer_for(recipe, one.model), last) != wanted for one in some):
            return [], "the settings of the optimizer hang on the parameters of the model"
        groups.append(Group(some, n_steps, stacked, optimizer))
    return groups, ""


def _settings(optimizer: Optimizer, last: int) -> dict[str, Any]:
    """Return the numbers that an optimizer was made with; of a schedule some of its rates."""
    plain = (int, float, str, tuple, type(None))
    settings: dict[str, Any] = {
        name: value for name, value in vars(optimizer).items() if isinstance(value, plain)
    }
    rate = optimizer._lr
    if callable(rate):
        settings["rates"] = [rate(step) for step in sorted({0, 1, last // 2, last}) if step <= last]
    return settings | {"kind": type(optimizer)}


def train_stacked(recipe: Recipe, groups: list[Group]) -> list[Outcome]:
    """Train all folds at once, and return the outcomes in the order of their numbers."""
    # What is not finite raises, but the sum of the folds does not tell which: one by one, they do.
    begin = perf_counter()
    outcomes: dict[int, Outcome] = {}
    for group in groups:
        for started, model in zip(group.folds, _train_group(recipe, group), strict=True):
            scores = judge(recipe, model, started.X_test, started.fold.y_test)
            outcomes[started.fold.number] = Outcome(model, scores, started.seconds)
    seconds = (perf_counter() - begin) / len(outcomes)
    for outcome in outcomes.values():
        outcome.seconds += seconds
    return [outcomes[number] for number in sorted(outcomes)]


def _train_group(recipe: Recipe, together: Group) -> list[Sequential]:
    """Train folds of equally many steps, and return their models."""
    loss, group, n_steps = recipe.loss, together.folds, together.n_steps
    stacked, optimizer = together.model, together.optimizer
    X, targets, offsets = _joined(recipe, group)
    sizes = np.array([len(started.X) for started in group])
    batches = _Batches(recipe.batch_size, n_steps, sizes)
    planned = has_stacked_plan(stacked, loss, X.shape[1:], targets.dtype)
    gradients = (_PlannedGradients if planned else _Gradients)(recipe, stacked, batches, X, targets)
    stacked.train()
    # Overflow is reported by the loss, which looks at its value: no second, vaguer warning.
    with stacked._lent_workspaces(loss), np.errstate(over="ignore", invalid="ignore"):
        for _ in range(recipe.epochs):
            for f, started in enumerate(group):
                batches.order(f, started.rng.permutation(len(started.X)), offsets[f])
            for step in range(n_steps):
                value = gradients.at(batches.index(step), last=step == n_steps - 1)
                if not math.isfinite(value):
                    raise NonFiniteError(NOT_FINITE)
                optimizer.step()
            if not np.isfinite(stacked.theta).all():
                raise NonFiniteError(NOT_FINITE)
    for started, theta, grad in zip(group, stacked.theta, stacked.grad, strict=True):
        started.model.theta, started.model.grad = theta, grad  # copied
    return [started.model for started in group]


def _joined(recipe: Recipe, group: list[Started]) -> tuple[Array, np.ndarray[Any, Any], IntArray]:
    """Return the rows of all folds one after the other, and where those of each fold begin."""
    first = group[0]
    output = first.model.predict(first.X[:1])
    targets = []
    for started in group:
        shape = (len(started.X), *output.shape[1:])
        targets.append(recipe.loss.check(shape, started.fold.y_train, output.dtype))
    offsets = np.concatenate([[0], np.cumsum([len(started.X) for started in group])[:-1]])
    return np.concatenate([started.X for started in group]), np.concatenate(targets), offsets


class _Batches:
    """The rows of each step, and what they count."""

    def __init__(self, batch_size: int, n_steps: int, sizes: IntArray) -> None:
        self.batch_size, self.n_steps, self.sizes = batch_size, n_steps, sizes
        self.rest = sizes - batch_size * (n_steps - 1)  # rows of each fold in its last step
        self.rows = np.empty((len(sizes), batch_size * (n_steps - 1) + self.rest.max()), np.intp)

    def order(self, f: int, order: IntArray, offset: int) -> None:
        """Set the order of fold f for one epoch; padding repeats its first row."""
        self.rows[f, : len(order)] = order
        self.rows[f, len(order) :] = order[0]
        self.rows[f] += offset

    def index(self, step: int) -> IntArray:
        """Return the rows of one step, one line a fold."""
        start = step * self.batch_size
        return self.rows[:, start : start + self.batch_size]

    def share(self, recipe: Recipe, z: Array, t: np.ndarray[Any, Any], *, last: bool) -> Share:
        """Return what each term counts in the sum of the folds' means."""
        terms_shape = recipe.loss._terms_shape(z, t)
        if not last or (self.rest == self.rest[0]).all():
            return len(z) / math.prod(terms_shape)
        weights = (np.arange(z.shape[1]) < self.rest[:, np.newaxis]) / self.rest[:, np.newaxis]
        return recipe.loss._shares(weights.astype(z.dtype), z, terms_shape) * len(z)


class _Gradients:
    """The gradients of all folds at once, by the rules of the layers and of the loss."""

    def __init__(
        self, recipe: Recipe, stacked: Sequential, batches: _Batches, X: Array,
        targets: np.ndarray[Any, Any],
    ) -> None:  # fmt: skip
        self.recipe, self.stacked, self.batches = recipe, stacked, batches
        self.X, self.targets = X, targets
        self.memory = Workspace()
        self.shares: dict[bool, Share] = {}

    def at(self, index: IntArray, *, last: bool) -> float:
        """Fill the gradient of the rows ``index``; return the sum of the folds' mean losses."""
        loss = self.recipe.loss
        rows = self.memory.array("X", (*index.shape, *self.X.shape[1:]), self.X.dtype)
        np.take(self.X, index, axis=0, out=rows, mode="clip")
        z, t = self.stacked._run_forward(rows), self.targets[index]
        if last not in self.shares:
            self.shares[last] = self.batches.share(self.recipe, z, t, last=last)
        value = loss._value(z, t, self.shares[last])
        self.stacked._backward(loss.backward(), need_dx=False, accumulate=False)
        return value


class _PlannedGradients(_Gradients):
    """The same with everything looked up beforehand, for the layers that know it."""

    def __init__(
        self, recipe: Recipe, stacked: Sequential, batches: _Batches, X: Array,
        targets: np.ndarray[Any, Any],
    ) -> None:  # fmt: skip
        super().__init__(recipe, stacked, batches, X, targets.astype(np.intp, copy=False))
        self.plans: dict[bool, StackedPlan] = {}

    def at(self, index: IntArray, *, last: bool) -> float:
        plan = self.plans.get(last)
        if plan is None:
            plan = self.plans[last] = StackedPlan(self.stacked, index.shape[1])
            plan.shares[:] = self.batches.share(self.recipe, plan.z, plan.labels, last=last)
        self.X.take(index, axis=0, out=plan.X, mode="clip")
        self.targets.take(index, out=plan.labels, mode="clip")
        return plan.run()
