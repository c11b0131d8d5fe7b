"""One Hessian product of a plain network from scratch, most of it compiled.

The rules are those of ``ChainLinearization``, which stay the reference; tests hold the two
together. A product of two small matrices takes half a microsecond, and calling NumPy for it as long
again. So here a layer costs one compiled call on the way forward, the loss one, and the way back
through all layers one. NumPy's tanh and exponential are faster than compiled loops, and stand
between these calls.

Arrays lie by columns, one row for each unit of the network, layer after layer, and share one
``room`` of shape (4, units, N):

    a        outputs; of the last layer the logits, then δ = ∂L/∂z
    z_dot    changes of z along v; behind an activation then φ''/φ' z_dot; at the end that of δ
    a_dot    changes of the outputs
    slope    φ'

Taken are activations whose slopes follow from their outputs, so that z need not be kept:

    tanh: φ' = 1 − a²,  φ''/φ' = −2 a            sigmoid: φ' = a (1 − a),  φ''/φ' = 1 − 2 a
    ReLU: φ' = 1 where a > 0, else 0,  φ'' = 0
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._compiling import compiled
from nnlib.curvature._columns import SMALL
from nnlib.layers import Linear
from nnlib.layers.activations import Elementwise, ReLU, Sigmoid, Tanh, sigmoid
from nnlib.losses import MSE, CrossEntropy, Loss

Links: TypeAlias = list[tuple[Linear, Elementwise | None, slice]]

NONE, RELU, SIGMOID, TANH = range(4)
KINDS = {type(None): NONE, ReLU: RELU, Sigmoid: SIGMOID, Tanh: TANH}

ONE_THREAD = 2**18
"""Up to so many multiplications a product of matrices runs in one thread, as OpenBLAS has it.

Larger ones gain little here; and compiled code calls SciPy's BLAS, whose threads and those of
NumPy's would wait for each other: on a busy machine milliseconds.
"""


def layer_table(links: Links) -> IntArray | None:
    """Return inputs, outputs, bias and kind of activation of each layer, if all are taken here."""
    table: list[tuple[int, int, bool, int]] = []
    for linear, activation, _ in links:
        kind = KINDS.get(type(activation))
        if kind is None:
            return None
        table.append((linear.in_features, linear.out_features, linear.bias, kind))
    return np.array(table, np.intp) if table[-1][-1] == NONE else None


def product_from_scratch(
    table: IntArray, theta: Array, v: Array, X: Array, targets: np.ndarray[Any, Any], loss: Loss
) -> Array | None:
    """Multiply the Hessian at one point by one direction.

    Parameters
    ----------
    table : ndarray of int of shape (layers, 4)
        As ``layer_table`` returns it.
    theta, v : ndarray of shape (P,)
        The point and the direction.
    X : ndarray of shape (N, in_features)
        Rows.
    targets : ndarray
        Labels of shape (N,), or numbers of shape (N, outputs).
    loss : Loss
        Cross-entropy without smoothing, or squared error.

    Returns
    -------
    Hv : ndarray of shape (P,), or None
        None where the ordinary way has to be taken: it knows all losses, and names what is wrong.
    """
    layers = table.tolist()
    n, n_out = len(X), layers[-1][1]
    if type(loss) is CrossEntropy and not loss.label_smoothing:
        known = targets.dtype.kind in "iu" and targets.shape == (n,)
    else:
        known = type(loss) is MSE and targets.dtype == X.dtype and targets.shape == (n, n_out)
    if not known or X.shape[1] != layers[0][0]:
        return None
    if n * max(n_in * width for n_in, width, _, _ in layers) > ONE_THREAD:
        return None
    # The compiler makes another version for arrays that do not lie in one piece.
    X, v = np.ascontiguousarray(X), np.ascontiguousarray(v)
    room = np.empty((4, sum(width for _, width, _, _ in layers), n), X.dtype)
    outputs, stop = room[0], 0
    code = kernels()
    for layer, (_, width, _, kind) in enumerate(layers):
        code.forward(table, layer, theta, v, X, room)
        start, stop = stop, stop + width
        if kind != NONE:
            _activate(kind, outputs[start:stop])
    if not _through_loss(loss, targets, outputs[-n_out:], room[1, -n_out:]):
        return None
    out = np.empty_like(v)
    code.backward(table, theta, v, X, room, out)
    return out


def _through_loss(loss: Loss, targets: np.ndarray[Any, Any], z: Array, z_dot: Array) -> bool:
    """Overwrite z and z_dot by ∂L/∂z and its change; return whether nothing is wrong."""
    if type(loss) is MSE:
        return bool(kernels().squares(z, np.ascontiguousarray(targets), z_dot))
    flat = z.reshape(-1)
    squares = flat.dot(flat)  # nan and infinity show here
    if not math.isfinite(squares):
        return False
    if squares >= SMALL * SMALL:
        z -= np.maximum.reduce(z, axis=0)
    np.exp(z, out=z)
    return bool(kernels().softmax(z, np.ascontiguousarray(targets, np.intp), z_dot))


def _activate(kind: int, z: Array) -> None:
    """Overwrite z by φ(z)."""
    if kind == TANH:
        np.tanh(z, out=z)
    elif kind == RELU:
        np.maximum(z, 0, out=z)
    else:
        z[...] = sigmoid(z, np.empty_like(z), np.empty_like(z))


class Kernels:
    """The kernels, compiled at their first call."""

    def __init__(self) -> None:
        self.forward = compiled(_forward)
        self.squares = compiled(_squares)
        self.softmax = compiled(_softmax)
        self.backward = compiled(_backward)


@cache
def kernels() -> Kernels:
    """Return the one set of kernels of this process."""
    return Kernels()


# What follows is compiled: products of whole matrices, and plain loops along rows. A whole number
# beside float32 would give float64, so one and zero come in the type of the arrays.


def _forward(table: IntArray, layer: int, theta: Array, v: Array, X: Array, room: Array) -> None:
    """Fill z = Wᵀ x + b of one layer, and its change z_dot = Vᵀ x + Wᵀ x_dot + b_dot.

    The activation before it has run since the last call; its slope and a_dot come first.
    """
    a, z_dot, a_dot, slope = room[0], room[1], room[2], room[3]
    n, one = len(X), theta.dtype.type(1)
    zero = one - one
    place = before = unit = 0
    for i in range(layer):
        place += table[i, 1] * (table[i, 0] + table[i, 2])
        before, unit = unit, unit + table[i, 1]
    for j in range(before, unit):
        kind = table[layer - 1, 3]
        if kind == TANH:
            for i in range(n):
                y, change = a[j, i], z_dot[j, i]
                slope[j, i] = one - y * y
                a_dot[j, i] = (one - y * y) * change
                z_dot[j, i] = -(y + y) * change
        elif kind == SIGMOID:
            for i in range(n):
                y, change = a[j, i], z_dot[j, i]
                slope[j, i] = y * (one - y)
                a_dot[j, i] = y * (one - y) * change
                z_dot[j, i] = (one - y - y) * change
        else:
            for i in range(n):
                slope[j, i] = one if kind == NONE or a[j, i] > zero else zero
                a_dot[j, i] = slope[j, i] * z_dot[j, i]
                z_dot[j, i] = zero
    n_in, n_out, bias = table[layer, 0], table[layer, 1], table[layer, 2]
    matrix, own = slice(place, place + n_in * n_out), slice(unit, unit + n_out)
    W, V = theta[matrix].reshape(n_in, n_out), v[matrix].reshape(n_in, n_out)
    x = a[before:unit] if layer else np.ascontiguousarray(X.T)
    np.dot(W.T, x, a[own])
    np.dot(V.T, x, z_dot[own])
    if layer:
        z_dot[own] += np.dot(W.T, a_dot[before:unit])
    if bias:
        for j in range(n_out):
            b, b_dot = theta[matrix.stop + j], v[matrix.stop + j]
            for i in range(n):
                a[unit + j, i] += b
                z_dot[unit + j, i] += b_dot


def _squares(z: Array, t: Array, z_dot: Array) -> bool:
    """Turn z into 2 (z − t) / n, and z_dot into 2 z_dot / n; return whether the loss is finite."""
    share = z.dtype.type(2 / z.size)
    total = share - share
    for k in range(z.shape[0]):
        for i in range(z.shape[1]):
            error = z[k, i] - t[i, k]
            total += error * error
            z[k, i] = share * error
            z_dot[k, i] *= share
    return bool(np.isfinite(total))


def _softmax(e: Array, labels: IntArray, z_dot: Array) -> bool:
    """Turn e = exp z into (p − onehot) / N, and z_dot into p (z_dot − Σ_k p_k z_dot_k) / N."""
    n_classes, n = e.shape
    one, share = e.dtype.type(1), e.dtype.type(1 / n)
    mass, mean = np.zeros_like(e[0]), np.zeros_like(e[0])
    for k in range(n_classes):
        for i in range(n):
            mass[i] += e[k, i]
    for i in range(n):
        mass[i] = one / mass[i]
    for k in range(n_classes):
        for i in range(n):
            e[k, i] *= mass[i]
            mean[i] += e[k, i] * z_dot[k, i]
            e[k, i] *= share
    for k in range(n_classes):
        for i in range(n):
            z_dot[k, i] = e[k, i] * (z_dot[k, i] - mean[i])
    for i in range(n):
        if labels[i] < 0 or labels[i] >= n_classes:
            return False  # no class: the ordinary way says so
        e[labels[i], i] -= share
    return True


def _backward(table: IntArray, theta: Array, v: Array, X: Array, room: Array, out: Array) -> None:
    """Fill out, the changes of the gradient, from the last layer to the first.

    The gradient of W is x δᵀ, that of b Σ_rows δ, and ∂L/∂x is W δ. Their changes:
    x δ_dotᵀ + x_dot δᵀ, Σ_rows δ_dot, and W δ_dot + V δ. With the slope behind it,
    δ = φ' ∂L/∂a changes by φ' (∂L/∂a)_dot + (φ''/φ') z_dot δ.
    """
    a, z_dot, a_dot, slope = room[0], room[1], room[2], room[3]
    place, unit = len(theta), len(a) - table[-1, 1]
    delta, delta_dot = a[unit:], z_dot[unit:]
    for layer in range(len(table) - 1, -1, -1):
        n_in, n_out, bias = table[layer, 0], table[layer, 1], table[layer, 2]
        if bias:
            place -= n_out
            for j in range(n_out):
                out[place + j] = delta_dot[j].sum()
        place -= n_in * n_out
        matrix = slice(place, place + n_in * n_out)
        change = out[matrix].reshape(n_in, n_out)
        if layer == 0:
            np.dot(X.T, delta_dot.T, change)
            break
        W, V = theta[matrix].reshape(n_in, n_out), v[matrix].reshape(n_in, n_out)
        first = unit - n_in
        np.dot(a[first:unit], delta_dot.T, change)
        change += np.dot(a_dot[first:unit], delta.T)
        da, da_dot, moved = np.dot(W, delta), np.dot(W, delta_dot), np.dot(V, delta)
        for j in range(n_in):
            for i in range(len(X)):
                s, d = slope[first + j, i], da[j, i] * slope[first + j, i]
                da[j, i] = d
                da_dot[j, i] = s * (da_dot[j, i] + moved[j, i]) + d * z_dot[first + j, i]
        delta, delta_dot, unit = da, da_dot, first
