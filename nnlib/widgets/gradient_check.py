"""The error of a difference quotient against its step size, and the formulas behind the V."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets.worked_network import compute

LOG_STEPS = tuple(round(-15 + 0.05 * i, 2) for i in range(301))
"""log10 of the step sizes that are drawn: 1e-15 to 1, twenty to a decade."""


Rounding = Callable[[float], float]


class Example(NamedTuple):
    """A function of one number, the point it is differentiated at, and its exact derivative."""

    value: Callable[[float, Rounding], float]
    at: float
    slope: float


def _network(w: float, rounded: Rounding) -> float:
    """Return the worked network's loss as a function of w45, rounded after each operation."""
    y3, y4, _ = compute()["y"]
    a5 = rounded(rounded(rounded(0.3) * rounded(y3)) + rounded(w * rounded(y4)))
    error = rounded(0.5 - rounded(1 / rounded(1 + rounded(math.exp(-a5)))))
    return rounded(0.5 * rounded(error * error))


def _sine(x: float, rounded: Rounding) -> float:
    return rounded(math.sin(x))


def _square(x: float, rounded: Rounding) -> float:
    return rounded(x * x)


def _kink(w: float, rounded: Rounding) -> float:
    """Return ½ (LeakyReLU(w) − ½)², whose slope changes by a factor of 10 at w = 0."""
    unit = w if w > 0 else rounded(rounded(0.1) * w)
    error = rounded(unit - 0.5)
    return rounded(0.5 * rounded(error * error))


EXAMPLES = {
    "network": Example(_network, 0.9, compute()["gradients"][5]),
    "sine": Example(_sine, 1.0, math.cos(1.0)),
    "square": Example(_square, 1.0, 2.0),
    "kink": Example(_kink, -0.003, 0.1 * (0.1 * -0.003 - 0.5)),
}
"""The functions on offer: loss of the worked network in w45, sin x, x², a unit near its kink."""


def quotient(function: str, method: str, precision: str, h: float) -> float:
    """Return a difference quotient, every operation rounded to the precision.

        forward: (f(x + h) − f(x)) / h        central: (f(x + h) − f(x − h)) / 2h

    Parameters
    ----------
    function : str
        A name of ``EXAMPLES``.
    method : str
        ``"forward"`` or ``"central"``.
    precision : str
        ``"float32"`` or ``"float64"``.
    h : float
        The step.

    Returns
    -------
    float
        The estimate of the slope.

    Examples
    --------
    >>> quotient("square", "central", "float64", 0.25)
    2.0
    >>> quotient("square", "forward", "float64", 0.25)
    2.25
    """
    f, at, _ = EXAMPLES[function]

    def rounded(value: float) -> float:
        return float(np.float32(value)) if precision == "float32" else float(value)

    x, step = rounded(at), rounded(h)
    low = rounded(x - step) if method == "central" else x
    width = rounded(2 * step) if method == "central" else step
    rise: float = rounded(f(rounded(x + step), rounded) - f(low, rounded))
    return rounded(rise / width)


def relative_error(function: str, method: str, precision: str, h: float) -> float:
    """Return |estimate − exact| / max(|estimate|, |exact|), between 0 and 2.

    Parameters
    ----------
    function, method, precision : str
        As in ``quotient``.
    h : float
        The step.

    Returns
    -------
    float
        The relative error of the quotient; 1 where it is 0, since no digit of it is right.
    """
    estimate, exact = quotient(function, method, precision, h), EXAMPLES[function].slope
    return abs(estimate - exact) / max(abs(estimate), abs(exact))


def curve(function: str, method: str, precision: str) -> list[float]:
    """Return the relative error at every step of ``LOG_STEPS``.

    Parameters
    ----------
    function, method, precision : str
        As in ``quotient``.

    Returns
    -------
    list of float
        One error per step.
    """
    return [relative_error(function, method, precision, 10.0**p) for p in LOG_STEPS]


def best_step(errors: list[float]) -> float:
    """Return log10 of the step in the bottom of the V.

    Rounding makes single points lucky, so the median of 11 neighbors decides, not the least.

    Parameters
    ----------
    errors : list of float
        A ``curve``.

    Returns
    -------
    float
        log10 of the best step size.
    """
    middles = [sorted(errors[max(0, i - 5) : i + 6]) for i in range(len(errors))]
    medians = [row[len(row) // 2] for row in middles]
    return LOG_STEPS[medians.index(min(medians))]


def slope_between(errors: list[float], low: float, high: float) -> float:
    """Return the slope of log10(error) over log10(h) by least squares; NaN without two points.

    Parameters
    ----------
    errors : list of float
        A ``curve``.
    low, high : float
        The range of log10(h).

    Returns
    -------
    float
        1 where the error grows like h, 2 where it grows like h², −1 where it falls like 1/h.
    """
    pairs = [
        (p, math.log10(e))
        for p, e in zip(LOG_STEPS, errors, strict=True)
        if low <= p <= high and e > 0
    ]
    if len(pairs) < 2:
        return math.nan
    mean_p, mean_e = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    spread: float = sum((p - mean_p) ** 2 for p, _ in pairs)
    shared: float = sum((p - mean_p) * (e - mean_e) for p, e in pairs)
    return shared / spread


class GradientCheck(Figure):
    """Find the step size at which a difference quotient is most accurate.

    Parameters
    ----------
    function : str, default "network"
        ``"network"``, ``"sine"``, ``"square"`` or ``"kink"``.
    method : str, default "central"
        ``"forward"`` or ``"central"``.
    precision : str, default "float64"
        ``"float32"`` or ``"float64"``.
    log_h : float, default -2.0
        log10 of the step size.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    function, method, precision, log_h
        What the controls hold; set them here and the picture follows.
    error : float
        The relative error at this step.

    Raises
    ------
    ValueError
        If a name is none of those above.
    """

    title = "How small should the step of a gradient check be?"
    purpose = "Find the step size at which a difference quotient comes closest to the derivative."
    height = 860

    function: str = synced("network")
    method: str = synced("central")
    precision: str = synced("float64")
    log_h: float = synced(-2.0)
    error: float = synced(0.0)

    def __init__(
        self,
        *,
        function: str = "network",
        method: str = "central",
        precision: str = "float64",
        log_h: float = -2.0,
        key: str = "",
    ) -> None:
        allowed = {
            "function": tuple(EXAMPLES),
            "method": ("forward", "central"),
            "precision": ("float32", "float64"),
        }
        given = {"function": function, "method": method, "precision": precision}
        for name, value in given.items():
            if value not in allowed[name]:
                message = f"GradientCheck: {name} is {value!r}, expected one of {allowed[name]}."
                raise ValueError(message)
        super().__init__(key=key, log_h=float(log_h), **given)
        self._refresh()
        self._follow(("function", "method", "precision", "log_h"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``error`` true where Python sets a control and no browser is open."""
        h = 10.0**self.log_h
        self.error = relative_error(self.function, self.method, self.precision, h)

    def summary(self) -> str:
        """Return the state in one sentence."""
        return (
            f"a {self.method} difference in {self.precision} with step 10^{self.log_h:g} "
            f"has a relative error of {self.error:.1e}."
        )
