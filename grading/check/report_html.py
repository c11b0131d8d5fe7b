"""Draw a report as HTML: one card, readable in the light and the dark theme and without colour.

No scripts, nothing fetched; everything that comes from the learner's code is escaped.
"""

from __future__ import annotations

from html import escape

from grading.check.report import CODE_INDENT, Evidence, Report, Row, headline, readable
from grading.check.showing import Mark, shown, shown_pair
from grading.exercises import Exercise, Hint, Misconception

# JupyterLab centers tables and shades their rows; !important where its rules are more specific.
_STYLE = """
<style>
.nnc-report{border:1px solid var(--jp-border-color2,#bdbdbd);border-left:5px solid var(--nnc-edge);
border-radius:3px;margin:.4em 0;max-width:50em;box-sizing:border-box;overflow-wrap:anywhere;
font-family:var(--jp-content-font-family,system-ui,sans-serif);font-size:14px;line-height:1.5;
color:var(--jp-content-font-color1,inherit);background:var(--jp-layout-color1,transparent)}
.nnc-report p{margin:0 0 .5em}
.nnc-report header{display:flex;gap:.5em;align-items:baseline;padding:.5em .9em;
border-bottom:1px solid var(--jp-border-color2,#bdbdbd);font-weight:600;flex-wrap:wrap}
.nnc-report header code{font-weight:600}
.nnc-report .nnc-mark{width:1.1em;text-align:center}
.nnc-report .nnc-state{margin-left:auto;font-weight:400}
.nnc-report .nnc-body{padding:.7em .9em .5em}
.nnc-report code,.nnc-report pre{font-family:var(--jp-code-font-family,ui-monospace,monospace);
font-size:.93em;background:none!important;padding:0!important;margin:0;border:0;color:inherit;line-height:1.4}
.nnc-report pre{overflow-x:auto;padding-bottom:4px!important;
white-space:pre;overflow-wrap:normal;text-align:left}
.nnc-report .nnc-known{border-left:3px double #0072B2;padding:.1em 0 .1em .8em;margin:.2em 0 .8em}
.nnc-report .nnc-known p{margin:0}
.nnc-report table{border-collapse:collapse;margin:.2em 0 .8em!important;font-size:1em;width:100%;
table-layout:auto;color:inherit}
.nnc-report tr{background:none!important}
.nnc-report td,.nnc-report th{padding:.3em .9em .3em 0!important;text-align:left!important;
vertical-align:top!important;border:0!important;font-weight:400;max-width:none;white-space:normal}
.nnc-report .nnc-parts tr{border-top:1px solid var(--jp-border-color3,#dedede)!important}
.nnc-report .nnc-parts tr:last-child{
border-bottom:1px solid var(--jp-border-color3,#dedede)!important}
.nnc-report .nnc-fixed{white-space:nowrap!important;width:1px}
.nnc-report .nnc-parts td:last-child{text-align:right!important;padding-right:0!important}
.nnc-report .nnc-case{margin:0 0 .8em}
.nnc-report .nnc-title{font-weight:600;margin:0 0 .3em}
.nnc-report .nnc-values{display:flex;flex-wrap:wrap;gap:.5em 2em;margin:0 0 .5em}
.nnc-report .nnc-values>div{min-width:0;max-width:100%}
.nnc-report .nnc-label{font-size:.9em;opacity:.8}
.nnc-report .nnc-got{border-left:1px solid var(--jp-border-color2,#bdbdbd);padding-left:.8em}
.nnc-report b.nnc-off{font-weight:700;text-decoration:underline wavy #D55E00 1px;
text-underline-offset:3px}
.nnc-report .nnc-line{display:block;margin:.2em 0 .2em 1.1em;white-space:pre-wrap}
.nnc-report details{margin:0 0 .35em}
.nnc-report details>p,.nnc-report details>pre{margin:.25em 0 .6em 1.1em}
.nnc-report summary{cursor:pointer}
.nnc-report summary:focus-visible{outline:2px solid var(--jp-brand-color1,#0072B2)}
.nnc-report .nnc-quiet{opacity:.8;font-size:.93em}
</style>"""

_LOOK = {
    "passed": ("#009E73", "✓", "passed"),
    "partly": ("#E69F00", "◐", "partly right"),
    "failed": ("#D55E00", "✗", "not yet"),
    "not started": ("#7F7F7F", "○", "not started"),
    "unknown": ("#7F7F7F", "?", "unknown name"),
}
_OFF: Mark = ("\ue000", "\ue001")
"""Stands around an entry that differs, until it is escaped; no printable text holds these."""


def report_html(report: Report) -> str:
    """Draw a report for a notebook.

    Parameters
    ----------
    report : Report
        The report; everything in it is escaped.

    Returns
    -------
    str
        A fragment of HTML without scripts.
    """
    edge = _LOOK[report.state][0]
    parts = [
        f'<div class="nnc-report" role="status" style="--nnc-edge:{edge}">{_header(report)}',
        f'<div class="nnc-body"><p>{_inline(report.sentence)}</p>',
    ]
    parts += [_known(misconception) for misconception in report.misconceptions]
    if report.evidence and report.exercise:
        parts.append(_evidence(report.evidence, report.exercise))
    parts.append(_rows(report))
    parts += [_hint(hint, hint is report.hint) for hint in _hints(report)]
    if report.solution:
        parts.append(
            f"<details><summary>Solution: derivation and two styles</summary>"
            f"<pre>{escape(report.solution)}</pre></details>"
        )
    if report.remark:
        parts.append(f'<p class="nnc-quiet">{_inline(report.remark)}</p>')
    return _STYLE + "".join(parts) + "</div></div>"


def _header(report: Report) -> str:
    _, mark, state = _LOOK[report.state]
    points = headline(report).removeprefix(f"{report.name}: ").removesuffix(", passed")
    if report.state in {"passed", "partly", "failed"} and report.exercise:
        state = f"{state} · {points}"
    return (
        f'<header><span class="nnc-mark" aria-hidden="true">{mark}</span>'
        f"<code>{escape(report.name)}</code>"
        f'<span class="nnc-state">{escape(state)}</span></header>'
    )


def _known(misconception: Misconception) -> str:
    name = escape(readable(misconception.name))
    return (
        f'<div class="nnc-known"><p><b>Known mistake: {name}</b></p>'
        f"<p>{_inline(misconception.message)}</p></div>"
    )


def _hints(report: Report) -> tuple[Hint, ...]:
    """List the hint to open first at the top, then the others in their order."""
    if report.exercise is None or report.state not in {"partly", "failed"} or not report.rows:
        return ()
    return tuple(sorted(report.exercise.hints, key=lambda hint: hint is not report.hint))


def _rows(report: Report) -> str:
    if len(report.rows) < 2 or report.state == "not started":
        return ""
    body = "".join(_row(row, report.sentence) for row in report.rows)
    return f'<table class="nnc-parts"><tbody>{body}</tbody></table>'


def _row(row: Row, told: str) -> str:
    mark = "✓ right" if row.earned else "✗ not yet"
    sentence = "" if row.sentence == told else _inline(row.sentence)
    below = f'<div class="nnc-quiet">{sentence}</div>' if sentence else ""
    return (
        f'<tr><td class="nnc-fixed">{mark}</td><td><code>{escape(row.criterion)}</code>{below}</td>'
        f'<td class="nnc-fixed">{row.earned:g} of {row.points:g}</td></tr>'
    )


def _evidence(evidence: Evidence, exercise: Exercise) -> str:
    given = "".join(_value(escape(name), shown(value)) for name, value in evidence.inputs.items())
    compared = legend = ""
    if evidence.output:
        expected, got = shown_pair(
            evidence.expected, evidence.got, exercise.rtol, exercise.atol, _OFF
        )
        compared = (
            '<div class="nnc-values">'
            + _value(f"{escape(evidence.output)}, expected", expected)
            + _value(f"{escape(evidence.output)}, got", got, "nnc-got")
            + "</div>"
        )
        if _OFF[0] in got:
            legend = '<p class="nnc-quiet">Underlined: differs from the expected value.</p>'
    return (
        f'<div class="nnc-case"><p class="nnc-title">{escape(evidence.title)}</p>'
        f'<div class="nnc-values">{given}</div>{compared}{legend}</div>'
    )


def _value(label: str, text: str, look: str = "") -> str:
    marked = escape(text).replace(_OFF[0], '<b class="nnc-off">').replace(_OFF[1], "</b>")
    return (
        f'<div class="{look}"><div class="nnc-label"><code>{label}</code></div>'
        f'<pre tabindex="0">{marked}</pre></div>'
    )


def _hint(hint: Hint, first: bool) -> str:
    label = "Hint to open first" if first else "Hint"
    return (
        f"<details><summary>{label}: {_inline(hint.symptom)}</summary>"
        f"<p>{_inline(hint.text)}</p></details>"
    )


def _inline(text: str) -> str:
    """Escape sentences, and set quoted lines and what stands between backticks as code."""
    lines = text.split("\n")
    return " ".join(
        f'<code class="nnc-line">{escape(line.strip())}</code>'
        if line.startswith(CODE_INDENT)
        else _one_line(line)
        for line in lines
    )


def _one_line(text: str) -> str:
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:  # an odd number of backticks: leave them as they are
        return escape(text)
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
