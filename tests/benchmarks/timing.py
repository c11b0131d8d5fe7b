"""Time two or more ways of doing the same thing, fairly.

The variants take turns, block by block, so that a busy minute of the machine meets all of them. A
block is many calls and its value the median call. A virtual machine loses time to its neighbors: a
block during which the hypervisor took time away is measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

Work = Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Seconds a call, one entry a round, by variant."""

    rounds: dict[str, list[float]]

    def median_of(self, name: str) -> float:
        """Return the median over the rounds."""
        return median(self.rounds[name])

    def fastest(self, names: list[str]) -> str:
        """Return the name of the variant with the smallest median."""
        return min(names, key=self.median_of)

    def ratios(self, peer: str, ours: str) -> list[float]:
        """Return peer / ours round by round: above 1 means that ours is faster."""
        return [p / o for p, o in zip(self.rounds[peer], self.rounds[ours], strict=True)]


def interleave(
    variants: Mapping[str, Work], *, rounds: int = 9, block_s: float = 0.2, warm_up: int = 3
) -> Times:
    """Run the variants in turn, and return the median call of each block."""
    calls = {}
    for name, work in variants.items():
        for _ in range(warm_up):
            work()
        once = min(_seconds(work) for _ in range(3))
        calls[name] = max(1, min(5000, round(block_s / once)))
    measured: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants)
    for _ in range(rounds):
        for name in order:
            measured[name].append(_block(variants[name], calls[name]))
        order = order[1:] + order[:1]  # nobody always comes after the same neighbor
    return Times(measured)


def _block(work: Work, calls: int, tries: int = 4) -> float:
    """Return the median call of a block that the hypervisor left alone, or of the last try."""
    value = float("nan")
    for _ in range(tries):
        before = stolen_ticks()
        value = median(_seconds(work) for _ in range(calls))
        if stolen_ticks() == before:
            break
    return value


def _seconds(work: Work) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def stolen_ticks() -> int:
    """Return the time that the hypervisor took from this machine, in ticks; 0 where unknown."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        return int(fields[8])
    except (OSError, IndexError, ValueError):
        return 0
