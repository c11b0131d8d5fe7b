"""Where a parameter lies in the flat vector, and the attribute that is a view of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, overload

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_shape

if TYPE_CHECKING:
    from nnlib.layers.base import Layer


@dataclass(frozen=True)
class Parameter:
    """Say where one parameter lies in the flat vector.

    Attributes
    ----------
    name : str
        ``"W"`` in a layer, ``"0.W"`` in a model.
    slice : slice
        Its place: ``model.theta[parameter.slice]``.
    shape : tuple of int
        The shape of its view.
    decays : bool
        Whether weight decay acts on it: weights yes, biases no.
    """

    name: str
    slice: slice
    shape: tuple[int, ...]
    decays: bool


class ParameterView:
    """An attribute that reads as a view of the flat vector; assigning copies into the view.

    Plain assignment would put a new array in place of the view, and the optimizer would go on
    changing a vector that the layer no longer reads. What ``layer.mask`` prunes stays zero.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: Layer, owner: type) -> Array: ...
    def __get__(self, layer: Layer | None, owner: type) -> Array | Self:
        if layer is None:
            return self
        try:
            return layer._views[self._name]
        except KeyError:
            message = f"{layer!r} has no {self._name}."
            raise AttributeError(message) from None

    def __set__(self, layer: Layer, value: ArrayLike) -> None:
        view = self.__get__(layer, type(layer))
        if value is not view:  # as it is after `layer.W += 1`, which has changed the view in place
            where = f"{layer!r}.{self._name}"
            array = as_array(value, view.dtype, where)
            if array.ndim:  # a lone number fills the view
                check_shape(array, view.shape, where, "like the values it replaces")
            np.copyto(view, array)
        if self._name == "theta" or self._name in layer._shapes:
            layer._apply_mask()
