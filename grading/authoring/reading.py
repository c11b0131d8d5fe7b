"""The reading variant of a unit, for the web site: executed, but without any answer."""

from __future__ import annotations

import copy

from grading.authoring import cells

__all__ = ["reading_variant"]


def reading_variant(solution: cells.Notebook, learner: cells.Notebook) -> cells.Notebook:
    """Join the outputs of the solution notebook with the cells of the learner's.

    A check of a right answer opens its solution, so the outputs of check cells are left out: over
    a stub they would make no sense either.

    Parameters
    ----------
    solution : Notebook
        Executed.
    learner : Notebook
        The release of the same notebook: the same cells with the same ids.

    Returns
    -------
    Notebook
        A new notebook.
    """
    reading = copy.deepcopy(learner)
    executed = {cell.id: cell for cell in solution.cells}
    for cell in reading.cells:
        name = cells.grade_id(cell)
        if cell.cell_type != "code" or name is not None or cell.id not in executed:
            continue
        cell.outputs = copy.deepcopy(executed[cell.id].outputs)
        cell.execution_count = executed[cell.id].execution_count
    return reading
