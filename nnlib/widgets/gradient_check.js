import { fixed, h, openView, paint, s, scientific, segmented, setText, slider, superscript } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { logAxes, pathOf } from "./_plot.js";
import { predictionGate } from "./_gate.js";

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const Y3 = sigmoid(0.1 * 0.35 + 0.8 * 0.9);
const Y4 = sigmoid(0.4 * 0.35 + 0.6 * 0.9);
const Y5 = sigmoid(0.3 * Y3 + 0.9 * Y4);

/** The functions, each rounded after every operation by r, the point, and the exact slope. */
export const EXAMPLES = {
  network: { name: "network loss, w₄₅", at: 0.9, slope: -Y5 * (1 - Y5) * (0.5 - Y5) * Y4,
    value: (w, r) => {
      const a5 = r(r(r(0.3) * r(Y3)) + r(w * r(Y4)));
      const error = r(0.5 - r(1 / r(1 + r(Math.exp(-a5)))));
      return r(0.5 * r(error * error));
    } },
  sine: { name: "sin x", at: 1, slope: Math.cos(1), value: (x, r) => r(Math.sin(x)) },
  square: { name: "x²", at: 1, slope: 2, value: (x, r) => r(x * x) },
  kink: { name: "LeakyReLU near 0", at: -0.003, slope: 0.1 * (0.1 * -0.003 - 0.5),
    value: (w, r) => {
      const error = r((w > 0 ? w : r(r(0.1) * w)) - 0.5);
      return r(0.5 * r(error * error));
    } },
};
export const LOG_STEPS = Array.from({ length: 301 }, (_, i) => Math.round((-15 + 0.05 * i) * 100) / 100);

/** A difference quotient in float32 or float64. The twin of gradient_check.quotient in Python. */
export function quotient(name, method, precision, step) {
  const { value, at } = EXAMPLES[name];
  const r = precision === "float32" ? Math.fround : (v) => v;
  const [x, h1] = [r(at), r(step)];
  const low = method === "central" ? r(x - h1) : x;
  const width = method === "central" ? r(2 * h1) : h1;
  return r(r(value(r(x + h1), r) - value(low, r)) / width);
}

/** |estimate − exact| / max(|estimate|, |exact|) */
export function relativeError(name, method, precision, step) {
  const [estimate, exact] = [quotient(name, method, precision, step), EXAMPLES[name].slope];
  return Math.abs(estimate - exact) / Math.max(Math.abs(estimate), Math.abs(exact));
}

export function curve(name, method, precision) {
  return LOG_STEPS.map((p) => relativeError(name, method, precision, 10 ** p));
}

/** @returns {number} index of the bottom of the V: the least median of 11 neighbors */
export function bestIndex(errors) {
  const medians = errors.map((_, i) => {
    const row = errors.slice(Math.max(0, i - 5), i + 6).sort((a, b) => a - b);
    return row[Math.floor(row.length / 2)];
  });
  return medians.indexOf(Math.min(...medians));
}

/** Least-squares slope of log10(error) over log10(h); NaN without two points. */
export function slopeBetween(errors, low, high) {
  const pairs = LOG_STEPS.map((p, i) => [p, Math.log10(errors[i])])
    .filter(([p, e]) => low <= p && p <= high && Number.isFinite(e));
  if (pairs.length < 2) return NaN;
  const mean = (k) => pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length;
  const [mp, me] = [mean(0), mean(1)];
  const spread = pairs.reduce((sum, [p]) => sum + (p - mp) ** 2, 0);
  return pairs.reduce((sum, [p, e]) => sum + (p - mp) * (e - me), 0) / spread;
}

const START = { function: "network", method: "central", precision: "float64", log_h: -2 };
const PRESETS = [
  ["Too small: h = 10⁻¹²", { ...START, log_h: -12 }],
  ["float32, h = 10⁻⁵", { ...START, precision: "float32", log_h: -5 }],
  ["A kink inside the step", { ...START, function: "kink", log_h: -2 }],
];
const QUESTION = "A central difference in float64: which step h comes closest to the true derivative?";
const CHOICES = ["h = 10⁻²", "h = 10⁻⁵", "h = 10⁻⁸", "h = 10⁻¹²"];
const OFFERED = [-2, -5, -8, -12];
const FINDING = "The error is a V. To the right of its bottom the step is too long and the error falls with h " +
  "(slope 1 for forward differences, slope 2 for central ones: half the step, a quarter of the error). To the left " +
  "the step is so short that the two function values agree in almost all their digits, and what rounding leaves is " +
  "divided by a tiny h (slope −1). float32 moves the whole left side up: check gradients in float64. Next to a " +
  "kink no step longer than the distance to it works.";

/** @returns {string} the offered step with the least error */
export function bestOffered() {
  const errors = OFFERED.map((p) => relativeError("network", "central", "float64", 10 ** p));
  return CHOICES[errors.indexOf(Math.min(...errors))];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "gradient-check", label: "Gradient check" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const curves = new Map(); // 301 evaluations each: kept, since a drag of h needs them in each frame
  const bottoms = new Map(); // and where each curve has its bottom
  const curveOf = (name, method, precision) => {
    const key = `${name} ${method} ${precision}`;
    if (!curves.has(key)) curves.set(key, curve(name, method, precision));
    return curves.get(key);
  };
  const bottomOf = (errors) => {
    if (!bottoms.has(errors)) bottoms.set(errors, bestIndex(errors));
    return bottoms.get(errors);
  };
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    view.save({ ...change, error: relativeError(now.function, now.method, now.precision, 10 ** now.log_h) });
  };

  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const controls = [
    pick("function", "Function", Object.entries(EXAMPLES).map(([key, { name }]) => [key, name])),
    pick("method", "Difference", [["forward", "forward"], ["central", "central"]]),
    pick("precision", "Arithmetic", [["float32", "float32"], ["float64", "float64"]]),
  ];
  const step = slider({ label: "step h", min: -15, max: 0, step: 0.1, read: () => model.get("log_h"),
    write: (v) => put({ log_h: v }), show: (v) => scientific(10 ** v), say: (v) => `10 to the power ${v.toFixed(1)}` });
  step.row.classList.add("nn-long");
  const picture = s("svg", { role: "img" });
  const names = ["exact slope", "difference quotient", "relative error at h", "best h on this curve", "error around it",
    "curve's slope left of it", "curve's slope right of it"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {},
    ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, controls[0].row, controls[1].row, controls[2].row),
    h("div", { class: "nn-stage" }, h("div", {}, picture, step.row), h("div", { class: "nn-tables" }, table, remark)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const errors = OFFERED.map((p) => `${scientific(relativeError("network", "central", "float64", 10 ** p))} at 10${superscript(p)}`);
    return `Closest is ${bestOffered()}. The relative errors are ${errors.join(", ")}: smaller is better only down to a point.`;
  };
  const gate = predictionGate(view, model, {
    id: `gradient-check:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === bestOffered(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("How small should the step of a gradient check be?",
    "Find the step size at which a difference quotient comes closest to the derivative.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    const { function: name, method, precision } = now;
    for (const control of controls) control.sync();
    step.sync();
    const errors = curveOf(name, method, precision);
    const best = LOG_STEPS[bottomOf(errors)];
    const error = relativeError(name, method, precision, 10 ** now.log_h);
    const floor = precision === "float32" ? -7 : -15;
    const values = !open ? names.map(() => "?") : [fixed(EXAMPLES[name].slope, 8),
      fixed(quotient(name, method, precision, 10 ** now.log_h), 8), scientific(error), scientific(10 ** best),
      scientific(median(errors, bottomOf(errors))), slopeText(slopeBetween(errors, floor, best - 1)), slopeText(slopeBetween(errors, best + 0.5, -1))];
    cells.forEach((cell, i) => setText(cell, values[i]));
    setText(remark, open ? remarkOn(now, best) : "The curves appear with your prediction.");
    const { size, shapes } = errorShapes(now, open ? curveOf : null, error, best, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open ? `Relative error of a ${method} difference of ${EXAMPLES[name].name} in ${precision}: ` +
      `${error.toExponential(1)} at h = ${(10 ** now.log_h).toExponential(1)}, least near h = ${(10 ** best).toExponential(1)}.`
      : "Empty axes: relative error against step size h, both logarithmic.");
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const { function: name, method, precision, log_h: p } = state();
    view.announce(`Relative error ${relativeError(name, method, precision, 10 ** p).toExponential(1)}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

const slopeText = (v) => (Number.isFinite(v) ? fixed(v, 2) : "none");
const median = (errors, i) => {
  const row = errors.slice(Math.max(0, i - 5), i + 6).sort((a, b) => a - b);
  return row[Math.floor(row.length / 2)];
};

function remarkOn({ function: name, method, log_h: p }, best) {
  if (name === "kink" && p > Math.log10(0.003)) return "The step reaches across the kink 0.003 away: the quotient mixes two slopes.";
  if (name === "square" && method === "central") return "On a parabola the central difference has no truncation error: only rounding is left.";
  if (p < best - 0.7) return "Left of the bottom: rounding dominates. A smaller step makes it worse.";
  if (p > best + 0.7) return `Right of the bottom: truncation dominates. The error falls with ${method === "central" ? "h²" : "h"}.`;
  return "At the bottom of the V: truncation and rounding are about equal.";
}

/** @returns {boolean} whether a point lies in a box of left, top, right, bottom */
const inside = ([left, top, right, bottom], [x, y]) => left <= x && x <= right && top <= y && y <= bottom;

/** @returns the place, of those offered best first, whose box covers the fewest of the points */
export function clearest(places, points) {
  const covered = places.map(({ box }) => points.filter((point) => inside(box, point)).length);
  return places[covered.indexOf(Math.min(...covered))];
}

/** A text of some width beside (x, y): on its left or right, dy below. */
function beside(x, y, side, width, dy) {
  const from = side < 0 ? x - 12 - width : x + 12;
  return { x: from, y: y + dy, box: [from - 5, y + dy - 14, from + width + 5, y + dy + 7] };
}

/** A vertical line or the rim of a box, as points for `clearest`. */
const upright = (x, top, bottom) => Array.from({ length: 60 }, (_, i) => [x, top + ((bottom - top) * i) / 59]);

/** The axes, and with `curveOf` the two curves, the chosen step and where the best one is. */
function errorShapes(now, curveOf, error, best, room) {
  const [width, height] = room ? [room, 330] : [580, 350];
  const [top, bottom, right] = [room ? 50 : 30, height - 46, width - 10];
  const axes = logAxes({ box: [48, top, right, bottom], x: [-15, 0], y: [-14, 0.4], every: [room ? 5 : 3, 2],
    names: ["step size h (log scale)", room ? "relative error (log)" : "relative error (log scale)"] });
  const shapes = [...axes.parts];
  if (!curveOf) return { size: [width, height], shapes };
  const other = now.method === "central" ? "forward" : "central";
  const logs = Object.fromEntries([other, now.method].map((method) =>
    [method, curveOf(now.function, method, now.precision).map((e) => Math.log10(e))]));
  // Three on each piece of a curve: the noise has spikes.
  const points = room ? [] : Object.values(logs).flatMap((ys) => LOG_STEPS.slice(1).flatMap((p, i) =>
    [0, 1 / 3, 2 / 3].map((f) => [axes.px(p) - 1.7 * f, axes.py(ys[i + 1]) * (1 - f) + axes.py(ys[i]) * f])));
  const [x, y, bx] = [axes.px(now.log_h), axes.py(Math.log10(error)), axes.px(best)];
  const fits = ({ box }) => box[0] >= 48 && box[2] <= right + 6 && box[1] >= top - 12 && box[3] <= bottom - 18;

  // Beside the dot: inside the V, where the curves are not; below them if that is taken.
  const number = scientific(error);
  const inner = now.log_h < best ? 1 : -1;
  const spots = [[inner, -4], [1, -4], [-1, -4], [1, 18], [-1, 18], [1, -20], [-1, -20], [1, 36], [-1, 36], [1, -38], [-1, -38]]
    .map(([side, dy]) => beside(x, Math.max(top + 8, y), side, 7.1 * number.length, dy)).filter(fits);
  const line = upright(bx, top, bottom).flatMap((point) => [point, point, point]); // worse than a curve
  const value = clearest(spots, [...points, ...line]) ?? beside(x, y, inner, 7.1 * number.length, -4);
  const [l, t, r, b] = value.box;
  const taken = [...upright(bx, top, bottom), ...upright(x, y - 9, bottom), ...upright(x - 8, y - 8, y + 8), ...upright(x + 8, y - 8, y + 8),
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((f) => upright(l + f * (r - l), t, b))];

  shapes.push(["path", { d: pathOf(LOG_STEPS, logs[other], axes), class: "nn-curve nn-faint" }],
    ["path", { d: pathOf(LOG_STEPS, logs[now.method], axes), class: "nn-curve" }],
    ["line", { x1: bx, x2: bx, y1: top, y2: bottom, class: "nn-best" }],
    ["line", { x1: x, x2: x, y1: y, y2: bottom, class: "nn-drop" }],
    ["text", { x: now.log_h > best ? bx - 6 : bx + 6, y: bottom - 6, class: "nn-tick nn-halo",
      "text-anchor": now.log_h > best ? "end" : "start" }, "best h"]);
  [other, now.method].forEach((method, i) => {
    const [look, sample] = i ? ["nn-front nn-used", "nn-curve"] : ["nn-dim", "nn-curve nn-faint"];
    if (room) { // no room beside the curves
      const from = 48 + 92 * (1 - i);
      shapes.push(["line", { x1: from, x2: from + 24, y1: 33, y2: 33, class: sample }],
        ["text", { x: from + 30, y: 37.5, class: `nn-num ${look}` }, method]);
      return;
    }
    const outer = method === "forward" ? [-1, -6] : [1, 14]; // above all curves, or below them
    const inner = method === "forward" ? [1, 14] : [-1, -6];
    const offers = [...[-3, -2.4, -2, -3.5, -4, -4.5, -1.5, -1].map((p) => [p, ...outer]), ...[-2, -1.5, -2.5, -3, -1].map((p) => [p, ...inner]), [-2.5, outer[0], 2.5 * outer[1]]]
      .map(([p, side, dy]) => beside(axes.px(p), axes.py(logs[method][LOG_STEPS.indexOf(p)]), side, 56, dy)).filter(fits);
    const spot = clearest(offers, [...points, ...taken]);
    shapes.push(["text", { x: spot.x, y: spot.y, class: `nn-num nn-halo ${look}` }, method]);
    taken.push(...[0, 0.5, 1].flatMap((f) => upright(spot.box[0] + f * 66, spot.box[1], spot.box[3])));
  });
  const [vx, vy] = room ? [right - 8 * number.length, 16] : [value.x, value.y];
  // At the right edge the best step may lie behind the number: paper keeps its line away.
  shapes.push(room ? ["circle", { cx: vx - 12, cy: 11.5, r: 5, class: "nn-dot" }]
    : ["rect", { x: vx - 3, y: vy - 12, width: 7.1 * number.length + 4, height: 17, rx: 3, class: "nn-under" }]);
  shapes.push(["circle", { cx: x, cy: y, r: 7, class: "nn-dot" }], ["text", { x: vx, y: vy, class: "nn-num nn-halo nn-back nn-used" }, number]);
  return { size: [width, height], shapes };
}

export default { render };
