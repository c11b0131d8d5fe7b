"""The peers do the same work: a benchmark against something else would mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import CrossEntropy
from tests.benchmarks import cnn, curvature
from tests.benchmarks.add_at import AddAtNetwork
from tests.benchmarks.scaling import peak_memory


def test_the_add_at_network_takes_the_step_that_nnlib_takes():
    X, y = cnn.images()
    model, baseline = cnn.build(pool_first=False), AddAtNetwork(np.random.default_rng(0))
    for conv, theirs in ((model.layers[0], baseline.conv[0]), (model.layers[3], baseline.conv[1])):
        theirs.W[:] = conv.W.transpose(3, 2, 0, 1).reshape(theirs.W.shape)
        theirs.b[:] = conv.b[:, np.newaxis]
    linear = model.layers[-1]
    # Their flattened pixels have channels first.
    baseline.W[:] = linear.W.reshape(7, 7, 32, 10).transpose(2, 0, 1, 3).reshape(-1, 10)
    before = [conv.W.copy() for conv in baseline.conv] + [baseline.W.copy()]

    model.loss_and_gradient(X, y, CrossEntropy())
    baseline.step(X.transpose(0, 3, 1, 2), y, lr=1.0)

    # Ties in pooling are left to each; random pixels have none before the bend.
    ours = [
        model.layers[0].dW.transpose(3, 2, 0, 1).reshape(16, -1),
        model.layers[3].dW.transpose(3, 2, 0, 1).reshape(32, -1),
        linear.dW.reshape(7, 7, 32, 10).transpose(2, 0, 1, 3).reshape(-1, 10),
    ]
    after = [conv.W for conv in baseline.conv] + [baseline.W]
    for gradient, old, new in zip(ours, before, after, strict=True):
        np.testing.assert_allclose(old - new, gradient, rtol=1e-3, atol=2e-6)  # float32


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # from within PyTorch
def test_pytorch_computes_the_same_hessian():
    model, X, y = curvature.network((4, 3, 2))
    loss = curvature.torch_loss(model, X, y)

    theirs = torch.func.hessian(loss)(torch.from_numpy(model.theta.copy()))

    ours = curvature.Hessian(model, X, y, CrossEntropy()).dense()
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-5)  # float32


def test_memory_grows_by_what_the_step_needs():
    """The two vectors of 670 thousand parameters and their moments are 10 MB of it."""
    grown = peak_memory(("nnlib MLP",))["nnlib MLP"]

    assert 10 < grown < 200
