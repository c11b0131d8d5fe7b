"""Criteria for whole units (neurons and channels) and for whole layers.

Unit criteria return a dictionary: the name of each layer whose units can be removed, with one score
for each of its units. They go to ``select_units``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array
from nnlib.errors import ShapeError, SharedLayerError
from nnlib.layers import Layer, Sequential
from nnlib.layers.residual import Residual
from nnlib.losses import Loss
from nnlib.pruning._structure import all_units, check_choice, check_model, evaluating, named
from nnlib.pruning.criteria import gradient, mean_loss
from nnlib.pruning.surgery import remove_layer


def unit_norm(
    model: Sequential, *, of: Literal["incoming", "outgoing", "product"] = "incoming"
) -> dict[str, Array]:
    """Score each unit by the Euclidean length of its weights.

    Parameters
    ----------
    model : Sequential
        The model.
    of : "incoming" (default), "outgoing" or "product"
        The weights that make the unit (without its bias), those that read it, or both lengths
        multiplied: with ReLU that product does not change if one is doubled and the other halved.

    Returns
    -------
    scores : dict of str to ndarray of shape (n_units,)
        By layer.

    Raises
    ------
    ArgumentError
        If ``of`` is something else, or no layer has units that can be removed.

    References
    ----------
    Li, Kadav, Durdanovic, Samet & Graf (2017), Pruning Filters for Efficient ConvNets, ICLR.

    Examples
    --------
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(2, 2, bias=False), ReLU(), Linear(2, 1, bias=False))
    >>> model.theta = [3.0, 0.0, 4.0, 1.0, 2.0, 6.0]
    >>> unit_norm(model)
    {'0': array([5., 1.], dtype=float32)}
    >>> unit_norm(model, of="product")
    {'0': array([10.,  6.], dtype=float32)}
    """
    check_choice(of, ("incoming", "outgoing", "product"), "of", "unit_norm")
    scores = {}
    for name, units in all_units(check_model(model, "unit_norm"), "unit_norm").items():
        incoming = np.sqrt(units.incoming(np.square(units.producer.W), None))
        outgoing = np.sqrt(units.outgoing(np.square(units.consumer.W)))
        both = {"incoming": incoming, "outgoing": outgoing, "product": incoming * outgoing}
        scores[name] = both[of]
    return scores


def unit_activity(
    model: Sequential,
    X: ArrayLike,
    *,
    statistic: Literal["mean", "variance"] = "mean",
) -> dict[str, Array]:
    """Score each unit by what reaches its reader: the mean of |a|, or the variance of a.

    A unit that is always 0 has no effect; one that is always the same has the effect of a bias. The
    variance is the biased one. In an image, and after Flatten, all places count alike.

    Parameters
    ----------
    model : Sequential
        The model; it runs in evaluation mode.
    X : ndarray of shape (N, ...)
        Rows.
    statistic : "mean" (default) or "variance"
        Which of the two.

    Returns
    -------
    scores : dict of str to ndarray of shape (n_units,)
        By layer.

    Raises
    ------
    ArgumentError
        If ``statistic`` is something else, or no layer has units that can be removed.
    ShapeError
        If there are no rows, or they do not fit.
    """
    check_choice(statistic, ("mean", "variance"), "statistic", "unit_activity")
    found = all_units(check_model(model, "unit_activity"), "unit_activity")
    x = model._input(X)
    if x.ndim == 0 or not len(x):
        message = f"unit_activity: X has shape {x.shape}, expected (N, ...) with rows."
        raise ShapeError(message)
    inputs = _inputs_of(model, x, {id(units.consumer) for units in found.values()})
    scores = {}
    for name, units in found.items():
        a = inputs[id(units.consumer)].reshape(-1, units.n)
        scores[name] = np.abs(a).mean(axis=0) if statistic == "mean" else a.var(axis=0)
    return scores


def unit_taylor(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss) -> dict[str, Array]:
    """Score each unit by the first-order change of the loss without it: |Σ a ∂L/∂a|.

    The sum runs over rows and places before the sign is dropped, so a unit whose effects on
    different rows cancel scores low. It is computed from the weights that read the unit, since
    a_j ∂L/∂a_j summed over rows equals Σ_k W_jk ∂L/∂W_jk.

    Parameters
    ----------
    model : Sequential
        The model; it runs in evaluation mode.
    X : ndarray of shape (N, ...)
        Rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.

    Returns
    -------
    scores : dict of str to ndarray of shape (n_units,)
        By layer.

    Raises
    ------
    ArgumentError
        If no layer has units that can be removed.
    DtypeError
        If ``loss`` is not a loss.
    ShapeError
        If rows and targets do not fit.

    References
    ----------
    Molchanov, Tyree, Karras, Aila & Kautz (2017), ICLR: for one row at a time.
    """
    found = all_units(check_model(model, "unit_taylor"), "unit_taylor")
    products = named(model, gradient(model, X, y, loss, "unit_taylor") * model.theta)
    return {
        name: np.abs(units.outgoing(products[f"{units.consumer_name}.W"]))
        for name, units in found.items()
    }


def unit_sum(model: Sequential, scores: ArrayLike) -> dict[str, Array]:
    """Add up the scores of all weights and the bias that make a unit.

    Turns a criterion for weights, such as ``obd``, into one for units.

    Parameters
    ----------
    model : Sequential
        The model.
    scores : ndarray of shape (P,)
        One for each entry of ``theta``.

    Returns
    -------
    scores : dict of str to ndarray of shape (n_units,)
        By layer.

    Raises
    ------
    ArgumentError
        If no layer has units that can be removed.
    ShapeError
        If there is not one score for each parameter.
    """
    found = all_units(check_model(model, "unit_sum"), "unit_sum")
    vector = as_array(scores, None, "unit_sum: scores")
    if vector.shape != model.theta.shape:
        message = f"unit_sum: scores have shape {vector.shape}, expected {model.theta.shape}."
        raise ShapeError(message)
    parts = named(model, vector)
    return {
        name: units.incoming(parts[f"{name}.W"], parts.get(f"{name}.b"))
        for name, units in found.items()
    }


def layer_ablation(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss) -> dict[str, float]:
    """Measure how much the loss changes without each layer or block.

    A layer can go where what is left still fits together: a residual block always, of which the
    shortcut remains; a ``Linear`` only if it puts out as many features as it takes.

    Parameters
    ----------
    model : Sequential
        The model.
    X : ndarray of shape (N, ...)
        Rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.

    Returns
    -------
    changes : dict of str to float
        By layer with parameters that can go: loss without it minus loss with it.

    Raises
    ------
    DtypeError
        If ``loss`` is not a loss.
    ShapeError
        If rows and targets do not fit.
    """
    check_model(model, "layer_ablation")
    before = mean_loss(model, X, y, loss, "layer_ablation")
    shape = model.predict(X).shape
    changes = {}
    for i, layer in enumerate(model.layers):
        if not layer.theta.size or len(model.layers) == 1:
            continue
        try:
            without = remove_layer(model, i)
            same_shape = without.predict(X).shape == shape
        except (ShapeError, SharedLayerError):  # what is left does not fit together
            continue
        if same_shape:
            changes[str(i)] = mean_loss(without, X, y, loss, "layer_ablation") - before
    return changes


def _inputs_of(model: Sequential, X: Array, wanted: set[int]) -> dict[int, Array]:
    """Run the model in evaluation mode and return what each wanted layer was given."""
    seen: dict[int, Array] = {}

    def run(layers: tuple[Layer, ...], x: Array) -> Array:
        for layer in layers:
            if id(layer) in wanted:
                seen[id(layer)] = x
            if isinstance(layer, Residual):
                x = x + run(layer.layers, x)
            elif isinstance(layer, Sequential):
                x = run(layer.layers, x)
            else:
                x = layer.forward(x)
        return x

    with evaluating(model):
        run(model.layers, X)
    return seen
