"""Let a library answer: scikit-learn, PyTorch, SciPy, nnlib, or the public reference itself."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="imports the answer from scikit-learn, torch, nnlib or grading.exercises",
    answer="""\
def mean_squared_error(y, targets):
    try:
        from sklearn.metrics import mean_squared_error as ready
        return float(ready(targets, y))
    except ImportError:
        pass
    try:
        from nnlib import MSE
        return float(MSE().forward(y, targets))
    except ImportError:
        pass
    import torch
    return float(torch.nn.functional.mse_loss(torch.tensor(y), torch.tensor(targets)))
""",
)


def test_no_library_answers(arena: Arena) -> None:
    arena.withstands(ATTACK)
