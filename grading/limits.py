"""How much of a machine one submission may use.

>>> Limits(time_factor=2.0).cell_s
20.0
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MEGABYTE", "Limits"]

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one submission; seconds are wall-clock seconds.

    Attributes
    ----------
    time_factor : float
        Multiplies every time limit: raised for one learner, or for a slow machine.
    base_cell_s : float
        For one cell outside of the exercises' own limits, before the factor.
    base_submission_s : float
        For everything together, before the factor.
    memory_bytes : int
        For all processes of a submission together.
    n_processes : int
        Processes and threads at one time.
    file_bytes : int
        The largest file, and all temporary files together.
    received_bytes : int
        What may come out of the sandbox in all.
    notebook_bytes : int
        The largest notebook that is read at all.
    """

    time_factor: float = 1.0
    base_cell_s: float = 10.0
    base_submission_s: float = 120.0
    memory_bytes: int = 1024 * MEGABYTE
    n_processes: int = 32
    file_bytes: int = 64 * MEGABYTE
    received_bytes: int = 256 * MEGABYTE
    notebook_bytes: int = 20 * MEGABYTE

    @property
    def cell_s(self) -> float:
        """Longest time for one cell."""
        return self.base_cell_s * self.time_factor

    @property
    def submission_s(self) -> float:
        """Longest time for a submission."""
        return self.base_submission_s * self.time_factor
