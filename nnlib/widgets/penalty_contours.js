import { fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";
import { pathInside } from "./_plane.js";
import { plotAxes } from "./_plot.js";

export const SHARES = { L2: 0, elastic: 0.5, L1: 1 };
const NAMES = { L2: "L2", elastic: "elastic net", L1: "L1" };
const RATE = 0.1;
const STEPS = 60;
const MAX_STRENGTH = 4;

export function loss([w1, w2], [o1, o2], rho) {
  const [a, b] = [w1 - o1, w2 - o2];
  return a * (a + rho * b) + b * (rho * a + b);
}
/** αΣ|w| + (1 − α)Σw²: what λ multiplies. */
const size = (share, [w1, w2]) => share * (Math.abs(w1) + Math.abs(w2)) + (1 - share) * (w1 * w1 + w2 * w2);
export const penalty = (kind, strength, w) => strength * size(SHARES[kind], w);
const slope = ([w1, w2], [o1, o2], rho) => [2 * (w1 - o1 + rho * (w2 - o2)), 2 * (rho * (w1 - o1) + w2 - o2)];

/** The weights at which L + R is least. The twin of penalty_contours.solution in Python. */
export function solution(kind, strength, [o1, o2], rho) {
  const share = SHARES[kind];
  const [p1, p2] = [2 * (o1 + rho * o2), 2 * (rho * o1 + o2)];
  const diagonal = 2 + 2 * strength * (1 - share);
  const across = 2 * rho;
  let [best, least] = [[0, 0], Infinity];
  for (const s1 of [0, 1, -1]) {
    for (const s2 of [0, 1, -1]) {
      const [b1, b2] = [p1 - strength * share * s1, p2 - strength * share * s2];
      const all = diagonal * diagonal - across * across;
      const w = s1 && s2 ? [(diagonal * b1 - across * b2) / all, (diagonal * b2 - across * b1) / all]
        : [s1 ? b1 / diagonal : 0, s2 ? b2 / diagonal : 0];
      if (Math.sign(w[0]) !== s1 || Math.sign(w[1]) !== s2) continue;
      const total = loss(w, [o1, o2], rho) + penalty(kind, strength, w);
      if (total < least) [best, least] = [w, total];
    }
  }
  return best;
}

const soft = (v, c) => Math.sign(v) * Math.max(Math.abs(v) - c, 0);

/** The weights after 0, 1, … steps from the unpenalized optimum. The twin of penalty_contours.descend. */
export function descend(kind, strength, optimum, rho, proximal, steps = STEPS) {
  const l1 = strength * SHARES[kind];
  const l2 = strength * (1 - SHARES[kind]);
  let w = optimum;
  const walk = [w];
  for (let i = 0; i < steps; i += 1) {
    const grad = slope(w, optimum, rho);
    w = w.map((v, j) => {
      const g = grad[j] + 2 * l2 * v;
      return proximal ? soft(v - RATE * g, RATE * l1) : v - RATE * (g + l1 * Math.sign(v));
    });
    walk.push(w);
  }
  return walk;
}

export const START = { kind: "L1", strength: 0.6, optimum: [1.4, 0.5], correlation: 0, view: "path" };
export const PRESETS = [
  ["L1 at a corner", { strength: 1.2 }], ["L2", { kind: "L2", strength: 1.2 }], ["Elastic net", { kind: "elastic", strength: 2.4 }],
  ["Correlated inputs", { strength: 1.5, optimum: [1.2, 0.4], correlation: 0.8 }],
  ["L1 by sub-gradient", { strength: 1.2, view: "subgradient" }],
];
const QUESTION = "Without a penalty the best weights are (1.4, 0.5), and the inputs are not correlated. λ grows from 0 to 4. " +
  "Which penalties make w₂ exactly 0 somewhere on the way?";
const CHOICES = ["only L1", "L1 and the elastic net", "all three", "none: they only come close"];
const FINDING = "The penalized optimum is where a contour of the loss touches the ball of the penalty. The ball of L1 has corners on the axes, " +
  "and over a whole range of λ the contour touches one of them: the other weight is exactly 0 and stays there. The elastic net has blunter corners and " +
  "needs a larger λ. The ball of L2 is round: without correlation it divides both weights by 1 + λ, and none reaches 0; with correlation " +
  "a weight may pass through 0, at one λ only. The same holds on the way there: the sub-gradient of λ|w| pushes as hard close to 0 as far from it, so the weight jumps to and " +
  "fro across 0. The proximal step stops at 0, and the weight stays.";

/** @returns {string} which penalties remove the second weight for a λ up to 4 */
export function settled() {
  const removes = (kind) => Array.from({ length: 81 }, (_, i) => i / 20).some((v) => solution(kind, v, START.optimum, 0)[1] === 0);
  const found = ["L1", "elastic", "L2"].filter(removes);
  return CHOICES[found.length === 3 ? 2 : found.length === 2 ? 1 : found.length === 1 ? 0 : 3];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "penalty-contours", label: "Penalties and contours" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const solved = ({ kind, strength, optimum, correlation }) => solution(kind, strength, optimum, correlation);
  let room = 0;
  let open = false;
  const put = (change) => view.save({ ...change, weights: solved({ ...state(), ...change }) });

  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const switches = [pick("kind", "Penalty", Object.entries(NAMES)),
    pick("view", "Right picture", [["path", "optimum over λ"], ["subgradient", "60 sub-gradient steps"], ["proximal", "60 proximal steps"]])];
  const strength = slider({ label: "λ", min: 0, max: MAX_STRENGTH, step: 0.05, read: () => model.get("strength"),
    write: (v) => put({ strength: v }), show: (v) => fixed(v, 2) });
  const optimum = [0, 1].map((i) => slider({ label: `ŵ${"₁₂"[i]}`, min: -1.5, max: 1.5, step: 0.05,
    read: () => model.get("optimum")[i], write: (v) => put({ optimum: model.get("optimum").map((old, j) => (j === i ? v : old)) }), show: (v) => fixed(v, 2) }));
  const rho = slider({ label: "ρ", min: -0.9, max: 0.9, step: 0.05, read: () => model.get("correlation"),
    write: (v) => put({ correlation: v }), show: (v) => fixed(v, 2) });
  const sliders = [strength, ...optimum, rho];

  const pictures = [s("svg", { role: "img" }), s("svg", { role: "img" })];
  const rows = ["no penalty: ŵ", "with penalty", "60 sub-gradient steps", "60 proximal steps"].map((name) => [name, h("td"), h("td")]);
  const places = h("table", { class: "nn-table nn-loose" },
    h("thead", {}, h("tr", {}, ...["", "w₁", "w₂"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name), ...cells))));
  const totals = ["loss above its minimum", "penalty R"].map((name) => [name, h("td")]);
  const sums = h("table", { class: "nn-table nn-loose" }, h("tbody", {},
    ...totals.map(([name, cell]) => h("tr", {}, h("th", { scope: "row" }, name), cell))));
  const remark = h("p", { class: "nn-remark" });
  const group = (name, members) => h("fieldset", { class: "nn-group" }, h("legend", {}, name), ...members.map((x) => x.row));
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, ...switches.map((x) => x.row)),
    h("div", { class: "nn-duo" }, ...pictures),
    h("div", { class: "nn-stage" },
      h("div", {}, group("Penalty: its strength λ", [strength]), group("Loss: its own optimum ŵ, and the correlation ρ of the inputs", [...optimum, rho]), remark),
      h("div", { class: "nn-tables" }, places, sums)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put({ ...START, ...preset })]), () => put(START)));

  const truth = () => {
    const at = (kind, v) => solution(kind, v, START.optimum, 0)[1];
    return `The answer is “${settled()}”. At λ = 2, w₂ is ${number(at("L1", 2))} with L1, ${number(at("elastic", 2))} with the elastic net ` +
      `and ${number(at("L2", 2))} with L2; at λ = 4 L2 still leaves ${number(at("L2", 4))}.`;
  };
  const gate = predictionGate(view, model, {
    id: `penalty-contours:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === settled(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Which penalty makes a weight exactly zero?",
    "See where L1, L2 and the elastic net put the optimum of a loss of two weights.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const control of [...switches, ...sliders]) control.sync();
    const w = solved(now);
    const walks = [false, true].map((proximal) => descend(now.kind, now.strength, now.optimum, now.correlation, proximal));
    const values = valuesOf(now);
    values.places.forEach((place, i) => place.forEach((text, j) => {
      const shown = open || i === 0;
      setText(rows[i][j + 1], shown ? text : "?");
      rows[i][j + 1].classList.toggle("nn-used", shown && text === "0");
    }));
    totals.forEach(([, cell], i) => setText(cell, open ? values.totals[i] : "?"));
    setText(remark, open ? remarkOn(now, w, walks[now.view === "proximal" ? 1 : 0]) : "The ball and the optimum appear with your prediction.");
    const walk = now.view === "path" ? null : walks[now.view === "proximal" ? 1 : 0];
    const [left, right] = [planeShapes(now, w, walk, open, room), seriesShapes(now, w, walk, open, room)];
    paint(pictures[0], left.size, left.shapes);
    paint(pictures[1], right.size, right.shapes);
    const zeros = zeroNames(w);
    pictures[0].setAttribute("aria-label", open
      ? `Contours of the loss around (${number(now.optimum[0])}, ${number(now.optimum[1])}) and the ${NAMES[now.kind]} ball: they touch at (${number(w[0])}, ${number(w[1])})${zeros ? `, so ${zeros} exactly 0` : ""}.`
      : `Contours of the loss around (${number(now.optimum[0])}, ${number(now.optimum[1])}).`);
    pictures[1].setAttribute("aria-label", !open ? "Empty axes: the weights against the strength λ."
      : walk ? `The two weights over ${STEPS} ${now.view === "proximal" ? "proximal" : "sub-gradient"} steps; they end at (${number(walk[STEPS][0])}, ${number(walk[STEPS][1])}).`
        : `The two weights of the optimum over λ from 0 to ${MAX_STRENGTH}; at λ = ${fixed(now.strength, 2)} they are (${number(w[0])}, ${number(w[1])}).`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const w = solved(state());
    view.announce(`w1 ${number(w[0])}, w2 ${number(w[1])}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} a weight; 0 without decimals is exactly 0 */
const number = (v) => (v === 0 ? "0" : Math.abs(v) < 0.00005 ? `${v < 0 ? "−" : ""}<0.0001` : fixed(v, 4));
const zeroNames = (w) => ["w₁", "w₂"].filter((_, i) => w[i] === 0).join(" and ").replace(/(.+)/, (names) => `${names} ${names.includes("and") ? "are" : "is"}`);

/** @returns {{places: string[][], totals: string[]}} the numbers of both tables */
export function valuesOf({ kind, strength, optimum, correlation }) {
  const w = solution(kind, strength, optimum, correlation);
  const ends = [false, true].map((proximal) => descend(kind, strength, optimum, correlation, proximal)[STEPS]);
  return { places: [optimum, w, ...ends].map((place) => place.map(number)),
    totals: [fixed(loss(w, optimum, correlation), 3), fixed(penalty(kind, strength, w), 3)] };
}

/** What the optimum w, or the walk toward it, shows. */
export function remarkOn({ kind, strength, optimum, correlation, view }, w, walk) {
  const l1 = strength * SHARES[kind];
  const pulls = slope(w, optimum, correlation).map(Math.abs);
  if (view !== "path") return remarkOnSteps({ kind, strength, optimum, correlation, view }, w, walk, l1, pulls);
  if (strength === 0) return "λ = 0: the optimum of the loss itself. Raise λ.";
  if (kind === "L2") return "The ball is round. Its pull 2λw fades as w does, so nothing holds a weight at 0.";
  const [a, b] = pulls.map((v) => fixed(v, 2));
  if (w[0] === 0 && w[1] === 0) return `Both weights are 0: the ball has shrunk to a point. The loss would pull w₁ away from 0 with ${a} and w₂ with ${b}; the penalty holds each with up to ${fixed(l1, 2)}.`;
  const zero = w.indexOf(0);
  if (zero >= 0) return `A corner is touched. The loss would pull ${NAMED[zero]} away from 0 with ${zero ? b : a}; the penalty holds it with up to ${fixed(l1, 2)}.`;
  return `An edge is touched: no weight is 0 yet. Σ|w| pushes each toward 0 with ${fixed(l1, 2)}, however small it is.`;
}

const NAMED = ["w₁", "w₂"];

function remarkOnSteps({ kind, strength, optimum, correlation, view }, w, walk, l1, pulls) {
  if (strength === 0 || optimum.every((v) => v === 0)) return "The steps start at the optimum, and stay there.";
  if (kind === "L2") return "L2 has no corner: both recipes take the same steps.";
  const zeros = [0, 1].filter((i) => w[i] === 0 && (optimum[i] !== 0 || correlation !== 0)); // the others never move
  if (!zeros.length) return "No weight has to come to rest at 0, so both recipes lead to the same place.";
  const even = zeros.find((i) => pulls[i] > l1 - 1e-9);
  if (even !== undefined) return `At this λ the loss pulls ${NAMED[even]} away from 0 just as hard as the penalty can hold it. A little more λ, and the two recipes part.`;
  const [name, it, s] = zeros.length > 1 ? ["both weights", "they", ""] : [NAMED[zeros[0]], "it", "s"];
  if (view === "subgradient") return `Near 0 each step still pushes ${name} by ηλ${kind === "L1" ? "" : "α"} = ${fixed(RATE * l1, 2)}: ${it} jump${s} across 0 and stay${s} nowhere.`;
  const late = walk.findLastIndex((place) => zeros.some((i) => place[i] !== 0));
  if (late === STEPS) return "60 steps do not suffice; proximal steps go on to 0, and stop there.";
  return `The threshold that would carry ${name} across 0 stops ${s ? "it" : "them"} there: exactly 0 from step ${late + 1} on.`;
}

const LIMITS = [2.2, 1.7];
const ring = (n, at) => Array.from({ length: n + 1 }, (_, i) => at((2 * Math.PI * i) / n));
const key = (x, text, sample) => [sample, ["text", { x: x + 24, y: 16, class: "nn-key" }, text]];

/** @returns {number[][]} points at which the loss is c: an ellipse around its minimum with axes at 45° */
export function contour(c, [o1, o2], rho) {
  const [a, b] = [Math.sqrt(c / (2 * (1 + rho))), Math.sqrt(c / (2 * (1 - rho)))];
  return ring(96, (t) => {
    const [u, v] = [a * Math.cos(t), b * Math.sin(t)];
    return [o1 + u - v, o2 + u + v];
  });
}

/** @returns {number[][]} points at which αΣ|w| + (1 − α)Σw² has a value: a diamond, a circle, or between */
export function ball(share, value) {
  return ring(96, (t) => {
    const [c, d] = [Math.cos(t), Math.sin(t)];
    const half = (share * (Math.abs(c) + Math.abs(d))) / 2;
    const r = share === 1 ? value / (2 * half) : (Math.sqrt(half * half + (1 - share) * value) - half) / (1 - share);
    return [r * c, r * d];
  });
}

const closed = (places, axes) => `${places.map(([u, v], i) => `${i ? "L" : "M"}${axes.px(u).toFixed(1)} ${axes.py(v).toFixed(1)}`).join("")}Z`;

/** The plane of the two weights. */
function planeShapes({ kind, optimum, correlation }, w, walk, open, room) {
  const width = room || 416;
  const box = [36, 46, width - 8, 46 + (width - 44) * (LIMITS[1] / LIMITS[0])]; // one scale for both weights
  const ticks = [-2, -1, 0, 1, 2].map((v) => [v, short(v)]);
  const axes = plotAxes({ box, x: [-LIMITS[0], LIMITS[0]], y: [-LIMITS[1], LIMITS[1]], xs: ticks, ys: ticks.slice(1, 4), names: ["w₁", "w₂"] });
  const at = ([u, v]) => [axes.px(u), axes.py(v)];
  const shapes = [...axes.parts];
  const [zx, zy] = at([0, 0]);
  shapes.push(["line", { x1: box[0], x2: box[2], y1: zy, y2: zy, class: "nn-zero" }], ["line", { x1: zx, x2: zx, y1: box[1], y2: box[3], class: "nn-zero" }]);
  for (const r of [0.4, 0.8, 1.2, 1.6, 2, 2.6, 3.2]) shapes.push(["path", { d: pathInside(contour(r * r, optimum, correlation), axes), class: "nn-level" }]);
  if (open) {
    shapes.push(["path", { d: closed(ball(SHARES[kind], size(SHARES[kind], w)), axes), class: "nn-ball" }],
      ["path", { d: pathInside(contour(loss(w, optimum, correlation), optimum, correlation), axes), class: "nn-curve" }]);
    const track = walk ?? Array.from({ length: 81 }, (_, i) => solution(kind, (MAX_STRENGTH * i) / 80, optimum, correlation));
    shapes.push(["path", { d: pathInside(track, axes), class: walk ? "nn-track nn-stepped" : "nn-track" }]);
  }
  const [ox, oy] = at(optimum);
  shapes.push(["path", { d: `M${ox - 5} ${oy}h10M${ox} ${oy - 5}v10`, class: "nn-cross" }],
    ["text", { x: ox + 8, y: oy - 7, class: "nn-key nn-halo" }, "ŵ"]);
  if (open) {
    const [x, y] = at(w);
    shapes.push(["circle", { cx: x, cy: y, r: 6.5, class: w.includes(0) ? "nn-spot nn-gone-weight" : "nn-spot" }]);
  }
  shapes.push(...key(40, "loss contour", ["line", { x1: 40, x2: 60, y1: 12, y2: 12, class: "nn-curve" }]),
    ...key(152, "ball", ["rect", { x: 154, y: 6, width: 16, height: 12, class: "nn-ball" }]),
    ...key(214, "optimum", ["circle", { cx: 228, cy: 12, r: 5.5, class: "nn-spot" }]));
  return { size: [width, box[3] + 44], shapes };
}

/** Both weights over λ, or over the steps. */
function seriesShapes(now, w, walk, open, room) {
  const width = room || 416;
  const height = room ? 290 : 46 + 372 * (LIMITS[1] / LIMITS[0]) + 44;
  const places = walk ?? Array.from({ length: 161 }, (_, i) => solution(now.kind, (MAX_STRENGTH * i) / 160, now.optimum, now.correlation));
  const all = [...places.flat(), 0];
  const y = [Math.min(...all) < -0.35 ? -1.7 : -0.4, Math.max(...all) > 0.35 ? 1.7 : 0.4];
  const end = walk ? STEPS : MAX_STRENGTH;
  const axes = plotAxes({ box: [40, 46, width - 10, height - 44], x: [0, end], y, names: [walk ? "step" : "strength λ", "weight"],
    xs: (walk ? [0, 10, 20, 30, 40, 50, 60] : [0, 1, 2, 3, 4]).map((v) => [v, `${v}`]),
    ys: [-1.5, -1, -0.5, 0, 0.5, 1, 1.5].filter((v) => y[0] <= v && v <= y[1]).map((v) => [v, short(v)]) });
  const shapes = [...axes.parts, ["line", { x1: 40, x2: width - 10, y1: axes.py(0), y2: axes.py(0), class: "nn-zero" }]];
  const x = (i) => (end * i) / (places.length - 1);
  if (open) {
    if (walk) for (const v of w) shapes.push(["line", { x1: 40, x2: width - 10, y1: axes.py(v), y2: axes.py(v), class: "nn-goal" }]);
    [0, 1].forEach((j) => {
      shapes.push(["path", { d: pathInside(places.map((place, i) => [x(i), place[j]]), axes), class: j ? "nn-curve nn-two" : "nn-curve" }]);
      const still = places.map((place, i) => [x(i), place[j]]);
      const pieces = still.slice(1).filter(([, v], i) => v === 0 && still[i][1] === 0).map(([u]) => `M${axes.px(u - end / (places.length - 1)).toFixed(1)} ${axes.py(0)}H${axes.px(u).toFixed(1)}`);
      shapes.push(["path", { d: pieces.join(""), class: "nn-removed" }]);
    });
    if (!walk) {
      const sx = axes.px(now.strength);
      shapes.push(["line", { x1: sx, x2: sx, y1: 46, y2: height - 44, class: "nn-drop" }]);
      w.forEach((v, j) => shapes.push(j ? ["path", { d: `M${sx} ${axes.py(v) - 7}l7 7l-7 7l-7 -7z`, class: "nn-spot" }]
        : ["circle", { cx: sx, cy: axes.py(v), r: 6, class: "nn-spot" }]));
    }
  }
  shapes.push(...key(40, "w₁", ["line", { x1: 40, x2: 60, y1: 12, y2: 12, class: "nn-curve" }]),
    ...key(104, "w₂", ["line", { x1: 104, x2: 124, y1: 12, y2: 12, class: "nn-curve nn-two" }]),
    ...key(168, "exactly 0", ["line", { x1: 168, x2: 188, y1: 12, y2: 12, class: "nn-removed" }]));
  return { size: [width, height], shapes };
}

export default { render };
