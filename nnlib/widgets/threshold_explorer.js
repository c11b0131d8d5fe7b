import { fixed, h, openView, paint, s, segmented, setText, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { brokenPath, plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";

export const THRESHOLDS = Array.from({ length: 101 }, (_, i) => i / 100);
const MODELS = ["two", "all"];

/** The share of positives that `percent` stands for: that of the labels where it rounds to it. */
export function shareOf(labels, percent) {
  const own = labels.reduce((sum, y) => sum + y, 0) / labels.length;
  return Math.round(100 * own) === percent ? own : percent / 100;
}

/** The four counts at a threshold, re-weighted. The twin of weighted_counts in Python. */
export function weightedCounts(labels, scores, threshold, share) {
  const raw = { tp: 0, fp: 0, fn: 0, tn: 0 };
  labels.forEach((y, i) => { raw[scores[i] >= threshold ? (y ? "tp" : "fp") : y ? "fn" : "tn"] += 1; });
  const n = labels.length;
  const [up, down] = [(share * n) / (raw.tp + raw.fn), ((1 - share) * n) / (raw.fp + raw.tn)];
  return { tp: up * raw.tp, fp: down * raw.fp, fn: up * raw.fn, tn: down * raw.tn };
}

/** What is read off the four counts. The twin of measures in Python. */
export function measures({ tp, fp, fn, tn }, ratio) {
  const n = tp + fp + fn + tn;
  return { accuracy: (tp + tn) / n, precision: tp + fp > 0 ? tp / (tp + fp) : NaN, recall: tp / (tp + fn),
    f1: (2 * tp) / (2 * tp + fp + fn), alarms: fp / (fp + tn), cost: (100 * (fp + ratio * fn)) / n };
}

/** The measures at every threshold. */
export const curves = (labels, scores, ratio, share) =>
  THRESHOLDS.map((t) => measures(weightedCounts(labels, scores, t, share), ratio));

/** @returns {number} the index of the cheapest threshold, the lowest of equals */
export function cheapestIndex(points) {
  const costs = points.map(({ cost }) => Math.round(cost * 1e9));
  return costs.indexOf(Math.min(...costs));
}

/** Area under the ROC curve: how often a positive scores above a negative; ties count half. */
export function areaUnder(labels, scores) {
  const [low, high] = [0, 1].map((y) => scores.filter((_, i) => labels[i] === y));
  const wins = high.reduce((sum, a) => sum + low.reduce((w, b) => w + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0);
  return wins / (low.length * high.length);
}

const START = { model: "two", threshold: 0.5, ratio: 10, percent: 37, view: "curves" };
const PRESETS = [
  ["Both mistakes cost the same", { ...START, ratio: 1 }],
  ["Screening: 1 in 100", { ...START, percent: 1 }],
  ["All 30 measurements", { ...START, model: "all" }],
];
const QUESTION = "A miss (a malignant tumor called benign) costs as much as 10 false alarms. Where does the model " +
  "that sees two measurements cost least: at which threshold?";
const OFFERED = [0.1, 0.3, 0.5, 0.9];
const CHOICES = OFFERED.map((t) => `at ${t}`);
const FINDING = "There is no best threshold, only a best one for a purpose. Raising it trades recall for precision: " +
  "recall never rises, precision mostly does. With two measurements, and malignant tumors as frequent as in training, the " +
  "cheapest threshold lies near 1/(1 + cost of a miss): near 0.5 where both mistakes cost the same. Where fewer are malignant the " +
  "scores are too high, and it lies farther up. With 30 measurements few scores are in the middle, and the rule is only rough. Among patients of whom 1 in 100 is ill, recall stays as it was and precision collapses: " +
  "the same false alarm rate now meets a hundred healthy people for each ill one. A better model (30 measurements) " +
  "makes the choice matter less.";

/** @returns {number} the offered threshold that costs least for the question */
export function bestOffered(labels, scores) {
  const share = shareOf(labels, 37);
  const costs = OFFERED.map((t) => measures(weightedCounts(labels, scores, t, share), 10).cost);
  return OFFERED[costs.indexOf(Math.min(...costs))];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "threshold-explorer", label: "Decision threshold" });
  const labels = model.get("labels");
  const scoresOf = (name) => model.get("scores")[MODELS.indexOf(name)];
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const seen = (now) => weightedCounts(labels, scoresOf(now.model), now.threshold, shareOf(labels, now.percent));
  const kept = new Map(); // curves by what they depend on: a drag of the threshold needs them in each frame
  const curvesOf = ({ model: name, ratio, percent }) => {
    const key = `${name} ${ratio} ${percent}`;
    if (!kept.has(key)) kept.set(key, curves(labels, scoresOf(name), ratio, shareOf(labels, percent)));
    return kept.get(key);
  };
  const areas = MODELS.map(() => NaN);
  const areaOf = (name) => {
    const i = MODELS.indexOf(name);
    if (Number.isNaN(areas[i])) areas[i] = areaUnder(labels, scoresOf(name));
    return areas[i];
  };
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    view.save({ ...change, cost: measures(seen(now), now.ratio).cost });
  };

  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const switches = [
    pick("model", "The model sees", [["two", "2 measurements"], ["all", "all 30"]]),
    pick("view", "Picture below", [["curves", "over the threshold"], ["roc", "ROC"], ["pr", "precision–recall"]]),
  ];
  const line = slider({ label: "threshold", min: 0, max: 1, step: 0.01, read: () => model.get("threshold"),
    write: (v) => put({ threshold: v }), show: (v) => fixed(v, 2) });
  line.row.classList.add("nn-long");
  const situation = [
    slider({ label: "a miss costs", min: 1, max: 50, step: 1, read: () => model.get("ratio"), write: (v) => put({ ratio: v }),
      show: (v) => `${v} alarm${v === 1 ? "" : "s"}`, say: (v) => `as much as ${v} false alarm${v === 1 ? "" : "s"}` }),
    slider({ label: "malignant are", min: 1, max: 60, step: 1, read: () => model.get("percent"), write: (v) => put({ percent: v }),
      show: (v) => `${v} of 100`, say: (v) => `${v} of 100 patients` }),
  ];
  const picture = s("svg", { role: "img" });

  const cell = (bad) => { const count = h("b"); const word = h("span"); return { count, word,
    td: h("td", bad ? { class: "nn-bad" } : {}, count, word) }; };
  const outcomes = { tp: cell(false), fn: cell(true), fp: cell(true), tn: cell(false) };
  const words = { tp: "found", fn: "missed", fp: "false alarm", tn: "cleared" };
  for (const [name, { word }] of Object.entries(outcomes)) word.textContent = words[name];
  const outcomeTable = h("table", { class: "nn-table nn-outcome" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "is ↓  called →"), h("th", { scope: "col" }, "malignant"),
      h("th", { scope: "col" }, "benign"))),
    h("tbody", {}, h("tr", {}, h("th", { scope: "row" }, "malignant"), outcomes.tp.td, outcomes.fn.td),
      h("tr", {}, h("th", { scope: "row" }, "benign"), outcomes.fp.td, outcomes.tn.td)));
  const names = ["accuracy", "precision", "recall", "F1", "cost per 100 patients", "least possible cost", "… at threshold"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {},
    ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, switches[0].row, switches[1].row),
    h("div", { class: "nn-stage" }, h("div", {}, picture, line.row), h("div", { class: "nn-tables" }, outcomeTable, table, remark)),
    h("fieldset", { class: "nn-group" }, h("legend", {}, "The situation"), h("div", { class: "nn-pairs" }, ...situation.map((x) => x.row))),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const two = scoresOf("two");
    const share = shareOf(labels, 37);
    const costs = OFFERED.map((t) => `${fixed(measures(weightedCounts(labels, two, t, share), 10).cost, 0)} at ${t}`);
    return `Of these, ${bestOffered(labels, two)} is cheapest. In false alarms per 100 patients the cost is ${costs.join(", ")}. ` +
      "When a miss is dear, it pays to call a tumor malignant on a slight suspicion.";
  };
  const gate = predictionGate(view, model, {
    id: `threshold-explorer:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === `at ${bestOffered(labels, scoresOf("two"))}`, text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Where should the line be drawn?",
    "Move the threshold from which a tumor is called malignant, and see what it costs.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const control of [...switches, line, ...situation]) control.sync();
    const counts = seen(now);
    const own = Number.isInteger(Math.round(1e9 * (counts.tp + counts.fn)) / 1e9); // not re-weighted: rows
    const found = measures(counts, now.ratio);
    const points = curvesOf(now);
    const best = cheapestIndex(points);
    const digits = own ? 0 : 1;
    for (const [name, { count }] of Object.entries(outcomes)) setText(count, open ? fixed(counts[name], digits) : "?");
    const values = readings(found, points, best);
    cells.forEach((td, i) => setText(td, open ? values[i] : "?"));
    setText(remark, open ? remarkOn(counts, found, digits) : "The numbers and the curves appear with your prediction.");
    const { size, shapes } = thresholdShapes({ now, labels, scores: scoresOf(now.model), share: shareOf(labels, now.percent), points,
      best, found, open, room,
      area: () => areaOf(now.model) });
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", !open ? "Scores of 569 tumors; the threshold and its curves are hidden until you predict."
      : `At threshold ${fixed(now.threshold, 2)} precision is ${said(found.precision)}, recall ${said(found.recall)} and F1 ${said(found.f1)}; ` +
        `the cost of ${fixed(found.cost, 1)} per 100 patients would be least, ${fixed(points[best].cost, 1)}, at ${fixed(THRESHOLDS[best], 2)}.`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const found = measures(seen(state()), model.get("ratio"));
    view.announce(`Precision ${said(found.precision)}, recall ${said(found.recall)}, cost ${fixed(found.cost, 1)}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

const said = (v) => (Number.isFinite(v) ? fixed(v, 2) : "undefined");

/** @returns {string[]} the numbers of the table, top to bottom */
export function readings({ accuracy, precision, recall, f1, cost }, points, best) {
  return [...[accuracy, precision, recall, f1].map((v) => (Number.isFinite(v) ? fixed(v, 2) : "none called")), fixed(cost, 1),
    fixed(points[best].cost, 1), fixed(THRESHOLDS[best], 2)];
}

/** Precision and recall as sentences about the counts. */
export function remarkOn({ tp, fp, fn }, { precision, recall }, digits) {
  const called = Number.isFinite(precision)
    ? `Of ${fixed(tp + fp, digits)} called malignant ${fixed(tp, digits)} are: precision ${fixed(precision, 2)}.`
    : "None is called malignant: precision has nothing to divide by.";
  return `${called} Of ${fixed(tp + fn, digits)} malignant ones ${fixed(tp, digits)} are found: recall ${fixed(recall, 2)}.`;
}

const BINS = 40;

/** Scores of both classes above and below a line, and what the view shows of them. */
function thresholdShapes({ now, labels, scores, share, points, best, found, area, open, room }) {
  const width = room || 580;
  const [left, right] = [44, width - 12];
  const shapes = [];
  const px = (v) => left + v * (right - left);
  const [top, base, bottom] = [40, 108, 176];
  const n = labels.length;
  const positives = labels.reduce((sum, y) => sum + y, 0);
  const weight = [((1 - share) * n) / (n - positives), (share * n) / positives];
  // For each class: how many scores a bin holds on the wrong side of the threshold, and on the right one.
  const bins = [0, 1].map(() => Array.from({ length: BINS }, () => [0, 0]));
  labels.forEach((y, i) => {
    const called = open ? scores[i] >= now.threshold : Boolean(y);
    bins[y][Math.min(BINS - 1, Math.floor(scores[i] * BINS))][called === Boolean(y) ? 1 : 0] += weight[y];
  });
  const most = Math.max(...bins.flat().map(([wrong, right2]) => wrong + right2));
  const tall = (v) => (v > 0 ? Math.max(2, ((base - top - 2) * v) / most) : 0); // one row is seen, too
  if (open) {
    shapes.push(["rect", { x: px(now.threshold), y: top - 16, width: Math.max(0, right - px(now.threshold)),
      height: bottom - top + 16, class: "nn-wash" }]);
  }
  [[1, "yes", -1], [0, "no", 1]].forEach(([y, look, way]) => bins[y].forEach(([wrong, good], i) => {
    const x = px(i / BINS) + 0.5;
    const w = (right - left) / BINS - 1;
    const [a, b] = [tall(wrong), tall(good)];
    shapes.push(["rect", { x, y: way < 0 ? base - a : base, width: w, height: a, class: `nn-${look}` }],
      ["rect", { x, y: way < 0 ? base - a - b : base + a, width: w, height: b, class: b > 0 ? `nn-${look}-right` : "nn-none",
        "fill-opacity": b > 0 ? undefined : 0 }]);
  }));
  shapes.push(["line", { x1: left, x2: right, y1: base, y2: base, class: "nn-base" }],
    ["text", { x: left, y: 14, class: "nn-tick nn-yes-text" }, `↑ ${room ? "" : "tumors that are "}malignant`],
    ["text", { x: left, y: bottom + 14, class: "nn-tick nn-no-text" }, `↓ ${room ? "" : "tumors that are "}benign`],
    ["text", { x: right, y: 14, class: "nn-tick nn-dim", "text-anchor": "end" }, room ? "solid: wrong side" : "solid: on the wrong side"],
    ["text", { x: right, y: bottom + 14, class: "nn-tick nn-dim", "text-anchor": "end" }, room ? "score →"
      : "score: probability of malignant, by the model →"]);
  const size = [width, 486];
  if (!open) return { size, shapes: [...shapes, ...emptyAxes(left, right)] };
  const x = px(now.threshold);
  const near = now.threshold > 0.75;
  shapes.push(["line", { x1: x, x2: x, y1: top - 16, y2: bottom, class: "nn-line" }],
    ["text", { x: near ? x - 6 : x + 6, y: top - 5, class: "nn-tick nn-halo nn-used", "text-anchor": near ? "end" : "start" },
      near ? "called malignant from here →" : "→ called malignant"]);
  shapes.push(...(now.view === "curves" ? overThreshold({ now, points, best, found, left, right, room })
    : againstEachOther({ now, points, found, share, area: area(), left, right, room })));
  return { size, shapes };
}

const TICKS = [0, 0.25, 0.5, 0.75, 1].map((v) => [v, String(v)]);
const MARKS = { recall: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0Z", precision: "M-5.5 -5.5H5.5V5.5H-5.5Z", f1: "M0 -7L6.5 5H-6.5Z" };

/** The axes of `overThreshold` before there is anything to show on them. */
function emptyAxes(left, right) {
  const ys = [[0, "0"], [0.5, "0.5"], [1, "1"]];
  return plotAxes({ box: [left, 232, right, 446], x: [0, 1], y: [0, 1], xs: TICKS, ys, names: ["threshold", ""] }).parts;
}

function overThreshold({ now, points, best, found, left, right, room }) {
  const axes = plotAxes({ box: [left, 232, right, 352], x: [0, 1], y: [0, 1], xs: [], ys: [[0, "0"], [0.5, "0.5"], [1, "1"]], names: ["", ""] });
  const most = Math.max(...points.map(({ cost }) => cost));
  const high = niceTop(most);
  const below = plotAxes({ box: [left, 392, right, 446], x: [0, 1], y: [0, high], xs: TICKS, ys: [[0, "0"], [high, String(high)]],
    names: ["threshold", ""] });
  const shapes = [...axes.parts, ...below.parts,
    ["text", { x: left, y: 380, class: "nn-tick" }, "cost, in false alarms per 100 patients"]];
  const x = axes.px(now.threshold);
  shapes.push(["line", { x1: x, x2: x, y1: 232, y2: 446, class: "nn-base" }]);
  ["f1", "precision", "recall"].forEach((name) => shapes.push(["path", { d: brokenPath(THRESHOLDS, points.map((p) => p[name]), axes),
    class: `nn-${name}` }]));
  shapes.push(["path", { d: brokenPath(THRESHOLDS, points.map((p) => p.cost), below), class: "nn-cost" }],
    ["line", { x1: below.px(THRESHOLDS[best]), x2: below.px(THRESHOLDS[best]), y1: 392, y2: 446, class: "nn-best" }]);
  const late = THRESHOLDS[best] > 0.6;
  shapes.push(["text", { x: below.px(THRESHOLDS[best]) + (late ? -6 : 6), y: 404, class: "nn-tick nn-halo", "text-anchor": late
    ? "end" : "start" }, `cheapest: ${fixed(THRESHOLDS[best], 2)}`]);
  ["recall", "precision", "f1"].forEach((name, i) => {
    const from = left + [0, room ? 82 : 100, room ? 180 : 222][i];
    shapes.push(["line", { x1: from, x2: from + 26, y1: 214, y2: 214, class: `nn-${name}` }],
      ["path", { d: MARKS[name], transform: `translate(${from + 13} 214)`, class: `nn-at nn-at-${name}` }],
      ["text", { x: from + 31, y: 218, class: "nn-tick" }, { f1: "F1" }[name] ?? name]);
  });
  ["f1", "precision", "recall"].forEach((name) => {
    if (Number.isFinite(found[name])) shapes.push(["path",
      { d: MARKS[name], transform: `translate(${x.toFixed(1)} ${axes.py(found[name]).toFixed(1)})`, class: `nn-at nn-at-${name}` }]);
  });
  shapes.push(["path", { d: MARKS.recall, transform: `translate(${x.toFixed(1)} ${below.py(found.cost).toFixed(1)})`, class: "nn-at nn-at-f1" }]);
  return shapes;
}

/** ROC or precision–recall: a square, on which the threshold is a place on the curve. */
export function againstEachOther({ now, points, found, share, area, left, right, room }) {
  const [top, bottom] = [room ? 232 : 222, 438];
  const wide = Math.min(right - left, bottom - top);
  const box = [left, top, left + wide, bottom];
  const roc = now.view === "roc";
  const [across, up] = roc ? ["alarms", "recall"] : ["recall", "precision"];
  const ticks = [[0, "0"], [0.5, "0.5"], [1, "1"]];
  const axes = plotAxes({ box, x: [0, 1], y: [0, 1], xs: ticks, ys: ticks,
    names: [roc ? "false alarm rate" : "recall", roc ? "recall" : "precision"] });
  const shapes = [...axes.parts];
  const [from, to] = roc ? [0, 1] : [share, share];
  shapes.push(["line", { x1: axes.px(0), x2: axes.px(1), y1: axes.py(from), y2: axes.py(to), class: "nn-faint" }],
    ["path", { d: brokenPath(points.map((p) => p[across]), points.map((p) => p[up]), axes), class: "nn-cost" }]);
  if (Number.isFinite(found[up])) {
    shapes.push(["path", { d: MARKS.recall,
      transform: `translate(${axes.px(found[across]).toFixed(1)} ${axes.py(found[up]).toFixed(1)})`, class: "nn-at nn-at-recall" }]);
  }
  const lines = roc ? [`Area under the curve: ${fixed(area, 2)}.`, "One curve holds all thresholds;", "the dot is the one chosen.",
    "Dashed: guessing. Both rates are shares", "within a class: the curve stays when", "the share of malignant ones changes."]
    : ["Right end: every tumor called.", "The dot is the threshold chosen.", "Dashed: guessing gives the share",
      "of malignant ones. With fewer of them", "the whole curve comes down."];
  if (!room) lines.forEach((text, i) => shapes.push(["text", { x: left + wide + 22, y: top + 30 + 20 * i, class: "nn-tick nn-dim" }, text]));
  return shapes;
}

/** @returns {number} a round number at or above v */
export function niceTop(v) {
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((k) => k * unit).find((top) => top >= v);
}

export default { render };
