"""Draw a report as HTML: one card, readable in the light and the dark theme and without colour."""

from __future__ import annotations

from html import escape

from grading.check.report import Evidence, Report, Row, headline, readable, shown
from grading.exercises import Hint, Misconception

_STYLE = """
<style>
.nnc-report{border:1px solid var(--jp-border-color2,#c8c8c8);border-left:6px solid var(--nnc-edge);
border-radius:4px;padding:.7em 1em;margin:.3em 0;max-width:52em;line-height:1.5;
font-family:var(--jp-content-font-family,system-ui,sans-serif);
color:var(--jp-content-font-color1,inherit);background:var(--jp-layout-color1,transparent)}
.nnc-report p{margin:.35em 0}
.nnc-report .nnc-head{display:flex;gap:.6em;align-items:baseline;font-weight:600;font-size:1.05em}
.nnc-report .nnc-mark{color:var(--nnc-edge);font-weight:700}
.nnc-report code,.nnc-report pre{font-family:var(--jp-code-font-family,monospace);font-size:.92em;
background:none;padding:0;margin:0;border:0;color:inherit}
.nnc-report pre{overflow-x:auto;line-height:1.35;text-align:left}
.nnc-report table{border-collapse:collapse;margin:.5em 0;font-size:.96em}
.nnc-report td,.nnc-report th{padding:.18em .9em .18em 0;text-align:left;vertical-align:top;
background:none;border:0;font-weight:400}
.nnc-report thead th{font-size:.86em;opacity:.75}
.nnc-report .nnc-known{border-left:3px solid #0072B2;padding:.1em 0 .1em .8em;margin:.6em 0}
.nnc-report details{margin:.35em 0}
.nnc-report summary{cursor:pointer}
.nnc-report .nnc-quiet{opacity:.75;font-size:.92em}
</style>"""

_LOOK = {
    "passed": ("#009E73", "✓"),
    "partly": ("#E69F00", "◐"),
    "failed": ("#D55E00", "✗"),
    "not started": ("#7F7F7F", "○"),
    "unknown": ("#7F7F7F", "?"),
}


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
    edge, mark = _LOOK[report.state]
    parts = [
        f'<div class="nnc-report" role="status" style="--nnc-edge:{edge}">',
        f'<div class="nnc-head"><span class="nnc-mark" aria-hidden="true">{mark}</span>'
        f"<span>{escape(headline(report))}</span></div>",
        f"<p>{_inline(report.sentence)}</p>",
    ]
    parts += [_known(misconception) for misconception in report.misconceptions]
    parts += [_rows(report), _evidence(report.evidence) if report.evidence else ""]
    parts += [_hint(hint, hint is report.hint) for hint in _hints(report)]
    if report.solution:
        parts.append(
            f"<details><summary>Solution: derivation and two styles</summary>"
            f"<pre>{escape(report.solution)}</pre></details>"
        )
    if report.remark:
        parts.append(f'<p class="nnc-quiet">{_inline(report.remark)}</p>')
    return _STYLE + "".join(part for part in parts if part) + "</div>"


def _known(misconception: Misconception) -> str:
    name = escape(readable(misconception.name))
    return (
        f'<div class="nnc-known"><p><b>Known mistake: {name}.</b></p>'
        f"<p>{_inline(misconception.message)}</p></div>"
    )


def _hints(report: Report) -> tuple[Hint, ...]:
    wanted = report.exercise is not None and report.state in {"partly", "failed"}
    return report.exercise.hints if wanted and report.exercise else ()


def _rows(report: Report) -> str:
    if not report.rows or report.state == "not started":
        return ""
    body = "".join(_row(row, report.sentence) for row in report.rows)
    head = "<tr><th>result</th><th>part</th><th>points</th><th></th></tr>"
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(row: Row, headline_sentence: str) -> str:
    mark = "✓ passed" if row.earned else "✗ not yet"
    repeated = bool(row.sentence) and row.sentence == headline_sentence
    return (
        f"<tr><td>{mark}</td><td><code>{escape(row.criterion)}</code></td>"
        f"<td>{row.earned:g} of {row.points:g}</td>"
        f"<td>{'see above' if repeated else _inline(row.sentence)}</td></tr>"
    )


def _evidence(evidence: Evidence) -> str:
    rows = [(name, value) for name, value in evidence.inputs.items()]
    given = "".join(
        f"<tr><th><code>{escape(n)}</code></th><td>{_pre(v)}</td></tr>" for n, v in rows
    )
    compared = ""
    if evidence.output:
        compared = (
            f"<tr><th>expected <code>{escape(evidence.output)}</code></th>"
            f"<td>{_pre(evidence.expected)}</td></tr>"
            f"<tr><th>got <code>{escape(evidence.output)}</code></th>"
            f"<td>{_pre(evidence.got)}</td></tr>"
        )
    return (
        f"<details open><summary>{escape(evidence.title)}</summary>"
        f"<table><tbody>{given}{compared}</tbody></table></details>"
    )


def _hint(hint: Hint, first: bool) -> str:
    label = "Hint to open first" if first else "Hint"
    return (
        f"<details><summary>{label}: {_inline(hint.symptom)}</summary>"
        f"<p>{_inline(hint.text)}</p></details>"
    )


def _pre(value: object) -> str:
    return f"<pre>{escape(shown(value))}</pre>"


def _inline(text: str) -> str:
    """Escape a sentence and set what stands between backticks as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:  # an odd number of backticks: leave them as they are
        return escape(text)
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
