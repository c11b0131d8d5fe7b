"""Probes: run a learner's object on given inputs and write down what happened.

A leaf of the package: it imports NumPy and the standard library only, because it is the one part
of grading that enters the sandbox. It holds no expected value and gives no verdict. A probe turns
``(object, inputs)`` into an `Observation`: named outputs as plain values, or a `Problem` that
says what went wrong, the inputs that were changed, and what was printed. Probes, inputs and
observations cross between processes in frames (`encode`, `decode`), which hold no code.

>>> import numpy as np
>>> double = Call(returns=("y",))
>>> double.observe(lambda x: 2 * x, {"x": np.array([1.0, 2.0])}).outputs["y"]
array([2., 4.])
"""

from grading.probes._capture import captured, no_exit, restored
from grading.probes._observation import Observation, Problem, Stopped, shortened
from grading.probes._plain import Opaque, plain, same
from grading.probes._probes import Call, Iterate, Methods, Probe, Raises
from grading.probes._records import (
    observation_fields,
    observation_from,
    probe_fields,
    probe_from,
)
from grading.probes._wire import Reference, WireError, decode, encode

__all__ = [
    "Call",
    "Iterate",
    "Methods",
    "Observation",
    "Opaque",
    "Probe",
    "Problem",
    "Raises",
    "Reference",
    "Stopped",
    "WireError",
    "captured",
    "decode",
    "encode",
    "no_exit",
    "observation_fields",
    "observation_from",
    "plain",
    "probe_fields",
    "probe_from",
    "restored",
    "same",
    "shortened",
]
