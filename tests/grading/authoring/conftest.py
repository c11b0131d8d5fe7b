"""A tiny unit, its declarations, and a checkout that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grading.authoring.cells import Notebook
from grading.authoring.release import release
from grading.authoring.source import UnitSource, read_source
from grading.house import Unit


@dataclass(frozen=True)
class Declared:
    """An exercise as far as the build looks at it."""

    id: str
    unit: str = "00"
    tier: str = "core"
    minutes: float = 10.0
    graded_total: float = 2.0
    sandbox_modules: tuple[str, ...] = ("numpy",)


SOURCE = '''\
# %% [markdown]
# # 00 Doubling
#
# About 45 minutes. *What does it mean to double an array?*

# %% tags=["setup"]
import numpy as np


def check(name):
    """Stand in for grading.check: full marks if the function doubles."""
    try:
        right = bool(np.all(globals()[name](np.array([1.5, -2.0])) == [3.0, -4.0]))
    except NotImplementedError:
        print("not started")
        return 0.0
    return 2.0 if right and name == "double_array" else 0.0


# %% exercise="double_array"
def double_array(x):
    """Double every entry of x, an array of any shape: [1, 2] gives [2, 4]."""
    ### BEGIN SOLUTION
    doubled = x + np.array(1.0) * x  # one x more
    return doubled
    ### END SOLUTION

# %% check="double_array"
check("double_array")

# %% [markdown]
# ## Going further

# %% exercise="double_twice"
def double_twice(x):
    """Multiply every entry of x by four."""
    ### BEGIN SOLUTION
    return double_array(double_array(x))
    ### END SOLUTION

# %% check="double_twice"
check("double_twice")

# %% tags=["figure"]
print("doubling keeps the sign")
'''


def declare() -> dict[str, Declared]:
    declared = [
        Declared("double_array"),
        Declared("double_twice", tier="further", graded_total=0.0),
    ]
    return {each.id: each for each in declared}


@pytest.fixture
def registry() -> dict[str, Declared]:
    return declare()


@dataclass(frozen=True)
class Built:
    """The tiny unit, read and released; the same for all tests, which copy before they spoil."""

    source: UnitSource
    learner: Notebook
    registry: dict[str, Declared]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    path = tmp_path_factory.mktemp("built") / "00-doubling.py"
    path.write_text(SOURCE, encoding="utf-8")
    source = read_source(path, Unit("00", "00-doubling", "Doubling", 0.75), declare())
    return Built(source, release({"00-doubling": source.notebook})["00-doubling"], declare())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with spaces and letters beyond ASCII in its name, holding one source."""
    root = tmp_path / "my course é"
    (root / "solutions").mkdir(parents=True)
    (root / "course").mkdir()
    (root / "solutions" / "00-doubling.py").write_text(SOURCE, encoding="utf-8")
    return root


@pytest.fixture
def edit(checkout: Path) -> Callable[[str, str], None]:
    """Replace a text of the source that is known to be there."""

    def replace(old: str, new: str) -> None:
        path = checkout / "solutions" / "00-doubling.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
