"""The Hessian of a plain network in closed form, block by block.

The network is differentiated with respect to the inputs z of its activations first. With x the
input of a layer (and a 1 behind it for the bias), W its matrix and δ = ∂L/∂z, all of one row:

    K_lm = ∂²L/∂z_l ∂z_m        K_lm = φ'_l W_{l+1} K_{l+1,m}        (l < m)
                                K_ll = φ'_l W_{l+1} K_{l+1,l+1} W_{l+1}ᵀ φ'_l + diag(φ''_l ∂L/∂a_l)

A weight W_l[i, u] acts on the loss through z_l[u] alone, with slope x_l[i]. So the blocks are

    ∂²L/∂W_l[i,u] ∂W_m[j,v] = Σ_rows x_l[i] ( x_m[j] K_lm[u,v] + ∂x_m[j]/∂z_l[u] δ_m[v] )

where the last term is there for l < m only: it is the input of layer m that moves. The sum over
rows is one matrix product a block. Leaving out φ'' and δ gives the Gauss-Newton matrix.

Bishop (1992), Exact calculation of the Hessian matrix for the multilayer perceptron,
Neural Computation 4, 494-501.
"""

from __future__ import annotations

import numpy as np

from nnlib._array import Array
from nnlib.curvature._chain import ChainLinearization, Stage

BLOCK_NUMBERS = 2**22
"""How many numbers K_lm may hold at once; more rows than that take turns."""


class Blocks:
    """Matrix and diagonal of a plain network on the rows of one linearization."""

    def __init__(self, point: ChainLinearization) -> None:
        self.point = point
        self.stages = [stage.by_rows() for stage in point.stages]

    def add_dense(self, H: Array, *, fresh: bool) -> None:
        """Add the matrix of these rows by their share to H, or overwrite it if ``fresh``."""
        for rows, K in self._last_blocks():
            self._add_blocks(H, rows, K, fresh=fresh)
            fresh = False

    def add_diagonal(self, out: Array) -> None:
        """Add the diagonal of the matrix of these rows, weighted by their share."""
        for rows, K in self._last_blocks():
            for i, stage in reversed(list(enumerate(self.stages))):
                own = np.einsum("unu->nu", K)
                out[stage.place] += (np.square(stage.x[rows]).T @ own).ravel()
                if i:
                    K = self._deeper(K, i, rows)

    def _last_blocks(self) -> list[tuple[slice, Array]]:
        """Return K of the last stage, of shape (out, N, out), for slices of the rows."""
        n_out, n = self.point.prediction.shape
        directions = np.zeros((n_out, n_out, n), self.point.prediction.dtype)
        directions[np.arange(n_out), np.arange(n_out)] = 1.0
        S = np.ascontiguousarray(self.point.loss.change(directions).swapaxes(1, 2))
        S *= self.point.share
        last = self.stages[-1]
        if last.slope is not None:
            S *= last.slope
            S *= last.slope.T[:, :, np.newaxis]
        widest = max(stage.W.shape[1] for stage in self.stages)
        step = max(1, BLOCK_NUMBERS // widest**2)
        slices = [slice(start, min(start + step, n)) for start in range(0, n, step)]
        if last.bend is not None:
            S[np.arange(n_out), :, np.arange(n_out)] += self.point.share * last.bend.T
        return [(rows, S[:, rows]) for rows in slices]

    def _across(self, K: Array, i: int, rows: slice) -> Array:
        """Carry K_{i,m} of shape (n_i, N, n_m) back through stage i, to K_{i-1,m}."""
        stage, before = self.stages[i], self.stages[i - 1]
        carried = (stage.W @ K.reshape(len(K), -1)).reshape(-1, *K.shape[1:])
        if before.slope is not None:
            carried *= before.slope[rows].T[:, :, np.newaxis]
        return carried

    def _deeper(self, K: Array, i: int, rows: slice) -> Array:
        """Carry K_ii back on both sides, to K of the stage before."""
        stage, before = self.stages[i], self.stages[i - 1]
        return self._closed(self._across(K, i, rows), stage, before, rows)

    def _closed(self, K: Array, stage: Stage, before: Stage, rows: slice) -> Array:
        """Turn K_{i-1,i} into K_{i-1,i-1}."""
        n_in = len(stage.W)
        square = (K.reshape(-1, K.shape[-1]) @ stage.W.T).reshape(n_in, -1, n_in)
        if before.slope is not None:
            square *= before.slope[rows]
        if before.bend is not None:
            square[np.arange(n_in), :, np.arange(n_in)] += self.point.share * before.bend[rows].T
        return square

    def _add_blocks(self, H: Array, rows: slice, K: Array, *, fresh: bool) -> None:
        """Add all blocks of some rows, from the last stage to the first."""
        right = {len(self.stages) - 1: K}  # K_lm of the present l, for all m >= l
        moved: dict[int, Array] = {}  # ∂a_{m-1}/∂z_l for all m > l
        for i, stage in reversed(list(enumerate(self.stages))):
            for m, block in right.items():
                if m == i:
                    self._add_own_block(H, stage, rows, block, fresh=fresh)
                else:
                    self._add_mixed_block(
                        H, stage, self.stages[m], rows, block, moved.get(m), fresh=fresh
                    )
            if i == 0:
                return
            before = self.stages[i - 1]
            right = {m: self._across(block, i, rows) for m, block in right.items()}
            right[i - 1] = self._closed(right[i], stage, before, rows)
            if stage.delta is not None:
                moved = {m: self._across(_unfolded(J), i, rows) for m, J in moved.items()}
                moved[i] = self._own_slope(before, rows)

    def _own_slope(self, stage: Stage, rows: slice) -> Array:
        """Return φ'(z), the diagonal of ∂a/∂z, of shape (N, out)."""
        if stage.slope is None:
            n = len(stage.x[rows])
            return np.ones((n, stage.W.shape[1]), stage.W.dtype)
        return stage.slope[rows]

    def _add_own_block(self, H: Array, stage: Stage, rows: slice, K: Array, *, fresh: bool) -> None:
        """Add Σ_rows x[i] x[j] K[u, v], which need be summed for i <= j only."""
        x = stage.x[rows]
        n_in, n_out = stage.whole.shape
        first, second = np.triu_indices(n_in)
        pair = np.empty((n_in, n_in), np.intp)
        pair[first, second] = pair[second, first] = np.arange(len(first))
        xx = np.ascontiguousarray((x[:, first] * x[:, second]).T)
        sums = (xx @ _by_row(K)).reshape(-1, n_out, n_out)
        block = H[stage.place, stage.place].reshape(n_in, n_out, n_in, n_out)  # a view
        for i in range(n_in):
            _put(block[i], sums[pair[i]].transpose(1, 0, 2), fresh=fresh)

    def _add_mixed_block(
        self,
        H: Array,
        left: Stage,
        right: Stage,
        rows: slice,
        K: Array,
        J: Array | None,
        *,
        fresh: bool,
    ) -> None:
        """Add Σ_rows x[i] (x'[j] K[u, v] + J[u, j] δ[v]) to a block and to its mirror.

        The mirror is filled first, as [j, v, i, u]: its rows are those of the later layer, which
        is mostly the smaller one, so that longer runs of memory are copied at once.
        """
        x, x_right = left.x[rows], right.x[rows]
        (n_left, n_u), (n_right, n_v) = left.whole.shape, right.whole.shape
        lower = H[right.place, left.place]
        block = lower.reshape(n_right, n_v, n_left, n_u)  # a view
        xx = (x_right[:, :, np.newaxis] * x[:, np.newaxis]).reshape(len(x), -1)
        sums = (xx.T @ _by_row(K.transpose(2, 1, 0))).reshape(n_right, n_left, n_v, n_u)
        for j in range(n_right):
            _put(block[j], sums[j].transpose(1, 0, 2), fresh=fresh)
        if J is not None and right.delta is not None:
            delta = self.point.share * right.delta[rows]
            if J.ndim == 2:
                outer = (J[:, :, np.newaxis] * delta[:, np.newaxis]).reshape(len(x), -1)
                every = np.arange(n_u)
                block[every, :, :, every] += (outer.T @ x).reshape(n_u, n_v, n_left)
            else:
                n_j = J.shape[2]
                outer = np.einsum("unj,nv->njvu", J, delta).reshape(len(x), -1)
                block[:n_j] += (outer.T @ x).reshape(n_j, n_v, n_u, n_left).transpose(0, 1, 3, 2)
        H[left.place, right.place] = lower.T


def _put(view: Array, value: Array, *, fresh: bool) -> None:
    """Write a value, or add it. Writing spares a pass over memory that may be many megabytes."""
    if fresh:
        view[...] = value
    else:
        view += value


def _by_row(K: Array) -> Array:
    """Turn (u, N, v) into (N, u v), a row of the matrix product for each row of the batch."""
    return np.ascontiguousarray(K.transpose(1, 0, 2)).reshape(K.shape[1], -1)


def _unfolded(J: Array) -> Array:
    """Turn a diagonal, of shape (N, out), into matrices, of shape (out, N, out)."""
    if J.ndim == 3:
        return J
    n, n_out = J.shape
    every = np.arange(n_out)
    matrices = np.zeros((n_out, n, n_out), J.dtype)
    matrices[every, :, every] = J.T
    return matrices
