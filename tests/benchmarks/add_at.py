"""The convolution of many courses, as a yardstick: index tables and ``np.add.at``.

Written for the benchmark alone. It builds the columns of every window by fancy indexing (im2col)
and scatters gradients back with ``np.add.at``, in (N, C, H, W), with fresh arrays throughout.
"""

from __future__ import annotations

import numpy as np


class AddAtConv:
    """A 3 × 3 convolution of padding 1."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        self.W = rng.normal(0, 0.1, size=(outputs, inputs * 9)).astype(np.float32)
        self.b = np.zeros((outputs, 1), np.float32)
        self.inputs, self.outputs = inputs, outputs

    def _tables(self, h: int, w: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return channel, row and column of every entry of every window."""
        c = np.repeat(np.arange(self.inputs), 9)[:, np.newaxis]
        i = np.tile(np.repeat(np.arange(3), 3), self.inputs)[:, np.newaxis]
        j = np.tile(np.tile(np.arange(3), 3), self.inputs)[:, np.newaxis]
        rows, columns = np.divmod(np.arange(h * w), w)
        return c, i + rows, j + columns

    def forward(self, x: np.ndarray) -> np.ndarray:
        n, _, h, w = x.shape
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        self.places = self._tables(h, w)
        self.padded_shape = padded.shape
        columns = padded[:, *self.places]  # (N, C·9, H·W)
        self.columns = columns.transpose(1, 2, 0).reshape(self.inputs * 9, -1)
        y = self.W @ self.columns + self.b
        return y.reshape(self.outputs, h, w, n).transpose(3, 0, 1, 2)

    def backward(self, dy: np.ndarray, *, need_dx: bool) -> np.ndarray | None:
        n, _, h, w = dy.shape
        flat = dy.transpose(1, 2, 3, 0).reshape(self.outputs, -1)
        self.dW, self.db = flat @ self.columns.T, flat.sum(axis=1, keepdims=True)
        if not need_dx:
            return None
        columns = (self.W.T @ flat).reshape(self.inputs * 9, h * w, n).transpose(2, 0, 1)
        padded = np.zeros(self.padded_shape, dy.dtype)
        np.add.at(padded, (slice(None), *self.places), columns)
        return padded[:, :, 1:-1, 1:-1]


class Pool:
    """Rectify, then take the largest of 2 × 2."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        n, c, h, w = x.shape
        self.positive = x > 0
        windows = (x * self.positive).reshape(n, c, h // 2, 2, w // 2, 2)
        y = windows.max(axis=(3, 5))
        self.largest = windows == y[:, :, :, np.newaxis, :, np.newaxis]
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx = self.largest * dy[:, :, :, np.newaxis, :, np.newaxis]
        return dx.reshape(self.positive.shape) * self.positive


class AddAtNetwork:
    """The network of the benchmark, with softmax cross-entropy and SGD."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.conv = AddAtConv(1, 16, rng), AddAtConv(16, 32, rng)
        self.pool = Pool(), Pool()
        self.W = rng.normal(0, 0.03, size=(32 * 49, 10)).astype(np.float32)
        self.b = np.zeros(10, np.float32)

    def step(self, x: np.ndarray, y: np.ndarray, lr: float) -> None:
        h = self.pool[0].forward(self.conv[0].forward(x))
        h = self.pool[1].forward(self.conv[1].forward(h))
        flat = h.reshape(len(x), -1)
        z = flat @ self.W + self.b
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(x)), y] -= 1
        dz = p / np.float32(len(x))
        dW, db = flat.T @ dz, dz.sum(axis=0)
        dh = self.pool[1].backward((dz @ self.W.T).reshape(h.shape))
        dh = self.conv[1].backward(dh, need_dx=True)
        self.conv[0].backward(self.pool[0].backward(dh), need_dx=False)
        for conv in self.conv:
            conv.W -= lr * conv.dW
            conv.b -= lr * conv.db
        self.W -= lr * dW
        self.b -= lr * db
