"""The report: what pruning has really saved, counted and measured."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from math import nan, prod
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers import Layer, Linear, Sequential
from nnlib.layers._normalization import Normalization
from nnlib.layers._recurrence import Recurrent
from nnlib.layers.attention import ScaledDotProductAttention
from nnlib.layers.conv import Conv2d
from nnlib.layers.embedding import Embedding
from nnlib.layers.positions import PositionalEmbedding
from nnlib.layers.tied import TiedLinear
from nnlib.pruning._structure import check_model
from nnlib.pruning.export import SparseModel, leaves, to_csr

COUNTED = (Linear, Conv2d, TiedLinear, Recurrent, ScaledDotProductAttention)
"""Layers that multiply matrices."""

NUMBER_BY_NUMBER = (Normalization, Embedding, PositionalEmbedding)
"""Layers whose parameters take part in no matrix product."""


@dataclass(frozen=True)
class Variant:
    """One way to store and run a model.

    Attributes
    ----------
    name : str
        ``"dense"``, ``"CSR"`` or ``"smaller"``.
    parameters, nonzeros : int
        How many there are, and how many of them are not 0.
    stored_bytes : int
        Bytes of all parameters in this form.
    flops : int
        Additions and multiplications that are carried out for one row in matrix products: those of
        linear layers, convolutions, recurrent layers and attention; zeros of a dense matrix are
        multiplied like all others. What is done number by number, such as activations and
        normalization, is not counted.
    latency_s : float
        Median time of ``predict`` for all rows of the example, in seconds.
    """

    name: str
    parameters: int
    nonzeros: int
    stored_bytes: int
    flops: int
    latency_s: float


@dataclass(frozen=True)
class CompressionReport:
    """What ``compression_report`` found; printed, it is a table.

    Attributes
    ----------
    variants : tuple of Variant
        The model as it is (dense), as sparse rows (CSR), and the smaller one if there is one.
    n_rows : int
        How many rows the latency is for.
    not_counted : tuple of str
        Layers with parameters whose operations are not known, with their places; where there are
        any, ``flops`` is a lower bound.
    """

    variants: tuple[Variant, ...]
    n_rows: int
    not_counted: tuple[str, ...] = ()

    @property
    def speedups(self) -> dict[str, float]:
        """How many times faster than dense each variant ran; below 1 is slower.

        nan where a clock was too coarse to see the variant run.
        """
        dense = self.variants[0].latency_s
        return {v.name: dense / v.latency_s if v.latency_s > 0 else nan for v in self.variants}

    def __str__(self) -> str:
        head = f"{'':8} {'parameters':>11} {'nonzeros':>11} {'bytes':>11} {'FLOPs/row':>11}"
        lines = [f"{head} {'latency':>11} {'speed':>7}"]
        for v in self.variants:
            counts = f"{v.parameters:11,} {v.nonzeros:11,} {v.stored_bytes:11,} {v.flops:11,}"
            time = f"{1000 * v.latency_s:8.3f} ms {self.speedups[v.name]:6.2f}x"
            lines.append(f"{v.name:8} {counts} {time}")
        if self.not_counted:
            names = ", ".join(self.not_counted)
            lines.append(f"FLOPs are a lower bound, without those of {names}.")
        lines.append(f"Latency: median for {self.n_rows} rows. A dense zero costs like any number.")
        return "\n".join(lines)


def compression_report(
    model: Sequential,
    X_example: ArrayLike,
    *,
    smaller: Sequential | None = None,
    repeats: int = 9,
    clock: Callable[[], float] = perf_counter,
) -> CompressionReport:
    """Count parameters, bytes and operations, and measure the latency, of a pruned model.

    The variants take turns, so that a busy moment of the machine hits all of them.

    Parameters
    ----------
    model : Sequential
        The pruned model, its zeros in place.
    X_example : ndarray of shape (N, ...)
        Rows to predict.
    smaller : Sequential, optional
        The same after surgery, from ``remove_units``.
    repeats : int, default 9
        How often each variant runs; one run more comes first and does not count.
    clock : function -> float, default time.perf_counter
        Seconds.

    Returns
    -------
    report : CompressionReport
        ``print(report)`` shows the table.

    Raises
    ------
    ArgumentError
        If a model is none, or ``repeats`` is below 1.
    ShapeError
        If there are no rows, or they do not fit a model.
    """
    where = "compression_report"
    repeats = check_count(repeats, "repeats", where)
    if not callable(clock):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"{where}: clock is {clock!r:.60}, expected a function such as time.perf_counter."
        )
        raise ArgumentError(message)
    own = copy.deepcopy(check_model(model, where))
    X = own._input(X_example)
    if X.ndim == 0 or not len(X):
        message = f"{where}: X_example has shape {X.shape}, expected (N, ...) with rows."
        raise ShapeError(message)
    sparse = to_csr(own)
    runs: dict[str, Callable[[Array], Array]] = {"dense": own.predict, "CSR": sparse.predict}
    small = None if smaller is None else copy.deepcopy(check_model(smaller, f"{where}: smaller"))
    if small is not None:
        runs["smaller"] = small.predict
    latency = _measure(runs, X, repeats, clock)
    variants = [
        _dense_variant("dense", own, X, latency["dense"]),
        _sparse_variant(own, sparse, X, latency["CSR"]),
    ]
    if small is not None:
        variants.append(_dense_variant("smaller", small, X, latency["smaller"]))
    unknown = [
        f"{name} ({layer!r:.40})" for name, layer in leaves(own)
        if layer.theta.size and not isinstance(layer, (*COUNTED, *NUMBER_BY_NUMBER))
    ]  # fmt: skip
    return CompressionReport(tuple(variants), len(X), tuple(unknown))


def _dense_variant(name: str, model: Sequential, X: Array, latency_s: float) -> Variant:
    theta = model.theta
    return Variant(
        name, theta.size, int(np.count_nonzero(theta)), theta.nbytes,
        sum(_flops(model, X).values()), latency_s,
    )  # fmt: skip


def _sparse_variant(model: Sequential, sparse: SparseModel, X: Array, latency_s: float) -> Variant:
    flops = _flops(model, X)
    uses = _rows_per_sample(model, X)
    for name, layer in leaves(model):
        if name in sparse.matrices and isinstance(layer, Linear):
            bias = layer.out_features if layer.bias else 0
            flops[name] = (2 * sparse.matrices[name].nnz + bias) * uses[name]
    stored = model.theta.size - sum(prod(m.shape) - m.nnz for m in sparse.matrices.values())
    nonzeros = int(np.count_nonzero(model.theta))
    return Variant("CSR", stored, nonzeros, sparse.nbytes, sum(flops.values()), latency_s)


def _flops(model: Sequential, X: Array) -> dict[str, int]:
    """Count operations for one row of X: each use takes 2 for a weight and 1 for a bias."""
    uses = _rows_per_sample(model, X)
    return {
        name: _flops_per_use(layer) * uses[name]
        for name, layer in leaves(model)
        if isinstance(layer, COUNTED)
    }


def _flops_per_use(layer: Layer) -> int:
    """Count the operations of one use of a layer that has run."""
    if isinstance(layer, TiedLinear):
        return 2 * layer.owner.W.size
    if isinstance(layer, Recurrent):
        return 2 * (layer.Wx.size + layer.Wh.size) + layer.b.size
    if isinstance(layer, ScaledDotProductAttention):  # scores and means: T · D products each
        _, T, D = layer._kept["output"][0]
        return int(2 * 2 * T * D)
    assert isinstance(layer, Linear | Conv2d)  # ruff: ignore[assert]  the others of COUNTED
    return 2 * layer.W.size + (layer.W.shape[-1] if layer.bias else 0)


def _rows_per_sample(model: Sequential, X: Array) -> dict[str, int]:
    """Return how often each layer is used for one row: a convolution once for each window."""
    model.predict(X[:1])
    return {
        # A recurrent layer may put out its last step alone, and keeps its inputs step by step.
        name: len(layer._kept["x"]) if isinstance(layer, Recurrent)
        else prod(layer._kept["output"][0][1:-1])
        for name, layer in leaves(model)
        if isinstance(layer, COUNTED)
    }  # fmt: skip


def _measure(
    runs: dict[str, Callable[[Array], Array]],
    X: Array,
    repeats: int,
    clock: Callable[[], float],
) -> dict[str, float]:
    """Return the median time of each function, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = clock()
            run(X)
            if repeat:
                times[name].append(clock() - start)
    return {name: median(some) for name, some in times.items()}
