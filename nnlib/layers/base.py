"""What every layer promises, and how its parameters live in one flat vector.

A layer owns ``theta`` and ``grad``, vectors of length P; ``W``, ``b``, ``dW`` and ``db`` are views
of them. A model that takes the layer in binds it anew, to slices of the model's own vectors. So an
optimizer, a norm or a pruning mask is one line on one vector, and each layer sees its effect.

Leading axes of ``theta`` beyond its last are *stack axes*: folds that are trained at once. In
``rforward`` the direction may carry further leading axes, one entry for each direction.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlib._array import (
    FLOAT_TYPES,
    Array,
    BoolArray,
    as_array,
    as_whole_numbers,
    check_shape,
    float_dtype,
)
from nnlib._workspace import Buffered
from nnlib.errors import OrderError, SharedLayerError
from nnlib.layers._checks import as_change, as_mask, checked_state, split_direction
from nnlib.layers._declaring import check_backward_rule, declare_views
from nnlib.layers.parameters import Parameter, ParameterView

if TYPE_CHECKING:
    from nnlib.layers.tied import Tie


class Layer(Buffered, ABC):
    """One step of a network, with its forward rule and its backward rule.

    Parameters
    ----------
    shapes : dict of str to tuple of int, optional
        The parameters by name. Names in ``no_decay`` are spared by weight decay.
    no_decay : tuple of str
        Parameters that weight decay leaves alone.
    dtype : dtype or None
        float32 or float64, fixed from here on. None, for layers without parameters: as the
        input comes.

    Attributes
    ----------
    theta, grad : ndarray of shape (P,)
        All parameters and their gradient. Assigning copies into the vector.
    decay_mask : ndarray of bool of shape (P,)
        True where weight decay acts: weights only, unless you change it.
    training : bool
        Set by ``train()`` and ``eval()``; layers such as dropout behave differently in the two.
    """

    stackable: ClassVar[bool] = False
    """Whether stack axes of the parameters are understood, so that folds train at once."""

    couples_rows: ClassVar[bool] = False
    """Whether an output row depends on other rows, so that a batch cannot be cut in slices."""

    slice_rows: ClassVar[int] = 1024
    """How many rows run through the layer at once; more would leave the processor's cache."""

    takes_integers: ClassVar[bool] = False
    """Whether x holds whole numbers, such as the numbers of words, which are not cast to floats."""

    _tie: Tie | None = None
    """Keeps count of the uses of W in one pass, where a ``TiedLinear`` uses it too."""

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]] | None = None,
        *,
        no_decay: tuple[str, ...] = ("b",),
        dtype: DTypeLike | None = None,
    ) -> None:
        self.training = True
        self._dtype = None if dtype is None else float_dtype(dtype, type(self).__name__)
        self._shapes = dict(shapes or {})
        self._no_decay = no_decay
        self._running: dict[str, Array] = {}
        self._generators: dict[str, np.random.Generator] = {}
        self._frozen = False
        self._mask: BoolArray | None = None
        self._views: dict[str, Array] = {}
        self._owned = False
        self._kept: dict[str, Any] = {}
        declare_views(self, self._shapes)
        size = sum(prod(shape) for shape in self._shapes.values())
        storage = self._dtype or FLOAT_TYPES[0]
        mask = np.concatenate(
            [np.full(prod(s), name not in no_decay) for name, s in self._shapes.items()]
            or [np.empty(0, bool)]
        )
        self._bind(np.zeros(size, storage), np.zeros(size, storage), mask)

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a backward rule that a model could not call."""
        super().__init_subclass__(**options)
        check_backward_rule(cls)

    # The contract -------------------------------------------------------------------------------

    @abstractmethod
    def forward(self, x: ArrayLike) -> Array:
        """Compute the output and keep what ``backward`` needs."""

    @abstractmethod
    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient from the output to the parameters and the input."""

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate ``forward`` along a direction: Pearlmutter's R-operator.

        Gives ``y_dot``, the change of the output; None where nothing changes.

        Parameters
        ----------
        x_dot : ndarray of the shape of x, or None
            Change of the input along the direction. None where the input does not change. Leading
            axes in front of x's own are several directions at once.
        v : ndarray of shape (..., P), or None
            Direction in parameter space. None is zero.

        Raises
        ------
        OrderError
            If ``forward`` has not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        message = f"{self!r}.rforward: this layer has no R-operator. Use differences of gradients."
        raise NotImplementedError(message)

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

        Gives ``dx_dot``, the change of the loss gradient at the input, and leaves the change of
        ``grad`` in ``grad_dot``, of shape (..., P): for the whole loss that is the Hessian times v.

        Parameters
        ----------
        dy_dot : ndarray of the shape of y
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        message = f"{self!r}.rbackward: this layer has no R-operator. Use differences of gradients."
        raise NotImplementedError(message)

    grad_dot: Array

    def __call__(self, x: ArrayLike) -> Array:
        """Run ``forward``, as in PyTorch."""
        return self.forward(x)

    # Parameters ---------------------------------------------------------------------------------

    theta = ParameterView()
    grad = ParameterView()

    @property
    def decay_mask(self) -> BoolArray:
        """True where weight decay acts; assigning copies into the vector."""
        return self._decay_mask

    @decay_mask.setter
    def decay_mask(self, value: ArrayLike) -> None:
        mask = as_mask(value, self._decay_mask.shape, f"{self!r}.decay_mask")
        np.copyto(self._decay_mask, mask)

    @property
    def mask(self) -> BoolArray | None:
        """Pruning mask of shape (P,), True is kept; None if nothing is pruned.

        Assigning a mask copies it and sets the pruned entries of ``theta`` to zero. Every
        optimizer keeps them there, and so does assigning to ``theta`` or ``W``; what is written
        into an array, as in ``theta[:] = 1``, is not looked at. Assigning None lets all
        parameters move again. A layer in a model shows its part of the model's mask.
        """
        return self._mask

    @mask.setter
    def mask(self, value: ArrayLike | None) -> None:
        if self._owned:
            message = f"{self!r}.mask: it belongs to a model, whose mask is one. Assign model.mask."
            raise SharedLayerError(message)
        shape = self._decay_mask.shape
        self._set_mask(None if value is None else as_mask(value, shape, f"{self!r}.mask"))
        self._apply_mask()

    def _set_mask(self, mask: BoolArray | None) -> None:
        """Make this mask the layer's own."""
        self._mask = mask

    def _apply_mask(self) -> None:
        """Set what the mask prunes to zero, in ``theta``."""
        if self._mask is not None:
            self.theta[..., ~self._mask] = 0.0

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The type of parameters and outputs; None where it follows the input."""
        return self._dtype

    def parameters(self) -> list[Parameter]:
        """List each parameter with its name, its slice of ``theta``, its shape and its decay."""
        found, start = [], 0
        for name, shape in self._shapes.items():
            stop = start + prod(shape)
            found.append(Parameter(name, slice(start, stop), shape, name not in self._no_decay))
            start = stop
        return found

    def buffers(self) -> dict[str, Array]:
        """Return running statistics by name: saved with the parameters, but never trained."""
        return dict(self._running)

    def generators(self) -> dict[str, np.random.Generator]:
        """Return the random generators by name; a checkpoint keeps their state."""
        return dict(self._generators)

    def zero_grad(self) -> None:
        """Set the gradient to zero, before a sum of ``backward(accumulate=True)``."""
        self.grad.fill(0.0)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers by name."""
        stack = self.theta.shape[:-1]
        named = {
            p.name: self.theta[..., p.slice].reshape(*stack, *p.shape) for p in self.parameters()
        }
        return {name: array.copy() for name, array in (named | self.buffers()).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy parameters and buffers in; a dictionary that does not fit changes nothing.

        Parameters
        ----------
        state : dict of str to array_like
            As ``state_dict`` returns it.

        Raises
        ------
        DtypeError
            If ``state`` is not a dictionary.
        ArgumentError
            If names are missing or unknown.
        ShapeError
            If an array has another shape than its parameter.
        """
        where = f"{type(self).__name__}.load_state_dict"
        arrays = checked_state(state, self.state_dict(), where)
        stack = self.theta.shape[:-1]
        for p in self.parameters():
            self.theta[..., p.slice] = arrays[p.name].reshape(*stack, -1)
        for name, buffer in self.buffers().items():
            np.copyto(buffer, arrays[name])
        self._apply_mask()

    # Modes and copies ---------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch to training behavior, and return the layer."""
        self.training = mode
        return self

    def eval(self) -> Self:
        """Switch to the behavior of prediction, and return the layer."""
        return self.train(mode=False)

    @contextmanager
    def frozen(self) -> Generator[Self]:
        """Hold running statistics and random masks still within a ``with`` block.

        Line searches, Hessian products and spectra ask the model several times and need one
        function: the mask that dropout drew last, or draws first, serves all calls, and
        normalization leaves its running statistics as they are.

        Yields
        ------
        Layer
            The layer itself.
        """
        leaves = [(leaf, leaf._frozen) for leaf in self._everything()]
        try:
            for leaf, _ in leaves:
                leaf._frozen = True
            yield self
        finally:
            for leaf, before in leaves:
                leaf._frozen = before
                if not before:
                    leaf._thaw()

    def _thaw(self) -> None:
        """Forget what only a frozen layer needs."""

    def _everything(self) -> Iterator[Layer]:
        """Yield the layer, and the layers within it."""
        yield self

    def astype(self, dtype: DTypeLike) -> Self:
        """Return a new layer or model with the same values in another dtype.

        Parameters
        ----------
        dtype : dtype
            float32, or float64 for checks.

        Returns
        -------
        Layer
            A copy; this one stays as it is.
        """
        wanted = float_dtype(dtype, f"{type(self).__name__}.astype")
        new = copy.deepcopy(self)
        for mine, theirs in zip(new._everything(), self._everything(), strict=True):
            mine._frozen = theirs._frozen  # for checks in float64 of what is held still
        new._set_dtype(wanted)
        new._bind(new.theta.astype(wanted), new.grad.astype(wanted), new.decay_mask)
        return new

    def _set_dtype(self, dtype: np.dtype[Any]) -> None:
        if self._shapes:
            self._dtype = dtype
        self._running = {name: array.astype(dtype) for name, array in self._running.items()}

    def _bind(self, theta: Array, grad: Array, decay_mask: BoolArray) -> None:
        """Make these vectors the layer's own, and every W and dW a view of them."""
        self._views = {"theta": theta, "grad": grad}
        self._decay_mask = decay_mask
        for p in self.parameters():
            shape = (*theta.shape[:-1], *p.shape)
            self._views[p.name] = theta[..., p.slice].reshape(shape)
            self._views[f"d{p.name}"] = grad[..., p.slice].reshape(shape)

    def __getstate__(self) -> dict[str, Any]:
        """Leave views and work arrays out of copies and pickles: views would become detached."""
        state = {k: v for k, v in self.__dict__.items() if k not in {"_views", "_workspace"}}
        vectors = {"theta": self.theta, "grad": self.grad}
        fresh = {"_kept": {}, "_owned": False, "_frozen": False}
        return state | {"_vectors": vectors} | fresh

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, and make the views anew."""
        vectors = state.pop("_vectors")
        self.__dict__.update(state)
        # NumPy pickles a slice of a longer vector as an array of its own, so this is contiguous.
        self._bind(vectors["theta"], vectors["grad"], self._decay_mask)

    # Help for the rules of a layer --------------------------------------------------------------

    @property
    def _stack_ndim(self) -> int:
        return self._views["theta"].ndim - 1

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]  see below
        """Return the number of features put out for so many put in; None where it is not known."""
        return None

    def _input(self, x: ArrayLike) -> Array:
        """Return x in the layer's dtype."""
        # The words for an error are put together only for one: this runs for every batch.
        if type(x) is np.ndarray and x.dtype == self._dtype:
            return x
        if self.takes_integers:
            return as_whole_numbers(x, f"{self!r}.forward: x")  # type: ignore[return-value]  # for the layer that asks
        return as_array(x, self._dtype, f"{self!r}.forward: x")

    def _upstream(self, dy: ArrayLike, rule: str = "backward") -> Array:
        """Return dy in the dtype of the last output, after checking that it fits that output."""
        shape, dtype = self._recall("output", rule, "forward")
        if type(dy) is np.ndarray and dy.shape == shape and dy.dtype == dtype:
            return dy
        array = as_array(dy, dtype, f"{self!r}.{rule}: dy")
        check_shape(array, shape, f"{self!r}.{rule}: dy", "like the last output")
        return array

    def _recall(self, name: str, rule: str, before: str) -> Any:
        """Return what an earlier call kept."""
        try:
            return self._kept[name]
        except KeyError:
            message = f"{self!r}.{rule}: {before} has not run. Call {before} first."
            raise OrderError(message) from None

    def _x_dot(self, x_dot: ArrayLike, like: Array) -> Array:
        """Return a change of the input, after checking that it is shaped like that input."""
        return as_change(x_dot, like.shape, like.dtype, f"{self!r}.rforward: x_dot")

    def _dy_dot(self, dy_dot: ArrayLike) -> Array:
        """Return a change of dy, after checking that it is shaped like the last output."""
        shape, dtype = self._recall("output", "rbackward", "forward")
        return as_change(dy_dot, shape, dtype, f"{self!r}.rbackward: dy_dot")

    def _direction(self, v: ArrayLike | None) -> dict[str, NDArray[Any]]:
        """Return the parts of a direction by parameter name, leading axes kept."""
        return split_direction(v, self.theta, self.parameters(), f"{self!r}.rforward: v")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
