"""The record of a benchmark run as text: the table in nnlib/README.md."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
import torch

from tests.benchmarks.rows import Row

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def render(record: dict[str, Any]) -> str:
    """Return the record as Markdown."""
    parts = [_introduction(record), _ratios([Row(**row) for row in record["rows"]])]
    if "growth" in record:
        parts.append(_growth(record["growth"]))
    if "gemm_fraction" in record:
        parts.append(_fractions(record["gemm_fraction"]))
    if "peak_memory_mb" in record:
        parts.append(_memory(record["peak_memory_mb"]))
    return "\n\n".join(parts)


def _introduction(record: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in record["machine"].items() if k != "processor")
    return (
        f"Measured on {record['date']}, {record['machine']['processor']}, one BLAS thread, "
        f"{versions}. A ratio is the time of the peer over ours in the same round: above 1 we are "
        "faster. *Least* is the smallest ratio of all rounds."
    )


def _ratios(rows: list[Row]) -> str:
    lines = [
        "| what | against | ratio | least | must / aim | ours, ms | peer, ms |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        asked = "–" if row.must is None else f"{row.must:g} / {row.aim:g}"
        lines.append(
            f"| {row.name} | {row.peer} | {row.ratio_median:.2f} | {row.ratio_min:.2f} | {asked} "
            f"| {row.ours_ms:.3f} | {row.peer_ms:.3f} |"
        )
    return "\n".join(lines)


def _growth(found: dict[str, dict[str, list[float]]]) -> str:
    lines = [
        "How a step grows (from 64 inputs, two hidden layers of 128 units and batch 128; one thing "
        "changes at a time). The power is the slope in a doubly logarithmic plot.",
        "",
        "| what grows | values | ms a step | power |",
        "| --- | --- | --- | ---: |",
    ]
    for axis, entry in found.items():
        values = ", ".join(f"{v:g}" for v in entry["values"])
        times = ", ".join(f"{ms:.3f}" for ms in entry["ms"])
        lines.append(f"| {axis} | {values} | {times} | {entry['power'][0]:.2f} |")
    return "\n".join(lines)


def _fractions(found: dict[str, float]) -> str:
    shares = "; ".join(f"{k}: {100 * v:.0f} %" for k, v in found.items() if k != "peak_gflops")
    return (
        f"One matrix product reaches {found['peak_gflops']:.0f} GFLOP/s here. Share of that speed "
        f"in a whole step: {shares}."
    )


def _memory(found: dict[str, float]) -> str:
    grown = "; ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in found.items())
    return (
        "Memory that 20 steps add to a fresh process, without numba, whose compiler takes some "
        "100 MB of its own (784-512-512-10 at batch 512, and the CNN): "
        f"{grown}."
    )


def renew(path: Path, text: str) -> None:
    """Put ``text`` between the two marks of a file."""
    old = path.read_text(encoding="utf-8")
    head, found, rest = old.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not (found and closed):
        message = f"{path} lacks the marks {BEGIN} and {END}; put them where the table belongs."
        raise SystemExit(message)
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
