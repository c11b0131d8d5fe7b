"""Kernels of a worker: the next sandbox is started while a submission is graded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal, Self, TypeAlias
from weakref import WeakKeyDictionary, finalize

from grading.kernel._folders import remove_stale
from grading.kernel._runs import KernelRun
from grading.limits import Limits
from grading.refusals import Refusal
from grading.sandbox import Sandboxes, build_image, why_unavailable

__all__ = ["Kernels", "kernels_of"]

USUAL = ("ipykernel", "numpy", "matplotlib", "scipy", "pandas")
"""Distributions in every kernel's image, as far as they are installed here."""

_Wanted: TypeAlias = tuple[tuple[str, ...], Limits, tuple[str, ...]]


class Kernels:
    """Kernels for grading, one submission at a time; keeps the next sandbox ready.

    Folders that killed workers left behind are removed first.

    Parameters
    ----------
    unsafe : bool, default False
        Run without a sandbox. Every result is marked.

    Attributes
    ----------
    mark : {"bubblewrap", "none"}
        What stands between a submission and this machine.
    """

    def __init__(self, *, unsafe: bool = False) -> None:
        self.mark: Literal["bubblewrap", "none"] = "none" if unsafe else "bubblewrap"
        self._spare: KernelRun | None = None
        self._spare_for: _Wanted | None = None
        self._images: dict[tuple[str, ...], Path] = {}
        remove_stale()

    def take(
        self, modules: Sequence[str], limits: Limits, packages: Sequence[str] = ()
    ) -> KernelRun:
        """Return a pristine sandbox, and start the one after it.

        Parameters
        ----------
        modules : sequence of str
            To be loaded before the submission comes.
        limits : Limits
            What the submission may use.
        packages : sequence of str, default ()
            Distributions to offer beside `USUAL`, as they are installed here.

        Returns
        -------
        KernelRun
            For one submission; to be closed by whoever took it.

        Raises
        ------
        Refusal
            If this machine cannot isolate submissions, or a package is not installed.
        """
        wanted = (tuple(modules), limits, tuple(packages))
        run = self._spare if self._spare_for == wanted else None
        if run is None or not run.is_alive:
            self.close()
            run = self._start(wanted)
        self._spare, self._spare_for = self._start(wanted), wanted
        return run

    def close(self) -> None:
        """End the sandbox that waits."""
        if self._spare is not None:
            self._spare.close()
        self._spare, self._spare_for = None, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, wanted: _Wanted) -> KernelRun:
        modules, limits, packages = wanted
        if self.mark == "none":
            return KernelRun(modules, limits, None)
        if packages not in self._images:
            if (reason := why_unavailable()) is not None:
                raise Refusal(reason)
            self._images[packages] = build_image([*filter(_is_installed, USUAL), *packages])
        return KernelRun(modules, limits, self._images[packages])


_kernels: WeakKeyDictionary[Sandboxes, Kernels] = WeakKeyDictionary()


def kernels_of(sandboxes: Sandboxes) -> Kernels:
    """Return the kernels that belong to a worker's sandboxes; they end with them.

    Parameters
    ----------
    sandboxes : Sandboxes
        Of this process.

    Returns
    -------
    Kernels
        The same ones each time, isolated or not as ``sandboxes`` are.
    """
    if sandboxes not in _kernels:
        _kernels[sandboxes] = kernels = Kernels(unsafe=sandboxes.mark == "none")
        finalize(sandboxes, kernels.close)  # at the interpreter's end, too
    return _kernels[sandboxes]


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
