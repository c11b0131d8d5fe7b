"""What holds layers: their parameters in one vector, and memory for each of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import FLOAT_TYPES, Array, BoolArray, as_array, instance_hint
from nnlib._workspace import FRESH, Buffered, Workspace, working_in
from nnlib.errors import ArgumentError, DtypeError, ShapeError, SharedLayerError
from nnlib.layers.base import Layer
from nnlib.layers.parameters import Parameter


class Container(Layer):
    """Own the vectors of which the parameters of several layers are views.

    A subclass says in ``_forward`` and ``_backward`` how the layers are connected; ``forward`` and
    ``backward`` see to it that what comes in and goes out is nobody else's array.

    Parameters
    ----------
    layers : tuple of Layer
        In the order of their places in ``theta``.

    Raises
    ------
    SharedLayerError
        If a layer comes twice, or belongs to another model.
    DtypeError
        If the layers differ in dtype.
    """

    layers: tuple[Layer, ...]

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = ()
        super().__init__()
        self.layers = _checked(layers, type(self).__name__)
        dtypes = {layer.dtype for layer in self.layers} - {None}
        if len(dtypes) > 1:
            message = (
                f"{type(self).__name__}: the layers have dtypes {sorted(map(str, dtypes))}, "
                "expected one. Give all of them the same, or convert one with layer.astype."
            )
            raise DtypeError(message)
        self._dtype = dtypes.pop() if dtypes else None
        self._features_after(None, f"{type(self).__name__}:")
        # All refusals come before this line: a refused layer stays as it was.
        self._join(self._dtype or FLOAT_TYPES[0])
        for layer in self.layers:
            layer._owned = True

    # Forward and backward -----------------------------------------------------------------------

    def forward(self, x: ArrayLike) -> Array:
        """Run the layers.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            A batch. It is cast to the model's dtype.

        Returns
        -------
        y : ndarray
            Output of the model, a fresh array.
        """
        if self._workspace is not None:  # inside another model, which has lent its memory
            return self._run_forward(self._input(x))
        # The layers may keep what they are given without copying, except what the caller holds.
        x = np.array(self._input(x), order="C")
        with self._lent_fresh():
            y = self._run_forward(x)
        return y.copy()

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient from the output back through all layers into ``grad``.

        Parameters
        ----------
        dy : ndarray of the shape of the last output
            Loss gradient at the output.
        need_dx : bool, default True
            False if nobody reads the gradient at the input: saves a matrix product.
        accumulate : bool, default False
            Add to ``grad`` instead of overwriting it.

        Returns
        -------
        dx : ndarray of the shape of x, or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        shape, dtype = self._recall("output", "backward", "forward")
        if self._workspace is not None:
            return self._backward(np.asarray(dy), need_dx=need_dx, accumulate=accumulate)
        dy = np.array(as_array(dy, dtype, f"{type(self).__name__}.backward: dy"), order="C")
        if dy.shape != shape:
            message = f"{type(self).__name__}.backward: dy has shape {dy.shape}, expected {shape}."
            raise ShapeError(message + (" It looks transposed." if dy.T.shape == shape else ""))
        with self._lent_fresh():
            return self._backward(dy, need_dx=need_dx, accumulate=accumulate)

    @abstractmethod
    def _forward(self, x: Array) -> Array:
        """Compute the output. Arrays may be kept without copying, and must not be changed."""

    @abstractmethod
    def _backward(self, dy: Array, *, need_dx: bool, accumulate: bool) -> Array | None:
        """Carry the loss gradient back through the layers, which write their own gradients."""

    def _run_forward(self, x: Array) -> Array:
        y = self._forward(x)
        self._kept["output"] = (y.shape, y.dtype)
        return y

    # Parameters ---------------------------------------------------------------------------------

    def parameters(self) -> list[Parameter]:
        """List the parameters of all layers, in the order of ``theta``."""
        return [
            Parameter(
                f"{i}.{p.name}",
                slice(place.start + p.slice.start, place.start + p.slice.stop),
                p.shape,
                p.decays,
            )
            for i, (layer, place) in enumerate(self._places())
            for p in layer.parameters()
        ]

    def buffers(self) -> dict[str, Array]:
        """Return the running statistics of all layers by name."""
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in layer.buffers().items()
        }

    def generators(self) -> dict[str, np.random.Generator]:
        """Return the random generators of all layers by name."""
        return {
            f"{i}.{name}": generator
            for i, layer in enumerate(self.layers)
            for name, generator in layer.generators().items()
        }

    def train(self, mode: bool = True) -> Self:
        """Switch all layers to training behavior, and return the model."""
        for layer in self._everything():
            layer.training = mode
        return self

    def _set_dtype(self, dtype: np.dtype[Any]) -> None:
        for layer in self.layers:
            layer._set_dtype(dtype)
        self._dtype = dtype

    def _places(self) -> Iterator[tuple[Layer, slice]]:
        """Yield each layer with its slice of the last axis of ``theta``."""
        start = 0
        for layer in self.layers:
            stop = start + layer.theta.shape[-1]
            yield layer, slice(start, stop)
            start = stop

    def _join(self, dtype: np.dtype[Any]) -> None:
        """Move the parameters of all layers into vectors of the model's own."""
        parts = [layer for layer in self.layers if layer.theta.size]
        stacks = {part.theta.shape[:-1] for part in parts}
        if len(stacks) > 1:
            message = (
                f"{type(self).__name__}: the layers have stack axes {sorted(stacks)}, "
                "expected the same in all."
            )
            raise ShapeError(message)
        if not parts:
            return
        self._bind(
            np.concatenate([part.theta for part in parts], axis=-1, dtype=dtype),
            np.concatenate([part.grad for part in parts], axis=-1, dtype=dtype),
            np.concatenate([part.decay_mask for part in parts]),
        )
        if any(part.mask is not None for part in parts):
            masks = [
                np.ones(part.decay_mask.shape, bool) if part.mask is None else part.mask
                for part in parts
            ]
            self._set_mask(np.concatenate(masks))

    def _bind(self, theta: Array, grad: Array, decay_mask: BoolArray) -> None:
        """Bind every layer to its slice of these vectors."""
        self._views = {"theta": theta, "grad": grad}
        self._decay_mask = decay_mask
        for layer, place in self._places():
            if layer.theta.shape[-1]:
                layer._bind(theta[..., place], grad[..., place], decay_mask[place])

    def _set_mask(self, mask: BoolArray | None) -> None:
        """Make this mask the model's own, and give every layer its slice of it."""
        self._mask = mask
        for layer, place in self._places():
            if layer.theta.shape[-1]:
                layer._set_mask(None if mask is None else mask[place])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, and make the layers views of the model's vectors again."""
        super().__setstate__(state)
        self._set_mask(self._mask)
        for layer in self.layers:
            layer._owned = True

    # Checks and workspaces ----------------------------------------------------------------------

    @property
    def couples_rows(self) -> bool:  # type: ignore[override]  # a model answers for its layers
        """Whether some layer couples rows, so that a batch cannot be cut in slices."""
        return any(layer.couples_rows for layer in self.layers)

    @property
    def slice_rows(self) -> int:  # type: ignore[override]  # a model answers for its layers
        """How many rows run through the model at once: as many as suit its most demanding layer."""
        return min(layer.slice_rows for layer in self.layers)

    @property
    def takes_integers(self) -> bool:  # type: ignore[override]  # a model answers for its layers
        """Whether the first layer takes whole numbers, such as the numbers of words."""
        return self.layers[0].takes_integers

    def _everything(self) -> Iterator[Layer]:
        """Yield the model, its layers, and the layers within them."""
        yield self
        for layer in self.layers:
            if isinstance(layer, Container):
                yield from layer._everything()
            else:
                yield layer

    def _lent_workspaces(self, *others: Buffered) -> AbstractContextManager[None]:
        """Lend every layer, and the loss, the workspace that it alone uses."""
        if "_workspaces" not in self.__dict__:
            self._workspaces = [(leaf, Workspace()) for leaf in self._everything()]
            self._loss_workspace = Workspace()
        return working_in([*self._workspaces, *((other, self._loss_workspace) for other in others)])

    def _lent_fresh(self) -> AbstractContextManager[None]:
        """Let every layer take new memory, and keep without copying what it is handed."""
        return working_in((leaf, FRESH) for leaf in self._everything())

    def __getstate__(self) -> dict[str, Any]:
        """Leave workspaces out of copies and pickles."""
        state = super().__getstate__()
        state = {k: v for k, v in state.items() if k not in {"_workspaces", "_loss_workspace"}}
        return state | ({"_plans": {}} if "_plans" in state else {})

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.layers))
        return f"{type(self).__name__}({inner})"


def _checked(layers: tuple[Layer, ...], where: str) -> tuple[Layer, ...]:
    """Return the layers after checking that each is a layer, new to models, and comes once."""
    if not layers:
        message = f"{where}: no layers, expected at least one."
        raise ArgumentError(message)
    seen: set[int] = set()
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            hint = f" Unpack the list: {where}(*layers)." if isinstance(layer, list) else ""  # type: ignore[unreachable]  # callers need not be typed
            hint = instance_hint(layer) or hint
            message = f"{where}: argument {i} is {layer!r:.60}, expected a layer.{hint}"
            raise DtypeError(message)
        if id(layer) in seen or layer._owned:
            fault = "comes twice" if id(layer) in seen else "belongs to another model"
            message = (
                f"{where}: layer {i}, {layer!r}, {fault}, expected a layer of its own. "
                "Create a new one, or copy it with copy.deepcopy."
            )
            raise SharedLayerError(message)
        seen.add(id(layer))
    return layers
