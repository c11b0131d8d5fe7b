"""Every figure on a static page in headless Chromium: sound, legible, and open to the keyboard."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.nnlib.widgets.figures import FIGURES, GATED, Show

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(("width", "dark"), [(960, False), (960, True), (390, False)])
def test_figure_shows_without_errors_requests_or_overflow(
    gallery: Show, name: str, width: int, dark: bool
) -> None:
    shown = gallery(FIGURES[name], width=width, dark=dark)

    overflow = shown.frame.evaluate(
        """() => {
          const edge = document.documentElement.clientWidth;
          const wide = [...document.querySelectorAll(".nn-figure *:not(.nn-hidden):not(svg *)")]
            .filter((node) => node.getBoundingClientRect().right > edge + 0.5);
          return wide.map((node) => node.outerHTML.slice(0, 80));
        }"""
    )

    assert shown.errors == []
    assert overflow == []
    # file:, blob: and data: have no host; every other address must be this machine
    hosts = {urlsplit(url).hostname for url in shown.requests}
    assert hosts <= {"127.0.0.1", None}
    assert shown.n() >= 1


@pytest.mark.parametrize("name", GATED)
def test_controls_are_locked_until_a_prediction_is_committed(gallery: Show, name: str) -> None:
    shown = gallery(FIGURES[name])

    assert shown.locked
    assert all(shown.locked)
    assert shown.frame.locator(".nn-lock input[type=range]").first.is_enabled()
    assert shown.text(".nn-verdict").startswith("Shown")


@pytest.mark.parametrize("name", GATED)
def test_text_of_a_picture_is_at_least_12_pixels_high(gallery: Show, name: str) -> None:
    sizes = {}
    for width in (960, 720, 390, 300):
        shown = gallery(FIGURES[name], width=width)
        sizes[width] = shown.frame.locator("svg text").evaluate_all(
            """(nodes) => nodes.map(
              (n) => parseFloat(getComputedStyle(n).fontSize) * n.getScreenCTM().a)"""
        )

    # a fixed picture may be one or two per cent wider than its column
    assert {width: min(found) >= 11.8 for width, found in sizes.items()} == dict.fromkeys(
        sizes, True
    )
    assert min(map(len, sizes.values())) > 5


@pytest.mark.parametrize("name", FIGURES)
def test_iframe_takes_the_height_of_the_figure(gallery: Show, name: str) -> None:
    shown = gallery(FIGURES[name], width=390, dark=False)

    shown.page.wait_for_timeout(100)  # the observer answers a frame later

    inner, outer = shown.frame.evaluate(
        "[document.getElementById('figure').offsetHeight, frameElement.offsetHeight]"
    )
    assert 0 <= outer - inner <= 4


@pytest.mark.parametrize("name", FIGURES)
def test_jupyterlab_is_told_to_leave_the_keys_of_every_control(gallery: Show, name: str) -> None:
    """JupyterLab looks at the focused element itself, so a mark on a parent does not help."""
    shown = gallery(FIGURES[name], width=960, dark=False)

    unmarked = shown.frame.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, [tabindex]")]
          .filter((node) => node.dataset.lmSuppressShortcuts !== "true").length"""
    )

    assert unmarked == 0


@pytest.mark.parametrize("name", FIGURES)
def test_every_control_has_a_name(gallery: Show, name: str) -> None:
    shown = gallery(FIGURES[name], width=960, dark=False)

    nameless = shown.frame.evaluate(
        """() => [...document.querySelectorAll("input, button, svg[role=img]")]
          .filter((node) => !(node.labels?.length || node.ariaLabel || node.textContent.trim()
            || node.getAttribute("aria-label"))).length"""
    )

    assert nameless == 0


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(gallery: Show, name: str, dark: bool) -> None:
    """WCAG asks for 4.5:1; the background is the nearest one that is painted."""
    shown = gallery(FIGURES[name], width=960, dark=dark)

    faint = shown.frame.evaluate(CONTRAST)

    assert faint == []


CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const own = (node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
  return [...document.querySelectorAll(".nn-figure *")].filter(own)
    .filter((node) => !node.matches(":disabled, :disabled *, .nn-hidden, .nn-gone, option"))
    .map((node) => {
      const style = getComputedStyle(node);
      const ink = node.closest("svg") ? style.fill : style.color;
      const [a, b] = [light(rgb(ink)), light(ground(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.slice(0, 30)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


def test_dark_page_has_a_dark_figure(gallery: Show) -> None:
    shown = gallery(FIGURES["worked_network"], width=960, dark=True)

    paper = shown.root.evaluate("(node) => getComputedStyle(node).backgroundColor")

    assert paper == "rgb(22, 25, 29)"
