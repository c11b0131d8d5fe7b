"""Probes: run a learner's object on given inputs and write down what happened.

A leaf of the package: it imports NumPy and the standard library only, because it is the one part
of grading that enters the sandbox. It holds no expected value and gives no verdict. A probe turns
``(object, inputs)`` into an `Observation`: named outputs as plain values, or a `Problem` that
says what went wrong, the inputs that were changed, and what was printed.

>>> import numpy as np
>>> double = Call(returns=("y",))
>>> double.observe(lambda x: 2 * x, {"x": np.array([1.0, 2.0])}).outputs["y"]
array([2., 4.])
"""

from grading.probes._capture import captured, no_exit, restored
from grading.probes._observation import Observation, Problem, Stopped, shortened
from grading.probes._plain import Opaque, plain, same
from grading.probes._probes import Call, Iterate, Methods, Probe, Raises

__all__ = [
    "Call",
    "Iterate",
    "Methods",
    "Observation",
    "Opaque",
    "Probe",
    "Problem",
    "Raises",
    "Stopped",
    "captured",
    "no_exit",
    "plain",
    "restored",
    "same",
    "shortened",
]
