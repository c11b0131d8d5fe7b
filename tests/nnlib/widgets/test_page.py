"""What a browser gets is one module or one page that needs nothing else."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from nnlib.widgets._page import (
    FOLDER,
    _helpers,
    document,
    iframe,
    served_module,
    served_style,
)
from tests.nnlib.widgets.figures import CLASSES, FIGURES


def test_every_module_in_the_package_is_a_figure_that_it_offers() -> None:
    modules = {path.stem for path in FOLDER.glob("[a-z]*.js")}

    assert modules == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_served_module_has_no_import_left(name: str) -> None:
    text = served_module(FOLDER / f"{name}.js")

    assert re.search(r"^\s*import\b", text, re.MULTILINE) is None
    assert text.count("export default") == 1


def names_of(text: str) -> list[str]:
    """Return the names that a module declares at its top level."""
    declared = re.findall(
        r"^(?:export )?(?:default )?(?:async )?(?:function\*?|class|const|let|var) +"
        r"(?:(\w+)|\[([^\]]*)\]|\{([^}]*)\})",
        text,
        flags=re.MULTILINE,
    )
    return [name for groups in declared for name in re.findall(r"\w+", " ".join(groups))]


def clashes(modules: dict[str, str]) -> dict[str, list[str]]:
    """Return each name that several of the modules declare, with these modules."""
    owners: dict[str, list[str]] = {}
    for module, text in modules.items():
        for name in names_of(text):
            owners.setdefault(name, []).append(module)
    return {name: found for name, found in owners.items() if len(found) > 1}


def test_name_that_two_modules_declare_is_found() -> None:
    helper = "const STEP = 1;\nexport function clipped(a) {\n  const inner = a;\n}\n"
    figure = "const [FIRST, STEP] = [1, 2];\nconst inner = 2;\nexport async function clipped() {}\n"

    found = clashes({"_helper.js": helper, "figure.js": figure})

    assert sorted(found) == ["STEP", "clipped"]


@pytest.mark.parametrize("name", CLASSES)
def test_modules_that_become_one_declare_different_names(name: str) -> None:
    """Also where the helper's declaration is not needed: a figure that uses its name gets both."""
    figure = FOLDER / f"{name}.js"
    paths = [*_helpers(figure), figure]

    assert clashes({path.name: path.read_text(encoding="utf-8") for path in paths}) == {}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("_*.js")), ids=lambda path: path.name)
def test_each_declaration_of_a_helper_can_be_cut_out(path: Path) -> None:
    """Helpers are served by declaration, and one that is taken apart has no name to ask for."""
    text = path.read_text(encoding="utf-8")

    assert (
        re.findall(r"^(?:export )?(?:(?:const|let|var) [\[{].*|async .*|var .*)", text, re.M) == []
    )


def test_helper_that_two_helpers_import_is_written_once() -> None:
    text = served_module(FOLDER / "gradient_check.js")

    assert text.count("function openView(") == 1


@pytest.mark.parametrize("name", CLASSES)
def test_module_can_stand_inside_a_script_element(name: str) -> None:
    """A closing tag in a string would end the script early."""
    assert "</script" not in served_module(FOLDER / f"{name}.js").lower()


@pytest.mark.parametrize("name", CLASSES)
def test_no_module_builds_markup_from_text_or_names_an_address(name: str) -> None:
    text = served_module(FOLDER / f"{name}.js").replace("http://www.w3.org/2000/svg", "")

    assert "innerHTML" not in text
    assert "insertAdjacentHTML" not in text
    assert re.search(r"https?://|fetch\(|XMLHttpRequest|\bimport\(", text) is None


def test_markup_in_a_trait_cannot_leave_the_script() -> None:
    page = document("", "", {"question": "</script><img src=x>"}, "t")

    assert page.count("</script>") == 1
    assert "<img" not in page


def test_iframe_gives_back_the_page_and_is_plain_ascii() -> None:
    page = "<p title=\"a 'quoted' w₁₃\">1 < 2 & 3</p>"

    markup = iframe(page, "t", 100)

    assert markup.isascii()
    srcdoc = re.search(r"srcdoc='([^']*)'", markup)
    assert srcdoc is not None
    assert html.unescape(srcdoc[1]) == page


@pytest.mark.parametrize("name", FIGURES)
def test_page_carries_the_state_of_the_figure(name: str) -> None:
    figure = FIGURES[name]()

    page = figure.page()

    for name in figure.state():
        assert f'"{name}":' in page


def test_module_gets_only_the_helpers_that_it_needs() -> None:
    question, figure = (served_module(FOLDER / f"{n}.js") for n in ("prediction", "gradient_check"))

    assert "function slider(" not in question
    assert "function paint(" not in question
    assert "function slider(" in figure
    assert "const SVG_SPACE" in figure  # nobody imports it, but `s` needs it


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_no_string_runs_over_a_line_so_indentation_can_go(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = [line for line in text.splitlines() if not line.strip().startswith("//")]

    assert [line for line in code if line.count("`") % 2] == []


def test_style_holds_the_sheets_of_the_helpers_and_the_figures_own() -> None:
    question, check = (served_style(FOLDER / f"{n}.js") for n in ("prediction", "self_check"))

    assert ".nn-gate {" in question
    assert ".nn-slider" not in question
    assert ".nn-choice {" in check
    assert "/*" not in question + check


def test_output_of_a_question_stays_small() -> None:
    """Every executed notebook holds one copy for each question."""
    bundle, _ = FIGURES["prediction"]()._repr_mimebundle_()

    assert len(bundle["text/html"]) < 18_000
