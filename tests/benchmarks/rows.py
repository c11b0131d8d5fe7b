"""One line of the benchmark: a ratio, what it must be and what we aim at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.benchmarks.timing import Times


@dataclass(frozen=True)
class Row:
    """How many times as long the peer takes.

    Attributes
    ----------
    name, peer : str
        What is done, and who does it beside us.
    ratio_median, ratio_min : float
        Peer's time over ours, over the rounds of one run: its median, and its smallest value.
    must, aim : float or None
        What the project asks of the median; None where the number is only reported.
    ours_ms, peer_ms : float
        Median milliseconds a call.
    rounds : int
        How many rounds were run.
    """

    name: str
    peer: str
    ratio_median: float
    ratio_min: float
    must: float | None
    aim: float | None
    ours_ms: float
    peer_ms: float
    rounds: int

    @property
    def verdict(self) -> str:
        """Say how the median stands to what was asked."""
        if self.must is None:
            return "reported"
        if self.aim is not None and self.ratio_median >= self.aim:
            return "aim reached"
        return "must reached" if self.ratio_median >= self.must else "below must"

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON takes it."""
        return asdict(self)


def compare(
    name: str,
    times: Times,
    *,
    ours: str = "nnlib",
    peers: list[str] | None = None,
    must: float | None = None,
    aim: float | None = None,
) -> Row:
    """Make a row of measured times, against the fastest of the peers."""
    rivals = [n for n in times.rounds if n != ours] if peers is None else peers
    peer = times.fastest(rivals)
    ratios = times.ratios(peer, ours)
    return Row(
        name,
        peer,
        median(ratios),
        min(ratios),
        must,
        aim,
        1e3 * times.median_of(ours),
        1e3 * times.median_of(peer),
        len(ratios),
    )
