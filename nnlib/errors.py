"""Everything that nnlib raises, as one tree.

Each exception is also the built-in that it resembles, so that ``except ValueError`` keeps working::

    NNLibError
    ├── ArgumentError      (ValueError)          a value outside what it may be
    │   ├── ShapeError                           an array of the wrong shape
    │   └── SharedLayerError                     one layer object used in two places
    ├── DtypeError         (TypeError)           numbers of the wrong kind, or no numbers
    ├── OrderError         (RuntimeError)        a call before the call that it needs
    ├── NonFiniteError     (FloatingPointError)  nan or infinity where training cannot go on
    └── DatasetError       (OSError)             data that are not here, or damaged

A message says where, what came, what was expected, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlib.training import History

__all__ = [
    "ArgumentError",
    "DatasetError",
    "DtypeError",
    "NNLibError",
    "NonFiniteError",
    "OrderError",
    "ShapeError",
    "SharedLayerError",
]


class NNLibError(Exception):
    """Stand at the root: catches everything that nnlib raises on purpose."""


class ArgumentError(NNLibError, ValueError):
    """Report a value outside what the argument may be."""


class ShapeError(ArgumentError):
    """Report an array whose shape does not fit."""


class SharedLayerError(ArgumentError):
    """Report one layer object used in two places, whose parameters would be counted twice."""


class DtypeError(NNLibError, TypeError):
    """Report numbers of the wrong kind, or something that is not numbers."""


class OrderError(NNLibError, RuntimeError):
    """Report a call that came before the call it depends on."""


class NonFiniteError(NNLibError, FloatingPointError):
    """Report nan or infinity where training cannot go on.

    Attributes
    ----------
    history : History or None
        When raised by ``fit``: the record of the epochs that were completed.
    """

    history: History | None = None


class DatasetError(NNLibError, OSError):
    """Report data that are not on this machine, or not the data that were published."""
