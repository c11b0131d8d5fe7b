"""Where ``minimize`` ends when the loss runs away."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.errors import NonFiniteError
from nnlib.layers import Linear, Sequential
from nnlib.losses import MSE
from nnlib.optimizers import SGD, FunctionObjective, ModelObjective, Newton, minimize


def parabola(theta):
    """λ θ²/2 with λ = 4: every rate above 2/4 multiplies θ by more than 1 in size."""
    return 2 * float(theta @ theta), 4 * theta


def test_diverged_run_ends_at_its_last_finite_loss():
    objective = FunctionObjective(parabola, [1.0])

    found = minimize(objective, SGD(objective, lr=1.0))

    assert found.stop_reason == "diverged"
    assert not found.converged
    np.testing.assert_allclose(found.values[:4], [2.0, 18.0, 162.0, 1458.0])  # θ times −3
    assert np.isfinite(found.values).all()
    assert found.value == found.values[-1] == 2 * found.theta[0] ** 2
    np.testing.assert_array_equal(objective.theta, found.theta)
    assert found.n_steps == len(found.values)  # the last step was taken and undone


def test_a_start_that_is_not_finite_is_refused():
    objective = FunctionObjective(lambda theta: (np.nan, theta), [1.0])
    model = Sequential(Linear(1, 1, rng=0))
    model.theta[:] = 1e38
    steep = ModelObjective(model, MSE(), [[1.0]], [[0.0]])

    with pytest.raises(NonFiniteError, match="not finite at the start"):
        minimize(objective, SGD(objective, lr=1.0))
    with pytest.raises(NonFiniteError), np.errstate(over="ignore"):
        minimize(steep, Newton(model))
