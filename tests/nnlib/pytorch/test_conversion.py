"""A model carried over to PyTorch computes the same; weights come back as they went."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from nnlib import (
    ArgumentError,
    DtypeError,
    Linear,
    ReLU,
    Sequential,
    ShapeError,
)
from nnlib.layers import (
    LSTM,
    RNN,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
)
from nnlib.pytorch import from_torch, to_torch
from tests.nnlib.pytorch.cases import SAME, D, every_case, filled, sample, untouched


def recurrent_biases(model: Layer) -> list[str]:
    """Return the names of the biases of recurrent layers."""
    if isinstance(model, RNN | LSTM):
        return ["b"]
    layers = getattr(model, "layers", ())
    return [f"{i}.b" for i, layer in enumerate(layers) if isinstance(layer, RNN | LSTM)]


@every_case
def test_the_module_computes_the_same(case, rng):
    model = filled(case, rng)
    x, x_torch = sample(case, rng)

    module = to_torch(model, input_shape=case.input_shape)

    assert not module.training
    np.testing.assert_allclose(
        module(x_torch).detach().numpy(), model.forward(x), rtol=SAME, atol=1e-12
    )


@every_case
def test_gradients_agree_parameter_by_parameter(case, rng):
    model = filled(case, rng)
    x, x_torch = sample(case, rng)
    dy = rng.normal(size=model.forward(x).shape)
    model.backward(dy)
    module = to_torch(model, input_shape=case.input_shape)
    module(x_torch).backward(torch.from_numpy(dy))

    # A copy whose weights are the gradients brings them back in our layout.
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.grad)
    gradients = case.build()
    from_torch(gradients, module, input_shape=case.input_shape)

    expected = gradients.theta.copy()
    for name in recurrent_biases(model):
        # PyTorch's two biases have one gradient each, and coming back they are added.
        expected[next(p.slice for p in model.parameters() if p.name == name)] /= 2
    np.testing.assert_allclose(model.grad, expected, rtol=1e-8, atol=1e-11)


@every_case
def test_weights_come_back_to_the_bit(case, rng):
    model = filled(case, rng)
    module = to_torch(model, input_shape=case.input_shape)
    other = case.build()

    from_torch(other, module, input_shape=case.input_shape)

    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


def test_memory_is_not_shared(rng):
    model = Linear(3, 2, rng=0)
    module = to_torch(model)
    before = model.theta.copy()

    with torch.no_grad():
        module.weight.fill_(7.0)
    np.testing.assert_array_equal(model.theta, before)

    from_torch(model, module)
    with torch.no_grad():
        module.weight.fill_(1.0)
    np.testing.assert_array_equal(model.W, np.full((3, 2), 7.0))


def test_a_module_nested_otherwise_gives_its_weights_in_order():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.features = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
            self.head = torch.nn.Linear(2 * 4 * 3, 5)

        def forward(self, x):
            return self.head(self.features(x).flatten(1))

    net = Net().double()
    model = Sequential(Conv2d(1, 2, 3, **D), ReLU(), Flatten(), Linear(24, 5, **D))
    from_torch(model, net, input_shape=(6, 5, 1))

    x = np.random.default_rng(0).normal(size=(3, 6, 5, 1))
    expected = net(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).detach().numpy()
    np.testing.assert_allclose(model.forward(x), expected, rtol=SAME, atol=1e-12)


def test_the_rows_behind_flatten_would_be_wrong_without_their_order():
    """The fixture: had the rows been copied as they lie, the outputs would differ."""
    model = Sequential(Flatten(), Linear(12, 2, rng=0, **D))
    module = to_torch(model, input_shape=(2, 3, 2))
    x = np.random.default_rng(0).normal(size=(3, 2, 3, 2))
    channels_first = torch.from_numpy(np.moveaxis(x, -1, 1).copy())

    with torch.no_grad():
        right = module(channels_first).numpy().copy()
        module[1].weight.copy_(torch.from_numpy(model.layers[1].W.T.copy()))
        wrong = module(channels_first).numpy()

    np.testing.assert_allclose(right, model.forward(x), rtol=SAME, atol=1e-12)
    assert np.abs(wrong - right).max() > 0.1


def test_attention_of_pytorch_gives_its_weights(rng):
    theirs = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    from nnlib.layers import MultiHeadAttention

    layer = MultiHeadAttention(6, 2, **D)
    from_torch(layer, theirs)

    x = rng.normal(size=(3, 5, 6))
    x_torch = torch.from_numpy(x)
    expected = theirs(x_torch, x_torch, x_torch)[0].detach().numpy()
    np.testing.assert_allclose(layer.forward(x), expected, rtol=SAME, atol=1e-12)


def test_both_biases_of_a_recurrent_module_count(rng):
    theirs = torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
    layer = LSTM(3, 4, **D)
    from_torch(layer, theirs)

    x = rng.normal(size=(2, 5, 3))
    expected = theirs(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(layer.forward(x), expected, rtol=SAME, atol=1e-12)


def test_float32_and_training_mode_go_along():
    module = to_torch(Sequential(Linear(3, 2), Dropout(0.5)))

    assert module.training
    assert module[0].weight.dtype == torch.float32


def test_what_does_not_fit_is_refused_and_nothing_is_copied():
    nn = torch.nn
    pair = Sequential(Linear(3, 2, rng=0), ReLU(), Linear(2, 4, rng=1))
    good = [nn.Linear(3, 2), nn.ReLU()]

    untouched(pair, "has 1 layers with weights, expected 2", ArgumentError, nn.Linear(3, 2))
    untouched(
        pair,
        r"shape \(4, 3\), expected \(4, 2\)",
        ShapeError,
        nn.Sequential(*good, nn.Linear(3, 4)),
    )
    untouched(
        pair,
        "has a LayerNorm, expected a Linear",
        DtypeError,
        nn.Sequential(*good, nn.LayerNorm(2)),
    )
    untouched(pair, "expected a torch.nn.Module", DtypeError, [1, 2])
    bare = Sequential(Linear(3, 2, bias=False, rng=0))
    untouched(bare, "brings bias", ArgumentError, nn.Linear(3, 2))

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    untouched(pair, "weights of its own", DtypeError, nn.Sequential(*good, Own()))


def test_images_that_are_flattened_need_their_size():
    model = Sequential(Conv2d(1, 2, 3), Flatten(), Linear(8, 2))

    with pytest.raises(ArgumentError, match="Give the shape of one sample"):
        to_torch(model)
    with pytest.raises(ShapeError, match=r"samples of shape \(5, 5, 1\) do not fit"):
        to_torch(model, input_shape=(5, 5, 1))


def test_only_known_layers_are_converted():
    class Strange(ReLU):
        pass

    class StrangeLinear(Linear):
        pass

    with pytest.raises(DtypeError, match="no counterpart"):
        to_torch(Sequential(Strange()))
    with pytest.raises(DtypeError, match=r"Linear\(2, 2\) has no counterpart here"):
        to_torch(Sequential(StrangeLinear(2, 2)))
    with pytest.raises(DtypeError, match="expected a layer"):
        to_torch("model")
    with pytest.raises(DtypeError, match="Create it with parentheses"):
        to_torch(Sequential)


def test_pytorch_is_imported_only_by_a_call():
    code = "import sys, nnlib.pytorch; print('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
