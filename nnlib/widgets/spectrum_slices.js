import { fixed, h, openView, paint, s, scientific, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { isInside, pathInside } from "./_plane.js";
import { logAxes, plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";

export const RANKS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 20, 30, 50, 100, 200, 300, 910];
export const DISTANCES = Array.from({ length: 41 }, (_, i) => Math.round((-1 + 0.05 * i) * 100) / 100);
export const LOG_SCALES = Array.from({ length: 13 }, (_, i) => -3 + 0.5 * i);
const TRAINED_WITH = 0.5; // the learning rate of the record

/** What the second derivatives say about a step along an eigenvector. */
export const predicted = (slope, eigenvalue, t) => t * slope + 0.5 * eigenvalue * t * t;

/** How many eigenvalues, largest first, reach a share of the largest. */
export const countTall = (eigenvalues, share = 0.1) => eigenvalues.filter((v) => v >= share * eigenvalues[0]).length;

/** The numbers of a network's slice along the eigenvector of a rank. */
export function slice(network, rank) {
  const i = RANKS.indexOf(rank);
  return { eigenvalue: network.eigenvalues[rank - 1], slope: network.slopes[i], changes: network.slices[i] };
}

const RESET = { part: "spectrum", network: "after", rank: 1, distance: 0.5, log_scale: 0 };
const PRESETS = [
  ["Steepest direction", { ...RESET }],
  ["A flat one", { ...RESET, rank: 100 }],
  ["Before training, downhill", { ...RESET, network: "before", rank: 910 }],
  ["Re-scaled, α = 4", { ...RESET, part: "rescaling", log_scale: 2 }],
];
const QUESTIONS = {
  spectrum: "A network with 910 parameters has learned to read the ten digits. How many of the 910 eigenvalues of its Hessian reach a tenth of the largest one?",
  rescaling: "A trained network has two layers with ReLU between. We multiply the first by 4 and divide the weights of the second by 4. What becomes of the loss and of the largest eigenvalue of its Hessian?",
};
const CHOICES = {
  spectrum: ["about 900", "about 450", "about 90", "about 9"],
  rescaling: ["both stay", "the loss stays, the eigenvalue grows", "the loss stays, the eigenvalue shrinks", "both grow"],
};
const COUNTS = [900, 450, 90, 9];
const FINDING = "After training, 9 of 910 eigenvalues stand out, and 9 again in each of five networks with other rows and weights; the digits have ten classes. Along most " +
  "other eigenvectors the loss hardly changes. Near the network the quadratic prediction t gᵀv + ½ λ t² is good; farther out the loss leaves it. Before " +
  "training the least eigenvalue is far below zero, so that place is no minimum. And sharp is not a property of a function: with α in the first layer and 1/α in the " +
  "second every output stays, and so do loss and accuracy, while the largest eigenvalue grows up to 35-fold. Compare sharpness only at one scale of the weights.";

/** @returns {string} the offered answer that the record supports */
export function answerTo(part, data) {
  if (part === "spectrum") {
    const count = countTall(data.after.eigenvalues);
    const off = COUNTS.map((v) => Math.abs(Math.log(v / count)));
    return CHOICES.spectrum[off.indexOf(Math.min(...off))];
  }
  const [one, four] = [0, 2].map((p) => data.rescaled[LOG_SCALES.indexOf(p)]);
  if (one.loss !== four.loss) return CHOICES.rescaling[3];
  const ratio = four.largest / one.largest;
  return CHOICES.rescaling[ratio > 1.01 ? 1 : ratio < 0.99 ? 2 : 0];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "spectrum-slices", label: "Spectrum and slices" });
  const data = model.get("record")[0];
  const asked = model.get("part"); // the prediction stays about what the figure began with
  const state = () => Object.fromEntries(Object.keys(RESET).map((name) => [name, model.get(name)]));
  let room = 0;
  let open = false;
  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => view.save({ [trait]: v }) });
  const part = pick("part", "Look at", [["spectrum", "spectrum and slices"], ["rescaling", "re-scaling"]]);
  const network = pick("network", "Network", [["before", "before training"], ["after", "after training"]]);
  const rank = slider({ label: "eigenvector", min: 0, max: RANKS.length - 1, step: 1, read: () => RANKS.indexOf(model.get("rank")),
    write: (i) => view.save({ rank: RANKS[i] }), show: (i) => `no. ${RANKS[i]}`, say: (i) => `number ${RANKS[i]} of 910` });
  const distance = slider({ label: "distance t", min: -1, max: 1, step: 0.05, read: () => model.get("distance"),
    write: (v) => view.save({ distance: Math.round(v * 100) / 100 }) });
  const scale = slider({ label: "scale α", min: -3, max: 3, step: 0.5, read: () => model.get("log_scale"), write: (v) => view.save({ log_scale: v }),
    show: (v) => short(2 ** v, 3) });
  const controls = [part, network, rank, distance, scale];

  const picture = s("svg", { role: "img" });
  const table = (names) => {
    const cells = names.map(() => h("td"));
    return { cells, node: h("table", { class: "nn-table nn-loose" }, h("tbody", {}, ...names.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i])))) };
  };
  const whole = table(["loss", "right on test rows", "length of the gradient", "eigenvalues above λ₁/10", "size below λ₁/1000", "below −10⁻⁶", "largest rate 2/λ₁"]);
  const one = table(["eigenvalue", "loss changes by", "prediction", "difference"]);
  const scaled = table(["loss", "right on test rows", "largest eigenvalue λ₁", "times that at α = 1", "sum of all eigenvalues", "length of θ", "largest rate 2/λ₁"]);
  const remark = h("p", { class: "nn-remark" });
  const slices = h("fieldset", { class: "nn-group" }, h("legend", {}, "Slice along an eigenvector v of length 1"), rank.row, distance.row);
  const scaling = h("fieldset", { class: "nn-group" }, h("legend", {}, "First layer times α, second divided by α"), scale.row);
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, part.row, network.row),
    h("div", { class: "nn-stage" }, h("div", {}, picture, slices, scaling), h("div", { class: "nn-tables" }, whole.node, one.node, scaled.node, remark)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => view.save(preset)]), () => view.save({ ...RESET, part: asked })));

  const truth = () => {
    if (asked === "spectrum") {
      const { eigenvalues } = data.after;
      return `${countTall(eigenvalues)} of ${eigenvalues.length}. The largest is ${short(eigenvalues[0], 2)}, the tenth ${short(eigenvalues[9], 2)}, and half of them are below ` +
        `${scientific(eigenvalues[Math.floor(eigenvalues.length / 2)], 0)}: a few directions are steep, the others all but flat.`;
    }
    const [a, b] = [0, 2].map((p) => data.rescaled[LOG_SCALES.indexOf(p)]);
    return `Every output stays, so the loss stays at ${fixed(b.loss, 4)}; the largest eigenvalue goes from ${short(a.largest, 2)} to ${short(b.largest, 2)}, ${short(b.largest / a.largest, 1)} times as much.`;
  };
  const gate = predictionGate(view, model, {
    id: `spectrum-slices:${asked}:${model.get("key")}`, question: QUESTIONS[asked], choices: CHOICES[asked], truth,
    judge: (answer) => ({ agrees: answer === answerTo(asked, data), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("How curved is the loss of a trained network?",
    "See the curvatures of a trained network’s loss, one by one, and what a re-scaling does to them.", gate, lock, FINDING));

  const dots = Object.fromEntries(["before", "after"].map((name) => [name, new Map()])); // paths of 910 points, by width
  view.onDraw(() => {
    const now = state();
    const isSpectrum = now.part === "spectrum";
    for (const x of controls) x.sync();
    for (const node of [network.row, slices, whole.node, one.node]) node.hidden = !isSpectrum;
    for (const node of [scaling, scaled.node]) node.hidden = isSpectrum;
    const of = data[now.network];
    const fill = (cells, values) => cells.forEach((cell, i) => setText(cell, open ? values[i] : "?"));
    let said = "";
    if (isSpectrum) {
      const { eigenvalue, slope, changes } = slice(of, now.rank);
      const [real, guess] = [changes[DISTANCES.indexOf(now.distance)], predicted(slope, eigenvalue, now.distance)];
      const small = of.eigenvalues.filter((v) => Math.abs(v) < of.eigenvalues[0] / 1000).length;
      fill(whole.cells, [fixed(of.loss, 4), percent(of.accuracy[1]), fixed(of.norm, 3), `${countTall(of.eigenvalues)} of ${of.eigenvalues.length}`,
        String(small), String(of.eigenvalues.filter((v) => v < -1e-6).length), short(2 / of.eigenvalues[0], 3)]);
      fill(one.cells, [plain(eigenvalue), fixed(real, 4), fixed(guess, 4), fixed(real - guess, 4)]);
      said = remarkOn(now, data);
    } else {
      const [here, first] = [now.log_scale, 0].map((p) => data.rescaled[LOG_SCALES.indexOf(p)]);
      fill(scaled.cells, [fixed(here.loss, 4), percent(here.accuracy[1]), short(here.largest, 2), short(here.largest / first.largest, 2),
        short(here.trace, 1), short(here.norm, 1), short(2 / here.largest, 3)]);
      said = remarkOn(now, data);
    }
    setText(remark, open ? said : "The numbers appear with your prediction.");
    if (!dots[now.network].has(room)) dots[now.network].set(room, points(of.eigenvalues, spectrumAxes(room)));
    const { size, shapes } = isSpectrum ? spectrumShapes(now, of, open ? dots[now.network].get(room) : null, room)
      : rescalingShapes(now, open ? data.rescaled : null, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", !open ? "Empty axes; the measurements appear with your prediction."
      : isSpectrum ? `Eigenvalues by rank on logarithmic axes, ${countTall(of.eigenvalues)} of them above a tenth of the largest, and a slice of the loss along number ${now.rank}: ${said}`
        : `Largest eigenvalue against the scale, and a slice of the loss along its eigenvector: ${said}`);
  });
  view.follow(Object.keys(RESET), () => { view.redraw(); view.announce(remark.textContent); });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

const percent = (v) => `${fixed(100 * v, 1)} %`;
const plain = (v) => (Math.abs(v) < 0.01 ? scientific(v) : fixed(v, 3));

/** @returns {string} what the picture shows here */
export function remarkOn({ part, network, rank, distance, log_scale: log }, data) {
  if (part === "rescaling") {
    const [here, first] = [log, 0].map((p) => data.rescaled[LOG_SCALES.indexOf(p)]);
    if (log === 0) return "The network as it was trained. Move α: the function stays, the curvature does not.";
    const ratio = short(here.largest / first.largest, 1);
    const rate = 2 / here.largest;
    const warn = rate < TRAINED_WITH ? ` The rate ${TRAINED_WITH} that trained it would now be above the limit.` : "";
    return here.largest < first.largest ? `The same function, a little flatter: λ₁ is ${ratio} times what it was.` : `The same function, ${ratio} times as sharp.${warn}`;
  }
  const { eigenvalue, slope, changes } = slice(data[network], rank);
  if (distance === 0) return "At t = 0 stands the network itself: no change.";
  const [real, guess] = [changes[DISTANCES.indexOf(distance)], predicted(slope, eigenvalue, distance)];
  if (network === "before" && eigenvalue < -0.01) return "A negative eigenvalue: the loss falls on both sides. This place is no minimum.";
  if (Math.abs(eigenvalue) < data[network].eigenvalues[0] / 100 && Math.abs(real) < 0.05) return "A flat direction: the loss hardly changes along it.";
  return Math.abs(real - guess) < 0.1 * Math.abs(real) ? "Here the quadratic prediction is right to a tenth." : `Here the quadratic prediction ${guess < real ? "stays below" : "is above"} the loss: the curvature has changed on the way.`;
}

/** Where the two plots stand: side by side, or one below the other in `room` pixels. */
function spectrumAxes(room) {
  return logAxes({ box: room ? [48, 42, room - 12, 250] : [48, 52, 306, 300], x: [0, 3], y: [-6, 1], every: [1, 2],
    names: ["number of the eigenvalue (log)", "size |λ| (log scale)"] });
}
function sliceAxes(room) {
  const ticks = (values) => values.map((v) => [v, short(v)]);
  return plotAxes({ box: room ? [48, 362, room - 12, 566] : [370, 52, 568, 300], x: [-1, 1], y: [-0.4, 2], xs: ticks(room ? [-1, -0.5, 0, 0.5, 1] : [-1, 0, 1]),
    ys: ticks([0, 0.5, 1, 1.5, 2]), names: ["distance t along v", "change of the loss"] });
}
const sizeOf = (room) => (room ? [room, 608] : [580, 346]);

/** @returns {[string, string]} the positive eigenvalues as dots and the negative as squares */
function points(eigenvalues, { px, py }) {
  const [up, down] = [[], []];
  eigenvalues.forEach((v, i) => {
    if (Math.abs(v) < 1e-6) return;
    const [x, y] = [px(Math.log10(i + 1)), py(Math.log10(Math.abs(v)))];
    if (v > 0) up.push(`M${x.toFixed(1)} ${y.toFixed(1)}h0`);
    else down.push(`M${(x - 2).toFixed(1)} ${(y - 2).toFixed(1)}h4v4h-4z`);
  });
  return [up.join(""), down.join("")];
}

/** Lines that are named beside a sample of them, above a plot. */
function legend(entries, x, y) {
  return entries.flatMap(([look, text, at]) => [["line", { x1: x + at, x2: x + at + 24, y1: y, y2: y, class: look }],
    ["text", { x: x + at + 30, y: y + 4.5, class: "nn-key" }, text]]);
}

function sliceShapes(axes, room, drawn, other, distance, names) {
  const [l, t, r, b] = axes.box;
  const shapes = [...axes.parts, ["rect", { x: l, y: t, width: r - l, height: b - t, class: "nn-frame" }], ...legend(names, room ? l : l - 2, room ? t - 30 : 18)];
  if (!drawn) return shapes;
  const line = (changes) => pathInside(DISTANCES.map((d, i) => [d, changes[i]]), axes);
  shapes.push(["path", { d: line(other), class: "nn-guess" }], ["path", { d: line(drawn), class: "nn-curve" }]);
  if (distance === null) return shapes;
  const i = DISTANCES.indexOf(distance);
  for (const [changes, look] of [[other, "nn-guess-end"], [drawn, "nn-now"]]) {
    if (isInside([distance, changes[i]], axes)) shapes.push(["circle", { cx: axes.px(distance), cy: axes.py(changes[i]), r: 6, class: look }]);
  }
  return shapes;
}

/** All eigenvalues by rank, and the loss along one eigenvector with its quadratic prediction. */
function spectrumShapes(now, network, dots, room) {
  const [left, right] = [spectrumAxes(room), sliceAxes(room)];
  const shapes = [...left.parts];
  const { eigenvalue, slope, changes } = slice(network, now.rank);
  if (dots) {
    const tenth = left.py(Math.log10(network.eigenvalues[0] / 10));
    const [x1, x2] = [left.px(0), left.px(3)];
    shapes.push(["line", { x1, x2, y1: tenth, y2: tenth, class: "nn-tenth" }],
      ["text", { x: x2 - 2, y: tenth - 6, class: "nn-key nn-halo", "text-anchor": "end" }, "a tenth of λ₁"],
      ["path", { d: dots[0], class: "nn-values" }], ["path", { d: dots[1], class: "nn-negative" }],
      ["text", { x: x1 + 8, y: left.py(-6) - 9, class: "nn-key nn-halo" }, "dot: positive, square: negative"],
      ["circle", { cx: left.px(Math.log10(now.rank)), cy: left.py(Math.log10(Math.abs(eigenvalue))), r: 6.5, class: "nn-now" }]);
  }
  const guess = DISTANCES.map((t) => predicted(slope, eigenvalue, t));
  shapes.push(...sliceShapes(right, room, dots && changes, guess, now.distance, [["nn-curve", "loss", 0], ["nn-guess", "prediction", 84]]));
  return { size: sizeOf(room), shapes };
}

/** The largest eigenvalue against α, and the loss along its eigenvector beside that at α = 1. */
function rescalingShapes(now, rescaled, room) {
  const ticks = [[-3, "⅛"], [-2, "¼"], [-1, "½"], [0, "1"], [1, "2"], [2, "4"], [3, "8"]];
  const axes = plotAxes({ box: room ? [48, 42, room - 12, 250] : [48, 52, 306, 300], x: [-3, 3], y: [0, 2.1], xs: ticks,
    ys: [[0, "1"], [1, "10"], [2, "100"]], names: ["scale α (log scale)", "λ₁ (log scale)"] });
  const right = sliceAxes(room);
  const shapes = [...axes.parts];
  if (rescaled) {
    const here = rescaled[LOG_SCALES.indexOf(now.log_scale)];
    const at = (p, v) => [p, Math.log10(v.largest)];
    shapes.push(["path", { d: pathInside(LOG_SCALES.map((p, i) => at(p, rescaled[i])), axes), class: "nn-eigen nn-line" }],
      ["text", { x: axes.px(0), y: axes.py(1.85), class: "nn-key nn-halo", "text-anchor": "middle" }, `loss ${fixed(here.loss, 4)} at every α`],
      ["circle", { cx: axes.px(now.log_scale), cy: axes.py(Math.log10(here.largest)), r: 6.5, class: "nn-now" }]);
  }
  const first = rescaled?.[LOG_SCALES.indexOf(0)].slice;
  shapes.push(...sliceShapes(right, room, rescaled && rescaled[LOG_SCALES.indexOf(now.log_scale)].slice, first, null,
    [["nn-curve", `α = ${short(2 ** now.log_scale, 3)}`, 0], ["nn-guess", "α = 1", 100]]));
  return { size: sizeOf(room), shapes };
}

export default { render };
