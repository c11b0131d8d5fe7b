"""How a step grows with the network, how near it comes to the processor, and what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median

import numpy as np

from tests.benchmarks.mlp import nnlib_step
from tests.benchmarks.timing import interleave

BASE = {"width": 128, "depth": 2, "batch": 128}
GROWTH = {"width": (32, 64, 128, 256, 512), "depth": (1, 2, 4, 8), "batch": (16, 64, 256, 1024)}


def growth(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the milliseconds of a step when one of width, depth and batch changes."""
    found = {}
    for axis, values in GROWTH.items():
        steps = {}
        for value in values:
            size = BASE | {axis: value}
            sizes = (64, *(size["width"],) * size["depth"], 10)
            steps[str(value)] = nnlib_step(sizes, size["batch"])
        times = interleave(steps, rounds=rounds, block_s=0.1)
        milliseconds = [1e3 * times.median_of(name) for name in steps]
        slope = float(np.polyfit(np.log(values), np.log(milliseconds), 1)[0])
        found[axis] = {"values": [float(v) for v in values], "ms": milliseconds, "power": [slope]}
    return found


def gemm_fraction(rounds: int) -> dict[str, float]:
    """Return the share of the time of a step that its matrix products would take at full speed."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    out = np.empty_like(a)
    product = interleave({"gemm": lambda: np.matmul(a, a, out=out)}, rounds=rounds)
    peak = 2 * 1024**3 / min(product.rounds["gemm"])
    shares = {"peak_gflops": peak / 1e9}
    for sizes, n in (((64, 64, 10), 32), ((784, 128, 10), 128), ((784, 512, 512, 10), 512)):
        flops = 0
        for i, (a_in, a_out) in enumerate(pairwise(sizes)):
            flops += 2 * n * a_in * a_out * (2 if i == 0 else 3)  # no dx in the first layer
        times = interleave({"step": nnlib_step(sizes, n)}, rounds=rounds)
        name = f"{'-'.join(map(str, sizes))}, batch {n}"
        shares[name] = flops / peak / median(times.rounds["step"])
    return shares


MEMORY = """
import os, sys
from pathlib import Path
os.environ["NNLIB_FUSED"] = "0"  # the compiler takes some 100 MB of its own
from tests.benchmarks import cnn, mlp
import torch
torch.set_num_threads(1)
steps = {
    "nnlib MLP": lambda: mlp.nnlib_step((784, 512, 512, 10), 512, fused=False),
    "torch MLP": lambda: mlp.torch_step((784, 512, 512, 10), 512, fused=True),
    "nnlib CNN": lambda: cnn.nnlib_step(),
    "torch CNN": lambda: cnn.torch_step(torch.channels_last, pool_first=False),
}
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before = peak()
step = steps[sys.argv[1]]()
for _ in range(20):
    step()
print(peak() - before)
"""
"""Each in a process of its own: everything is imported before, so what grows is the training.

The peak is the kernel's VmHWM: ru_maxrss would begin with the peak of the process that forked.
"""


def peak_memory(
    names: tuple[str, ...] = ("nnlib MLP", "torch MLP", "nnlib CNN", "torch CNN"),
) -> dict[str, float]:
    """Return by how many megabytes 20 steps raise the memory of a fresh process (on Linux)."""
    found = {}
    for name in names:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, name], capture_output=True, text=True, check=True
        )
        found[name] = json.loads(done.stdout) / 1024
    return found


REPORTS: dict[str, Callable[[int], object]] = {
    "growth": growth,
    "gemm_fraction": gemm_fraction,
    "peak_memory_mb": lambda rounds: peak_memory(),
}
