"""What is minimized: losses, gradients and curvature products at the present parameters.

Second-order optimizers ask for more than one gradient a step. They ask an ``Objective``: a model
with a loss and data (``ModelObjective``), or any function (``FunctionObjective``).
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, as_array, check_shape
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError

if TYPE_CHECKING:
    from nnlib.layers import Sequential
    from nnlib.losses import Loss
    from nnlib.regularizers import Penalty


class Objective(Protocol):
    """What a second-order optimizer asks, always at the present ``theta``.

    What a pruning mask holds at zero has zero gradient, and no part in the products.
    """

    @property
    def theta(self) -> Array:
        """The parameters; the optimizer changes them in place."""

    def value_and_gradient(self) -> tuple[float, Array]:
        """Return the loss, and its gradient in an array of the caller's own."""

    def hessian_product(self, v: Array) -> Array:
        """Return H v, with H the Hessian of the loss."""

    def gauss_newton_product(self, v: Array) -> Array:
        """Return G v, with G = Jᵀ H_out J: positive semidefinite where the loss is convex."""


class BaseObjective(ABC):
    """What both kinds share: the last answer is kept, calls are counted, the mask is honored."""

    def __init__(self) -> None:
        self.n_evaluations = 0
        self.n_products = 0
        self._last: tuple[Array, float, Array, object] | None = None

    theta: Any
    mask: Any

    def value_and_gradient(self) -> tuple[float, Array]:
        """Compute loss and gradient at the present ``theta``.

        Asked again at the same place, it returns what it knows.

        Returns
        -------
        value : float
            The loss.
        grad : ndarray of shape (P,)
            A fresh array.

        Raises
        ------
        NonFiniteError
            If the model's predictions or its loss are not finite.
        """
        if (
            self._last is None
            or not np.array_equal(self._last[0], self.theta)
            or self._last[3] != self._circumstances()
        ):
            self._last = None
            self.n_evaluations += 1
            self._know(*self._evaluate())
        assert self._last is not None  # ruff: ignore[assert]  known since just now
        _, value, grad, _ = self._last
        return value, self._masked(grad.copy())

    def _know(self, value: float, grad: Array) -> None:
        """Keep an answer for the present ``theta``."""
        self._last = (self.theta.copy(), value, grad, self._circumstances())

    def _circumstances(self) -> object:
        """Return what the answers depend on besides ``theta``, to be compared."""
        return None

    def hessian_product(self, v: Array) -> Array:
        """Compute H v, with H the Hessian at the present ``theta``.

        Parameters
        ----------
        v : ndarray of shape (P,)
            A direction.

        Returns
        -------
        Hv : ndarray of shape (P,)
            A fresh array.

        Raises
        ------
        ShapeError
            If v does not hold one number for each parameter.
        """
        self.n_products += 1
        return self._masked(self._hessian_product(self._masked(self._checked(v))))

    def gauss_newton_product(self, v: Array) -> Array:
        """Compute G v, with G = Jᵀ H_out J at the present ``theta``.

        J is the derivative of the output with respect to the parameters, H_out the Hessian of the
        loss with respect to the output.

        Parameters
        ----------
        v : ndarray of shape (P,)
            A direction.

        Returns
        -------
        Gv : ndarray of shape (P,)
            A fresh array.

        Raises
        ------
        ShapeError
            If v does not hold one number for each parameter.

        References
        ----------
        Schraudolph (2002), Neural Computation 14, 1723-1738.
        """
        self.n_products += 1
        return self._masked(self._gauss_newton_product(self._masked(self._checked(v))))

    @abstractmethod
    def _evaluate(self) -> tuple[float, Array]:
        """Return the loss and its gradient, a fresh array."""

    @abstractmethod
    def _hessian_product(self, v: Array) -> Array:
        """Return H v, a fresh array."""

    @abstractmethod
    def _gauss_newton_product(self, v: Array) -> Array:
        """Return G v, a fresh array."""

    def _masked(self, vector: Array) -> Array:
        """Return the vector, a fresh one, with zeros where parameters are pruned."""
        if self.mask is not None:
            vector *= self.mask
        return vector

    def _checked(self, v: ArrayLike) -> Array:
        """Return a copy of a direction in the dtype of the parameters."""
        vector = np.array(as_array(v, self.theta.dtype, f"{type(self).__name__}: v"))
        check_shape(vector, self.theta.shape, f"{type(self).__name__}: v", "like theta")
        return vector

    def _difference_of_gradients(self, v: Array) -> Array:
        """Return (g(θ + h v) − g(θ − h v)) / 2h, and put θ back."""
        return self._difference(lambda: self._evaluate()[1], v)

    def _difference(self, f: Callable[[], Array], v: Array) -> Array:
        """Return (f(θ + h v) − f(θ − h v)) / 2h, and put θ back."""
        length = float(np.linalg.norm(v))
        if not length:
            return np.zeros_like(f())
        theta = self.theta
        before = theta.copy()
        # The error of the formula grows with h², that of rounding with 1/h: their sum is least
        # near the cube root of the rounding unit.
        unit = float(np.finfo(theta.dtype).eps)
        h = unit ** (1 / 3) * (1.0 + float(np.linalg.norm(before)) / math.sqrt(v.size)) / length
        try:
            theta += h * v
            change = f()
            np.copyto(theta, before)
            theta -= h * v
            change -= f()
        finally:
            np.copyto(theta, before)
        change /= 2.0 * h
        return change


class ModelObjective(BaseObjective):
    """The loss of a model on a batch, with a penalty if wanted, as a function of ``theta``.

    While it computes, running statistics and dropout masks stand still: one function is asked. It
    becomes another one, and is computed anew, if somebody switches a layer to ``eval()``, changes
    ``decay_mask``, or draws new dropout masks by a forward pass of his own.

    Hessian and Gauss-Newton products are exact (Pearlmutter's R-operator). If a layer has no
    R-operator they are central differences, of gradients or of outputs, with an error near 1e-6 of
    the result in float64, near 1e-3 in float32, and ``exact_products`` becomes False.

    Parameters
    ----------
    model : Sequential
        Its ``theta`` is read, and restored where it is moved. ``grad`` is used as memory.
    loss : Loss
        For example ``CrossEntropy()``; it is copied.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets.
    penalty : Penalty, optional
        Added to the loss. It may not be ``proximal``: such a part has no gradient to ask for.

    Attributes
    ----------
    n_evaluations, n_products : int
        Number of losses with gradients, and of products, computed so far.
    exact_products : bool
        Whether products so far were exact.

    Raises
    ------
    DtypeError
        If model or loss are something else.
    ShapeError
        If X and y differ in the number of rows.
    ArgumentError
        If the penalty is proximal.

    References
    ----------
    Pearlmutter (1994), Neural Computation 6, 147-160.

    Examples
    --------
    >>> from nnlib import MSE, Linear, Sequential
    >>> model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    >>> model.theta = 1.0
    >>> objective = ModelObjective(model, MSE(), [[2.0], [0.0]], [[0.0], [0.0]])
    >>> objective.value_and_gradient()  # ½ (2 θ)², 4 θ
    (2.0, array([4.]))
    >>> objective.hessian_product(np.array([1.0]))
    array([4.])
    """

    def __init__(
        self,
        model: Sequential,
        loss: Loss,
        X: ArrayLike,
        y: ArrayLike,
        penalty: Penalty | None = None,
    ) -> None:
        from nnlib.layers import Sequential  # here: layers are no part of most optimizers
        from nnlib.losses.base import check_loss

        super().__init__()
        if not isinstance(model, Sequential):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"ModelObjective: model is {model!r:.60}, expected a Sequential."
            )
            raise DtypeError(message)
        check_loss(loss, "ModelObjective")
        self.model = model
        # A copy with a memory of its own, so that nobody else's forward comes between our calls.
        self.loss = copy.copy(loss)
        self.loss._kept = {}
        self.X, self.y, self.penalty = model._input(X), np.asarray(y), penalty
        if self.X.ndim == 0 or self.y.shape[:1] != self.X.shape[:1] or len(self.X) == 0:
            message = (
                f"ModelObjective: X has shape {self.X.shape} and y has shape {self.y.shape}, "
                "expected the same number of rows, at least one."
            )
            raise ShapeError(message)
        if getattr(penalty, "proximal", False):
            message = (
                f"ModelObjective: penalty is {penalty!r:.60}, whose proximal part acts after a "
                "step and is in no gradient. Leave proximal=True away, or train with fit and SGD "
                "without momentum."
            )
            raise ArgumentError(message)
        self.exact_products = True
        # Slices of different length would draw dropout masks of their own at every call.
        self._rows_per_slice = len(self.X) if model.generators() else None
        self._prepared: tuple[Array, Array, object, object] | None = None
        self._backward_stands = False

    @property
    def theta(self) -> Array:
        """The parameters of the model."""
        return self.model.theta

    @property
    def grad(self) -> Array:
        """The model's gradient, in which values of earlier calls may stand."""
        return self.model.grad

    @property
    def decay_mask(self) -> BoolArray:
        """True where weight decay acts."""
        return self.model.decay_mask

    @property
    def mask(self) -> BoolArray | None:
        """The model's pruning mask."""
        return self.model.mask

    def _circumstances(self) -> object:
        model = self.model
        modes = [layer.training for layer in model._everything()]
        draws = [generator.bit_generator.state for generator in model.generators().values()]
        return modes, draws, None if self.penalty is None else self.decay_mask.tobytes()

    def _evaluate(self) -> tuple[float, Array]:
        model = self.model
        with model.frozen():
            value, grad = model.loss_and_gradient(
                self.X, self.y, self.loss, rows_per_slice=self._rows_per_slice
            )
        if self.penalty is not None:
            value += self.penalty.value(model.theta, model.decay_mask)
            self.penalty.gradient(model.theta, grad, model.decay_mask)
        return value, grad.copy()

    def _hessian_product(self, v: Array) -> Array:
        model = self.model
        with model.frozen(), np.errstate(over="ignore", invalid="ignore"):
            try:
                self._prepare(backward=True)
                model.rbackward(self.loss.rbackward(self._output_change(v)), need_dx=False)
                Hv = np.array(model.grad_dot)
            except NotImplementedError:
                self.exact_products = False
                self._prepared = None
                return self._difference_of_gradients(v)
        return self._with_penalty(Hv, v)

    def _gauss_newton_product(self, v: Array) -> Array:
        model, grad = self.model, self.model.grad.copy()
        with model.frozen(), np.errstate(over="ignore", invalid="ignore"):
            try:
                self._prepare(backward=False)
                y_dot = self._output_change(v)
            except NotImplementedError:
                self.exact_products = False
                y_dot = self._difference_of_outputs(v)
                self._prepared = None
                self._prepare(backward=False)
            model.backward(self.loss.rbackward(y_dot), need_dx=False)
            Gv = model.grad.copy()
        np.copyto(model.grad, grad)
        self._backward_stands = False  # what the layers keep of it is now that of the product
        return self._with_penalty(Gv, v)

    def _prepare(self, *, backward: bool) -> None:
        """Run forward, and backward if wanted, unless the layers still hold just that."""
        model = self.model
        if self._prepared is not None:
            theta, grad, output, circumstances = self._prepared
            same = model._kept.get("output") is output and np.array_equal(theta, model.theta)
            same = same and circumstances == self._circumstances()
            if same and not backward:
                return
            # A stranger's backward would have left another gradient.
            if same and self._backward_stands and np.array_equal(grad, model.grad):
                return
        self.loss.forward(model.forward(self.X), self.y)
        if backward:
            model.backward(self.loss.backward(), need_dx=False)
        self._prepared = (
            model.theta.copy(), model.grad.copy(), model._kept["output"], self._circumstances()
        )  # fmt: skip
        self._backward_stands = backward

    def _output_change(self, v: Array) -> Array:
        change = self.model.rforward(None, v)
        assert change is not None  # ruff: ignore[assert]  v is given, so the output changes
        return change

    def _difference_of_outputs(self, v: Array) -> Array:
        """Return J v = (y(θ + h v) − y(θ − h v)) / 2h, and put θ back."""
        return self._difference(lambda: self.model.forward(self.X), v)

    def _with_penalty(self, product: Array, v: Array) -> Array:
        if self.penalty is not None:
            product += self.penalty.hessian_diagonal(self.theta, self.decay_mask) * v
        return product


def finite_value_and_gradient(objective: Objective) -> tuple[float, Array | None]:
    """Return loss and gradient; infinity and None where the objective is not finite."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            value, grad = objective.value_and_gradient()
        except NonFiniteError:
            return math.inf, None
    if not (math.isfinite(value) and np.isfinite(grad).all()):
        return math.inf, None
    return value, grad
