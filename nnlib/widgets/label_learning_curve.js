import { fixed, h, openView, paint, parseNumber, s, segmented, setText, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { brokenPath, plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";

const TASKS = ["digits", "breast_cancer"];
const MODELS = ["linear", "hidden"];
const SEEDS = 10;

/** Mean and standard deviation of the error over the first seeds. The twin of mean_and_spread in Python. */
export function meanAndSpread(wrong, held, seeds) {
  const rows = wrong.slice(0, seeds);
  const mean = wrong[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / (rows.length * held));
  const spread = mean.map((m, i) => Math.sqrt(rows.reduce((sum, row) => sum + (row[i] / held - m) ** 2, 0) / rows.length));
  return { mean, spread };
}

/** How many labels bring the error down to the target. The twin of labels_for in Python. */
export function labelsFor(sizes, errors, target) {
  if (errors[0] <= target) return sizes[0];
  const i = errors.findIndex((e) => e <= target);
  if (i < 0) return NaN;
  const [low, high] = [Math.log(errors[i - 1]), Math.log(Math.max(errors[i], 1e-12))];
  const part = (low - Math.log(target)) / (low - high);
  return sizes[i - 1] * (sizes[i] / sizes[i - 1]) ** part;
}

/** What the question asks: the error of the linear model at 80 labels, and what halves it. */
export function halving(run) {
  const { mean } = meanAndSpread(run.linear, run.held, SEEDS);
  const error = mean[run.sizes.indexOf(80)];
  return { error, labels: labelsFor(run.sizes, mean, error / 2) };
}

const START = { task: "digits", scale: "accuracy", labels: 80, seeds: SEEDS };
const PRESETS = [
  ["One run only", { ...START, seeds: 1 }],
  ["The error, log scales", { ...START, scale: "error" }],
  ["Tumors", { ...START, task: "breast_cancer", scale: "error" }],
];
const FINDING = "Every label helps, and each helps less than the one before. On the digits 20 labels more halve the error of 20; to halve " +
  "that of 80 takes four times as many, and the linear model with 320 does not get there even with 1280. The spread between " +
  "runs shrinks as well: ten labels are a lottery, and one run alone could call either model the better one. With few labels the two models " +
  "do not differ; with 1280 the hidden layer pays, because now there is enough to learn from. Among tumors it never does: " +
  "20 labels already give 93 to 94 %, and a larger model gains nothing.";
const percent = (v, d = 1) => `${fixed(100 * v, d)} %`;

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "label-learning-curve", label: "Learning curve" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const runOf = (task) => model.get("runs")[TASKS.indexOf(task)];
  const placeOf = ({ task, labels }) => { // a number of labels that only the other task has becomes the last one
    const { sizes } = runOf(task);
    return sizes.indexOf(Math.min(labels, sizes.at(-1)));
  };
  const curvesOf = ({ task, seeds }) => Object.fromEntries(MODELS.map((name) => [name, meanAndSpread(runOf(task)[name], runOf(task).held, seeds)]));
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    const place = placeOf(now);
    const curves = curvesOf(now);
    view.save({ ...change, labels: runOf(now.task).sizes[place], errors: MODELS.map((name) => curves[name].mean[place]) });
  };

  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const switches = [
    pick("task", "Task", [["digits", "digits: 10 classes"], ["breast_cancer", "tumors: 2 classes"]]),
    pick("scale", "Show", [["accuracy", "accuracy"], ["error", "error, log scales"]]),
  ];
  const sliders = [
    slider({ label: "labels", min: 0, max: 7, step: 1, read: () => placeOf(state()),
      write: (v) => put({ labels: runOf(model.get("task")).sizes[v] ?? 320 }),
      show: (v) => String(runOf(model.get("task")).sizes[v]), say: (v) => `${runOf(model.get("task")).sizes[v]} labels` }),
    slider({ label: "runs", min: 1, max: SEEDS, step: 1, read: () => model.get("seeds"), write: (v) => put({ seeds: v }),
      show: String, say: (v) => `${v} run${v === 1 ? "" : "s"}` }),
  ];
  for (const { row } of sliders) row.classList.add("nn-long");
  const picture = s("svg", { role: "img" });
  const names = ["mean error", "spread of the runs", "best to worst run", "labels for half of it", "… that is times"];
  const cells = names.map(() => MODELS.map(() => h("td")));
  const at = h("th", { scope: "col" });
  const table = h("table", { class: "nn-table nn-loose" },
    h("thead", {}, h("tr", {}, at, h("th", { scope: "col" }, "linear"), h("th", { scope: "col" }, "hidden"))),
    h("tbody", {}, ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), ...cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, switches[0].row, switches[1].row),
    h("div", { class: "nn-stage" }, h("div", {}, picture, ...sliders.map((x) => x.row)), h("div", { class: "nn-tables" }, table, remark)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const asked = halving(runOf("digits"));
  const truth = () => `About ${Math.round(asked.labels / 10) * 10}: ${fixed(asked.labels / 80, 1)} times as many labels for half of the ` +
    `${percent(asked.error)} errors, in the mean of ten runs.`;
  const gate = predictionGate(view, model, {
    id: `label-learning-curve:${model.get("key")}`, unit: "labels", truth,
    question: `A linear model that has learned from 80 labeled digits gets ${percent(asked.error)} of the held-out ones wrong. ` +
      "How many labels does it need to halve that?",
    judge: (answer) => ({ agrees: Math.abs(Math.log(parseNumber(answer) / asked.labels)) < Math.log(1.35), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("How many labels does an accuracy cost?",
    "Follow the accuracy on held-out rows as the number of labels grows, run by run.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    const run = runOf(now.task);
    sliders[0].input.max = String(run.sizes.length - 1);
    for (const control of [...switches, ...sliders]) control.sync();
    const place = placeOf(now);
    const curves = curvesOf(now);
    const goal = labelsFor(run.sizes, curves.linear.mean, curves.linear.mean[place] / 2);
    setText(at, `${run.sizes[place]} labels`);
    MODELS.forEach((name, m) => {
      const values = readings(run, name, now.seeds, place);
      cells.forEach((row, i) => setText(row[m], open ? values[i] : "?"));
    });
    setText(remark, open ? remarkOn(now, curves, place) : "The curves appear with your prediction.");
    const { size, shapes } = curveShapes({ now, run, curves, place, goal, open, room });
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", !open ? "Empty axes: accuracy against the number of labels."
      : `With ${run.sizes[place]} labels the linear model errs on ${percent(curves.linear.mean[place])} and the hidden layer on ` +
        `${percent(curves.hidden.mean[place])} of the held-out rows; with ${run.sizes.at(-1)} on ${percent(curves.linear.mean.at(-1))} and ` +
        `${percent(curves.hidden.mean.at(-1))}. Mean of ${now.seeds} run${now.seeds === 1 ? "" : "s"}.`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    view.announce(remarkOn(state(), curvesOf(state()), placeOf(state())));
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string[]} the column of one model in the table, top to bottom */
export function readings(run, name, seeds, place) {
  const { mean, spread } = meanAndSpread(run[name], run.held, seeds);
  const all = run[name].slice(0, seeds).map((row) => row[place] / run.held);
  const goal = labelsFor(run.sizes, mean, mean[place] / 2);
  const reached = Number.isFinite(goal);
  return [percent(mean[place]), seeds > 1 ? `± ${percent(spread[place])}` : "one run",
    `${fixed(100 * Math.min(...all), 0)}–${percent(Math.max(...all), 0)}`,
    reached ? String(Math.round(goal)) : `> ${run.sizes.at(-1)}`, reached ? fixed(goal / run.sizes[place], 1) : "–"];
}

/** Which model is better at this place, and whether the runs bear it out. */
export function remarkOn({ seeds }, { linear, hidden }, i) {
  const gap = linear.mean[i] - hidden.mean[i];
  const better = Math.abs(gap) < 1e-9 ? "The two models make equally many errors here."
    : `The error of the ${gap > 0 ? "hidden layer" : "linear model"} is lower by ${fixed(100 * Math.abs(gap), 1)} percentage points.`;
  if (seeds === 1) return `${better} One run cannot say whether that is more than luck: move “runs”.`;
  const spread = Math.max(linear.spread[i], hidden.spread[i]);
  const weighed = Math.abs(gap) < spread ? "too much to call one of them better." : "less than the difference.";
  return `${better} Runs of one model (thin lines) spread by ± ${fixed(100 * spread, 1)} (band): ${weighed}`;
}

function curveShapes({ now, run, curves, place, goal, open, room }) {
  const [width, height] = room ? [room, 340] : [580, 370];
  const { sizes, held } = run;
  const error = now.scale === "error";
  const at = sizes.map(Math.log2);
  const small = sizes.length < 8;
  const value = (e) => (error ? Math.log10(Math.max(e, 0.8 / held)) : 1 - e);
  const ys = error ? (small ? [0.01, 0.02, 0.05, 0.1, 0.2] : [0.02, 0.05, 0.1, 0.2, 0.5]).map((v) => [Math.log10(v), percent(v, 0)])
    : (small ? [0.8, 0.85, 0.9, 0.95, 1] : [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]).map((v) => [v, percent(v, 0)]);
  const range = error ? [Math.log10(small ? 0.009 : 0.015), Math.log10(small ? 0.25 : 0.8)] : [small ? 0.78 : 0.3, 1];
  const every = room ? 2 : 1;
  const axes = plotAxes({ box: [46, 46, width - 14, height - 46], x: [at[0] - 0.2, at.at(-1) + 0.2], y: range,
    xs: sizes.map((n, i) => [at[i], String(n)]).filter((_, i) => i % every === 0), ys,
    names: ["labeled rows to learn from (log scale)", error ? "error on held-out rows (log scale)" : "accuracy on held-out rows"] });
  axes.parts.at(-1)[1].y = 16;
  const shapes = [...axes.parts];
  ["linear", "hidden"].forEach((name, m) => {
    const from = 46 + m * 90;
    shapes.push(["line", { x1: from, x2: from + 28, y1: 31, y2: 31, class: `nn-mean-${name}` }],
      ["text", { x: from + 33, y: 35, class: "nn-tick" }, m ? "hidden layer" : "linear"]);
  });
  if (!open) return { size: [width, height], shapes };
  const clip = (v) => Math.max(range[0], Math.min(range[1], v));
  for (const name of MODELS) {
    const { mean, spread } = curves[name];
    const upper = mean.map((m, i) => clip(value(m - spread[i])));
    const lower = mean.map((m, i) => clip(value(m + spread[i])));
    const back = brokenPath([...at].reverse(), [...lower].reverse(), axes).replace("M", "L");
    shapes.push(["path", { d: `${brokenPath(at, upper, axes)}${back}Z`, class: `nn-band-${name}` }]);
  }
  for (const name of MODELS) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const shown = seed < now.seeds && now.seeds > 1;
      shapes.push(["path", { d: shown ? brokenPath(at, run[name][seed].map((w) => clip(value(w / held))), axes) : "", class: `nn-one-${name}` }]);
    }
  }
  const x = axes.px(at[place]);
  shapes.push(["line", { x1: x, x2: x, y1: 46, y2: height - 46, class: "nn-at" }]);
  if (Number.isFinite(goal)) {
    const [y1, y2] = [curves.linear.mean[place], curves.linear.mean[place] / 2].map((e) => axes.py(value(e)));
    const [gx, late] = [axes.px(Math.log2(goal)), axes.px(Math.log2(goal)) > width - 160];
    shapes.push(["path", { d: `M${x.toFixed(1)} ${y1.toFixed(1)}V${y2.toFixed(1)}H${gx.toFixed(1)}V${height - 46}`, class: "nn-goal" }],
      ["text", { x: late ? gx - 6 : gx + 6, y: error ? 74 : height - 58, class: "nn-tick nn-halo nn-used", "text-anchor": late ? "end" : "start" },
        `half the error: ${Math.round(goal)}`]);
  }
  for (const name of MODELS) {
    const points = curves[name].mean.map((e) => axes.py(clip(value(e))));
    shapes.push(["path", { d: brokenPath(at, curves[name].mean.map((e) => clip(value(e))), axes), class: `nn-mean-${name}` }]);
    points.forEach((y, i) => {
      const r = i === place ? 6 : 4;
      shapes.push(name === "linear" ? ["circle", { cx: axes.px(at[i]), cy: y, r, class: "nn-point-linear" }]
        : ["rect", { x: axes.px(at[i]) - r + 0.5, y: y - r + 0.5, width: 2 * r - 1, height: 2 * r - 1, class: "nn-point-hidden" }]);
    });
  }
  return { size: [width, height], shapes };
}

export default { render };
