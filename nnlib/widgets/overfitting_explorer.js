import { fixed, h, openView, paint, s, scientific, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";
import { pathInside } from "./_plane.js";
import { plotAxes } from "./_plot.js";
import { normals, uniforms } from "./_random.js";

const MAX_WEIGHTS = 64;
const VALIDATION_ROWS = 200;
const truthAt = (x) => Math.sin(4 * x);
const placed = (t) => 0.2 * t + 0.8 * Math.sin((Math.PI * t) / 2);
const rowsAt = (ts, z, noise) => {
  const x = Float64Array.from(ts, placed);
  return { x, y: x.map((v, i) => truthAt(v) + noise * z[i]) };
};

/** The rows that are fitted: one in each nth of the line. */
export function trainingRows(n, noise, sample) {
  const u = uniforms(4 * sample + 4, n);
  return rowsAt(u.map((v, i) => (2 * (i + v)) / n - 1), normals(4 * sample + 5, n), noise);
}

/** The rows that judge. */
export function validationRows(noise, sample) {
  const u = uniforms(4 * sample + 6, VALIDATION_ROWS);
  return rowsAt(u.map((v) => 2 * v - 1), normals(4 * sample + 7, VALIDATION_ROWS), noise);
}

/** @returns {Float64Array[]} the Legendre polynomials P_0 … P_{p−1} at each x, one array for each */
export function legendre(x, p) {
  const columns = [new Float64Array(x.length).fill(1), Float64Array.from(x)];
  for (let k = 1; k + 1 < p; k += 1) {
    const [now, before] = [columns[k], columns[k - 1]];
    columns.push(now.map((v, i) => ((2 * k + 1) * x[i] * v - k * before[i]) / (k + 1)));
  }
  return columns.slice(0, p);
}

/** Turn columns into R by Householder reflections, in place, and the further vectors along with them. */
function triangulate(columns, further) {
  const diagonal = new Float64Array(columns.length);
  columns.forEach((v, j) => {
    let square = 0;
    for (let i = j; i < v.length; i += 1) square += v[i] * v[i];
    const size = Math.sqrt(square) * (v[j] > 0 ? -1 : 1);
    diagonal[j] = size;
    if (size === 0) return;
    v[j] -= size;
    const half = size * v[j]; // minus half the square of the reflection's vector
    for (const w of [...columns.slice(j + 1), ...further]) reflect(v, j, half, w);
  });
  return diagonal;
}

function reflect(v, from, half, w) {
  let dot = 0;
  for (let i = from; i < v.length; i += 1) dot += v[i] * w[i];
  const factor = dot / half;
  for (let i = from; i < v.length; i += 1) w[i] += factor * v[i];
}

/**
 * The penalized least-squares fits with 1 … most weights. Columns of a smaller fit are the first of
 * a larger one, so that one triangulation serves all that have fewer weights than rows.
 * The twin of overfitting_explorer.fit_weights in Python.
 * @returns {Float64Array[]} the weights of each fit
 */
export function fitWeights(x, y, most, strength) {
  const n = x.length;
  const mean = (v) => v.reduce((sum, a) => sum + a, 0) / n;
  const table = legendre(x, most).slice(1);
  const means = table.map(mean);
  const centered = table.map((column, j) => column.map((v) => v - means[j]));
  const level = mean(y);
  const rest = y.map((v) => v - level);
  const withBias = (w) => Float64Array.of(w.reduce((sum, v, j) => sum - v * means[j], level), ...w);

  const least = strength > 0 ? most - 1 : Math.min(most - 1, n - 1); // free columns of the nested fits
  const columns = centered.slice(0, least).map((column, j) => {
    if (strength === 0) return Float64Array.from(column);
    const long = new Float64Array(n + least);
    long.set(column);
    long[n + j] = Math.sqrt(n * strength);
    return long;
  });
  const right = new Float64Array(strength > 0 ? n + least : n);
  right.set(rest);
  const diagonal = triangulate(columns, [right]);
  const fits = [Float64Array.of(level)];
  for (let d = 1; d <= least; d += 1) {
    const w = new Float64Array(d);
    for (let i = d - 1; i >= 0; i -= 1) {
      let sum = right[i];
      for (let j = i + 1; j < d; j += 1) sum -= columns[j][i] * w[j];
      w[i] = sum / diagonal[i];
    }
    fits.push(withBias(w));
  }
  for (let d = least + 1; d < most; d += 1) fits.push(withBias(smallest(centered.slice(0, d), rest)));
  return fits;
}

/** Of all weights that meet every row the ones with the least sum of squares. */
function smallest(centered, rest) {
  const d = centered.length;
  const m = rest.length - 1; // centered rows add up to zero, so the last says nothing new
  const rows = Array.from({ length: m }, (_, i) => Float64Array.from(centered, (column) => column[i]));
  const diagonal = triangulate(rows, []);
  const w = new Float64Array(d);
  for (let i = 0; i < m; i += 1) { // Rᵀ u = rest, from the top
    let sum = rest[i];
    for (let j = 0; j < i; j += 1) sum -= rows[i][j] * w[j];
    w[i] = sum / diagonal[i];
  }
  for (let j = m - 1; j >= 0; j -= 1) reflect(rows[j], j, diagonal[j] * rows[j][j], w);
  return w;
}

function meanSquaredError(w, table, y) {
  let sum = 0;
  for (let i = 0; i < y.length; i += 1) {
    let f = -y[i];
    for (let j = 0; j < w.length; j += 1) f += w[j] * table[j][i];
    sum += f * f;
  }
  return sum / y.length;
}

/** Everything that does not depend on the capacity. The twin of overfitting_explorer.error_curves. */
export function errorCurves(n, noise, strength, sample) {
  const [train, held] = [trainingRows(n, noise, sample), validationRows(noise, sample)];
  const fits = fitWeights(train.x, train.y, MAX_WEIGHTS, strength);
  const errorsOn = ({ x, y }) => { const table = legendre(x, MAX_WEIGHTS); return fits.map((w) => meanSquaredError(w, table, y)); };
  return { train, fits, training: errorsOn(train), validation: errorsOn(held) };
}

export const START = { capacity: 18, strength: 0, n_rows: 20, noise: 0.3, sample: 1 };
export const PRESETS = [
  ["Underfit", { capacity: 3 }], ["Overfit", {}], ["Cured by λ", { strength: 0.01 }],
  ["Cured by data", { n_rows: 80 }], ["Beyond the threshold", { capacity: 64 }],
];
const QUESTION = "18 weights are fitted to 20 rows, without a penalty. We collect 60 more rows and change nothing else. " +
  "What happens to the two errors?";
const CHOICES = ["both fall", "training rises, validation falls", "training falls, validation rises", "both rise"];
const FINDING = "Without a penalty the training error only falls as weights are added: each larger polynomial contains the smaller ones. " +
  "With 20 rows and σ = 0.3 the validation error falls, then rises again, because the extra weights follow the noise of these rows. " +
  "Beyond the best capacity it is worst near p = n, as many weights as rows: there one fit alone meets every row. With more weights many do, the smallest " +
  "of them is taken, and the error falls a second time, here not below the best small polynomial. With 18 weights, more rows and a penalty " +
  "both close the gap from two sides: validation error falls and training error rises. A penalty that is too strong closes it too, with two high errors.";

/** @returns {{before: number[], after: number[], answer: string}} the errors of the question, and its answer */
export function settled() {
  const errors = (n) => { const c = errorCurves(n, START.noise, 0, 1); return [c.training[17], c.validation[17]]; };
  const [before, after] = [errors(20), errors(80)];
  const [up, worse] = [after[0] > before[0], after[1] > before[1]];
  return { before, after, answer: CHOICES[worse ? (up ? 3 : 2) : (up ? 1 : 0)] };
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "overfitting-explorer", label: "Overfitting explorer" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  let kept = { key: "" }; // a drag of the capacity needs the same curves in each frame
  const curvesOf = ({ n_rows: n, noise, strength, sample }) => {
    const key = `${n} ${noise} ${strength} ${sample}`;
    if (kept.key !== key) kept = { key, ...errorCurves(n, noise, strength, sample) };
    return kept;
  };
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    const { training, validation } = curvesOf(now);
    view.save({ ...change, training_error: training[now.capacity - 1], validation_error: validation[now.capacity - 1] });
  };

  const of = (trait, label, min, max, step, more) => slider({ label, min, max, step,
    read: () => model.get(trait), write: (v) => put({ [trait]: v }), ...more });
  const sliders = [
    of("capacity", "weights p", 1, MAX_WEIGHTS, 1),
    of("strength", "penalty λ", -4.25, 0.5, 0.25, { read: () => (model.get("strength") > 0 ? Math.log10(model.get("strength")) : -4.25),
      write: (v) => put({ strength: v < -4.1 ? 0 : 10 ** v }), show: (v) => strengthText(v < -4.1 ? 0 : 10 ** v) }),
    of("n_rows", "rows n", 10, 80, 5),
    of("noise", "noise σ", 0, 1, 0.05),
    of("sample", "sample", 1, 20, 1, { say: (v) => `sample ${v} of 20` }),
  ];
  const pictures = [s("svg", { role: "img" }), s("svg", { role: "img" })];
  const names = ["training error", "validation error", "gap", "noise floor σ²", "size Σ w² without bias", "best p here ▲", "validation error there"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {},
    ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const group = (name, rows) => h("fieldset", { class: "nn-group" }, h("legend", {}, name), ...rows.map((x) => x.row));
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-duo" }, ...pictures),
    h("div", { class: "nn-stage" },
      h("div", {}, group("Model", sliders.slice(0, 2)), group("Data", sliders.slice(2)), remark),
      h("div", { class: "nn-tables" }, table)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put({ ...START, sample: model.get("sample"), ...preset })]), () => put(START)));

  const truth = () => {
    const { before, after, answer } = settled();
    return `The answer is “${answer}”: training error goes from ${small(before[0])} to ${small(after[0])}, validation error from ` +
      `${small(before[1])} to ${small(after[1])}. With more rows 18 weights can no longer follow the noise of each.`;
  };
  const gate = predictionGate(view, model, {
    id: `overfitting-explorer:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === settled().answer, text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("What closes the gap between training and validation error?",
    "See what capacity, noise, more rows and a penalty do to the two errors of a fit.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const x of sliders) x.sync();
    const curves = curvesOf(now);
    const [a, b] = [curves.training[now.capacity - 1], curves.validation[now.capacity - 1]];
    const best = curves.validation.indexOf(Math.min(...curves.validation));
    const values = valuesOf(now, curves);
    cells.forEach((cell, i) => setText(cell, open ? values[i] : "?"));
    setText(remark, open ? remarkOn(now, a, b, best + 1, curves.validation[best]) : "The fit and the errors appear with your prediction.");
    const [left, right] = [fitShapes(now, curves, open, room), errorShapes(now, curves, open, best, room)];
    paint(pictures[0], left.size, left.shapes);
    paint(pictures[1], right.size, right.shapes);
    pictures[0].setAttribute("aria-label", open
      ? `${now.n_rows} rows with noise ${now.noise}, the wave they come from, and a polynomial with ${now.capacity} weights and penalty strength ${strengthText(now.strength)}.`
      : `${now.n_rows} rows with noise ${now.noise} and the wave they come from.`);
    pictures[1].setAttribute("aria-label", open
      ? `Errors against the number of weights. With ${now.capacity} weights the training error is ${small(a)} and the validation error ${small(b)}; ` +
        `validation error is least, ${small(curves.validation[best])}, with ${best + 1} weights.`
      : "Empty axes: mean squared error against the number of weights, both logarithmic.");
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const { capacity } = state();
    const { training, validation } = curvesOf(state());
    view.announce(`Training error ${small(training[capacity - 1])}, validation error ${small(validation[capacity - 1])}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} an error with three digits or so: 0.113, 12.4, 3.1·10⁵, 0 */
export function small(v) {
  const size = Math.abs(v);
  if (size < 1e-12) return "0";
  if (size >= 9999.5 || size < 0.0005) return scientific(v);
  return fixed(v, size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.09995 ? 3 : 4);
}

const strengthText = (v) => (v === 0 ? "0" : v < 0.00095 ? scientific(v) : fixed(v, v < 0.0095 ? 4 : v < 0.095 ? 3 : 2));

/** @returns {string[]} the numbers of the table */
export function valuesOf({ capacity: p, noise }, { training, validation, fits }) {
  const [a, b, least] = [training[p - 1], validation[p - 1], Math.min(...validation)];
  const size = fits[p - 1].slice(1).reduce((sum, v) => sum + v * v, 0);
  return [small(a), small(b), small(b - a), small(noise ** 2), small(size), `${validation.indexOf(least) + 1}`, small(least)];
}

const ENOUGH = 6; // weights that can follow the wave: without noise and penalty their error is below 0.01

/** What training error a, validation error b and the best capacity with its error say of a fit. */
export function remarkOn({ capacity: p, strength, n_rows: n, noise }, a, b, best, least) {
  const floor = noise ** 2;
  if (strength === 0 && p === n) return "As many weights as rows: one fit alone meets every row, whatever it does between them.";
  if (strength === 0 && p > n) return "More weights than rows: many fits meet every row, and the one with the smallest weights is drawn. Training error 0 says nothing about new rows.";
  if (strength >= 0.1 && p >= ENOUGH && a > 0.5 * b && b > 2 * floor) return "The penalty holds the weights so small that the fit misses the wave: both errors are high.";
  if (b < 1.1 * least) return `Near the best capacity for these settings. ${b < 2 * floor ? "What error is left is mostly noise." : "Yet most of the error that is left is not noise."}`;
  if (p < best && a > 1.5 * floor && a > 0.5 * b) return "Underfit: too few weights to bend like the wave. Both errors are well above the noise, and more rows would not bring them down to it.";
  if (p < best && best <= n) return "Fewer weights than the best p for these settings: new rows gain from more.";
  if (strength > 0) return "The penalty keeps the weights small, so the fit follows these rows less closely. Set λ to 0 to compare.";
  if (a < floor) return `${b < 1.5 * least ? "A little overfit" : "Overfit"}: the extra weights follow the noise of these rows, which new rows do not share.`;
  return "Another number of weights serves new rows better: the mark ▲ shows which.";
}

const key = (x, text, sample) => [sample, ["text", { x: x + 24, y: 16, class: "nn-key" }, text]];

/** Rows, truth and fit. */
function fitShapes(now, { train, fits }, open, room) {
  const [width, height] = [room || 416, 300];
  const axes = plotAxes({ box: [44, 46, width - 8, height - 44], x: [-1, 1], y: [-2.5, 2.5],
    xs: [-1, -0.5, 0, 0.5, 1].map((v) => [v, short(v)]), ys: [-2, -1, 0, 1, 2].map((v) => [v, short(v)]), names: ["input x", "target y"] });
  const grid = Array.from({ length: 321 }, (_, i) => -1 + i / 160);
  const shapes = [...axes.parts, ["path", { d: pathInside(grid.map((x) => [x, truthAt(x)]), axes), class: "nn-curve nn-faint" }]];
  if (open) {
    const w = fits[now.capacity - 1];
    const table = legendre(grid, w.length);
    const ys = grid.map((_, i) => w.reduce((sum, v, j) => sum + v * table[j][i], 0));
    shapes.push(["path", { d: pathInside(grid.map((x, i) => [x, ys[i]]), axes), class: "nn-curve nn-fit" }]);
  }
  train.x.forEach((x, i) => {
    const y = Math.max(-2.5, Math.min(2.5, train.y[i]));
    shapes.push(["circle", { cx: axes.px(x).toFixed(1), cy: axes.py(y).toFixed(1), r: 3.6, class: y === train.y[i] ? "nn-row-dot" : "nn-row-dot nn-out" }]);
  });
  shapes.push(...key(34, "rows", ["circle", { cx: 48, cy: 12, r: 3.6, class: "nn-row-dot" }]),
    ...key(104, "fit", ["line", { x1: 104, x2: 124, y1: 12, y2: 12, class: "nn-curve nn-fit" }]),
    ...key(162, "truth sin 4x", ["line", { x1: 162, x2: 182, y1: 12, y2: 12, class: "nn-curve nn-faint" }]));
  return { size: [width, height], shapes };
}

const LOG_ERRORS = [-3, 2];

/** Both errors against the number of weights. */
function errorShapes(now, { training, validation }, open, best, room) {
  const [width, height] = [room || 416, 300];
  const [top, bottom] = [46, height - 44];
  const axes = plotAxes({ box: [44, top, width - 8, bottom], x: [0, 6], y: LOG_ERRORS, names: ["weights p", "mean squared error"],
    xs: [0, 1, 2, 3, 4, 5, 6].map((v) => [v, `${2 ** v}`]), ys: [-3, -2, -1, 0, 1, 2].map((v) => [v, v === LOG_ERRORS[0] ? "≤10⁻³" : v === LOG_ERRORS[1] ? "≥100" : v < 0 ? fixed(10 ** v, -v) : `${10 ** v}`]) });
  const px = (p) => axes.px(Math.log2(p));
  const py = (error) => axes.py(Math.max(LOG_ERRORS[0], Math.min(LOG_ERRORS[1], Math.log10(error)))); // beyond the rim: on it
  const shapes = [...axes.parts];
  if (now.n_rows <= MAX_WEIGHTS) {
    const x = px(now.n_rows);
    shapes.push(["line", { x1: x, x2: x, y1: top, y2: bottom, class: "nn-threshold" }],
      ["text", { x: x - 5, y: top + 12, class: "nn-tick nn-halo", "text-anchor": "end" }, "p = n"]);
  }
  if (open) {
    const lineOf = (errors) => errors.map((e, i) => `${i ? "L" : "M"}${px(i + 1).toFixed(1)} ${py(e).toFixed(1)}`).join("");
    const floor = py(now.noise ** 2);
    const [x, ya, yb] = [px(now.capacity), py(training[now.capacity - 1]), py(validation[now.capacity - 1])];
    const side = now.capacity > 22 ? -1 : 1;
    const text = `gap ${small(validation[now.capacity - 1] - training[now.capacity - 1])}`;
    const bx = px(best + 1);
    const by = py(validation[best]);
    shapes.push(["line", { x1: 44, x2: width - 8, y1: floor, y2: floor, class: "nn-floor" }],
      ["path", { d: lineOf(training), class: "nn-curve" }], ["path", { d: lineOf(validation), class: "nn-curve nn-held" }],
      ["path", { d: `M${bx} ${by + 5}l-5 9h10z`, class: "nn-best-mark" }],
      ["line", { x1: x, x2: x, y1: ya, y2: yb, class: "nn-gap" }],
      ["circle", { cx: x, cy: ya, r: 6, class: "nn-at nn-at-training" }],
      ["path", { d: `M${x} ${yb - 8}l8 8l-8 8l-8 -8z`, class: "nn-at nn-at-held" }],
      ["text", { x: x + 11 * side, y: (ya + yb) / 2 + 4, class: "nn-tick nn-halo nn-used", "text-anchor": side < 0 ? "end" : "start" }, text]);
  }
  shapes.push(...key(20, "training", ["line", { x1: 20, x2: 40, y1: 12, y2: 12, class: "nn-curve" }]),
    ...key(104, "validation", ["line", { x1: 104, x2: 124, y1: 12, y2: 12, class: "nn-curve nn-held" }]),
    ...key(200, "noise σ²", ["line", { x1: 200, x2: 220, y1: 12, y2: 12, class: "nn-floor" }]));
  return { size: [width, height], shapes };
}

export default { render };
