"""The one function that a command calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grading.refusals import Refusal

if TYPE_CHECKING:
    from grading.authoring.declarations import Declaration
    from grading.authoring.pipeline import BuildResult

__all__ = ["build"]


def build(
    units: Sequence[str] | None = None,
    check: bool = False,
    report: Callable[[str], None] = print,
    *,
    force: bool = False,
    root: Path | None = None,
    registry: Mapping[str, Declaration] | None = None,
) -> BuildResult:
    """Build the notebooks of some units, or compare those that are there.

    Parameters
    ----------
    units : sequence of str, optional
        Numbers (``"01"``, ``"1"``) or slugs; all units without it.
    check : bool, default False
        Write nothing: rebuild in memory and list every difference, leak and changed locked cell.
    report : callable, default print
        Called with one line a unit, as it is done.
    force : bool, default False
        Execute solution notebooks again although their source is unchanged, as after a change of
        the library.
    root : Path, optional
        The checkout to build; the one of this installation without it.
    registry : mapping of str to Declaration, optional
        Exercises by id; those of the course without it.

    Returns
    -------
    BuildResult
        What was done to each unit, and the findings of the checks; ``ok`` if there are none.

    Raises
    ------
    Refusal
        If a source breaks a rule of the build, a cell of it fails, or a package that authors need
        is absent.
    ModuleNotFoundError
        If a module of ours is absent, which is a defect.
    """
    try:
        from grading.authoring import pipeline
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("grading"):
            raise
        msg = (
            f"nncourse build: the package {error.name} is not installed, and authors need it. "
            'Run: pip install "nncourse[instructor]"'
        )
        raise Refusal(msg) from error
    return pipeline.run(
        units, check=check, report=report, force=force, root=root, registry=registry
    )
