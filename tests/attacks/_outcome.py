"""What an attack brought about, measured in the same way for our grading and for plain nbgrader."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Facts after an attack.

    Attributes
    ----------
    points : dict of str to (float or None)
        Points in the gradebook by exercise; None where the machine gave none.
    secrets : tuple of str
        Canaries that reached something the learner gets back, by name.
    host : tuple of str
        What was left on the machine: files, processes, connections that came through.
    neighbor : str
        What happened to the honest neighbor; empty if nothing did.
    batch : str
        Why grading did not complete; empty if it did.
    page : tuple of str
        What a page shown to the instructor or the learner would run.
    note : str
        What else is worth a word in the table.
    """

    points: dict[str, float | None] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    neighbor: str = ""
    batch: str = ""
    page: tuple[str, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def sentence(self, deserved: dict[str, float], totals: dict[str, float]) -> str:
        """Say the result in the words of the table, what went wrong in bold."""
        parts = []
        for name, points in self.points.items():
            if name not in deserved:
                continue
            wanted, total = deserved[name], totals[name]
            if points is None:
                parts.append(f"**no score for {name}**")
            elif points > wanted:
                parts.append(f"**{points:g} of {total:g}, deserved {wanted:g}**")
            elif points < wanted:
                parts.append(f"honest {name} {points:g} of {total:g}")
        parts += [f"**{name} read**" for name in self.secrets]
        parts += [f"**{what}**" for what in self.host]
        parts += [f"**neighbor: {self.neighbor}**"] if self.neighbor else []
        parts += [f"**{self.batch}**"] if self.batch else []
        parts += [f"**page runs** `{self.page[0]}`"] if self.page else []
        parts += [self.note] if self.note else []
        return "; ".join(parts) or "as deserved"
