"""What a figure stands on: a live widget with anywidget, plain attributes without it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, NamedTuple

LIVE = find_spec("anywidget") is not None
"""Whether Python can follow a figure. Without it the figure still runs, in its own frame."""

INSTALL = "python -m pip install anywidget"


class _Value(NamedTuple):
    """Mark a class attribute as a figure's state and hold its starting value."""

    start: Any


class PlainBase:
    """Hold a figure's state as plain attributes and say once what is missing."""

    def __init__(self, **state: Any) -> None:
        for name in self._state_names():
            value = getattr(type(self), name).start
            setattr(self, name, copy.deepcopy(state.get(name, value)))
        sys.stdout.write(
            f"{type(self).__name__}: anywidget is not installed, so the figure below works but "
            f'Python cannot read its state. Run "{INSTALL}", then restart the kernel.\n'
        )

    @classmethod
    def _state_names(cls) -> list[str]:
        return [
            name
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, _Value)
        ]

    def _follow(self, names: Iterable[str], run: Callable[[], None]) -> None:
        """Do nothing: no browser will ever change the state."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}


if LIVE:
    import anywidget
    import traitlets

    def synced(start: Any) -> Any:
        """Declare a piece of state that Python and the browser share."""
        kinds = {bool: traitlets.Bool, int: traitlets.Int, float: traitlets.Float}
        kinds |= {str: traitlets.Unicode, list: traitlets.List}
        return kinds[type(start)](start).tag(sync=True, figure=True)

    class Base(anywidget.AnyWidget):
        """Share a figure's state with the browser."""

        @classmethod
        def _state_names(cls) -> list[str]:
            return sorted(cls.class_traits(figure=True))

        def _follow(self, names: Iterable[str], run: Callable[[], None]) -> None:
            """Call ``run`` whenever one of the named traits has changed."""
            self.observe(lambda _: run(), names=list(names))

else:

    def synced(start: Any) -> Any:
        """Declare a piece of state; without anywidget nobody shares it."""
        return _Value(start)

    Base = PlainBase  # type: ignore[assignment, misc]  # the same four members, without a kernel
