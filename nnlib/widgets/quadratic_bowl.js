import { fixed, h, openView, paint, s, scientific, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { isInside, levelLines, pathInside } from "./_plane.js";
import { plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";

export const START = [-1.6, 0.9];

/** What a step multiplies each coordinate with: 1 − ηλ. */
export const factors = (eigenvalues, lr) => eigenvalues.map((value) => 1 - lr * value);

/** Gradient descent in the eigenvectors' coordinates. The twin of quadratic_bowl.descend in Python. */
export function descend(eigenvalues, angle, lr, steps, start = START) {
  const [cosine, sine] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const [first, second] = factors(eigenvalues, lr);
  let c = [cosine * start[0] + sine * start[1], cosine * start[1] - sine * start[0]];
  const coordinates = [c];
  for (let k = 0; k < steps; k += 1) {
    c = [first * c[0], second * c[1]];
    coordinates.push(c);
  }
  return { points: coordinates.map(([a, b]) => [cosine * a - sine * b, sine * a + cosine * b]), coordinates,
    losses: coordinates.map(([a, b]) => 0.5 * (eigenvalues[0] * a * a + eigenvalues[1] * b * b)) };
}

/** The rate beyond which the steepest direction runs away. */
export function limit(eigenvalues) {
  const high = Math.max(...eigenvalues);
  return high > 0 ? 2 / high : Infinity;
}

/** The rate at which the slower direction is fastest; NaN unless both eigenvalues are positive. */
export function bestRate(eigenvalues) {
  const [low, high] = [Math.min(...eigenvalues), Math.max(...eigenvalues)];
  return low > 0 ? 2 / (low + high) : NaN;
}

/** How many steps bring every coordinate to a share of its start. */
export function stepsUntil(eigenvalues, lr, share = 0.01) {
  const slowest = Math.max(...factors(eigenvalues, lr).map(Math.abs));
  if (slowest >= 1) return Infinity;
  return slowest ? Math.max(1, Math.ceil(Math.log(share) / Math.log(slowest) - 1e-9)) : 1;
}

const RESET = { eigenvalues: [8, 1], angle: 30, lr: 0.1, n_steps: 12 };
const PRESETS = [
  ["Round", { eigenvalues: [4, 4], angle: 30, lr: 0.1, n_steps: 12 }],
  ["Ravine", { eigenvalues: [10, 0.5], angle: 30, lr: 0.18, n_steps: 25 }],
  ["At the limit", { eigenvalues: [8, 1], angle: 30, lr: 0.25, n_steps: 25 }],
  ["Beyond it", { eigenvalues: [8, 1], angle: 30, lr: 0.27, n_steps: 12 }],
  ["Saddle", { eigenvalues: [4, -1], angle: -30, lr: 0.2, n_steps: 24 }],
];
const QUESTION = "A bowl curves with λ₁ = 8 along v₁ and with λ₂ = 1 along v₂. Up to which learning rate η does gradient descent not run away?";
const OFFERED = [0.125, 0.25, 1, 2];
const CHOICES = ["η = 1/8 = 0.125", "η = 2/8 = 0.25", "η = 1/1 = 1", "η = 2/1 = 2"];
const FINDING = "Along each eigenvector a step multiplies the distance to the minimum by its own factor 1 − ηλ, and no direction " +
  "disturbs another. Between −1 and 1 it shrinks; at −1, where η = 2/λ, it jumps from side to side for ever; beyond, it grows. The largest " +
  "eigenvalue sets the limit, and the smallest then decides how long it takes: in a ravine the steep direction forbids the rate that the flat " +
  "one needs. The best rate for both is 2/(λ₁ + λ₂): there the two factors are of one size, and any other rate makes one of them larger. Turning the bowl changes no factor. Along a negative eigenvalue the factor is above 1 at every rate: descent leaves a saddle that way.";

/** @returns {string} the offered rate at which the largest factor has the size 1 */
export function limitOffered() {
  const off = OFFERED.map((lr) => Math.abs(Math.max(...factors(RESET.eigenvalues, lr).map(Math.abs)) - 1));
  return CHOICES[off.indexOf(Math.min(...off))];
}

const TINY = 1e-9; // a factor as near to −1, 0 or 1 as this is one
/** @returns {[string, string]} what happens to size and side of a coordinate in each step */
export function fate(factor) {
  const size = Math.abs(factor);
  if (size < TINY) return ["gone", "–"];
  const word = Math.abs(size - 1) < TINY ? "stays" : size < 1 ? "shrinks" : "grows";
  return [word, factor < 0 ? "flips" : "the same"];
}

/** @returns {string} one sentence about what this rate does in this bowl */
export function remarkOn({ eigenvalues, lr }) {
  const [first, second] = factors(eigenvalues, lr);
  const worst = Math.max(Math.abs(first), Math.abs(second));
  if (lr === 0) return "A rate of 0 moves nothing.";
  if (Math.min(...eigenvalues) < 0) {
    return "A negative eigenvalue: its factor is above 1 at every rate, so descent runs away from the middle along it.";
  }
  if (worst > 1 + TINY) return "Beyond 2/λ₁: along v₁ each step overshoots to a place farther out than before.";
  if (first < -1 + TINY) return "At 2/λ₁: along v₁ the run jumps from side to side and never gets nearer.";
  if (second > 1 - TINY) return "An eigenvalue of 0: along it the ground is flat and nothing moves.";
  if (Math.abs(first - second) < TINY) return "Both directions shrink alike: the run goes straight to the minimum.";
  if (Math.abs(second) > Math.abs(first) + TINY) return "The flat direction v₂ is the slow one: it decides how long this takes.";
  if (first < 0) return "Along v₁ each step overshoots and comes back nearer. A smaller rate would be faster there.";
  return "Below the limit: both directions shrink.";
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "quadratic-bowl", label: "Quadratic bowl" });
  const state = () => Object.fromEntries(Object.keys(RESET).map((name) => [name, model.get(name)]));
  let room = 0;
  let open = false;
  const put = (change) => {
    const now = { ...state(), ...change };
    view.save({ ...change, loss: descend(now.eigenvalues, now.angle, now.lr, now.n_steps).losses.at(-1) });
  };
  // λ₁ stays the larger: the slider that would pass the other takes it along.
  const bend = (i, v) => put({ eigenvalues: i ? [Math.max(model.get("eigenvalues")[0], v), v] : [v, Math.min(model.get("eigenvalues")[1], v)] });
  const eigen = [0, 1].map((i) => slider({ label: `λ${"₁₂"[i]}`, min: -2, max: 10, step: 0.1,
    read: () => model.get("eigenvalues")[i], write: (v) => bend(i, v) }));
  const turn = slider({ label: "turn", min: -90, max: 90, step: 5, read: () => model.get("angle"), write: (v) => put({ angle: v }),
    show: (v) => `${short(v)}°`, say: (v) => `${v} degrees` });
  const rate = slider({ label: "rate η", min: 0, max: 0.6, step: 0.005, read: () => model.get("lr"), write: (v) => put({ lr: v }) });
  const count = slider({ label: "steps", min: 0, max: 40, step: 1, read: () => model.get("n_steps"), write: (v) => put({ n_steps: v }) });
  const sliders = [...eigen, turn, rate, count];

  const picture = s("svg", { role: "img" });
  const perAxis = ["eigenvalue λ", "factor 1 − ηλ", "each step", "side", "c at the start", "c at the end"];
  const axisCells = perAxis.map(() => [h("td"), h("td")]);
  const overall = ["limit 2/λ₁", "best rate 2/(λ₁ + λ₂)", "loss at the start", "loss at the end", "steps until c is at 1 %"];
  const allCells = overall.map(() => h("td"));
  const allRows = overall.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), allCells[i]));
  const head = (text) => h("th", { scope: "col" }, text);
  const tables = [
    h("table", { class: "nn-table nn-loose" }, h("thead", {}, h("tr", {}, head(""), head("along v₁"), head("along v₂"))),
      h("tbody", {}, ...perAxis.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), ...axisCells[i])))),
    h("table", { class: "nn-table nn-loose" }, h("tbody", {}, ...allRows)),
  ];
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-stage" }, picture, h("div", { class: "nn-tables" }, ...tables, remark)),
    h("div", { class: "nn-pairs" },
      h("fieldset", { class: "nn-group" }, h("legend", {}, "Bowl L = ½ (λ₁c₁² + λ₂c₂²), c: place along v"), eigen[0].row, eigen[1].row, turn.row),
      h("fieldset", { class: "nn-group" }, h("legend", {}, "Gradient descent"), rate.row, count.row)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(RESET)));

  const truth = () => {
    const sizes = OFFERED.map((lr) => `${short(Math.max(...factors(RESET.eigenvalues, lr).map(Math.abs)), 3)} at η = ${short(lr)}`);
    return `The limit is ${limitOffered()}: 2 over the largest eigenvalue. The larger of the two factors |1 − ηλ| is ${sizes.join(", ")}; above 1 the run grows.`;
  };
  const gate = predictionGate(view, model, {
    id: `quadratic-bowl:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === limitOffered(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("How large may the learning rate be?",
    "See each direction of a bowl shrink or grow by its own factor 1 − ηλ.", gate, lock, FINDING));

  let [shape, levels] = ["", null]; // level lines cost the most and depend on the bowl alone
  view.onDraw(() => {
    const now = state();
    for (const x of sliders) x.sync();
    const run = descend(now.eigenvalues, now.angle, now.lr, now.n_steps);
    const both = factors(now.eigenvalues, now.lr);
    const [first, last] = [run.coordinates[0], run.coordinates.at(-1)];
    const fates = both.map(fate);
    const rows = [now.eigenvalues.map((v) => short(v)), both.map((v) => short(v, 3)), fates.map((f) => f[0]), fates.map((f) => f[1]),
      first.map((v) => small(v)), last.map((v) => small(v))];
    axisCells.forEach((pair, i) => pair.forEach((cell, k) => setText(cell, open ? rows[i][k] : i ? "?" : rows[i][k])));
    const [most, steps] = [limit(now.eigenvalues), stepsUntil(now.eigenvalues, now.lr)];
    const numbers = [Number.isFinite(most) ? short(most, 3) : "none",
      Number.isFinite(bestRate(now.eigenvalues)) ? short(bestRate(now.eigenvalues), 3) : "none",
      small(run.losses[0]), small(run.losses.at(-1)), Number.isFinite(steps) ? String(steps) : "never"];
    allCells.forEach((cell, i) => setText(cell, open ? numbers[i] : "?"));
    allRows.slice(0, 2).forEach((row) => { row.hidden = !open; }); // their names answer the question
    setText(remark, open ? remarkOn(now) : "The run appears with your prediction.");
    const key = `${now.eigenvalues} ${now.angle} ${room}`;
    if (key !== shape) [shape, levels] = [key, bowlLevels(now, bowlAxes(room))];
    const { size, shapes } = bowlShapes(now, open ? run : null, levels, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open
      ? `Level lines of a bowl with eigenvalues ${short(now.eigenvalues[0])} and ${short(now.eigenvalues[1])}, and ${now.n_steps} steps of gradient descent at rate ` +
        `${short(now.lr)}. Factors ${short(both[0], 3)} and ${short(both[1], 3)}: ${remarkOn(now)}`
      : "Level lines of a bowl and the starting point; no run yet.");
  });
  view.follow(Object.keys(RESET), () => {
    view.redraw();
    view.announce(`Factors ${factors(model.get("eigenvalues"), model.get("lr")).map((v) => short(v, 3)).join(" and ")}. ${remarkOn(state())}`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} a number with three decimals, or as a power of ten where that says nothing */
const small = (v) => (v !== 0 && (Math.abs(v) < 0.001 || Math.abs(v) >= 1e5) ? scientific(v) : fixed(v, 3));

const REACH = 2;
const RATES = [0, 0.6];
const GROWTH = [-2, 1.6];

/** Where the two plots stand: side by side, or one below the other in `room` pixels. */
const ticks = (values) => values.map((v) => [v, short(v)]);
function bowlAxes(room) {
  const box = room ? [40, 30, room - 6, room - 16] : [40, 30, 344, 334];
  return plotAxes({ box, x: [-REACH, REACH], y: [-REACH, REACH], xs: ticks([-2, -1, 0, 1, 2]), ys: ticks([-2, -1, 0, 1, 2]),
    names: ["parameter θ₁", "parameter θ₂"] });
}
function factorAxes(room) {
  const box = room ? [40, room + 66, room - 12, room + 286] : [396, 52, 568, 334];
  return plotAxes({ box, x: RATES, y: GROWTH, xs: ticks([0, 0.2, 0.4, 0.6]), ys: ticks([-2, -1, 0, 1]),
    names: ["learning rate η", "factor of one step"] });
}

/** @returns {[string, string]} the paths of all levels above the middle, and of those below */
function bowlLevels({ eigenvalues, angle }, axes) {
  const [cosine, sine] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const loss = (u, v) => 0.5 * (eigenvalues[0] * (cosine * u + sine * v) ** 2 + eigenvalues[1] * (cosine * v - sine * u) ** 2);
  // Squares of even steps: ellipses at even distances.
  const top = Math.max(...eigenvalues.map(Math.abs)) * REACH * REACH;
  const levels = Array.from({ length: 8 }, (_, k) => top * ((k + 0.5) / 8) ** 2);
  const lines = (sign) => levelLines(loss, levels.map((v) => sign * v), axes).join("");
  return [lines(1), Math.min(...eigenvalues) < 0 ? lines(-1) : ""];
}

/** The bowl with the run, and the factors against the learning rate. */
function bowlShapes(now, run, levels, room) {
  const [plane, chart] = [bowlAxes(room), factorAxes(room)];
  const size = room ? [room, room + 326] : [580, 376];
  const [left, top, right, bottom] = plane.box;
  const frame = ([l, t, r, b]) => ["rect", { x: l, y: t, width: r - l, height: b - t, class: "nn-frame" }];
  const shapes = [...plane.parts.filter(([tag]) => tag === "text"), frame(plane.box),
    ["path", { d: levels[0], class: "nn-level" }], ["path", { d: levels[1], class: "nn-level nn-below" }]];
  // The eigenvectors through the middle; their names come last, so that no run hides them.
  const names = [];
  [0, 1].forEach((i) => {
    const turn = ((now.angle + 90 * i) * Math.PI) / 180;
    // The end that is named is the one away from the word "start".
    const end = Math.hypot(1.76 * Math.cos(turn) - START[0], 1.76 * Math.sin(turn) - START[1]) < 0.7 ? -1 : 1;
    const at = (r) => [plane.px(end * r * Math.cos(turn)), plane.py(end * r * Math.sin(turn))];
    const [[x1, y1], [x2, y2], [x, y]] = [at(-1.8), at(1.55), at(1.76)];
    shapes.push(["line", { x1, y1, x2, y2, class: `nn-eigen ${i ? "nn-second" : ""}` }]);
    names.push(["text", { x, y: y + 4, class: "nn-num nn-halo nn-used", "text-anchor": "middle" }, `v${"₁₂"[i]}`]);
  });
  const seen = run ? run.points.filter((p) => isInside(p, plane)) : [START];
  if (run) {
    shapes.push(["path", { d: pathInside(run.points, plane), class: "nn-walk" }]);
    for (const [u, v] of seen.slice(1)) shapes.push(["circle", { cx: plane.px(u), cy: plane.py(v), r: 2.8, class: "nn-pace" }]);
    const end = run.points.at(-1);
    if (isInside(end, plane)) shapes.push(["circle", { cx: plane.px(end[0]), cy: plane.py(end[1]), r: 6.5, class: "nn-now" }]);
    const out = run.points.findIndex((p) => !isInside(p, plane));
    if (out > 0) {
      shapes.push(["text", { x: right - 7, y: bottom - 8, class: "nn-num nn-halo nn-front", "text-anchor": "end" },
        `step ${out} leaves the picture`]);
    }
  }
  shapes.push(["circle", { cx: plane.px(START[0]), cy: plane.py(START[1]), r: 6.5, class: "nn-start" }],
    ["text", { x: plane.px(START[0]) - 6, y: plane.py(START[1]) - 11, class: "nn-num nn-halo nn-front" }, "start"], ...names);

  // The second plot: two straight lines through (0, 1); a factor between −1 and 1 shrinks.
  const [l, , r, b] = chart.box;
  const mark = (v) => chart.py(Math.max(GROWTH[0], Math.min(GROWTH[1], v)));
  shapes.push(...chart.parts, ["rect", { x: l, y: chart.py(1), width: r - l, height: chart.py(-1) - chart.py(1), class: "nn-stable" }],
    frame(chart.box));
  const words = [["shrinks", chart.py(1) + 15], ["grows", chart.py(1) - 6], ["flips and grows", b - 7]]
    .map(([text, y]) => ["text", { x: r - 6, y, class: "nn-key nn-halo", "text-anchor": "end" }, text]);
  [0, 1].forEach((i) => {
    const x = room ? r - 118 + 66 * i : l + 40 + 76 * i;
    const y = chart.box[1] - (room ? 14 : 32);
    shapes.push(["line", { x1: x, x2: x + 26, y1: y, y2: y, class: `nn-eigen ${i ? "nn-second" : ""}` }],
      ["text", { x: x + 31, y: y + 4.5, class: "nn-num nn-used" }, `v${"₁₂"[i]}`]);
  });
  if (!run) return { size, shapes: [...shapes, ...words] };
  const now2 = factors(now.eigenvalues, now.lr);
  now.eigenvalues.forEach((value, i) => {
    const ends = RATES.map((lr) => [lr, 1 - lr * value]);
    shapes.push(["path", { d: pathInside(ends, chart), class: `nn-eigen ${i ? "nn-second" : ""}` }]);
  });
  shapes.push(...words);
  const most = limit(now.eigenvalues);
  if (most <= RATES[1]) {
    shapes.push(["line", { x1: chart.px(most), x2: chart.px(most), y1: chart.py(-1), y2: b, class: "nn-best" }],
      ["text", { x: chart.px(most) - 5, y: b - 25, class: "nn-num nn-halo", "text-anchor": "end" }, "2/λ₁"]);
  }
  const x = chart.px(Math.min(now.lr, RATES[1]));
  shapes.push(["line", { x1: x, x2: x, y1: chart.box[1], y2: b, class: "nn-walk" }]);
  now2.forEach((f, i) => {
    const [y, out] = [mark(f), f < GROWTH[0] || f > GROWTH[1]];
    shapes.push(i ? ["rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: out ? "nn-start" : "nn-now" }]
      : ["circle", { cx: x, cy: y, r: 6.5, class: out ? "nn-start" : "nn-now" }]);
  });
  return { size, shapes };
}

export default { render };
