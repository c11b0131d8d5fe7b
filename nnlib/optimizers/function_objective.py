"""Any function of a vector as an objective, so that every optimizer runs on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import FLOAT_TYPES, Array, BoolArray, as_array, check_shape
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.optimizers.objective import BaseObjective


class FunctionObjective(BaseObjective):
    """Any function of a vector, for optimizers: it takes the place of model and objective.

    Parameters
    ----------
    function : function theta -> (value, gradient)
        What is minimized. It must not change theta.
    theta : ndarray of shape (P,)
        Where to start; copied. float32 stays float32, all else becomes float64.
    hessian_product : function (theta, v) -> ndarray, optional
        H v; by default a central difference of gradients.
    gauss_newton_product : function (theta, v) -> ndarray, optional
        G v; without it there is none.

    Attributes
    ----------
    theta, grad : ndarray of shape (P,)
        Parameters and gradient; optimizers change ``theta`` in place.
    mask : ndarray of bool of shape (P,), or None
        What is False here stays as zero.
    n_evaluations, n_products : int
        Number of values with gradients, and of products, computed so far.

    Raises
    ------
    DtypeError
        If ``function`` cannot be called, or theta does not hold numbers.
    ShapeError
        If theta is not a vector.

    Examples
    --------
    >>> from nnlib.optimizers import Newton
    >>> bowl = FunctionObjective(lambda x: (float(x @ x), 2 * x), theta=[3.0, -4.0])
    >>> Newton(bowl).step(bowl)
    >>> (bowl.theta.round(6) + 0.0).tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        function: Callable[[Array], tuple[float, ArrayLike]],
        theta: ArrayLike,
        *,
        hessian_product: Callable[[Array, Array], ArrayLike] | None = None,
        gauss_newton_product: Callable[[Array, Array], ArrayLike] | None = None,
    ) -> None:
        super().__init__()
        if not callable(function):
            message = f"FunctionObjective: function is {function!r:.60}, expected a function."  # type: ignore[unreachable]  # callers need not be typed
            raise DtypeError(message)
        start = np.asarray(theta)
        dtype = start.dtype if start.dtype in FLOAT_TYPES else FLOAT_TYPES[1]
        self.theta = np.array(as_array(theta, dtype, "FunctionObjective: theta"))
        if self.theta.ndim != 1 or self.theta.size == 0:
            message = (
                f"FunctionObjective: theta has shape {self.theta.shape}, expected (P,), at least "
                "one number."
            )
            raise ShapeError(message)
        self.grad = np.zeros_like(self.theta)
        self.decay_mask: BoolArray = np.ones(self.theta.shape, bool)
        self.mask: BoolArray | None = None
        self._function = function
        self._products = (hessian_product, gauss_newton_product)

    @classmethod
    def least_squares(
        cls,
        residuals: Callable[[Array], ArrayLike],
        jacobian: Callable[[Array], ArrayLike],
        theta: ArrayLike,
    ) -> Self:
        """Make the objective ½ ‖r(θ)‖², with gradient Jᵀ r and G = Jᵀ J.

        Parameters
        ----------
        residuals : function theta -> r of shape (N,)
            What should become small.
        jacobian : function theta -> J of shape (N, P)
            Its derivatives.
        theta : ndarray of shape (P,)
            Where to start.

        Returns
        -------
        objective : FunctionObjective
            As ``scipy.optimize.least_squares`` counts its cost.

        Examples
        --------
        >>> fit = FunctionObjective.least_squares(lambda x: x - 3.0, lambda x: np.eye(1), [1.0])
        >>> fit.value_and_gradient()
        (2.0, array([-2.]))
        """

        def function(x: Array) -> tuple[float, Array]:
            r = np.asarray(residuals(x))
            return 0.5 * float(r @ r), np.asarray(jacobian(x)).T @ r

        def product(x: Array, v: Array) -> Array:
            J = np.asarray(jacobian(x))
            Gv: Array = J.T @ (J @ v)
            return Gv

        return cls(function, theta, gauss_newton_product=product)

    def _evaluate(self) -> tuple[float, Array]:
        answer: object = self._function(self.theta)  # callers need not be typed
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            message = (
                f"FunctionObjective: function returned {answer!r:.60}, expected a pair "
                "(value, gradient). End your function with: return value, gradient."
            )
            raise DtypeError(message)
        return self._number(answer[0]), self._result(answer[1], "the gradient")

    def _number(self, value: ArrayLike) -> float:
        """Return the value of the function, one real number."""
        array = as_array(value, FLOAT_TYPES[1], "FunctionObjective: the value")
        if array.size != 1:
            message = (
                f"FunctionObjective: the value has shape {array.shape}, expected one number. "
                "Sum it up, or take the mean."
            )
            raise ShapeError(message)
        return float(array.reshape(())[()])

    def _hessian_product(self, v: Array) -> Array:
        product = self._products[0]
        if product is None:
            return self._difference_of_gradients(v)
        return self._result(product(self.theta, v), "hessian_product")

    def _gauss_newton_product(self, v: Array) -> Array:
        product = self._products[1]
        if product is None:
            message = (
                "FunctionObjective: there is no gauss_newton_product. Build the objective with "
                "FunctionObjective.least_squares, or give one."
            )
            raise ArgumentError(message)
        return self._result(product(self.theta, v), "gauss_newton_product")

    def _result(self, value: ArrayLike, name: str) -> Array:
        """Return a copy of what a function returned, checked."""
        where = f"FunctionObjective: {name}"
        array = np.array(as_array(value, self.theta.dtype, where))
        check_shape(array, self.theta.shape, where, "like theta")
        return array
