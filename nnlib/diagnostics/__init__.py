"""See what goes on in a network that is being trained, and name what goes wrong.

The measures look at a model as it stands: ``gradient_norms``, ``activation_statistics``,
``dead_units``, ``saturation``. ``Monitor`` is a callback that records them while ``fit`` runs, and
``diagnose`` names what it recorded.

    >>> from nnlib.diagnostics import diagnose
    >>> from nnlib.training import History
    >>> str(diagnose(History(loss=[2.3, 1.1, 0.8])).condition)
    'healthy'
"""

from nnlib.diagnostics.activations import (
    ActivationStatistics,
    activation_statistics,
    dead_units,
    saturation,
)
from nnlib.diagnostics.diagnosis import Condition, Diagnosis, diagnose, generalization_gap
from nnlib.diagnostics.gradients import (
    gradient_gain,
    gradient_norms,
    update_ratio,
    weight_norms,
)
from nnlib.diagnostics.monitor import Monitor, Record

__all__ = [
    "ActivationStatistics",
    "Condition",
    "Diagnosis",
    "Monitor",
    "Record",
    "activation_statistics",
    "dead_units",
    "diagnose",
    "generalization_gap",
    "gradient_gain",
    "gradient_norms",
    "saturation",
    "update_ratio",
    "weight_norms",
]
