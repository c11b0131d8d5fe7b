import { fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";
import { normals } from "./_random.js";

const [STEPS, JUMP, COMPANIES, LARGEST] = [80, 20, 40, 256];
const [MOMENTUM, EPS] = [0.1, 1e-5];
const REACH = 8; // the pictures show −8 to 8
const BINS = 40;

const drawn = new Map(); // by seed
function standard(seed) {
  if (!drawn.has(seed)) drawn.set(seed, normals(seed, seed ? LARGEST : COMPANIES * (LARGEST - 1)));
  return drawn.get(seed);
}

const mean = (a) => a.reduce((sum, v) => sum + v, 0) / a.length;
const variance = (a, m = mean(a)) => a.reduce((sum, v) => sum + (v - m) ** 2, 0) / a.length;
const population = (step, center, spread) => (step > JUMP ? [center, spread] : [0, 1]);

/** The unit's values in the batch of one step. The twin of batch_norm_lens.batch in Python. */
export function batch(step, size, center, spread) {
  const [m, w] = population(step, center, spread);
  return Array.from(standard(step).subarray(0, size), (v) => m + w * v);
}

/** Running mean and variance after each step, and each batch's mean. */
export function running(size, center, spread) {
  const [means, variances, batches] = [[0], [1], [NaN]];
  for (let t = 1; t <= STEPS; t += 1) {
    const z = batch(t, size, center, spread);
    const m = mean(z);
    means.push(means[t - 1] + MOMENTUM * (m - means[t - 1]));
    variances.push(variances[t - 1] + MOMENTUM * ((variance(z, m) * size) / (size - 1) - variances[t - 1]));
    batches.push(m);
  }
  return { means, variances, batches };
}

/** The batch of one step normalized in both modes. The twin of batch_norm_lens.lens in Python. */
export function lens(step, size, center, spread, gamma, beta, history = running(size, center, spread)) {
  const z = batch(step, size, center, spread);
  const m = { train: mean(z), eval: history.means[step] };
  const std = { train: Math.sqrt(variance(z) + EPS), eval: Math.sqrt(history.variances[step] + EPS) };
  const through = (v, mode) => (gamma * (v - m[mode])) / std[mode] + beta;
  const y = { train: z.map((v) => through(v, "train")), eval: z.map((v) => through(v, "eval")) };
  const [middle, width] = population(step, center, spread);
  const row = middle + width;
  const company = Array.from({ length: COMPANIES }, (_, i) => {
    const from = i * (LARGEST - 1);
    const rows = [row, ...Array.from(standard(0).subarray(from, from + size - 1), (v) => middle + width * v)];
    return (gamma * (row - mean(rows))) / Math.sqrt(variance(rows) + EPS) + beta;
  });
  return { z, mean: m, std, y, company, alone: through(row, "eval") };
}

const START = { step: 21, batch_size: 32, center: 3, spread: 2, gamma: 1, beta: 0, mode: "train" };
const PRESETS = [
  ["Just after the move, evaluation", { ...START, mode: "eval" }],
  ["50 steps later, evaluation", { ...START, step: 71, mode: "eval" }],
  ["A batch of 2", { ...START, batch_size: 2 }],
  ["γ and β undo it", { ...START, batch_size: 256, gamma: 2, beta: 3 }],
];
const MODES = { train: "training", eval: "evaluation" };
const QUESTION = "For 20 steps a unit’s values had mean 0. Now the layers below have moved, and at step 21 they have mean 3 and " +
  "standard deviation 2. The batch of step 21 goes through batch norm (γ = 1, β = 0) in both modes. What are the means of the outputs?";
const CHOICES = ["about 0 in both modes", "about 0 in training, far above 0 in evaluation",
  "far above 0 in training, about 0 in evaluation", "far above 0 in both modes"];
const FINDING = "In training mode a batch is normalized by its own mean and deviation: the outputs have mean β and deviation |γ|, " +
  "wherever the values came from. So the output of one row depends on the rows beside it: two rows leave as " +
  "β − γ and β + γ whatever they were (up to ε), and only large batches make a row’s output nearly its own. In evaluation mode the running mean and " +
  "variance take over, and rows no longer meet. They follow with a lag: of a sudden move 90 % is left after one step, " +
  "about half after 7 and a tenth after 22. γ and β can undo the whole normalization where that lowers the loss.";

/** @returns {string} the choice that the numbers of the first picture bear out */
export function settled() {
  const { step, batch_size: size, center, spread, gamma, beta } = START;
  const { y } = lens(step, size, center, spread, gamma, beta);
  const far = (mode) => mean(y[mode]) > 1;
  return CHOICES[far("train") ? (far("eval") ? 3 : 2) : far("eval") ? 1 : 0];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "batch-norm-lens", label: "Batch normalization lens" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  let past = { key: "", found: null };
  const history = ({ batch_size: size, center, spread }) => {
    const key = `${size} ${center} ${spread}`;
    if (past.key !== key) past = { key, found: running(size, center, spread) };
    return past.found;
  };
  const look = (now) => lens(now.step, now.batch_size, now.center, now.spread, now.gamma, now.beta, history(now));
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    const y = look(now).y[now.mode];
    view.save({ ...change, output_mean: mean(y), output_std: Math.sqrt(variance(y)) });
  };

  const sliderOf = (label, name, min, max, step, more = {}) => slider({ label, min, max, step,
    read: () => model.get(name), write: (v) => put({ [name]: v }), ...more });
  const sliders = [
    sliderOf("mean of z", "center", -4, 4, 0.25), sliderOf("deviation of z", "spread", 0.25, 3, 0.25),
    sliderOf("batch size N", "batch_size", 1, 8, 1, { read: () => Math.log2(model.get("batch_size")),
      write: (v) => put({ batch_size: 2 ** v }), show: (v) => String(2 ** v), say: (v) => `${2 ** v} rows` }),
    sliderOf("scale γ", "gamma", -3, 3, 0.25), sliderOf("shift β", "beta", -3, 3, 0.25),
    sliderOf("training step", "step", 1, STEPS, 1, { say: (v) => `step ${v}` }),
  ];
  const group = (legend, ...parts) => h("fieldset", { class: "nn-group" }, h("legend", {}, legend), ...parts);
  const mode = segmented({ label: "Mode", options: Object.entries(MODES), read: () => model.get("mode"), write: (v) => put({ mode: v }) });
  const picture = s("svg", { role: "img" });
  const rows = ["batch of z", "running statistics", "output y", "one row in 40 batches", "… in evaluation"];
  const cells = rows.map(() => [h("td"), h("td")]);
  const table = h("table", { class: "nn-table nn-loose" },
    h("thead", {}, h("tr", {}, ...["", "mean", "deviation"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), ...cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-stage" }, picture,
      h("div", { class: "nn-tables" }, mode.row, table, remark)),
    h("div", { class: "nn-sliders nn-bn-sliders" },
      group("Values of the unit from step 21 on", ...sliders.slice(0, 3).map(({ row }) => row)),
      group("Layer and time", ...sliders.slice(3).map(({ row }) => row))),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const { y } = look(START);
    return `The means are ${fixed(mean(y.train), 2)} in training and ${fixed(mean(y.eval), 2)} in evaluation. Training subtracts the ` +
      `batch’s own mean; evaluation subtracts the running mean, which after one step has only come to ${fixed(history(START).means[21], 2)}.`;
  };
  const gate = predictionGate(view, model, {
    id: `batch-norm-lens:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === settled(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Whose mean and variance does batch normalization use?",
    "Compare one unit before and after batch norm, in training and in evaluation.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    const found = look(now);
    for (const control of [...sliders, mode]) control.sync();
    const y = found.y[now.mode];
    readings(now, found).forEach((pair, i) => pair.forEach((text, k) => setText(cells[i][k], open ? text : "?")));
    setText(remark, open ? remarkOn(now, found) : "The outputs appear with your prediction.");
    const { size, shapes } = lensShapes(now, found, history(now), open, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open ? `${now.batch_size} rows with mean ${mean(found.z).toFixed(2)} and deviation ` +
      `${Math.sqrt(variance(found.z)).toFixed(2)} leave ${MODES[now.mode]} mode with mean ${mean(y).toFixed(2)} and deviation ${Math.sqrt(variance(y)).toFixed(2)}. ` +
      `The running mean is ${found.mean.eval.toFixed(2)} at step ${now.step}.`
      : "The values of one unit before batch normalization; below, empty axes for its outputs.");
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const now = state();
    const y = look(now).y[now.mode];
    view.announce(`Output mean ${mean(y).toFixed(2)}, deviation ${Math.sqrt(variance(y)).toFixed(2)}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {[string, string][]} mean and deviation of each row of the table */
export function readings({ mode }, { z, mean: m, std, y, company, alone }) {
  const both = (values) => [mean(values), Math.sqrt(variance(values))];
  return [both(z), [m.eval, std.eval], both(y[mode]), both(company), [alone, 0]].map((pair) => pair.map((v) => fixed(v, 2)));
}

/** One or two sentences on what the numbers say. */
export function remarkOn({ mode, step, batch_size: size, gamma, beta, center }, { mean: m, std }) {
  if (gamma === 0) return "With γ = 0 every row leaves as β: nothing of z is left.";
  if (mode === "train") {
    if (size === 2) return "Two rows: each leaves one deviation from the middle, so only which one was larger is left.";
    const near = 0.1 * std.train;
    if (Math.abs(gamma - std.train) < near && Math.abs(beta - m.train) < near) return "γ and β are about the deviation and mean of z: the layer gives back what came in.";
    return `The batch’s own statistics: the mean is β = ${short(beta)} and the deviation ${short(Math.abs(gamma))}, up to ε.`;
  }
  const gap = m.train - m.eval;
  if (Math.abs(gap) > 0.25 * std.eval) {
    const left = step > JUMP ? center * (1 - MOMENTUM) ** (step - JUMP) : 0; // of the move, in the running mean
    return `The running mean is ${fixed(Math.abs(gap), 2)} ${gap > 0 ? "below" : "above"} the batch’s mean: ` +
      (left / gap > 0.5 ? "it lags behind the move." : "the mean of a single batch scatters, and the running mean is one over many.");
  }
  const wide = std.train / std.eval;
  if (wide > 1.25 || wide < 0.8) {
    return `The means are near each other, but the batch’s deviation is ${fixed(wide, 2)} times the running one: in evaluation the outputs ` +
      `spread ${wide > 1 ? "more" : "less"} than in training.`;
  }
  return "The running statistics are near those of the batch, so both modes nearly agree.";
}

/** Counts of values in the bins from −8 to 8; what lies outside is in the last bins. */
export function histogram(values) {
  const counts = Array(BINS).fill(0);
  for (const v of values) counts[Math.max(0, Math.min(BINS - 1, Math.floor(((v + REACH) / (2 * REACH)) * BINS)))] += 1;
  return counts;
}

/** A panel: bars of the values on an axis from −8 to 8, and a name in its corner. */
function panel(values, box, name, look, room) {
  const ticks = [-8, -6, -4, -2, 0, 2, 4, 6, 8].filter((v) => !room || v % 4 === 0);
  const axes = plotAxes({ box, x: [-REACH, REACH], y: [0, 1], xs: ticks.map((v) => [v, short(v)]), ys: [], names: ["", ""] });
  const counts = histogram(values);
  const most = Math.max(...counts, 1) * 1.5;
  const width = (box[2] - box[0]) / BINS;
  const bars = counts.map((n, i) => ["rect", { x: (box[0] + i * width + 0.75).toFixed(1), y: axes.py(n / most).toFixed(1), width: (width - 1.5).toFixed(1),
    height: (box[3] - axes.py(n / most)).toFixed(1), class: look }]);
  return { axes, shapes: [...axes.parts, ["line", { x1: box[0], x2: box[2], y1: box[3], y2: box[3], class: "nn-faint-line" }], ...bars,
    ["text", { x: box[0] + 2, y: box[1] - 7, class: "nn-num" }, name]] };
}

/** A mean and one deviation to each side, at a height; kept within the panel. */
function whisker(axes, box, at, std, y, look) {
  const keep = (v) => Math.max(box[0], Math.min(box[2], axes.px(v)));
  const [a, b, c] = [keep(at - std), keep(at), keep(at + std)];
  return [["line", { x1: a, x2: c, y1: y, y2: y, class: `nn-whisk ${look}` }],
    ["line", { x1: a, x2: a, y1: y - 5, y2: y + 5, class: `nn-whisk ${look}` }], ["line", { x1: c, x2: c, y1: y - 5, y2: y + 5, class: `nn-whisk ${look}` }],
    ["circle", { cx: b, cy: y, r: 5, class: `nn-mid ${look}` }]];
}

/** Before, after, and the means over the steps. */
function lensShapes(now, found, past, open, room) {
  const width = room || 580;
  const [left, right] = [room ? 30 : 44, width - 12];
  const boxes = [[left, 40, right, 130], [left, 188, right, 278], [left, 352, right, 452]];
  const before = panel(found.z, boxes[0], `before: z, the batch of step ${now.step}`, "nn-bar", room);
  const shapes = [...before.shapes, ...whisker(before.axes, boxes[0], mean(found.z), Math.sqrt(variance(found.z)), 52, "nn-of-batch")];
  if (open) shapes.push(...whisker(before.axes, boxes[0], found.mean.eval, found.std.eval, 70, "nn-of-running"));
  const y = found.y[now.mode];
  const after = panel(open ? y : [], boxes[1], `after: y in ${MODES[now.mode]}`, now.mode === "eval" ? "nn-bar nn-bar-eval" : "nn-bar", room);
  shapes.push(...after.shapes);
  if (open) shapes.push(...whisker(after.axes, boxes[1], mean(y), Math.sqrt(variance(y)), 200, now.mode === "eval" ? "nn-of-running" : "nn-of-batch"));
  const key = (x, y0, look, text) => [...[["line", { x1: x, x2: x + 22, y1: y0, y2: y0, class: `nn-whisk ${look}` }], ["circle", { cx: x + 11, cy: y0, r: 4, class: `nn-mid ${look}` }]],
    ["text", { x: x + 28, y: y0 + 4, class: "nn-key" }, text]];
  const from = room ? left : right - 286;
  shapes.push(...key(room ? left + 2 : from, 13, "nn-of-batch", "batch ± deviation"), ...key((room ? left + 142 : from + 150), 13, "nn-of-running", room ? "running" : "running ± deviation"));

  const all = [...past.means, ...past.batches.slice(1), 0];
  const [low, high] = [Math.floor(Math.min(...all, -1)), Math.ceil(Math.max(...all, 1))];
  const stride = high - low > 6 ? 2 : 1;
  const ys = Array.from({ length: Math.floor((high - low) / stride) + 1 }, (_, i) => low + i * stride);
  const axes = plotAxes({ box: boxes[2], x: [0, STEPS], y: [low, high], xs: [0, 20, 40, 60, 80].map((v) => [v, String(v)]), ys: ys.map((v) => [v, short(v)]),
    names: ["training step", ""] });
  shapes.push(...axes.parts, ["text", { x: left + 2, y: boxes[2][1] - 9, class: "nn-num" }, room ? "means over the steps" : "means over the steps: batches (dots), running (line)"]);
  if (!open) return { size: [width, 496], shapes };
  const seen = past.batches.map((v, t) => [t, v]).slice(1);
  const line = (first, last) => past.means.slice(first, last + 1)
    .map((v, i) => `${i ? "L" : "M"}${axes.px(first + i).toFixed(1)} ${axes.py(v).toFixed(1)}`).join("");
  const [a, b] = [axes.px(JUMP + 0.5), axes.px(now.step)];
  shapes.push(["line", { x1: a, x2: a, y1: boxes[2][1], y2: boxes[2][3], class: "nn-faint" }],
    ...seen.map(([t, v]) => ["circle", { cx: axes.px(t).toFixed(1), cy: axes.py(v).toFixed(1), r: 2.4, class: t <= now.step ? "nn-speck" : "nn-speck nn-later" }]),
    ["path", { d: line(now.step, STEPS), class: "nn-run nn-later" }], ["path", { d: line(0, now.step), class: "nn-run" }],
    ["line", { x1: b, x2: b, y1: boxes[2][1], y2: boxes[2][3], class: "nn-this-step" }],
    ["circle", { cx: b, cy: axes.py(past.means[now.step]), r: 6, class: "nn-mid nn-of-running" }]);
  return { size: [width, 496], shapes };
}

export default { render };
