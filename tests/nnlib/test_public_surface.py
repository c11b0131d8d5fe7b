"""What nnlib shows to the world, and what it does not import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import nnlib

PACKAGE = Path(nnlib.__file__).parent
BLOCKS = (
    "nnlib.errors",
    "nnlib.gradcheck",
    "nnlib.initializers",
    "nnlib.layers",
    "nnlib.losses",
    "nnlib.optimizers",
    "nnlib.regularizers",
    "nnlib.training",
)
"""What a model is built and trained of: these names stand at the top too."""

TECHNIQUES = (
    "nnlib.augmentation",
    "nnlib.curvature",
    "nnlib.datasets",
    "nnlib.diagnostics",
    "nnlib.features",
    "nnlib.metrics",
    "nnlib.model_selection",
    "nnlib.pruning",
    "nnlib.pytorch",
    "nnlib.schedules",
)
"""Reached through their module, as in ``nnlib.curvature.Hessian``."""

NOT_AT_THE_TOP = {
    "Augment", "GradientCheck", "Initializer", "LineSearch", "Minimum", "Objective", "Parameter",
    "ParameterView", "Penalty", "RangeTest", "Run", "Schedule", "Trainable",  # annotations
    "MissingTensorBoardError",
    "backtrack", "bfgs_update", "lbfgs_direction", "newton_schulz", "strong_wolfe",  # parts
    "constant", "normal", "soft_threshold",  # too general a name, or a schedule's too
}  # fmt: skip


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["nnlib", *BLOCKS, *TECHNIQUES])
def test_public_list_is_sorted_and_every_name_exists(name):
    module = importlib.import_module(name)

    # Constants, classes and functions each in order: what ruff's RUF022 keeps.
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None


def test_the_top_list_is_sorted_and_complete():
    """Each public name of the parts is public at the top, except those listed above."""
    parts = [importlib.import_module(name) for name in BLOCKS]
    names = {public for part in parts for public in part.__all__} - NOT_AT_THE_TOP
    modules = {name.removeprefix("nnlib.") for name in (*BLOCKS, *TECHNIQUES)}

    assert nnlib.__all__ == sorted(nnlib.__all__)
    assert set(nnlib.__all__) == names | modules
    assert set(nnlib.__all__) <= set(dir(nnlib))


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))

    imported = {alias.asname for node in block.body for alias in node.names}

    assert imported == set(nnlib.__all__)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'Lineer'"):
        nnlib.Lineer  # ruff: ignore[useless-expression]  the access is the test


@pytest.mark.parametrize("name", sorted(nnlib.__all__))
def test_every_public_name_has_a_docstring(name):
    assert inspect.getdoc(getattr(nnlib, name))


def test_import_is_lazy_and_needs_nothing_but_numpy_and_scipy():
    code = (
        "import nnlib, sys; early = 'numpy' in sys.modules; "
        "[getattr(nnlib, name) for name in nnlib.__all__]; "
        "print(early, sorted({m.split('.')[0] for m in sys.modules}))"
    )

    early, loaded = run_python(code).split(" ", 1)

    assert early == "False"
    unwanted = {
        "IPython", "anywidget", "grading", "ipywidgets", "matplotlib", "numba", "pooch", "requests",
        "sklearn", "tensorboard", "torch", "tqdm",
    }  # fmt: skip
    assert not unwanted & set(ast.literal_eval(loaded))


def test_nnlib_knows_nobody():
    """No module of nnlib names grading, and only widgets and pictures name their libraries."""
    for info in pkgutil.walk_packages([str(PACKAGE)], "nnlib."):
        if info.name.startswith("nnlib.widgets"):
            forbidden = {"grading"}
        elif info.name.startswith("nnlib.pytorch"):
            forbidden = {"grading", "anywidget", "ipywidgets"}
        else:
            forbidden = {"grading", "anywidget", "ipywidgets", "torch"}
        path = PACKAGE.parent / (
            info.name.replace(".", "/") + ("/__init__.py" if info.ispkg else ".py")
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not forbidden & {name.split(".")[0] for name in names}, (path, names)


@pytest.mark.parametrize("name", nnlib.errors.__all__)
def test_every_error_is_drawn_in_the_tree(name):
    error = getattr(nnlib.errors, name)
    line = next(line for line in nnlib.errors.__doc__.splitlines() if name in line)

    if name != "NNLibError":
        assert issubclass(error, nnlib.NNLibError)
    if "(" in line:
        assert any(base.__name__ in line.split("(")[1] for base in error.__mro__)
