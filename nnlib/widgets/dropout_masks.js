import { button, fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";
import { normals, uniforms } from "./_random.js";

const [UNITS, MOST] = [60, 500];
const X = normals(0, UNITS).map(Math.abs);
const U = uniforms(7, MOST * UNITS);

const mean = (a) => a.reduce((sum, v) => sum + v, 0) / a.length;

/** The 60 values through the first masks. The twin of dropout_masks.drop in Python. */
export function drop(rate, draws, scaling) {
  const factor = scaling === "inverted" ? 1 / (1 - rate) : 1;
  const [dropped, outputs] = [[], []];
  for (let d = 0; d < draws; d += 1) {
    let [out, sum] = [0, 0];
    for (let i = 0; i < UNITS; i += 1) if (U[d * UNITS + i] < rate) out += 1; else sum += X[i];
    dropped.push(out);
    outputs.push((sum * factor) / UNITS);
  }
  const kept = Array.from(X, (_, i) => U[(draws - 1) * UNITS + i] >= rate);
  const squares = X.reduce((sum, v) => sum + v * v, 0);
  return { kept, y: kept.map((k, i) => (k ? X[i] * factor : 0)), dropped, outputs, evaluation: mean(X),
    deviation: (factor * Math.sqrt(rate * (1 - rate) * squares)) / UNITS };
}

/** @returns {number[]} the probability of each number of dropped units, 0 to 60: binomial */
export function chances(rate) {
  const found = [(1 - rate) ** UNITS];
  for (let k = 0; k < UNITS; k += 1) found.push((found[k] * (UNITS - k) * rate) / ((k + 1) * (1 - rate)));
  return found;
}

const START = { rate: 0.2, draws: 1, mode: "train", scaling: "inverted" };
const SLIDES = [0.1, 0.2, 0.25, 0.3].map((rate) => [`${short(100 * rate)} %: ${short(UNITS * rate)} of 60?`, { rate, draws: MOST, mode: "train", scaling: "inverted" }]);
const MODES = { train: "training", eval: "evaluation" };
const SCALINGS = { inverted: "made larger", none: "left as they are" };
const QUESTION = "A layer of 60 units has dropout with rate 0.2, and 0.2 · 60 = 12. In what share of the masks are exactly 12 units dropped?";
const CHOICES = { "in all of them": 1, "in about half": 0.5, "in about one of eight": 0.125, "in about one of a hundred": 0.01 };
const FINDING = "The rate is a probability, tossed for each unit by itself: 12 of 60 is only the expectation, and most masks drop " +
  "another number. The same holds for the slides’ 6, 12, 15 and 18 units. In training the kept units are made larger, all by one factor, so the " +
  "mean output over many masks approaches what evaluation puts out, where nothing is dropped and nothing is scaled. Without " +
  "that factor training would run at a smaller size. A single mask scatters around the mean, the more the higher the rate: that noise is what " +
  "dropout adds to training.";

/** @returns {string} the choice nearest to the share of masks that drop exactly 12 */
export function nearestShare() {
  const share = chances(START.rate)[12];
  const off = (choice) => Math.abs(Math.log(CHOICES[choice] / share));
  return Object.keys(CHOICES).reduce((best, choice) => (off(choice) < off(best) ? choice : best));
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "dropout-masks", label: "Dropout masks" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const look = ({ rate, draws, scaling }) => drop(rate, draws, scaling);
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    const found = look(now);
    const training = now.mode === "train";
    view.save({ ...change, dropped: training ? found.dropped.at(-1) : 0, mean_output: training ? mean(found.outputs) : found.evaluation });
  };

  const pick = (trait, label, names) => segmented({ label, options: Object.entries(names), read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const switches = [pick("mode", "Mode", MODES), pick("scaling", "Kept units", SCALINGS)];
  const rate = slider({ label: "rate", min: 0, max: 0.9, step: 0.05, read: () => model.get("rate"), write: (v) => put({ rate: v }),
    show: (v) => fixed(v, 2), say: (v) => `rate ${v.toFixed(2)}` });
  const draws = slider({ label: "masks drawn", min: 1, max: MOST, step: 1, read: () => model.get("draws"), write: (v) => put({ draws: v }),
    say: (v) => (v === 1 ? "1 mask" : `${v} masks`) });
  const more = (n) => () => put({ draws: Math.min(MOST, model.get("draws") + n), mode: "train" });
  const picture = s("svg", { role: "img" });
  const names = ["dropped now", "expected, rate · 60", "that number exactly", "kept are multiplied by", "output now",
    "mean over the masks", "output in evaluation"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {}, ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, ...switches.map(({ row }) => row)),
    h("div", { class: "nn-stage" }, picture, h("div", { class: "nn-tables" }, table, remark,
      h("div", { class: "nn-row" }, button("Next mask", more(1)), button("100 more", more(100))))),
    h("div", { class: "nn-sliders nn-drop-sliders" }, rate.row, draws.row),
    presetRow(SLIDES.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const hits = drop(START.rate, MOST, "inverted").dropped.filter((n) => n === 12).length;
    return `In ${fixed(100 * chances(START.rate)[12], 1)} % of all masks, by the binomial formula; of the ${MOST} masks drawn here in ${hits}. ` +
      "Each unit is dropped or kept by a toss of its own, so the number varies.";
  };
  const gate = predictionGate(view, model, {
    id: `dropout-masks:${model.get("key")}`, question: QUESTION, choices: Object.keys(CHOICES), truth,
    judge: (answer) => ({ agrees: answer === nearestShare(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("How many units does dropout drop, and what is left on average?",
    "Draw masks for a layer of 60 units, and compare training with evaluation.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const control of [...switches, rate, draws]) control.sync();
    const found = look(now);
    const training = now.mode === "train";
    const expected = Math.round(UNITS * now.rate);
    const values = readings(now, found);
    cells.forEach((cell, i) => setText(cell, open ? values[i] : "?"));
    setText(remark, open ? remarkOn(now, found) : "The masks appear with your prediction.");
    const { size, shapes } = maskShapes(now, found, open, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", !open ? "A layer of 60 units, none dropped yet."
      : training ? `This mask drops ${found.dropped.at(-1)} of 60 units; ${expected} are expected. Over ${now.draws} masks the mean output is ` +
        `${mean(found.outputs).toFixed(3)}, in evaluation it is ${found.evaluation.toFixed(3)}.`
        : `Evaluation: none of the 60 units is dropped or scaled, and the mean output is ${found.evaluation.toFixed(3)}.`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const now = state();
    const found = look(now);
    view.announce(now.mode === "eval" ? "Evaluation: nothing is dropped." : `${found.dropped.at(-1)} of 60 dropped; mean output over ${now.draws} masks ${mean(found.outputs).toFixed(3)}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string[]} the numbers of the table, top to bottom */
export function readings({ rate, draws, mode, scaling }, { dropped, outputs, evaluation, deviation }) {
  const training = mode === "train";
  const hits = dropped.filter((n) => n === Math.round(UNITS * rate)).length;
  return [training ? `${dropped.at(-1)} of 60` : "none", short(UNITS * rate), `in ${hits} of ${draws}`,
    training && scaling === "inverted" ? fixed(1 / (1 - rate), 3) : "1", fixed(training ? outputs.at(-1) : evaluation, 3),
    `${fixed(mean(outputs), 3)} ± ${fixed(deviation / Math.sqrt(draws), 3)}`, fixed(evaluation, 3)];
}

/** One sentence on what the masks say so far. */
export function remarkOn({ mode, scaling, rate, draws }, { outputs, evaluation, deviation }) {
  if (mode === "eval") return "Evaluation leaves all 60 units as they are: one fixed output, and no mask.";
  if (rate === 0) return "At rate 0 training and evaluation are the same.";
  if (scaling === "none") return `Not rescaled, training runs at about ${short(1 - rate, 2)} of the size that evaluation will have.`;
  if (draws < 20) return "One mask says little: its output scatters. Draw more of them.";
  const off = Math.abs(mean(outputs) - evaluation) / (deviation / Math.sqrt(draws));
  return `The mean over ${draws} masks is ${fixed(off, 1)} standard errors from the output in evaluation.`;
}

/** The units under the last mask, how many were dropped, and the mean output over the masks. */
function maskShapes(now, found, open, room) {
  const width = room || 580;
  const grid = room ? [8, 26, width - 8, 206] : [8, 28, 272, 194];
  const bars = room ? [30, 266, width - 10, 366] : [318, 34, 570, 176];
  const line = room ? [44, 446, width - 16, 556] : [48, 262, 562, 362];
  const shapes = [...gridShapes(now, found, open, grid), ...countShapes(now, found, open, bars), ...meanShapes(now, found, open, line, room)];
  return { size: [width, line[3] + 44], shapes };
}

function gridShapes({ mode }, { kept, y }, open, [left, top, right, bottom]) {
  const [dx, dy] = [(right - left) / 10, (bottom - top) / 6];
  const training = open && mode === "train";
  const largest = 0.46 * Math.min(dx, dy);
  const radius = (v) => Math.min(largest, 0.8 * largest * Math.sqrt(v / 1.6));
  const shapes = [["text", { x: left + 2, y: top - 12, class: "nn-num" }, training ? "size: output; crossed out: dropped" : open ? "size: output; none is dropped" : "the 60 units; size: output"]];
  for (let i = 0; i < UNITS; i += 1) {
    const [cx, cy] = [left + ((i % 10) + 0.5) * dx, top + (Math.floor(i / 10) + 0.5) * dy];
    const out = training && !kept[i];
    const b = 4.5;
    shapes.push(["circle", { cx, cy, r: radius(out ? X[i] : training ? y[i] : X[i]).toFixed(2), class: out ? "nn-gone-unit" : "nn-kept-unit" }],
      ["path", { d: out ? `M${cx - b} ${cy - b}L${cx + b} ${cy + b}M${cx - b} ${cy + b}L${cx + b} ${cy - b}` : "M0 0", class: "nn-strike" }]);
  }
  return shapes;
}

function countShapes({ rate, draws }, { dropped }, open, box) {
  const [low, high] = [Math.max(0, Math.round(UNITS * rate) - 15), Math.min(UNITS, Math.round(UNITS * rate) + 15)];
  const ticks = Array.from({ length: UNITS / 3 + 1 }, (_, i) => 3 * i).filter((v) => v >= low && v <= high && (v % 6 === 0));
  const theory = chances(rate);
  const counts = Array(UNITS + 1).fill(0);
  for (const n of dropped) counts[n] += 1;
  const most = Math.max(...theory, ...(draws > 20 ? counts.map((n) => n / draws) : [])) * 1.12;
  const axes = plotAxes({ box, x: [low - 0.7, high + 0.7], y: [0, most], xs: ticks.map((v) => [v, String(v)]), ys: [], names: ["units dropped", ""] });
  const shapes = [...axes.parts, ["text", { x: box[0], y: box[1] - 18, class: "nn-num" }, open ? `${draws} ${draws === 1 ? "mask" : "masks"}; dots: theory` : "masks"]];
  shapes.push(["line", { x1: box[0], x2: box[2], y1: box[3], y2: box[3], class: "nn-floor" }]);
  if (!open) return shapes;
  const w = (axes.px(1) - axes.px(0)) * 0.8;
  for (let k = low; k <= high; k += 1) {
    const top = axes.py(Math.min(most, counts[k] / draws));
    shapes.push(["rect", { x: (axes.px(k) - w / 2).toFixed(1), width: w.toFixed(1), y: top.toFixed(1), height: (box[3] - top).toFixed(1),
      class: k === dropped.at(-1) ? "nn-tallied nn-this" : "nn-tallied" }]);
    shapes.push(["circle", { cx: axes.px(k).toFixed(1), cy: axes.py(theory[k]).toFixed(1), r: 2.6, class: "nn-theory" }]);
  }
  const x = axes.px(UNITS * rate);
  shapes.push(["line", { x1: x, x2: x, y1: box[1] - 4, y2: box[3], class: "nn-expect" }],
    ["text", { x: x + (rate > 0.6 ? -6 : 6), y: box[1] + 4, class: "nn-key nn-halo", "text-anchor": rate > 0.6 ? "end" : "start" }, `rate · 60 = ${short(UNITS * rate)}`]);
  return shapes;
}

function meanShapes({ draws, mode, rate, scaling }, { outputs, evaluation, deviation }, open, box, room) {
  const center = scaling === "none" ? evaluation * (1 - rate) : evaluation;
  const [low, high] = [Math.min(0.4, center - 3.3 * deviation), Math.max(1.2, center + 3.3 * deviation)];
  const step = high - low > 2 ? 1 : high - low > 1 ? 0.5 : 0.2;
  const ys = Array.from({ length: 40 }, (_, i) => i * step).filter((v) => v >= low - 1e-9 && v <= high + 1e-9);
  const last = Math.max(draws, 10);
  const stride = [1, 2, 5, 10, 20, 50, 100, 200].find((v) => last / v <= (room ? 5 : 8));
  const xs = Array.from({ length: Math.floor(last / stride) + 1 }, (_, i) => i * stride).filter((v) => v >= 1 || last > 10);
  const axes = plotAxes({ box, x: [0, last], y: [low, high], xs: xs.map((v) => [v, String(v)]), ys: ys.map((v) => [v, short(v, 1)]), names: ["masks drawn", ""] });
  const shapes = [...axes.parts];
  const head = room ? box[1] - 26 : box[1] - 16;
  shapes.push(["text", { x: box[0] - 40, y: head, class: "nn-num" }, "mean of the 60 outputs"]);
  const keys = [["nn-average", "over the masks"], ["nn-eval-line", "evaluation"]];
  keys.forEach(([look, text], i) => {
    const x = room ? box[0] - 38 + 140 * i : box[0] + 190 + 158 * i;
    const y = room ? box[1] - 10 : head - 4;
    shapes.push(["line", { x1: x, x2: x + 24, y1: y, y2: y, class: look }], ["text", { x: x + 30, y: y + 4, class: "nn-key" }, text]);
  });
  if (!open) return shapes;
  const clamp = (v) => Math.max(low, Math.min(high, v));
  let sum = 0;
  const means = outputs.map((v, i) => (sum += v) / (i + 1));
  const dots = outputs.map((v, i) => `M${axes.px(i + 1).toFixed(1)} ${axes.py(clamp(v)).toFixed(1)}h0.01`).join("");
  shapes.push(["path", { d: dots, class: "nn-dots" }],
    ["path", { d: means.map((v, i) => `${i ? "L" : "M"}${axes.px(i + 1).toFixed(1)} ${axes.py(clamp(v)).toFixed(1)}`).join(""), class: "nn-average" }],
    ["line", { x1: box[0], x2: box[2], y1: axes.py(evaluation), y2: axes.py(evaluation), class: "nn-eval-line" }],
    ["circle", { cx: axes.px(draws), cy: axes.py(clamp(mode === "eval" ? evaluation : outputs.at(-1))), r: 5.5, class: mode === "eval" ? "nn-spot nn-spot-eval" : "nn-spot" }]);
  return shapes;
}

export default { render };
