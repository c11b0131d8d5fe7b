"""The committed notebooks are what their sources give, leak nothing and keep their locks."""

from __future__ import annotations

import pytest

from grading.authoring import build

pytestmark = pytest.mark.slow


def test_committed_notebooks_are_as_their_sources_say():
    """If it fails: run ``nncourse build`` and commit what it writes."""
    result = build(check=True, report=lambda _line: None)

    assert result.findings == ()
    assert len(result.units) >= 2
