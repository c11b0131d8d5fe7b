"""The two directions: build a module with our weights, and copy a module's weights to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnlib._array import instance_hint
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Layer
from nnlib.pytorch._leaves import Leaf, leaves_with_weights

if TYPE_CHECKING:
    import torch


def to_torch(model: Layer, *, input_shape: tuple[int, ...] | None = None) -> torch.nn.Module:
    """Build the same network in PyTorch, with copies of the weights.

    Parameters
    ----------
    model : Layer or Sequential
        The model; it stays as it is.
    input_shape : tuple of int, optional
        Shape of one sample, such as (28, 28, 1). Needed if the model flattens images: their height
        and width decide about the order of the weights behind.

    Returns
    -------
    module : torch.nn.Module
        In the model's mode and dtype. Images go in as (N, C, H, W), sequences as (N, T, D).

    Raises
    ------
    DtypeError
        If the first argument is not a layer, or PyTorch has no counterpart of a layer.
    ArgumentError
        If ``input_shape`` is needed and missing, or is no shape; or if the module would compute
        something else, because a layer needs the flattened pixels in our order (a ``Residual``, a
        ``TiedLinear``, or the output: put a ``Linear`` right behind the ``Flatten``), or works
        along the channels of images.
    ShapeError
        If samples of that shape do not fit the model, or models are stacked in it.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(3, 2, rng=0)
    >>> bool(np.array_equal(to_torch(layer).weight.detach().numpy(), layer.W.T))
    True
    """
    _check_model(model, "to_torch")
    leaves = leaves_with_weights(model, input_shape, "to_torch")
    import torch  # here and below: an extra, and slow to import

    from nnlib.pytorch._modules import build, torch_leaves

    module = build(model)
    module.to(torch.float64 if model.dtype == np.float64 else torch.float32)
    with torch.no_grad():
        for ours, theirs in zip(leaves, torch_leaves(module), strict=True):
            arrays = ours.to_torch()
            for name, tensor in theirs.tensors.items():
                tensor.copy_(torch.from_numpy(np.array(arrays[name])))
    return module.train(model.training)


def from_torch(
    model: Layer, module: torch.nn.Module, *, input_shape: tuple[int, ...] | None = None
) -> None:
    """Copy the weights and running statistics of a PyTorch module into a model.

    Layers with weights are paired in order, however the two are nested.

    Parameters
    ----------
    model : Layer or Sequential
        It gets the weights, in its own dtype.
    module : torch.nn.Module
        A network of the same layers, on any device; it stays as it is.
    input_shape : tuple of int, optional
        Shape of one sample, (H, W, C) for images. Needed if the model flattens images.

    Raises
    ------
    DtypeError
        If the arguments are not a layer and a module, or two paired layers are of different kinds.
    ArgumentError
        If one has more layers with weights than the other, or ``input_shape`` is missing; or if
        the model would compute something else, as for ``to_torch``.
    ShapeError
        If weights differ in shape. Whatever is raised, nothing has been copied.

    Examples
    --------
    >>> import torch
    >>> from nnlib import Linear
    >>> layer, module = Linear(3, 2), torch.nn.Linear(3, 2)
    >>> from_torch(layer, module)
    >>> bool(np.array_equal(layer.W, module.weight.detach().numpy().T))
    True
    """
    _check_model(model, "from_torch")
    import torch

    from nnlib.pytorch._modules import torch_leaves

    if not isinstance(module, torch.nn.Module):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"from_torch: module is {module!r:.60}, expected a torch.nn.Module. "
            "Give the model first, then the module."
        )
        raise DtypeError(message)
    leaves = leaves_with_weights(model, input_shape, "from_torch")
    found = torch_leaves(module)
    if len(found) != len(leaves):
        message = (
            f"from_torch: the module has {len(found)} layers with weights, expected {len(leaves)} "
            "as in the model. Build both of the same layers."
        )
        raise ArgumentError(message)
    # All are read and checked before the first is written.
    states = [_state(ours, theirs) for ours, theirs in zip(leaves, found, strict=True)]
    for ours, state in zip(leaves, states, strict=True):
        ours.layer.load_state_dict(state)


def _state(ours: Leaf, theirs: Any) -> dict[str, Any]:
    """Return the state of our layer that the tensors of theirs amount to."""
    if ours.kind != theirs.kind:
        message = (
            f"from_torch: {ours.layer!r} stands where the module has a {theirs.kind}, expected a "
            f"{ours.kind}. Build both of the same layers in the same order."
        )
        raise DtypeError(message)
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in theirs.tensors.items()}
    for name, array in ours.to_torch().items():
        came = arrays[name].shape if name in arrays else None
        if came != array.shape:
            message = (
                f"from_torch: {name} for {ours.layer!r} has shape {came}, expected {array.shape}. "
                "Build both with the same sizes and options."
            )
            raise ShapeError(message)
    surplus = sorted(arrays.keys() - ours.to_torch().keys())
    if surplus:
        message = (
            f"from_torch: the module brings {', '.join(surplus)}, which {ours.layer!r} does not "
            "have. Build both with the same options."
        )
        raise ArgumentError(message)
    return ours.from_torch(arrays)


def _check_model(model: object, where: str) -> None:
    if not isinstance(model, Layer):
        message = (
            f"{where}: model is {model!r:.60}, expected a layer or a Sequential."
            f"{instance_hint(model)}"
        )
        raise DtypeError(message)
    if model.theta.ndim != 1:
        message = (
            f"{where}: theta has shape {model.theta.shape}, expected (P,). "
            "Take a stacked model apart first: unstack(model)."
        )
        raise ShapeError(message)
