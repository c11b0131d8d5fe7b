import { button, fixed, h, openView, paint, s, setText, short, slider, subscript } from "./_kit.js";
import { figureParts, numberGrid, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";
import { networkShapes } from "./_network.js";

const WEIGHTS = ["w13", "w23", "w14", "w24", "w35", "w45"];
const SLIDES = { weights: [0.1, 0.8, 0.4, 0.6, 0.3, 0.9], inputs: [0.35, 0.9], target: 0.5, lr: 1 };
const PRESETS = [
  ["The slides’ example", SLIDES],
  ["x₁ = 0", { ...SLIDES, inputs: [0, 0.9] }],
  ["Unit 3 saturated", { ...SLIDES, weights: [6, 6, 0.4, 0.6, 0.3, 0.9] }],
];
const QUESTION = "Suppose x₁ is 0. Which weights of this network then have a gradient of exactly 0?";
const CHOICES = ["only w₁₃", "w₁₃ and w₁₄", "w₁₃, w₁₄ and w₃₅", "none of them"];
const FINDING = "Every gradient is one product: what arrives from behind (δ) times what came in from " +
  "the front. If x₁ is 0, then w₁₃ and w₁₄ do not learn, whatever the error. If unit 3 is saturated, " +
  "y₃(1 − y₃) is almost 0 and both weights into it stand still. And δ₃ needs δ₅ first: the backward " +
  "pass must run from the output to the input.";

const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));

/**
 * One epoch: forward, backward, update. The twin of worked_network.compute in Python.
 * δ points down the loss L = ½ (t − y5)², so Δw = η · δ · input.
 */
export function compute(weights, inputs, target, lr) {
  const [w13, w23, w14, w24, w35, w45] = weights;
  const [x1, x2] = inputs;
  const a3 = w13 * x1 + w23 * x2;
  const a4 = w14 * x1 + w24 * x2;
  const y3 = sigmoid(a3);
  const y4 = sigmoid(a4);
  const a5 = w35 * y3 + w45 * y4;
  const y5 = sigmoid(a5);
  const error = target - y5;
  const d5 = y5 * (1 - y5) * error;
  const d3 = y3 * (1 - y3) * w35 * d5;
  const d4 = y4 * (1 - y4) * w45 * d5;
  const downhill = [d3 * x1, d3 * x2, d4 * x1, d4 * x2, d5 * y3, d5 * y4];
  return {
    a: [a3, a4, a5], y: [y3, y4, y5], delta: [d3, d4, d5], error, loss: 0.5 * error * error,
    gradients: downhill.map((d) => -d), steps: downhill.map((d) => lr * d),
    new_weights: weights.map((w, i) => w + lr * downhill[i]),
  };
}

/** All numbers by name: x1, w13, a3, y3, d3 (δ), s13 (Δw), n13 (new weight), t, lr, error, loss. */
export function numbers({ weights, inputs, target, lr }) {
  const r = compute(weights, inputs, target, lr);
  const all = { x1: inputs[0], x2: inputs[1], t: target, lr, error: r.error, loss: r.loss };
  [3, 4, 5].forEach((unit, i) => {
    Object.assign(all, { [`a${unit}`]: r.a[i], [`y${unit}`]: r.y[i], [`d${unit}`]: r.delta[i] });
  });
  WEIGHTS.forEach((w, i) => {
    const link = w.slice(1);
    Object.assign(all, { [w]: weights[i], [`s${link}`]: r.steps[i], [`n${link}`]: r.new_weights[i] });
  });
  return all;
}

/** What unit i puts into a link: an input or a unit's output. */
const sender = (i) => (i === "1" || i === "2" ? `x${i}` : `y${i}`);

/** How a number is made: its formula in names, and the names it is made of. */
export function recipe(key) {
  const [kind, unit, to] = [key[0], key[1], key[2]];
  if (key === "error") return { text: "t − y5", uses: ["t", "y5"] };
  if (key === "loss") return { text: "½ · (t − y5)²", uses: ["t", "y5"] };
  if (kind === "a") {
    const from = unit === "5" ? ["3", "4"] : ["1", "2"];
    const uses = from.flatMap((i) => [`w${i}${unit}`, sender(i)]);
    return { text: `${uses[0]} · ${uses[1]} + ${uses[2]} · ${uses[3]}`, uses };
  }
  if (kind === "y") return { text: `σ(a${unit}) = 1 / (1 + e^(−a${unit}))`, uses: [`a${unit}`] };
  if (key === "d5") return { text: "y5 · (1 − y5) · (t − y5)", uses: ["y5", "t"] };
  if (kind === "d") {
    return { text: `y${unit} · (1 − y${unit}) · w${unit}5 · d5`, uses: [`y${unit}`, `w${unit}5`, "d5"] };
  }
  if (kind === "s") return { text: `η · d${to} · ${sender(unit)}`, uses: [`d${to}`, sender(unit), "lr"] };
  if (kind === "n") return { text: `w${unit}${to} + s${unit}${to}`, uses: [`w${unit}${to}`, `s${unit}${to}`] };
  return { text: "", uses: [] };
}

/** A name as it is printed: δ₃, Δw₁₃, new w₁₃, x₁. */
export function label(key) {
  const sign = { d: "δ", s: "Δw", n: "new w" }[key[0]] ?? key[0];
  if (key === "error") return "t − y₅";
  if (key === "loss") return "L";
  return key === "t" || key === "lr" ? { t: "t", lr: "η" }[key] : sign + subscript(key.slice(1));
}

/** A name as it is spoken. */
const say = (key) => {
  const kind = { d: "delta", s: "change of w", n: "new w" }[key[0]] ?? key[0];
  return key === "error" || key === "loss" ? key : `${kind} ${[...key.slice(1)].join(" ")}`;
};
const digits = (key) => (/^[ds]\d/.test(key) ? 5 : 4);

/** The number written out: names, then values, then the result. */
export function explanation(key, all) {
  const { text } = recipe(key);
  const value = fixed(all[key], digits(key));
  if (!text) return `${label(key)} = ${value}. This number is given: change it with its slider.`;
  const token = /\b([xywads]\d{1,2}|t)\b|η/g;
  const named = text.replace(token, (k) => (k === "η" ? k : label(k)));
  const filled = text.replace(/^σ\(.*?\) = /, "").replace(token, (k) => {
    const v = all[k === "η" ? "lr" : k];
    const shown = k === "η" || /^[xt]/.test(k) ? short(v) : fixed(v, digits(k));
    return v < 0 ? `(${shown})` : shown;
  });
  return `${label(key)} = ${named}\n= ${filled} = ${value}`;
}

/** @returns {string[]} the weights whose gradient is exactly 0 once x1 is */
export function deadWeights({ weights, inputs, target, lr }) {
  const { gradients } = compute(weights, [0, inputs[1]], target, lr);
  return WEIGHTS.filter((_, i) => gradients[i] === 0);
}

const EPOCH = ["nothing computed yet", "forward pass done", "backward pass done", "weights updated"];
/** @returns {number} the stage from which on a number is shown */
const since = (key) => (/^[ay]|^error|^loss/.test(key) ? 1 : key[0] === "d" || key[0] === "s" ? 2 : key[0] === "n" ? 3 : 0);

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "worked-network", label: "The worked network" });
  const settings = () => ({ weights: model.get("weights"), inputs: model.get("inputs"),
    target: model.get("target"), lr: model.get("lr") });
  const stage = () => model.get("stage");
  let picked = "";
  let room = 0;
  let open = false;

  const put = (change) => {
    const { weights, inputs, target, lr } = { ...settings(), ...change };
    view.save({ ...change, loss: compute(weights, inputs, target, lr).loss });
  };
  const replaced = (list, i, v) => list.map((old, j) => (j === i ? v : old));
  const goTo = (to, pick) => { view.save({ stage: to }); picked = pick; view.redraw(); };
  const nextEpoch = () => {
    const { weights, inputs, target, lr } = settings();
    put({ weights: compute(weights, inputs, target, lr).new_weights, stage: 0, epoch: model.get("epoch") + 1 });
    picked = "";
  };
  const start = (preset) => { put({ ...preset, epoch: 1 }); view.redraw(); };

  const steps = [
    button("1 Forward", () => goTo(1, "y5")), button("2 Backward", () => goTo(2, "d3")),
    button("3 Update", () => goTo(3, "n13")), button("4 Next epoch", nextEpoch),
    button("All three", () => goTo(3, "loss")),
  ];
  const status = h("span", { class: "nn-status" });
  const weightSliders = WEIGHTS.map((w, i) => slider({ label: label(w), min: -6, max: 6, step: 0.05,
    read: () => model.get("weights")[i], write: (v) => put({ weights: replaced(model.get("weights"), i, v) }),
    show: (v) => fixed(v, 4) }));
  const dataSliders = [0, 1].map((i) => slider({ label: label(`x${i + 1}`), min: -1, max: 1, step: 0.05,
    read: () => model.get("inputs")[i], write: (v) => put({ inputs: replaced(model.get("inputs"), i, v) }) }));
  dataSliders.push(
    slider({ label: "target", min: 0, max: 1, step: 0.05, read: () => model.get("target"), write: (v) => put({ target: v }) }),
    slider({ label: "rate η", min: 0, max: 10, step: 0.1, read: () => model.get("lr"), write: (v) => put({ lr: v }) }));
  const sliders = [...weightSliders, ...dataSliders];

  const picture = s("svg", { role: "img" });
  picture.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (key && open && stage() >= since(key)) pick(key);
  });
  const explain = h("p", { class: "nn-explain nn-two-lines" });
  const pick = (key) => {
    if (picked === key) return;
    picked = key;
    view.announce(explanation(key, numbers(settings())));
    view.redraw();
  };
  const units = numberGrid({ heads: ["unit", "a", "y", "δ"], pick, say,
    rows: [3, 4, 5].map((u) => [`${u}`, [`a${u}`, `y${u}`, `d${u}`]]) });
  const ends = numberGrid({ heads: null, pick, say, rows: [["error t − y₅", ["error"]], ["loss L = ½ (t − y₅)²", ["loss"]]] });
  const links = numberGrid({ heads: ["weight", "now", "Δw", "new"], pick, say,
    rows: WEIGHTS.map((w) => [label(w), [w, `s${w.slice(1)}`, `n${w.slice(1)}`]]) });
  const grids = [units, ends, links];

  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-steps", role: "group", "aria-label": "Steps" }, ...steps, status),
    h("div", { class: "nn-stage" }, picture,
      h("div", { class: "nn-tables", role: "group", "aria-label": "Numbers; each shows how it is made" },
        ...grids.map((g) => g.table))),
    explain,
    h("div", { class: "nn-sliders" },
      h("fieldset", { class: "nn-group nn-wide" }, h("legend", {}, "Weights this epoch starts from"),
        h("div", { class: "nn-pairs" }, ...weightSliders.map((x) => x.row))),
      h("fieldset", { class: "nn-group" }, h("legend", {}, "Example and learning rate"),
        ...dataSliders.map((x) => x.row))),
    presetRow(PRESETS.map(([name, preset]) => [name, () => start(preset)]),
      () => { start(SLIDES); goTo(0, ""); }));

  const truth = () => {
    const dead = deadWeights(SLIDES).map(label);
    return `With x₁ = 0 the gradients of ${dead.join(" and ")} are exactly 0, because each is a ` +
      `product with x₁; the other four are not. The preset “x₁ = 0” shows it.`;
  };
  const gate = predictionGate(view, model, {
    id: `worked-network:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === deadWeights(SLIDES).map(label).join(" and "), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("The worked network, one step at a time",
    "See how every number of one training step is made from its neighbors.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = stage();
    const all = numbers(settings());
    for (const x of sliders) x.sync();
    steps.forEach((b, i) => b.classList.toggle("nn-primary", open && i === now));
    setText(status, `Epoch ${model.get("epoch")}: ${EPOCH[now]}`);
    if (picked && since(picked) > now) picked = "";
    for (const g of grids) g.sync((key) => (since(key) <= now ? fixed(all[key], digits(key)) : ""), picked);
    setText(explain, picked ? explanation(picked, all)
      : "Run a step, then choose any number in the picture or the tables\nto see it written out as a product.");
    const used = new Set(picked ? [picked, ...recipe(picked).uses] : []);
    const { size, shapes } = networkShapes({ all, stage: now, picked, used, room });
    paint(picture, size, shapes);
    const seen = now ? `output ${fixed(all.y5)} for target ${short(all.t)}, loss ${fixed(all.loss)}` : "no number computed yet";
    picture.setAttribute("aria-label", `Network of two inputs, hidden units 3 and 4 and output unit 5: ${seen}; ${EPOCH[now]}.`);
  });
  view.follow(["weights", "inputs", "target", "lr", "stage", "epoch"], () => {
    view.redraw();
    const { loss } = numbers(settings());
    view.announce(`Epoch ${model.get("epoch")}, ${EPOCH[stage()]}${stage() ? `, loss ${fixed(loss)}` : ""}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

export default { render };
