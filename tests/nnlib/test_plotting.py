"""Static pictures: they carry alt text and leave no global state behind."""

from __future__ import annotations

import base64

import pytest
from matplotlib import rcParams

from nnlib.errors import ArgumentError
from nnlib.plotting import new_axes, picture, show


def test_picture_carries_its_alt_text_escaped() -> None:
    figure, [axes] = new_axes()
    axes.plot([1, 2], [3, 4])

    bundle = picture(figure, 'The line "rises" <fast>.')

    assert 'alt="The line &quot;rises&quot; &lt;fast&gt;."' in bundle["text/html"]
    assert bundle["text/plain"] == 'The line "rises" <fast>.'
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_picture_without_alt_text_is_refused() -> None:
    figure, _ = new_axes()

    with pytest.raises(ArgumentError, match="alt is empty"):
        show(figure, "  ")


def test_style_is_not_left_behind() -> None:
    before = rcParams["axes.grid"]

    _, panels = new_axes(3)

    assert rcParams["axes.grid"] == before
    assert len(panels) == 3
