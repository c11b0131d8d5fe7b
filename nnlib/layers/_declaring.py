"""What a class of layers declares, checked where a mistake would train nothing and say nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from nnlib.errors import DtypeError, OrderError
from nnlib.layers.parameters import ParameterView


def declare_views(layer: object, names: Iterable[str]) -> None:
    """Make each parameter, and its d-name, an attribute that views the layer's vectors.

    The layers of nnlib declare theirs, for readers and type checkers. Without a view, assigning to
    ``self.gamma`` would make an array of its own, which no optimizer ever sees.

    Raises
    ------
    OrderError
        If the layer has such an attribute already, set before there was a parameter.
    """
    kind = type(layer)
    for name in (prefix + name for name in names for prefix in ("", "d")):
        viewed = isinstance(getattr(kind, name, None), ParameterView)
        if not viewed and not hasattr(layer, name):
            view = ParameterView()
            view.__set_name__(kind, name)
            setattr(kind, name, view)
        elif not viewed or name in vars(layer):
            message = (
                f"{kind.__name__}: {name} is set before super().__init__ has made the parameter. "
                "Call super().__init__(shapes) first, then assign."
            )
            raise OrderError(message)


def check_backward_rule(kind: type) -> None:
    """Raise ``DtypeError`` if a class brings a ``backward`` that a model could not call."""
    rule = vars(kind).get("backward")
    if rule is None:
        return
    parameters = inspect.signature(rule).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if not takes_any and not {"need_dx", "accumulate"} <= parameters.keys():
        message = (
            f"{kind.__name__}.backward takes ({', '.join(parameters)}), expected "
            "(self, dy, *, need_dx=True, accumulate=False): a model says whether dx is needed, and "
            "whether gradients add up."
        )
        raise DtypeError(message)
