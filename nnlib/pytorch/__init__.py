"""Carry a model over to PyTorch, and its weights back.

``to_torch(model)`` builds the same network as a ``torch.nn.Module``; ``from_torch(model, module)``
copies the weights of a module into a model of the same structure. PyTorch is imported only when
one of the two is called.

The two differ in layout. Our ``Linear`` stores W as (in, out), PyTorch as (out, in); our images are
(N, H, W, C), its are (N, C, H, W). So the flattened pixels behind a ``Flatten`` stand in another
order, and the rows of the next ``Linear`` are put in order too.

    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(3, 2, rng=0), ReLU())
    >>> to_torch(model)[0].weight.shape
    torch.Size([2, 3])
"""

from nnlib.pytorch.conversion import from_torch, to_torch

__all__ = ["from_torch", "to_torch"]
