"""House rules of the notebooks that a program can see; the rest is for readers.

They look at the executed solution notebooks, which hold all text, all code and all pictures.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from grading.authoring import cells
from grading.authoring.hours import estimate
from grading.exercises import exercises_of_unit
from grading.house import Unit

# Sections that every unit closes with, or that collect: they ask nothing.
STATEMENTS = {"Going further", "What we can do now", "Papers"}
# Rows of code that fit a glance; longer ones belong into the library or a tagged cell.
MAX_LINES = 15
MAX_LINES_DRIVE = 40

EMOJI = re.compile(r"[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
# Words that tell a reader who is stuck that the fault is theirs, or that celebrate.
DISCOURAGING = re.compile(
    r"\b(simply|obvious(?:ly)?|trivial(?:ly)?|needless to say|as everyone knows|is easy|are easy"
    r"|congratulations|awesome|amazing|well done)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def notebook(solution_path: Path) -> cells.Notebook:
    return cells.read(solution_path)


@pytest.fixture(scope="module")
def texts(notebook: cells.Notebook) -> dict[int, str]:
    return {
        number: cell.source
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "markdown"
    }


def headings(texts: dict[int, str], level: int) -> list[str]:
    pattern = re.compile(rf"^{'#' * level} +(.+?) *$", re.MULTILINE)
    return [heading for text in texts.values() for heading in pattern.findall(text)]


def test_every_picture_says_what_it_shows(notebook: cells.Notebook):
    """Alt text states the finding, so it is a sentence and not a name."""
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data):
                # JupyterLab and nbconvert show the HTML image, and its alt text, first.
                alt = re.search(r'<img alt="([^"]*)"', data.get("text/html", ""))
                assert alt, f"cell {number} shows a picture without alt text"
                assert len(alt[1].split()) >= 4, f"cell {number}: alt text names no finding"
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\s*\]\(", cell.source), f"cell {number}: picture without alt"
            assert not re.search(r"<img(?![^>]*\balt=)", cell.source), f"cell {number}: <img>"


def test_section_headings_are_questions(texts: dict[int, str]):
    sections = headings(texts, 2)

    assert sections
    assert [each for each in sections if not each.endswith("?") and each not in STATEMENTS] == []


def test_unit_has_one_title_and_ends_with_what_we_can_do_and_the_papers(texts: dict[int, str]):
    assert len(headings(texts, 1)) == 1
    assert headings(texts, 2)[-2:] == ["What we can do now", "Papers"]


def test_code_cells_fit_a_glance(notebook: cells.Notebook):
    for number, cell in enumerate(notebook.cells, 1):
        tags = cells.tags(cell)
        if cell.cell_type != "code" or cells.grade_id(cell) or tags & {"setup", "figure"}:
            continue
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= (MAX_LINES_DRIVE if "drive" in tags else MAX_LINES), f"cell {number}"


def test_text_neither_discourages_nor_decorates(notebook: cells.Notebook, texts: dict[int, str]):
    found = {
        n: DISCOURAGING.findall(text) for n, text in texts.items() if DISCOURAGING.search(text)
    }
    decorated = {n: c.source for n, c in enumerate(notebook.cells, 1) if EMOJI.search(c.source)}

    assert found == {}
    assert decorated == {}


def test_every_unit_asks_five_questions_at_its_end(notebook: cells.Notebook):
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    asked = [source for source in code if re.search(r"\bSelfCheck\(", source)]

    assert len(asked) == 1
    assert len(re.findall(r"\bQuestion\(", asked[0])) == 5


def test_links_within_the_course_lead_somewhere(texts: dict[int, str], learner_path: Path):
    for number, text in texts.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"https?:|#|attachment:", target):
                path = learner_path.parent / target.partition("#")[0]
                assert path.is_file(), f"cell {number} links to {target}"


def test_stated_hours_are_a_ceiling(unit: Unit, notebook: cells.Notebook):
    needed = estimate(notebook, exercises_of_unit(unit.number))

    assert 0 < needed.hours <= unit.hours, str(needed)


def test_notebook_names_no_folder_of_any_machine(solution_path: Path, learner_path: Path):
    for path in (solution_path, learner_path):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"(?:/home/|/Users/|/roo[t]/|/tmp/|[A-Z]:\\\\)[\w.-]+", text)
        assert found == [], path.name
        assert json.loads(text)["nbformat"] == 4
