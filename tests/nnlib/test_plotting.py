"""Static pictures: they carry alt text and leave no global state behind."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib import rcParams

from nnlib.errors import ArgumentError
from nnlib.plotting import new_axes, show


def test_shown_picture_carries_its_alt_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure, [axes] = new_axes()
    axes.plot([1, 2], [3, 4])

    show(figure, "The line rises.")

    data, metadata = shown[0]._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "The line rises."
    assert data["image/png"].startswith("iVBOR")  # a PNG in base64


def test_picture_without_alt_text_is_refused() -> None:
    figure, _ = new_axes()

    with pytest.raises(ArgumentError, match="alt is empty"):
        show(figure, "  ")


def test_style_is_not_left_behind() -> None:
    before = rcParams["axes.grid"]

    _, panels = new_axes(3)

    assert rcParams["axes.grid"] == before
    assert len(panels) == 3
