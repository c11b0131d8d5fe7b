import { button, fixed, h, openView, paint, s, scientific, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { clipped, isInside, levelLines, pathInside } from "./_plane.js";
import { plotAxes } from "./_plot.js";
import { predictionGate } from "./_gate.js";
import { uniforms } from "./_random.js";

const TOLERANCE = 1e-6;
export const KINDS = ["minimum", "maximum", "saddle", "degenerate", "not critical"];
const A = ["a minimum", "a maximum", "a saddle", "degenerate", "not critical"];
const SEED = 156;
const EXAMPLES = [
  { eigenvalues: [2, 1], gradient: [0, 0], angle: 30, start: [1.1, -0.9] },
  { eigenvalues: [-1, -2], gradient: [0, 0], angle: 30, start: [0.9, 0.7] },
  { eigenvalues: [2, -1.5], gradient: [0, 0], angle: 30, start: [0.5, 1.1] },
  { eigenvalues: [2, 0], gradient: [0, 0], angle: 30, start: [0.9, 1.1] },
  { eigenvalues: [2, 1], gradient: [-0.8, 0.6], angle: 30, start: [0, 0] },
];

/** @returns {number[]} the kinds of a round of five cases: each once, none next to its like */
function order(turn) {
  let [kinds, last] = [[], -1];
  for (let i = 0; i <= turn; i += 1) {
    const u = uniforms(SEED + 1, 5, 5 * i);
    kinds = [0, 1, 2, 3, 4].sort((a, b) => u[a] - u[b]);
    if (kinds[0] === last) kinds = [kinds[1], kinds[0], ...kinds.slice(2)];
    last = kinds[4];
  }
  return kinds;
}

/** The examples below 0, else the case drawn for a number. The twin of critical_points.example. */
export function example(number) {
  if (number < 0) return EXAMPLES[-number - 1];
  const kind = order(Math.floor(number / 5))[number % 5];
  const u = uniforms(SEED, 12, 12 * number);
  const tenths = (low, high, share) => (low + Math.floor((high - low + 1) * share)) / 10;
  const sign = (share) => (share < 0.5 ? 1 : -1);
  const [less, more] = [tenths(5, 30, u[1]), tenths(5, 30, u[2])].sort((a, b) => a - b);
  const nothing = [0, 4e-8, -3e-8][Math.floor(3 * u[3])];
  const signs = [[more, less], [-less, -more], [more, -less], u[4] < 0.5 ? [more, nothing] : [nothing, -more]];
  const angle = 15 * Math.floor(12 * u[9]) - 90;
  if (KINDS[kind] === "not critical") {
    const gradient = [sign(u[5]) * tenths(3, 9, u[10]), sign(u[7]) * tenths(3, 9, u[11])];
    return { eigenvalues: signs[[0, 0, 1, 2][Math.floor(4 * u[4])]], gradient, angle, start: [0, 0] };
  }
  const start = [sign(u[5]) * tenths(6, 12, u[6]), sign(u[7]) * tenths(6, 12, u[8])];
  return { eigenvalues: signs[kind], gradient: [[0, 2e-8][Math.floor(2 * u[10])], 0], angle, start };
}

/** The kind of a point. The twin of nnlib.curvature.classify_critical_point. */
export function kindOf({ eigenvalues, gradient }) {
  if (Math.hypot(...gradient) > TOLERANCE) return "not critical";
  const [up, down] = [eigenvalues.some((v) => v > TOLERANCE), eigenvalues.some((v) => v < -TOLERANCE)];
  if (up && down) return "saddle";
  if (eigenvalues.some((v) => Math.abs(v) <= TOLERANCE)) return "degenerate";
  return up ? "minimum" : "maximum";
}

const HIDDEN = {
  none: () => [0, 0, 0],
  c4: (c) => [c ** 4 / 4, c ** 3, 3 * c * c],
  "-c4": (c) => [-(c ** 4) / 4, -(c ** 3), -3 * c * c],
  c3: (c) => [c ** 3 / 3, c * c, 2 * c],
};
/** Loss, slope and curvature along eigenvector i. The twin of critical_points.along. */
export function along(point, i, c, term = "none") {
  const [g, curve] = [point.gradient[i], point.eigenvalues[i]];
  const [value, slope, bend] = HIDDEN[Math.abs(curve) <= TOLERANCE ? term : "none"](c);
  return [g * c + 0.5 * curve * c * c + value, g + curve * c + slope, curve + bend];
}

/** The loss at a place, relative to the point. */
const lossAt = (point, [a, b], term) => along(point, 0, a, term)[0] + along(point, 1, b, term)[0];

/** Newton's step, plain and with |λ| + μ. The twin of critical_points.newton. */
export function newton(point, start, damping, term = "none") {
  const here = start.map((c, i) => along(point, i, c, term));
  const plain = here.every(([, , bend]) => Math.abs(bend) > TOLERANCE) ? start.map((c, i) => c - here[i][1] / here[i][2]) : [];
  const damped = start.map((c, i) => c - here[i][1] / (Math.abs(here[i][2]) + damping));
  return { plain, damped, losses: [start, plain, damped].map((place) => (place.length ? lossAt(point, place, term) : NaN)) };
}

const QUESTION = "At a point of a loss the gradient has the length 1, and the eigenvalues of the Hessian are 2 and 1. What is this point?";
const CHOICES = ["a minimum", "a maximum", "a saddle", "a degenerate point", "not critical: a slope"]; // in the order of KINDS
const FINDING = "First the gradient: where it is not zero, the point lies on a slope, and the signs of the eigenvalues make no minimum of it. Where it is " +
  "zero, the signs decide: all positive, a minimum; all negative, a maximum; both, a saddle. An eigenvalue of zero leaves it open, because " +
  "higher terms decide there, and the Hessian does not see them. Plain Newton runs to wherever the slope is zero, so minima, maxima and " +
  "saddles attract it alike. Dividing by |λ| + damping instead goes downhill from every place, away from saddles and maxima.";
const PRESETS = ["Minimum", "Maximum", "Saddle", "Flat direction", "Slope"];

const ASKED = EXAMPLES[4];

/** @returns {string} what the point of the question really is */
export const kindAsked = () => CHOICES[KINDS.indexOf(kindOf(ASKED))];

/** @returns {string} why a point is what it is */
export function reason(point) {
  const { eigenvalues, gradient } = point;
  const kind = kindOf(point);
  if (kind === "not critical") {
    const signs = eigenvalues.every((v) => v > 0) ? "Both eigenvalues are positive, and yet it is no minimum: " : "";
    return `The gradient has the length ${short(Math.hypot(...gradient), 2)}, so the point lies on a slope. ${signs}the eigenvalues only say how the slope bends.`;
  }
  if (kind === "minimum") return "The gradient is zero and both eigenvalues are positive: from here the loss rises in every direction.";
  if (kind === "maximum") return "The gradient is zero and both eigenvalues are negative: from here the loss falls in every direction.";
  if (kind === "saddle") return "The gradient is zero and the signs differ: the loss rises along v₁ and falls along v₂.";
  const sure = eigenvalues.some((v) => v > TOLERANCE) ? "no maximum, since it rises along v₁" : "no minimum, since it falls along v₂";
  return `The gradient is zero and so is an eigenvalue: c⁴, −c⁴ and c³ along it have this same gradient and Hessian. Try them below. Only this is sure: it is ${sure}.`;
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "critical-points", label: "Critical points" });
  const traits = ["case", "answer", "asked", "right", "start", "damping", "term"];
  const point = () => example(model.get("case"));
  const named = () => model.get("answer") !== "";
  let room = 0;
  let open = false;
  const go = (number, change = {}) => view.save({ case: number, answer: "", term: "none", start: [...example(number).start], ...change });
  let drawn = Math.max(0, model.get("case")); // the last of the drawn cases, also while an example is shown

  const answers = KINDS.map((kind) => button(kind, () => {
    view.save({ answer: kind, asked: model.get("asked") + 1, right: model.get("right") + Number(kind === kindOf(point())) });
    next.focus({ preventScroll: true }); // the pressed button is disabled now
    view.announce(said.textContent);
  }));
  const next = button("Next case →", () => {
    if (model.get("case") >= 0) drawn = model.get("case") + 1;
    go(drawn);
    answers[0].focus({ preventScroll: true });
  });
  const question = h("p", { class: "nn-case-asked" });
  const tally = h("span", { class: "nn-status" });
  const said = h("p", { class: "nn-said" });
  const starts = [0, 1].map((i) => slider({ label: `start c${"₁₂"[i]}`, min: -2.4, max: 2.4, step: 0.1, read: () => model.get("start")[i],
    write: (v) => view.save({ start: model.get("start").map((old, k) => (k === i ? v : old)) }) }));
  const damp = slider({ label: "damping", min: 0.05, max: 2, step: 0.05, read: () => model.get("damping"), write: (v) => view.save({ damping: v }) });
  for (const { row } of [...starts, damp]) row.classList.add("nn-long");
  const term = segmented({ label: "Along the flat direction, add", options: [["none", "nothing"], ["c4", "c⁴/4"], ["-c4", "−c⁴/4"], ["c3", "c³/3"]],
    read: () => model.get("term"), write: (v) => view.save({ term: v }) });
  const flat = h("fieldset", { class: "nn-lock" }, term.row);

  const picture = s("svg", { role: "img" });
  const rows = ["length of the gradient", "eigenvalue λ₁", "eigenvalue λ₂", "Newton starts at", "plain lands at", "damped lands at", "loss at the start", "loss, plain", "loss, damped"];
  const cells = rows.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {}, ...rows.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-case" }, question, h("div", { class: "nn-choices", role: "group", "aria-label": "Kind of point" }, ...answers),
      said, h("div", { class: "nn-row" }, next, tally)),
    h("div", { class: "nn-stage" }, picture, h("div", { class: "nn-tables" }, table)),
    h("div", { class: "nn-pairs" },
      h("fieldset", { class: "nn-group" }, h("legend", {}, "Newton’s step: where it starts, and its damping"), starts[0].row, starts[1].row, damp.row), flat),
    presetRow(PRESETS.map((name, i) => [name, () => go(-i - 1, { answer: KINDS[i] })]), () => {
      drawn = 0;
      go(0, { asked: 0, right: 0, damping: 0.1 });
    }));

  const truth = () => {
    const downhill = ASKED.gradient.map((v) => -0.5 * v);
    return `It is ${kindAsked()}. A step of length 0.5 against the gradient changes the loss by ${fixed(lossAt(ASKED, downhill, "none"), 3)}. ` +
      "Positive eigenvalues say that the slope bends upward, not that it has ended. The preset “Slope” shows it.";
  };
  const gate = predictionGate(view, model, {
    id: `critical-points:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === kindAsked(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Minimum, maximum or saddle?",
    "Name the kind of a point from two eigenvalues and the gradient, then see it.", gate, lock, FINDING));

  let [scene, drawing] = ["", null]; // the ground depends on the case and the term alone
  view.onDraw(() => {
    const now = point();
    const [start, damping] = [model.get("start"), model.get("damping")];
    const shown = open && named();
    const kind = kindOf(now);
    for (const x of [...starts, damp, term]) x.sync();
    const number = model.get("case") < 0 ? "Example" : `Case ${model.get("case") + 1}`;
    setText(question, `${number}. ‖g‖ = ${tiny(Math.hypot(...now.gradient))}, λ₁ = ${tiny(now.eigenvalues[0])}, λ₂ = ${tiny(now.eigenvalues[1])}. ` +
      "What kind of point is this? Up to 10⁻⁶ counts as zero.");
    answers.forEach((b, i) => {
      b.disabled = named();
      b.setAttribute("aria-pressed", String(model.get("answer") === KINDS[i]));
    });
    next.disabled = !named();
    flat.disabled = !shown || kind !== "degenerate";
    const right = model.get("answer") === kind;
    const lead = model.get("case") < 0 ? `This is ${A[KINDS.indexOf(kind)]}. ` : right ? `✓ Right, ${A[KINDS.indexOf(kind)]}. ` : `≠ You said: ${model.get("answer")}. This is ${A[KINDS.indexOf(kind)]}. `;
    setText(said, shown ? lead + reason(now) : "The surface, the level lines and Newton’s steps appear with your answer.");
    setText(tally, model.get("asked") ? `${model.get("right")} of ${model.get("asked")} named rightly` : "No case named yet");
    const found = newton(now, start, damping, model.get("term"));
    const numbers = [tiny(Math.hypot(...now.gradient)), ...now.eigenvalues.map(tiny), place(start),
      found.plain.length ? place(found.plain) : "not defined", place(found.damped), fixed(found.losses[0], 3),
      found.plain.length ? fixed(found.losses[1], 3) : "–", fixed(found.losses[2], 3)];
    cells.forEach((cell, i) => setText(cell, i < 4 || shown ? numbers[i] : "?"));
    const key = `${model.get("case")} ${model.get("term")} ${room}`;
    if (shown && key !== scene) [scene, drawing] = [key, ground(now, model.get("term"), room)];
    const { size, shapes } = pointShapes(now, start, model.get("term"), shown ? found : null, shown ? drawing : null, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", shown
      ? `Surface and level lines around the point: ${A[KINDS.indexOf(kind)]}. From ${place(start)}, plain Newton ` +
        `${found.plain.length ? `lands at ${place(found.plain)}` : "is not defined"}, damped Newton lands at ${place(found.damped)}.`
      : "Axes with the point, its eigenvectors and a starting place; the loss is not drawn yet.");
  });
  view.follow(traits, () => {
    view.redraw();
    if (!named()) return;
    const { losses } = newton(point(), model.get("start"), model.get("damping"), model.get("term"));
    view.announce(`Loss ${fixed(losses[0], 2)} at the start, ${Number.isNaN(losses[1]) ? "plain not defined" : `${fixed(losses[1], 2)} plain`}, ${fixed(losses[2], 2)} damped.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} a number, or its power of ten where it all but vanishes */
const tiny = (v) => (v !== 0 && Math.abs(v) < 0.001 ? scientific(v, 0) : short(v, 2));
const place = ([a, b]) => `(${fixed(a, 2)}, ${fixed(b, 2)})`;

const REACH = 2.5;
const SIDE = 20; // cells of the surface per side

function boxes(room) {
  const plane = room ? [36, room * 0.8 + 32, room - 6, room * 1.8 - 10] : [308, 30, 574, 296];
  return { size: room ? [room, room * 1.8 + 30] : [580, 340], axes: plotAxes({ box: plane, x: [-REACH, REACH], y: [-REACH, REACH],
    xs: [-2, 0, 2].map((v) => [v, short(v)]), ys: [-2, 0, 2].map((v) => [v, short(v)]), names: ["parameter θ₁", "parameter θ₂"] }),
  surface: room ? { x: room / 2, y: 20 + room * 0.39, unit: room * 0.1 } : { x: 132, y: 168, unit: 37 } };
}

/** What turns places along the eigenvectors into parameters, and back. */
function turned({ angle }) {
  const [cosine, sine] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return { out: ([a, b]) => [cosine * a - sine * b, sine * a + cosine * b], back: (u, v) => [cosine * u + sine * v, cosine * v - sine * u] };
}

/** A look at the surface from above and aside; heights are cut at the frame. */
function projection(surface, scale) {
  const [c, q] = [Math.cos(0.6), Math.sin(0.6)];
  return (u, v, z) => [surface.x + surface.unit * (c * u - q * v),
    surface.y - surface.unit * (0.42 * (q * u + c * v) + 1.9 * Math.max(-1.15, Math.min(1.15, z / scale)))];
}

/** The surface from back to front and the level lines, which no slider of Newton's step changes. */
function ground(point, term, room) {
  const { axes, surface } = boxes(room);
  const { back } = turned(point);
  const height = (u, v) => lossAt(point, back(u, v), term);
  const nodes = Array.from({ length: SIDE + 1 }, (_, i) => -REACH + (2 * REACH * i) / SIDE);
  const heights = nodes.map((u) => nodes.map((v) => height(u, v)));
  const scale = Math.max(...heights.flat().map(Math.abs), 0.5) * 0.8;
  const project = projection(surface, scale);
  const spots = nodes.map((u, i) => nodes.map((v, j) => project(u, v, heights[i][j]).map((x) => x.toFixed(1)).join(" ")));
  const faces = [];
  for (let j = SIDE - 1; j >= 0; j -= 1) { // the far side has the large θ₂ and θ₁
    for (let i = SIDE - 1; i >= 0; i -= 1) {
      const d = `M${spots[i][j]}L${spots[i + 1][j]}L${spots[i + 1][j + 1]}L${spots[i][j + 1]}Z`;
      const mean = (heights[i][j] + heights[i + 1][j + 1]) / 2 / scale;
      faces.push(["path", { d, class: "nn-mesh-under" }],
        ["path", { d, class: "nn-mesh", "fill-opacity": (0.42 - 0.36 * Math.max(-1, Math.min(1, mean))).toFixed(2) }]);
    }
  }
  const levels = Array.from({ length: 7 }, (_, k) => scale * ((k + 0.6) / 7) ** 2 * 1.2);
  const lines = (sign) => levelLines(height, levels.map((v) => sign * v), axes, 40).join("");
  return { faces, project, above: lines(1), below: lines(-1), zero: levelLines(height, [1e-9], axes, 40)[0] };
}

/** The surface on the left (or above), the level lines with Newton's steps on the right (or below). */
function pointShapes(point, start, term, found, drawing, room) {
  const { size, axes, surface } = boxes(room);
  const { out } = turned(point);
  const [l, t, r, b] = axes.box;
  const shapes = [...axes.parts.filter(([tag]) => tag === "text"), ["rect", { x: l, y: t, width: r - l, height: b - t, class: "nn-frame" }],
    ["text", { x: room ? 4 : 8, y: 21, class: "nn-axis" }, "the loss as a surface"]];
  if (drawing) {
    shapes.push(...drawing.faces, ["path", { d: drawing.above, class: "nn-level" }], ["path", { d: drawing.below, class: "nn-level nn-below" }],
      ["path", { d: drawing.zero, class: "nn-level" }]);
  } else {
    shapes.push(["text", { x: surface.x, y: surface.y, class: "nn-num nn-dim", "text-anchor": "middle" }, "hidden until you answer"]);
  }
  const names = [];
  const taken = found ? [start, found.plain, found.damped].filter((c) => c.length).map(out) : [];
  [0, 1].forEach((i) => {
    const way = out(i ? [0, 1] : [1, 0]);
    // The end that is named is one on which no step ends.
    const side = taken.some(([u, v]) => Math.hypot(u - 2.25 * way[0], v - 2.25 * way[1]) < 0.6) ? -1 : 1;
    const end = way.map((v) => side * v);
    const at = (k) => [axes.px(k * end[0]), axes.py(k * end[1])];
    const [[x1, y1], [x2, y2], [x, y]] = [at(-2.1), at(2), at(2.25)];
    shapes.push(["line", { x1, y1, x2, y2, class: `nn-eigen ${i ? "nn-second" : ""}` }]);
    names.push(["text", { x, y: y + 4, class: "nn-num nn-halo nn-used", "text-anchor": "middle" }, `v${"₁₂"[i]}`]);
  });
  const from = out(start);
  const spot = ([u, v]) => ({ cx: axes.px(u), cy: axes.py(v) });
  shapes.push(...names);
  if (found) {
    for (const [end, line, dot] of [[found.plain, "nn-plain", "nn-plain-end"], [found.damped, "nn-walk", "nn-now"]]) {
      if (!end.length) continue;
      const to = out(end);
      shapes.push(["path", { d: pathInside([from, to], axes), class: line }]);
      if (isInside(to, axes)) shapes.push(["circle", { ...spot(to), r: 6, class: dot }]);
      const ground3 = (place, c) => drawing.project(...place, lossAt(point, c, term));
      // On the surface the step follows the ground, in short pieces.
      const pieces = Array.from({ length: 17 }, (_, k) => start.map((c, i) => c + ((end[i] - c) * k) / 16))
        .filter((c) => isInside(out(c), axes)).map((c) => ground3(out(c), c).map((x) => x.toFixed(1)).join(" "));
      if (pieces.length > 1) shapes.push(["path", { d: `M${pieces.join("L")}`, class: line }]);
      if (isInside(to, axes)) {
        const [cx, cy] = ground3(to, end);
        shapes.push(["circle", { cx, cy, r: 5, class: dot }]);
      }
    }
    const [cx, cy] = drawing.project(0, 0, 0);
    shapes.push(["circle", { cx, cy, r: 3.5, class: "nn-point" }]);
    const legend = [["nn-plain", "plain Newton"], ["nn-walk", "damped, |λ| + damping"]];
    legend.forEach(([look, text], i) => {
      const [x, y] = room ? [4, room * 0.8 - 20 + 18 * i] : [8, 312 + 19 * i];
      shapes.push(["line", { x1: x, x2: x + 26, y1: y, y2: y, class: look }], ["text", { x: x + 33, y: y + 4.5, class: "nn-key" }, text]);
    });
  }
  shapes.push(["circle", { ...spot([0, 0]), r: 4.5, class: "nn-point" }]);
  if (clipped(from, from, [axes.x, axes.y])) shapes.push(["circle", { ...spot(from), r: 6, class: "nn-start" }]);
  return { size, shapes };
}

export default { render };
