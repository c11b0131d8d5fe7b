"""A class of made-up learners, prepared once for a module and copied for each test."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading.faults.classes import SmallClass, make_class


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Pass over what nbgrader's queries make SQLAlchemy warn of."""
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("class"))


@pytest.fixture
def small(template: SmallClass, tmp_path: Path) -> SmallClass:
    return template.copied(tmp_path)
