"""The house keeps its shape: who imports whom, how long a file is, what a file may name."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
HEAVY = {"IPython", "anywidget", "ipywidgets", "matplotlib", "numba", "sklearn", "tensorboard"}
HEAVY |= {"torch", "pandas", "nbgrader", "jupytext"}


PYTORCH_SIDE = Path("nnlib/pytorch/_modules.py")
"""Imports PyTorch, and is imported only by the functions that convert."""


def modules(folder: str) -> list[Path]:
    """Return the Python files under a folder of the checkout, as paths from there."""
    found = sorted((CHECKOUT / folder).rglob("*.py"))
    return [path.relative_to(CHECKOUT) for path in found]


def imports(path: Path, *, at_import: bool = False) -> set[str]:
    """Return the full names that a file imports; only those of its top level if asked."""
    tree = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    names = set()
    for node in top_level(tree) if at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.parts[: len(path.parts) - node.level] if node.level else ()
            names.add(".".join([*package, *(node.module or "").split(".")]).strip("."))
    return names


def top_level(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a module is imported: no function bodies, no type-checking blocks."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from top_level(child)


def packages(names: set[str]) -> set[str]:
    """Return the top-level packages among names, without the standard library."""
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names


def loaded(code: str) -> set[str]:
    """Return the top-level packages that a fresh Python has loaded after some code."""
    tail = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + tail],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("path", modules("nnlib"), ids=str)
def test_nnlib_never_imports_grading(path: Path) -> None:
    assert "grading" not in packages(imports(path))


@pytest.mark.parametrize("path", modules("nnlib"), ids=str)
def test_core_nnlib_needs_numpy_and_scipy_only(path: Path) -> None:
    allowed = {"nnlib", "numpy", "scipy"}
    if path.is_relative_to("nnlib/widgets"):
        allowed |= {"IPython", "anywidget", "ipywidgets", "matplotlib", "traitlets"}
    if path == PYTORCH_SIDE:
        allowed |= {"torch"}

    assert packages(imports(path, at_import=True)) <= allowed


@pytest.mark.parametrize("path", modules("grading/probes"), ids=str)
def test_probes_import_numpy_and_nothing_else_of_ours(path: Path) -> None:
    """They enter the sandbox, where nothing else of the course may be found."""
    names = imports(path)

    assert packages(names) <= {"numpy", "grading"}
    ours = {name for name in names if name.split(".")[0] == "grading"}
    assert {name for name in ours if not name.startswith("grading.probes")} == set()


def test_there_is_something_to_check() -> None:
    """An empty list of files would make every test above pass."""
    assert len(modules("nnlib")) > 10
    assert len(modules("grading")) > 10
    assert modules("grading/probes")
    assert "numpy" in packages(imports(Path("tests/house/../conftest.py")))


def test_importing_every_core_module_loads_nothing_heavy() -> None:
    names = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in modules("nnlib")
        if not path.is_relative_to("nnlib/widgets")
        and path.name != "__main__.py"
        and path != PYTORCH_SIDE
    ]

    found = loaded("import " + ", ".join(names))

    assert "numpy" in found
    assert found & (HEAVY | {"grading"}) == set()


def test_importing_probes_loads_numpy_at_most() -> None:
    found = loaded("import grading.probes")

    assert found & (HEAVY | {"nnlib", "scipy", "typer", "rich"}) == set()


@pytest.mark.parametrize("path", [*modules("nnlib"), *modules("grading")], ids=str)
def test_file_is_short(path: Path) -> None:
    """The aim is 400 lines; beyond 450 a file holds two ideas."""
    lines = (CHECKOUT / path).read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 450


@pytest.mark.parametrize("path", [*modules("nnlib"), *modules("grading")], ids=str)
def test_public_names_are_sorted_and_exist(path: Path) -> None:
    """Sorted by the alphabet, or as ruff does: constants, then classes, then the rest."""
    tree = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            module = importlib.import_module(
                ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            )
            names = list(module.__all__)

            missing = [name for name in names if not hasattr(module, name)]
            assert missing == []
            assert len(set(names)) == len(names)
            assert names in (sorted(names), sorted(names, key=kind_and_name))


def kind_and_name(name: str) -> tuple[int, list[tuple[int, int | str]]]:
    """Order names as ruff's RUF022 does, numbers in them by value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def tracked() -> list[Path]:
    """Return the files that are or will be committed; all but the ignored where git is absent."""
    if shutil.which("git") and (CHECKOUT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        output = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout
        names = [name for name in output.decode().split("\0") if name]
        return [Path(name) for name in names if (CHECKOUT / name).is_file()]
    skipped = {".venv", "build", "dist", "my-course", "node_modules", "__pycache__", ".home"}
    found = [path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*") if path.is_file()]
    return [path for path in found if not skipped.intersection(path.parts)]


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    """Broken in two, so that this file does not name them either."""
    pattern = re.compile(
        r"/wor[k]/|/roo[t]/|/opt/pyp[i]|/home/[a-z]+/|pyp[i]\.org|pythonhoste[d]\.org"
        r"|registry\.npmj[s]|deb\.d[e]bian\.org|download\.pytorc[h]\.org|conda\.anacond[a]"
    )

    found = []
    for path in tracked():
        text = (CHECKOUT / path).read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path}: {match.group()}" for match in pattern.finditer(text)]

    assert found == []


def test_no_tracked_file_is_large() -> None:
    large = [str(p) for p in tracked() if (CHECKOUT / p).stat().st_size > 3_000_000]

    assert large == []


def test_notebooks_of_learners_hold_no_solution() -> None:
    mark = "### BEGIN " + "SOLUTION"
    notebooks = [path for path in tracked() if path.match("course/*/*.ipynb")]

    leaks = [str(p) for p in notebooks if mark in (CHECKOUT / p).read_text(encoding="utf-8")]

    assert leaks == []
