"""Lanczos with several vectors at a time, which sees how often an eigenvalue is repeated.

A single start meets each eigenspace in one direction only: it finds every eigenvalue once, however
often it is repeated. From b random starts at once, b directions of each eigenspace are found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib._array import Array
from nnlib.curvature.krylov import multiply

NOTHING_LEFT = 1e-12
"""Up to this part of the products a remainder is rounding, and no direction."""


class BlockLanczos:
    """A block Lanczos iteration that can go on: A Q = Q T + W, with orthonormal Q and Qᵀ W = 0.

    Each new block is made orthogonal to all before. T is kept as a whole matrix, since directions
    that are nothing but rounding are left out and blocks become narrower.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
    start : ndarray of shape (P, b)
        The first block, of full rank.
    rng : Generator
        Draws new directions where none is left.
    """

    def __init__(self, operator: Any, start: Array, rng: np.random.Generator) -> None:
        self.operator, self.rng = operator, rng
        self.width = start.shape[1]
        self._room = np.empty((2 * start.shape[1], len(start)))  # grown when needed
        self.rows = self._room[:0]  # Q, transposed
        self.T = np.empty((0, 0))
        self._scale = 0.0
        self._block: Array = np.linalg.qr(start)[0].T
        self._couplings: Array = np.empty((0, 0))  # of the last block with what it leaves

    def step(self) -> None:
        """Take the products of one block, and find the next."""
        if not len(self._block):
            self._block = self._fresh()
        old, m = len(self.rows), len(self.rows) + len(self._block)
        self._append(self._block)
        W = self._products()
        self._scale = max(self._scale, float(np.linalg.norm(W, axis=1).max()))
        T = np.zeros((m, m))
        T[:old, :old] = self.T
        T[old:] = W @ self.rows.T
        W -= T[old:] @ self.rows
        own = T[old:, old:]
        own[...] = 0.5 * (own + own.T)
        T[:old, old:] = T[old:, :old].T
        self.T = T
        self._block, self._couplings = self._directions(W)

    def _products(self) -> Array:
        """Return the products of the block, by rows, a fresh array."""
        if len(self._block) == 1:  # a lone vector goes as one: any operator takes that
            return multiply(self.operator, self._block[0], "spectrum")[np.newaxis].copy()
        columns = np.ascontiguousarray(self._block.T)
        return multiply(self.operator, columns, "spectrum").T.copy()

    def _append(self, block: Array) -> None:
        """Put rows below those of Q."""
        old, m = len(self.rows), len(self.rows) + len(block)
        if m > len(self._room):
            larger = np.empty((max(m, min(2 * old, block.shape[1])), block.shape[1]))
            larger[:old] = self.rows
            self._room = larger
        self._room[old:m] = block
        self.rows = self._room[:m]

    def _directions(self, W: Array) -> tuple[Array, Array]:
        """Return orthonormal rows that span those of W, and W in their terms."""
        left, sizes, right = np.linalg.svd(W, full_matrices=False)
        kept = sizes > NOTHING_LEFT * self._scale
        m, size = self.rows.shape
        kept[size - m :] = False  # there are no more than P directions: the iteration ends
        return self._orthogonal(right[kept]), left[:, kept] * sizes[kept]

    def _orthogonal(self, block: Array) -> Array:
        """Make rows orthogonal to all found so far, and to each other."""
        for _ in range(2):  # dividing by a small length makes what rounding left large
            block = block - (block @ self.rows.T) @ self.rows
            block = np.linalg.qr(block.T)[0].T
        return block

    def _fresh(self) -> Array:
        """Return random directions outside of what was found."""
        m, size = self.rows.shape
        return self._orthogonal(self.rng.standard_normal((min(self.width, size - m), size)))

    def ritz(self) -> tuple[Array, Array, Array]:
        """Return the eigenvalues of T from the smallest up, its eigenvectors, and residuals."""
        # ‖A Q s − θ Q s‖ = ‖W s‖, in which only the part of s in the last block counts.
        values, vectors = np.linalg.eigh(self.T)
        count = len(self._couplings)
        residuals: Array = np.linalg.norm(self._couplings.T @ vectors[-count:], axis=0)
        return values, vectors, residuals

    @property
    def closed(self) -> bool:
        """Whether nothing is left of the last products: Q holds whole eigenvectors only."""
        return not len(self._block)
