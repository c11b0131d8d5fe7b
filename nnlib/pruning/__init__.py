"""Pruning: networks with fewer weights, neurons, channels or layers.

Three questions are kept apart: what is a weight worth (a *criterion* gives scores), which ones go
(``select`` gives a mask), and what becomes of the model (``model.mask`` sets zeros that every
optimizer respects; ``remove_neurons`` and the like build a really smaller model).

    >>> import numpy as np
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(4, 8, rng=0), ReLU(), Linear(8, 2, rng=1))
    >>> model.mask = select(model, magnitude(model), sparsity=0.75)
    >>> int(np.count_nonzero(model.theta)), sparsity_of(model)
    (12, 0.75)
    >>> keep = select_units(unit_norm(model), sparsity=0.5)
    >>> remove_units(model, keep)
    Sequential(Linear(4, 4), ReLU(), Linear(4, 2))
"""

from nnlib.pruning.criteria import Criterion, ablation, magnitude, obd, snip, taylor
from nnlib.pruning.export import SparseModel, to_csr
from nnlib.pruning.report import CompressionReport, Variant, compression_report
from nnlib.pruning.selection import Scope, dead_units, select, select_units, unit_mask
from nnlib.pruning.surgeon import (
    SurgeonResult,
    damped_inverse,
    obs_prune,
    obs_saliency,
    obs_update,
)
from nnlib.pruning.surgery import prune_channels, remove_layer, remove_neurons, remove_units
from nnlib.pruning.training import (
    GradualPruning,
    LotteryTicket,
    PruningRound,
    cubic_schedule,
    lottery_ticket,
    prune_and_finetune,
    sparsity_of,
)
from nnlib.pruning.units import layer_ablation, unit_activity, unit_norm, unit_sum, unit_taylor

__all__ = [
    "CompressionReport",
    "Criterion",
    "GradualPruning",
    "LotteryTicket",
    "PruningRound",
    "Scope",
    "SparseModel",
    "SurgeonResult",
    "Variant",
    "ablation",
    "compression_report",
    "cubic_schedule",
    "damped_inverse",
    "dead_units",
    "layer_ablation",
    "lottery_ticket",
    "magnitude",
    "obd",
    "obs_prune",
    "obs_saliency",
    "obs_update",
    "prune_and_finetune",
    "prune_channels",
    "remove_layer",
    "remove_neurons",
    "remove_units",
    "select",
    "select_units",
    "snip",
    "sparsity_of",
    "taylor",
    "to_csr",
    "unit_activity",
    "unit_mask",
    "unit_norm",
    "unit_sum",
    "unit_taylor",
]
