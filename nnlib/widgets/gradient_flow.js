import { button, fixed, h, openView, paint, s, scientific, segmented, setText, slider, superscript } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";
import { normals } from "./_random.js";

const [N, ROWS, DEEPEST] = [48, 16, 50];
const [LEAK, EPS] = [0.1, 1e-5];
const [VANISHING, EXPLODING] = [1e-3, 1e3];
export const STD = { small: 0.01, xavier: N ** -0.5, he: (2 / N) ** 0.5, large: 1 };
const GELU = Math.sqrt(2 / Math.PI);

/** φ(z[k]) and φ'(z[k]) into y[k] and d[k], by name. The twin of gradient_flow.activate in Python. */
const PHI = {
  sigmoid: (z, y, d, k) => {
    const e = Math.exp(-Math.abs(z[k]));
    y[k] = (z[k] >= 0 ? 1 : e) / (1 + e);
    d[k] = y[k] * (1 - y[k]);
  },
  tanh: (z, y, d, k) => {
    y[k] = Math.tanh(z[k]);
    d[k] = 1 - y[k] * y[k];
  },
  relu: (z, y, d, k) => {
    d[k] = z[k] > 0 ? 1 : 0;
    y[k] = z[k] * d[k];
  },
  leaky: (z, y, d, k) => {
    d[k] = z[k] > 0 ? 1 : LEAK;
    y[k] = z[k] * d[k];
  },
  gelu: (z, y, d, k) => {
    const v = z[k];
    const t = Math.tanh(GELU * (v + 0.044715 * v * v * v));
    y[k] = 0.5 * v * (1 + t);
    d[k] = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * GELU * (1 + 3 * 0.044715 * v * v);
  },
};

const drawn = new Map(); // by seed: weights, rows and the gradient at the top
function draws(seed) {
  if (!drawn.has(seed)) {
    drawn.clear();
    drawn.set(seed, { W: normals(3 * seed, DEEPEST * N * N), x: normals(3 * seed + 1, ROWS * N),
      top: normals(3 * seed + 2, ROWS * N).map((v) => v / ROWS) });
  }
  return drawn.get(seed);
}

/** @returns {Float64Array} a (ROWS, N) times the matrix at `at` in W, or times its transpose */
function product(a, W, at, transposed, std) {
  const out = new Float64Array(ROWS * N);
  for (let r = 0; r < ROWS; r += 1) {
    const row = r * N;
    for (let i = 0; i < N; i += 1) {
      const line = at + i * N;
      if (transposed) {
        let sum = 0;
        for (let j = 0; j < N; j += 1) sum += a[row + j] * W[line + j];
        out[row + i] = std * sum;
      } else {
        const v = std * a[row + i];
        for (let j = 0; j < N; j += 1) out[row + j] += v * W[line + j];
      }
    }
  }
  return out;
}

function squares(a) {
  let sum = 0;
  for (const v of a) sum += v * v;
  return sum;
}
const length = (a) => Math.sqrt(squares(a));
const meanSquare = (a) => squares(a) / a.length;

/** Call run(column) for each column of a (ROWS, N) array and the means over its rows. */
function eachColumn(a, b, run) {
  for (let j = 0; j < N; j += 1) {
    let [mean, product] = [0, 0];
    for (let k = j; k < ROWS * N; k += N) { mean += a[k] / ROWS; product += (a[k] * b[k]) / ROWS; }
    run(j, mean, product);
  }
}

/** z to mean 0 and variance 1 over the rows, in place; returns 1 / √(variance + ε) by column. */
function normalize(z) {
  const scales = new Float64Array(N);
  eachColumn(z, z, (j, mean) => {
    let variance = 0;
    for (let k = j; k < ROWS * N; k += N) variance += (z[k] - mean) ** 2 / ROWS;
    scales[j] = 1 / Math.sqrt(variance + EPS);
    for (let k = j; k < ROWS * N; k += N) z[k] = (z[k] - mean) * scales[j];
  });
  return scales;
}

/** ‖Aᵀ B‖ of two (ROWS, N) arrays: the sum of the entrywise product of A Aᵀ and B Bᵀ. */
function lengthOfProduct(a, b) {
  let sum = 0;
  const scale = length(a) * length(b) || 1; // squares of tiny lengths would reach zero
  for (let p = 0; p < ROWS; p += 1) {
    for (let q = 0; q <= p; q += 1) {
      let [x, y] = [0, 0];
      for (let j = 0; j < N; j += 1) {
        x += a[p * N + j] * a[q * N + j];
        y += b[p * N + j] * b[q * N + j];
      }
      sum += (q < p ? 2 : 1) * (x / scale) * (y / scale);
    }
  }
  return Math.sqrt(Math.max(0, sum)) * scale;
}

/**
 * One forward and one backward pass through D random layers. The twin of gradient_flow.flow.
 * @returns {{signal: number[], gradient: number[], weight_gradient: number[], slope: number[]}}
 *   by layer, first to last: √mean h², ‖∂L/∂h‖, ‖∂L/∂W‖, mean φ'²
 */
export function flow(depth, activation, init, structure, seed = 0) {
  const [norm, residual] = [structure === "norm" || structure === "both", structure === "residual" || structure === "both"];
  const [{ W, x, top }, std, phi] = [draws(seed), STD[init], PHI[activation]];
  const layers = [];
  const found = { signal: [], gradient: Array(depth), weight_gradient: Array(depth), slope: [] };
  let inputs = x;
  for (let l = 0; l < depth; l += 1) {
    const z = product(inputs, W, l * N * N, false, std);
    const scales = norm ? normalize(z) : null;
    const [slopes, next] = [new Float64Array(ROWS * N), new Float64Array(ROWS * N)];
    for (let k = 0; k < ROWS * N; k += 1) {
      phi(z, next, slopes, k);
      if (residual) next[k] += inputs[k];
    }
    layers.push({ inputs, z, scales, slopes });
    found.signal.push(Math.sqrt(meanSquare(next)));
    found.slope.push(meanSquare(slopes));
    inputs = next;
  }
  let dh = top;
  for (let l = depth - 1; l >= 0; l -= 1) {
    const { inputs: from, z, scales, slopes } = layers[l];
    found.gradient[l] = length(dh);
    const dz = dh.map((v, k) => slopes[k] * v);
    if (norm) {
      eachColumn(dz, z, (j, mean, along) => {
        for (let k = j; k < ROWS * N; k += N) dz[k] = scales[j] * (dz[k] - mean - z[k] * along);
      });
    }
    found.weight_gradient[l] = lengthOfProduct(from, dz);
    const back = product(dz, W, l * N * N, true, std);
    dh = residual ? back.map((v, k) => v + dh[k]) : back;
  }
  return found;
}

export const ratio = ({ gradient }) => gradient[0] / gradient.at(-1);
export const factor = (found) => ratio(found) ** (1 / (found.gradient.length - 1));

/** √(n · var W · mean φ'²), the geometric mean over the layers that the gradient passes. */
export function expectedFactor({ slope }, init) {
  const gains = slope.slice(1).map((v) => Math.log(Math.max(N * STD[init] ** 2 * v, 1e-300)));
  return Math.exp(gains.reduce((sum, v) => sum + v, 0) / (2 * gains.length));
}

export function verdictOn(found) {
  const r = ratio(found);
  return r < VANISHING ? "vanishing" : r > EXPLODING ? "exploding" : "healthy";
}

/** @returns {number} the least depth at which these plain layers vanish in this draw */
export function firstVanishing(activation, init, seed = 0) {
  let depth = 2;
  while (depth < DEEPEST && verdictOn(flow(depth, activation, init, "plain", seed)) !== "vanishing") depth += 1;
  return depth;
}

const START = { depth: 20, activation: "sigmoid", init: "xavier", structure: "plain", seed: 0 };
const PRESETS = [
  ["50 ReLU, Xavier", { depth: 50, activation: "relu", init: "xavier", structure: "plain" }],
  ["50 ReLU, He", { depth: 50, activation: "relu", init: "he", structure: "plain" }],
  ["Batch norm, 50 ReLU", { depth: 50, activation: "relu", init: "he", structure: "norm" }],
  ["Shortcuts, small weights", { depth: 50, activation: "relu", init: "small", structure: "residual" }],
];
const NAMES = { sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", leaky: "leaky ReLU", gelu: "GELU" };
const WEIGHTS = { small: "0.01", xavier: "Xavier", he: "He", large: "1" };
const STRUCTURES = { plain: "none", norm: "batch norm", residual: "residual", both: "both" };
const QUESTION = "Sigmoid layers with Xavier weights, one after the other. How many layers does it take until the " +
  "first one gets less than a thousandth of the gradient that the last one gets?";
const CHOICES = { "about 6": 6, "about 15": 15, "about 30": 30, "more than 50": 70 };
const FINDING = "Each layer multiplies the gradient that passes it by about the same factor, and a power of the depth is a straight " +
  "line on this scale. The factor of a plain layer is close to theory’s √(n · Var(w) · mean φ′²). A sigmoid’s slope is at most ¼, so " +
  "with Xavier’s weights the gradient vanishes within a few layers. He’s variance makes up for the half that ReLU sets to zero; " +
  "Xavier’s is short by √½ a layer. Batch norm makes the size of the weights nearly irrelevant, yet 50 layers of it with ReLU " +
  "explode. A residual path adds an untouched copy of the gradient, so it does not vanish; with large weights it grows. Look at " +
  "∂L/∂W too: with ReLU and Xavier it is about equally small in all layers, so its ratio first to last looks healthy.";

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "gradient-flow", label: "Gradient flow" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const values = ({ depth, activation, init, structure, seed }) => [depth, activation, init, structure, seed];
  let last = { key: "", found: null };
  const measured = (now) => {
    const key = values(now).join(" ");
    if (last.key !== key) last = { key, found: flow(...values(now)) };
    return last.found;
  };
  let room = 0;
  let open = false;
  const put = (change) => {
    const found = measured({ ...state(), ...change });
    view.save({ ...change, ratio: ratio(found), verdict: verdictOn(found) });
  };

  const pick = (trait, label, names) => segmented({ label, options: Object.entries(names), read: () => model.get(trait),
    write: (v) => put({ [trait]: v }) });
  const controls = [pick("activation", "Activation φ", NAMES), pick("init", "Weights: standard deviation", WEIGHTS),
    pick("structure", "Around each layer", STRUCTURES)];
  const depth = slider({ label: "depth D", min: 2, max: DEEPEST, step: 1, read: () => model.get("depth"),
    write: (v) => put({ depth: v }), say: (v) => `${v} layers` });
  depth.row.classList.add("nn-long");
  const again = button("Draw again", () => put({ seed: model.get("seed") + 1 }));
  const picture = s("svg", { role: "img" });
  const names = ["first : last layer", "verdict", "factor per layer", "factor by theory", "‖∂L/∂W‖, first layer",
    "‖∂L/∂W‖, last layer"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {},
    ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, ...controls.map(({ row }) => row)),
    h("div", { class: "nn-stage" }, h("div", {}, picture, depth.row), h("div", { class: "nn-tables" }, table, remark,
      h("div", { class: "nn-row" }, again))),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const found = firstVanishing("sigmoid", "xavier");
    return `In this draw it takes ${found} layers. Each passes on about a quarter of the gradient, the most that a ` +
      `sigmoid’s slope can be, and ${fixed(factor(flow(found, "sigmoid", "xavier", "plain")), 2)}${superscript(found - 1)} is ` +
      `already ${scientific(ratio(flow(found, "sigmoid", "xavier", "plain")))}.`;
  };
  const nearest = () => {
    const off = (choice) => Math.abs(CHOICES[choice] - firstVanishing("sigmoid", "xavier"));
    return Object.keys(CHOICES).reduce((best, choice) => (off(choice) < off(best) ? choice : best));
  };
  const gate = predictionGate(view, model, {
    id: `gradient-flow:${model.get("key")}`, question: QUESTION, choices: Object.keys(CHOICES), truth,
    judge: (answer) => ({ agrees: answer === nearest(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("What is left of the gradient at the first layer?",
    "Follow the gradient from the last layer back to the first, through layer after layer.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    const found = measured(now);
    for (const control of [...controls, depth]) control.sync();
    const texts = readings(now, found);
    cells.forEach((cell, i) => setText(cell, open ? texts[i] : "?"));
    setText(remark, open ? remarkOn(now, found) : "The curves appear with your prediction.");
    const { size, shapes } = flowShapes(now, open ? found : null, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open ? `${describe(now)}: the gradient at the first layer is ${ratio(found).toExponential(1)} ` +
      `times that at the last, ${verdictOn(found)}. Each layer multiplies it by about ${factor(found).toFixed(2)}.`
      : "Empty axes: size of gradient and signal, logarithmic, against the layer.");
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const found = measured(state());
    view.announce(`First to last ${ratio(found).toExponential(1)}: ${verdictOn(found)}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} two digits: 0.048, 1.5, 310, and in powers of ten beyond that */
const readable = (v) => (v < 0.01 || v >= 1000 ? scientific(v) : v >= 100 ? fixed(v, 0) : fixed(v, v < 0.1 ? 3 : v < 10 ? 2 : 1));

const describe = ({ depth, activation, init, structure }) =>
  `${depth} ${NAMES[activation]} layers, ${init in { small: 1, large: 1 } ? `weights of standard deviation ${WEIGHTS[init]}` : `${WEIGHTS[init]} weights`}` +
  (structure === "plain" ? "" : `, ${structure === "both" ? "batch norm and residual paths" : structure === "norm" ? "batch norm" : "residual paths"}`);

/** @returns {string[]} the numbers of the table, top to bottom */
export function readings({ structure, init }, found) {
  return [readable(ratio(found)), verdictOn(found), fixed(factor(found), 3), structure === "plain" ? fixed(expectedFactor(found, init), 3) : "plain only",
    readable(found.weight_gradient[0]), readable(found.weight_gradient.at(-1))];
}

/** One sentence on why it is so. */
export function remarkOn({ structure, init, activation }, found) {
  const said = verdictOn(found);
  const f = factor(found);
  if (structure === "both") return "Each block adds a part of fixed size to a growing sum, so it changes less and less: growth stays slow.";
  if (structure === "residual") {
    return f < 1.03 ? "The shortcut carries the gradient past every layer, and the layers add almost nothing."
      : `The shortcut’s 1 and what the layer itself passes on add up to ${fixed(f, 2)}: nothing vanishes, but it can grow.`;
  }
  if (structure === "norm") {
    return `Dividing by its own standard deviation makes a layer blind to the size of its weights; ${said === "exploding" ? "still it explodes, by" : "the factor is"} ${fixed(f, 2)} a layer.`;
  }
  if (said === "vanishing") {
    return activation === "sigmoid" && init !== "large" ? "The slope of a sigmoid is at most ¼, and the weights do not make up for it."
      : "Slopes and weights together pass on too little, and the powers of that vanish.";
  }
  if (said === "exploding") return "The weights are so large that each layer passes on more than it got.";
  const r = ratio(found);
  if (r > 0.3 && r < 3 && Math.abs(f - 1) < 0.1) return "Slopes and weights nearly balance, so the gradient arrives at about the size it left with.";
  return `Each layer multiplies the gradient by about ${fixed(f, 2)}, so the first gets ${readable(r)} times as much as the last: ` +
    "at this depth still within a factor of 1000.";
}

/** Round decades around the values, at least 10⁻⁴ to 10⁴, and the distance of the ticks. */
export function decades(values) {
  const logs = values.map((v) => Math.log10(Math.max(v, 1e-300)));
  const [least, most] = [Math.min(...logs, 0), Math.max(...logs, 0)];
  const rim = 0.12 * Math.max(8, most - least); // for the number beside the dot
  const [low, high] = [Math.min(-4, least - rim), Math.max(4, most + rim)];
  const every = [2, 4, 5, 10, 20].find((step) => high - low <= 7 * step) ?? 40;
  return { low: Math.floor(low / every) * every, high: Math.ceil(high / every) * every, every };
}

/** Axes, the band of healthy gradients, and by layer the gradient and the signal. */
function flowShapes({ depth }, found, room) {
  const [width, height] = room ? [room, 330] : [580, 360];
  const box = [52, 52, width - 14, height - 44];
  const relative = found ? found.gradient.map((v) => v / found.gradient.at(-1)) : [];
  const { low, high, every } = decades(found ? [...relative, ...found.signal] : []);
  const step = depth > 25 ? 10 : depth > 10 ? 5 : depth > 5 ? 2 : 1;
  const layers = [1, ...Array.from({ length: Math.floor(depth / step) }, (_, i) => (i + 1) * step).filter((v) => v > 1 && (v === depth || v <= depth - 0.3 * step)), depth];
  const axes = plotAxes({ box, x: [1, depth], y: [low, high], xs: [...new Set(layers)].map((v) => [v, String(v)]),
    ys: Array.from({ length: (high - low) / every + 1 }, (_, i) => low + i * every).map((v) => [v, `10${superscript(v)}`]),
    names: [room ? "layer, first to last" : "layer, from the first to the last", "size (log scale)"] });
  const [band, end] = [axes.py(Math.log10(EXPLODING)), axes.py(Math.log10(VANISHING))];
  const shapes = [["rect", { x: box[0], y: band, width: box[2] - box[0], height: end - band, class: "nn-band" }], ...axes.parts];
  const keys = [["gradient ‖∂L/∂h‖, last layer = 1", "nn-curve nn-loss", "nn-back"], ["signal √mean h²", "nn-curve nn-signal", "nn-front"]];
  keys.forEach(([text, line, look], i) => {
    const [x, y] = room ? [box[0] + 60, 11 + 17 * i] : [box[0] + 86 + 268 * i, 20];
    shapes.push(["line", { x1: x, x2: x + 26, y1: y, y2: y, class: line }], ["text", { x: x + 32, y: y + 4.5, class: `nn-num ${look}` }, text]);
  });
  const named = end - band > 56 ? [["text", { x: box[2] - 6, y: band + 15, class: "nn-key nn-halo", "text-anchor": "end" }, room ? "healthy" : "healthy: within a factor of 1000"]] : [];
  if (!found) return { size: [width, height], shapes: [...shapes, ...named] };
  const at = (v) => axes.py(Math.log10(Math.max(v, 1e-300)));
  const path = (ys) => ys.map((v, i) => `${i ? "L" : "M"}${axes.px(i + 1).toFixed(1)} ${at(v).toFixed(1)}`).join("");
  shapes.push(["path", { d: path(found.signal), class: "nn-curve nn-signal" }], ["path", { d: path(relative), class: "nn-curve nn-loss" }]);
  if (depth <= 25) shapes.push(...relative.map((v, i) => ["circle", { cx: axes.px(i + 1), cy: at(v), r: 3, class: "nn-bead" }]));
  const [x, y] = [axes.px(1), at(relative[0])];
  const below = relative[0] < 1; // the curve goes up from here then, else down
  shapes.push(["circle", { cx: x, cy: y, r: 7, class: "nn-dot" }],
    ["text", { x: x + 12, y: below ? y + 20 : y - 10, class: "nn-num nn-halo nn-back nn-used" }, readable(relative[0])], ...named);
  return { size: [width, height], shapes };
}

export default { render };
