"""The base of all figures: a Python class, the ES module named after it, and its fallback."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, ClassVar

from nnlib.widgets._base import Base, synced
from nnlib.widgets._page import FOLDER, document, iframe, served_module, served_style


class Figure(Base):
    """A figure that computes and draws in the browser and shares its state with Python.

    A subclass ``MyFigure`` is drawn by the file ``my_figure.js`` beside its module. In JupyterLab
    it is a live widget. Where no kernel runs (a static page) the same module runs in an iframe.

    Parameters
    ----------
    key : str, optional
        Names the learner's prediction, which is kept under it in the browser. Give one where
        two figures of a class ask for two predictions.
    **state : object
        Starting values of the traits that the subclass lists.

    Attributes
    ----------
    prediction : str
        What the learner committed to: the text of the choice or the number as typed.
        Empty before that. It never counts for points.
    """

    title: ClassVar[str] = "Figure"
    purpose: ClassVar[str] = ""
    height: ClassVar[int] = 640

    key: str = synced("")
    prediction: str = synced("")

    _esm = "export default { render() {} };"
    _css = served_style(FOLDER / "_kit.js")

    def __init__(self, *, key: str = "", **state: Any) -> None:
        super().__init__(key=key, **state)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        source = _source_of(cls)
        # traitlets derives a class from ours for each figure; that one brings its own _esm.
        if "_esm" not in vars(cls) and source.is_file():
            cls._esm, cls._css = served_module(source), served_style(source)
        super().__init_subclass__(**kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.summary()}"

    def summary(self) -> str:
        """Return one sentence that stands for the figure where only text can be shown."""
        return self.purpose

    def state(self) -> dict[str, Any]:
        """Return the values of the traits that Python and the browser share."""
        return {name: getattr(self, name) for name in self._state_names()}

    def page(self) -> str:
        """Return a whole HTML page that runs this figure without a kernel or a network."""
        return document(str(self._esm), str(self._css), self.state(), self.title)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Offer the live view first, then the same module in an iframe, then a sentence."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        fallback = iframe(self.page(), self.title, self.height)
        return {**data, "text/html": fallback, "text/plain": repr(self)}, metadata


def _source_of(cls: type) -> Path:
    """Return where the module of a class should be; a class made in a notebook has none."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    module = getattr(sys.modules.get(cls.__module__), "__file__", None) or "notebook"
    return Path(module).with_name(f"{name}.js")
