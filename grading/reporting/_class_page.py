"""Draw the class page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from grading.reporting._class_report import UnitReport
from grading.reporting._hiding import LEAST
from grading.reporting._pages import page

GROUPS = (
    ("full", "good", "all right"),
    ("partly", "part", "partly right"),
    ("none", "bad", "nothing right"),
    ("not started", "none", "not started"),
)


def class_page(
    course: str,
    units: Sequence[UnitReport],
    zone: tzinfo,
    zones: Mapping[str, tzinfo] | None = None,
) -> str:
    """Draw the page of a class.

    Parameters
    ----------
    course : str
        Name of the course.
    units : sequence of UnitReport
        What may be published.
    zone : tzinfo
        The clock of the class.
    zones : mapping of str to tzinfo, optional
        Clocks of assignments that have their own.

    Returns
    -------
    str
        A whole HTML document, complete in itself.
    """
    return page(
        "reporting/class.html.jinja",
        course=course,
        units=units,
        groups=GROUPS,
        least=LEAST,
        clock=lambda moment, slug: _clock(moment, (zones or {}).get(slug, zone)),
        duration=_duration,
    )


def _clock(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}" if moment is not None else ""


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"
