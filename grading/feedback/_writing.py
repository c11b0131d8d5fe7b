"""Write the feedback pages of a class where nbgrader puts its own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from grading.feedback._page import feedback_page
from grading.reporting import ClassReader, OwnFiles, Work, write_whole

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_feedback(reader: ClassReader, slug: str, only: str | None = None) -> Iterator[Path]:
    """Write ``feedback/ID/SLUG/SLUG.html`` for everybody who handed something in.

    Parameters
    ----------
    reader : ClassReader
        The class.
    slug : str
        The assignment.
    only : str, optional
        One learner's id.

    Yields
    ------
    Path
        Each page, when it is written.
    """
    exercises = reader.folder.exercises(slug)
    rubrics = reader.rubrics.get(slug, {})
    title, zone = reader.folder.title(slug), reader.folder.zone_of(slug)
    for work in reader.works(slug, only):
        if work.result is None and work.recorded is None:
            continue
        text = feedback_page(work, exercises, rubrics, title=title, zone=zone)
        path = page_path(reader, work)
        write_whole(path, text.encode("utf-8"))
        yield path


def page_path(reader: ClassReader, work: Work) -> Path:
    """Return where the page of a learner lies."""
    return reader.folder.feedback(work.learner.id, work.slug) / f"{work.slug}.html"


def zip_pages(reader: ClassReader, slug: str, pages: list[Path]) -> Path:
    """Put pages into one archive, a folder for each learner.

    Parameters
    ----------
    reader : ClassReader
        The class.
    slug : str
        The assignment.
    pages : list of Path
        What `write_feedback` gave.

    Returns
    -------
    Path
        ``feedback/SLUG.zip``; the same pages give the same bytes.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in pages:
            info = zipfile.ZipInfo(f"{path.parent.parent.name}/{path.name}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, path.read_bytes())
    folder = reader.folder.root / "feedback"
    folder.mkdir(parents=True, exist_ok=True)  # a course may keep its pages elsewhere
    return OwnFiles(reader.folder.root).write(
        folder / f"{slug}.zip", content.getvalue(), force=True
    )
