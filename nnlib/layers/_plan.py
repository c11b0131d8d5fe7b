"""A training step with everything looked up beforehand.

A step of a small network lasts some 30 µs, and finding buffers, checking shapes and choosing cases
takes longer than its arithmetic. A plan does that once for a batch size: it lists the steps of all
layers, each bound to its arrays, so that a batch is a walk through the list. The rules are those of
the layers' ``forward`` and ``backward``, which stay the reference; tests hold the two together.

Only the layers and the loss of plain classifiers have planned steps. Whatever is not known here
takes the ordinary way, as does a batch that does not fit a plan.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._compiling import setting
from nnlib.layers._plan_steps import (
    STEPS,
    CrossEntropyStep,
    FusedCrossEntropyStep,
    FusedReLUStep,
    bind,
    chain,
)
from nnlib.layers.base import Layer
from nnlib.layers.linear import Linear

if TYPE_CHECKING:
    from nnlib.layers.sequential import Sequential
    from nnlib.losses import Loss

MAX_PLANS = 8
"""A run has two batch sizes, the full one and the last; a plan owns memory, so few are kept."""

RULES = {kind: (kind.forward, kind.backward) for kind in STEPS}
"""The rules that the steps stand for: whoever replaces one wants his own to run."""


class Plan:
    """All steps of a model for one batch size."""

    def __init__(self, model: Sequential, layers: list[Layer], X: Array) -> None:
        from nnlib.losses import CrossEntropy  # here: losses are built on layers

        self.loss_type = CrossEntropy
        self.theta, self.grad = model.theta, model.grad
        fused = setting() is True
        self.steps = chain(layers, np.empty_like(X), STEPS, FusedReLUStep if fused else None)
        z = self.steps[-1].y
        self.loss = FusedCrossEntropyStep(z) if fused else CrossEntropyStep(z)
        bind(self.steps, self.loss.dz)
        self.backwards = [step.backward for step in reversed(self.steps)]
        self.forwards = [step.forward for step in self.steps]
        self.output, self.labels_shape = (z.shape, z.dtype), z.shape[:1]
        kept = {id(step.layer): step.kept for step in self.steps}
        for inner in _models_within(model):
            kept[id(inner)] = {"output": kept[id(flattened(inner)[-1])]["output"]}
        owners = [*(step.layer for step in self.steps), *_models_within(model)]
        self.kept = [(owner, kept[id(owner)]) for owner in owners]
        self.rules = [(step.layer.__dict__, type(step.layer)) for step in self.steps]

    def accepts(self, X: Array, targets: np.ndarray[Any, Any], loss: object) -> bool:
        """Whether this batch and this loss are what the plan was made for."""
        return bool(
            type(loss) is self.loss_type
            and not loss.label_smoothing
            and self.has_our_rules(loss)
            and X.dtype == self.output[1]
            and targets.dtype.kind in "iu"
            and targets.shape == self.labels_shape
        )

    def has_our_rules(self, loss: object) -> bool:
        """Whether nobody has put a rule of his own in place of ours, in a class or an object."""
        for attributes, kind in self.rules:
            if (kind.forward, kind.backward) != RULES[kind]:
                return False
            if "forward" in attributes or "backward" in attributes:
                return False
        rules = self.loss_type.forward.__module__, self.loss_type.backward.__module__
        return (
            rules == ("nnlib.losses.base", "nnlib.losses.cross_entropy")
            and "forward" not in vars(loss)
            and "backward" not in vars(loss)
        )

    def run(self, X: Array, labels: IntArray, loss: Loss) -> float:
        """Compute the loss of a batch and its gradient; a loss that is not finite ends it there."""
        first = self.steps[0]
        first.x = first.kept["x"] = X
        # Overflow is reported by the loss, which looks at its value: no second, vaguer warning.
        with np.errstate(over="ignore", invalid="ignore"):
            for forward in self.forwards:
                forward()
            value = self.loss.forward(labels, loss)
            if not math.isfinite(value):
                loss._explain(value, self.loss.z, labels)
            self.loss.backward()
            for backward in self.backwards:
                backward()
        for owner, kept in self.kept:
            owner._kept = kept.copy()  # in which the R-operator leaves its own of this batch
        return value


def plan_for(model: Sequential, X: Array, targets: Array, loss: object) -> Plan | None:
    """Return a plan for such a batch, or None where the ordinary way has to be taken."""
    plans: dict[tuple[int, ...], Plan | None] = model._plans
    plan = plans.get(X.shape)
    if plan is None:
        if X.shape in plans and len(plans) <= MAX_PLANS:
            return None
        if len(plans) > MAX_PLANS:
            plans.clear()
        plan = plans[X.shape] = _new_plan(model, X)
    elif not (plan.theta is model.theta and plan.grad is model.grad):  # bound to other vectors
        plan = plans[X.shape] = _new_plan(model, X)
    if plan is None or not plan.accepts(X, targets, loss):
        return None
    return plan


def _new_plan(model: Sequential, X: Array) -> Plan | None:
    """Return a plan if every layer has a planned step, else None."""
    layers = flattened(model)
    plain = model.theta.ndim == 1 and X.ndim == 2 and len(X) and X.dtype == model.theta.dtype
    return Plan(model, layers, X) if plain and has_steps(layers, X.shape[-1]) else None


def has_steps(layers: list[Layer], features: int) -> bool:
    """Whether there are planned steps for all these layers, on rows of so many features."""
    if type(layers[0]) is not Linear or layers[0].in_features != features:
        return False
    return all(type(layer) in STEPS for layer in layers)


def flattened(layer: Layer) -> list[Layer]:
    """Return the layers of a model, those of models within it in their places."""
    if not _is_plain(layer):
        return [layer]
    return [leaf for inner in layer.layers for leaf in flattened(inner)]


def _models_within(layer: Layer) -> list[Sequential]:
    """Return the model and the models within it."""
    if not _is_plain(layer):
        return []
    return [layer, *(model for inner in layer.layers for model in _models_within(inner))]


def _is_plain(layer: Layer) -> TypeGuard[Sequential]:
    from nnlib.layers.sequential import Sequential  # here: a Sequential is built on plans

    return type(layer) is Sequential  # a subclass may have a rule of its own
