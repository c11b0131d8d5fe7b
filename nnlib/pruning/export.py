"""Export to compressed sparse rows: zeros take neither memory nor multiplications.

Each stored weight takes its value and its column number, so the form is smaller than the dense one
only beyond a sparsity of about a half; whether it is faster, ``compression_report`` measures.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.errors import ShapeError
from nnlib.layers import Layer, Linear, Sequential
from nnlib.layers.residual import Residual
from nnlib.pruning._structure import check_model, walk


class SparseModel:
    """A model for prediction only, whose linear layers multiply by sparse matrices.

    Convolutions and all else stay dense. Made by ``to_csr``.

    Attributes
    ----------
    matrices : dict of str to scipy.sparse.csr_matrix of shape (out_features, in_features)
        Wᵀ of each ``Linear``, by the name of the layer: one row for each output.
    """

    def __init__(self, model: Sequential, matrices: dict[str, Any]) -> None:
        self._model = model
        self.matrices = matrices

    @property
    def nbytes(self) -> int:
        """Bytes of all parameters: values, column numbers, row starts; dense ones as they are."""
        total = 0
        for p in self._model.parameters():
            matrix = self.matrices.get(p.name.rpartition(".")[0])
            if matrix is None or not p.name.endswith(".W"):
                total += (p.slice.stop - p.slice.start) * self._model.theta.itemsize
            else:
                total += matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        return total

    def predict(self, X: ArrayLike) -> Array:
        """Run the model in evaluation mode.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            Any number of rows.

        Returns
        -------
        y : ndarray of shape (N, ...)
            Output of the last layer.

        Raises
        ------
        ShapeError
            If X does not fit the model.
        """
        return self._run(self._model.layers, self._model._input(X), "")

    def _run(self, layers: tuple[Layer, ...], x: Array, prefix: str) -> Array:
        for i, layer in enumerate(layers):
            name = f"{prefix}{i}"
            if name in self.matrices:
                x = self._linear(name, layer, x)
            elif isinstance(layer, Residual):
                x = x + self._run(layer.layers, x, f"{name}.")
            elif isinstance(layer, Sequential):
                x = self._run(layer.layers, x, f"{name}.")
            else:
                x = layer.forward(x)
        return x

    def _linear(self, name: str, layer: Layer, x: Array) -> Array:
        matrix = self.matrices[name]
        if x.ndim < 2 or x.shape[-1] != matrix.shape[1]:
            message = (
                f"SparseModel.predict: layer {name} was given {x.shape}, expected "
                f"(..., {matrix.shape[1]})."
            )
            raise ShapeError(message)
        rows = x.reshape(-1, x.shape[-1])
        y: Array = np.ascontiguousarray((matrix @ rows.T).T)
        if isinstance(layer, Linear) and layer.bias:
            y += layer.b
        return y.reshape(*x.shape[:-1], matrix.shape[0])

    def __repr__(self) -> str:
        return f"SparseModel({self._model!r})"


def to_csr(model: Sequential) -> SparseModel:
    """Copy a pruned model into compressed sparse rows.

    Parameters
    ----------
    model : Sequential
        The model; it stays as it is, and later changes of it do not reach the copy.

    Returns
    -------
    sparse : SparseModel
        With ``predict`` and ``nbytes``.

    Raises
    ------
    ArgumentError
        If ``model`` is not a Sequential.

    References
    ----------
    Tinney & Walker (1967), Proceedings of the IEEE 55, 1801-1809.

    Examples
    --------
    >>> from nnlib import Linear, Sequential
    >>> model = Sequential(Linear(3, 2, bias=False, dtype=np.float64))
    >>> model.layers[0].W = [[5.0, 0.0], [0.0, 0.0], [0.0, 7.0]]
    >>> sparse = to_csr(model)
    >>> sparse.matrices["0"].data, sparse.matrices["0"].indices
    (array([5., 7.]), array([0, 2], dtype=int32))
    >>> sparse.predict([[1.0, 1.0, 1.0]])
    array([[5., 7.]])
    """
    from scipy.sparse import csr_matrix  # here: takes long to import

    own = copy.deepcopy(check_model(model, "to_csr")).eval()
    return SparseModel(
        own, {name: csr_matrix(layer.W.T) for name, layer in _linears(own.layers, "")}
    )


def _linears(layers: tuple[Layer, ...], prefix: str) -> list[tuple[str, Linear]]:
    """List the linear layers that ``_run`` meets; those of other containers run as they are."""
    found: list[tuple[str, Linear]] = []
    for i, layer in enumerate(layers):
        name = f"{prefix}{i}"
        # What is more than that runs as it is, and so does a matrix that another layer uses, too.
        if type(layer) is Linear and layer._tie is None:
            found.append((name, layer))
        elif isinstance(layer, Sequential | Residual):
            found += _linears(layer.layers, f"{name}.")
    return found


def leaves(model: Sequential) -> list[tuple[str, Layer]]:
    """List the layers that hold no others, with their names.

    Parameters
    ----------
    model : Sequential
        The model.

    Returns
    -------
    layers : list of (str, Layer)
        In order.
    """
    return [(name, layer) for name, layer in walk(model.layers) if not hasattr(layer, "layers")]
