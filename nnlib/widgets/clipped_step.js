import { fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";

const PATTERNS = [[0.8, -0.4, 0.4, 0.2], [2 / 3, 2 / 3, -1 / 3], [0.6, -0.8]];
const TENSORS = ["W₁", "W₂", "b"];
const [SHORTEST, LONGEST] = [0.25, 10];

const norm = (a) => Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));

/** The gradient before and after clipping. The twin of clipped_step.clip in Python. */
export function clip(lengths, limit, method) {
  const tensors = PATTERNS.map((pattern, i) => pattern.map((v) => lengths[i] * v));
  const before = tensors.flat();
  const shorter = (tensor, size) => tensor.map((v) => v * Math.min(1, limit / size));
  const after = tensors.map((tensor) => {
    if (method === "value") return tensor.map((v) => Math.max(-limit, Math.min(limit, v)));
    return shorter(tensor, method === "norm" ? norm(before) : norm(tensor));
  });
  const entries = after.flat();
  const length = norm(entries);
  const cosine = before.reduce((sum, v, i) => sum + v * entries[i], 0) / (norm(before) * length);
  return { before, entries, lengths: after.map(norm), length, cosine: Math.min(1, cosine),
    angle: (Math.acos(Math.min(1, cosine)) * 180) / Math.PI };
}

const START = { lengths: [8, 1, 0.5], limit: 1, method: "norm" };
const PRESETS = [
  ["One tensor explodes", { lengths: [10, 0.5, 0.5], limit: 1 }],
  ["All equally long", { lengths: [5, 5, 5], limit: 1 }],
  ["Short already", { lengths: [0.5, 0.5, 0.5], limit: 1 }],
];
const METHODS = { norm: "global norm", tensor: "each tensor", value: "by value" };
const QUESTION = "The gradients of W₁, W₂ and b have lengths 8, 1 and 0.5. Each tensor by itself is clipped to length 1. " +
  "By how much does the direction of the whole step turn?";
const CHOICES = { "it does not turn": 0, "by about 5°": 5, "by about 40°": 40, "by about 90°": 90 };
const FINDING = "The global norm multiplies all numbers by one factor: the step becomes shorter and keeps its direction. " +
  "Clipping each tensor shortens only the long ones, so the others weigh more than before and the step turns, unless all are " +
  "shortened alike. Clipping by value flattens the large numbers inside a tensor too. The step still goes downhill in all three, " +
  "since no sign changes, but per unit of length the loss falls, to first order, only cos(angle) times as fast. The same limit c means " +
  "different lengths: at most c, c√3 for three tensors, and c√9 for nine numbers.";

/** @returns {string} the choice nearest to the measured angle */
export function nearestChoice() {
  const { angle } = clip(START.lengths, START.limit, "tensor");
  return Object.keys(CHOICES).reduce((best, text) =>
    (Math.abs(CHOICES[text] - angle) < Math.abs(CHOICES[best] - angle) ? text : best));
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "clipped-step", label: "Clipped step" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  let room = 0;
  let open = false;
  const put = (change) => {
    const { lengths, limit, method } = { ...state(), ...change };
    const { angle, length } = clip(lengths, limit, method);
    view.save({ ...change, angle, length });
  };

  const sliders = [
    ...TENSORS.map((name, i) => slider({ label: `‖∂L/∂${name}‖`, min: SHORTEST, max: LONGEST, step: 0.25, read: () => model.get("lengths")[i],
      write: (v) => put({ lengths: model.get("lengths").map((old, k) => (k === i ? v : old)) }) })),
    slider({ label: "limit c", min: SHORTEST, max: LONGEST, step: 0.25, read: () => model.get("limit"), write: (v) => put({ limit: v }) }),
  ];
  const method = segmented({ label: "Clip by", options: Object.entries(METHODS), read: () => model.get("method"), write: (v) => put({ method: v }) });
  const picture = s("svg", { role: "img" });
  const rows = ["not clipped", ...Object.values(METHODS)];
  const cells = rows.map(() => [h("td"), h("td"), h("td")]);
  const lines = rows.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), ...cells[i]));
  const table = h("table", { class: "nn-table nn-loose" },
    h("thead", {}, h("tr", {}, ...["", "length", "angle", "cos"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...lines));
  const remark = h("p", { class: "nn-remark" });
  const group = (legend, ...parts) => h("fieldset", { class: "nn-group" }, h("legend", {}, legend), ...parts);
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, method.row),
    h("div", { class: "nn-stage" }, picture, h("div", { class: "nn-tables" }, table, remark)),
    h("div", { class: "nn-sliders nn-clip-sliders" }, group("Lengths of the three gradients", ...sliders.slice(0, 3).map(({ row }) => row)),
      group("Clipping", sliders[3].row)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put(START)));

  const truth = () => {
    const { angle, lengths } = clip(START.lengths, START.limit, "tensor");
    return `It turns by ${fixed(angle, 0)}°. The lengths were 8 : 1 : 0.5 and are now ${lengths.map((v) => short(v, 2)).join(" : ")}, ` +
      "so W₂ and b have far more say in the step than the loss gave them.";
  };
  const gate = predictionGate(view, model, {
    id: `clipped-step:${model.get("key")}`, question: QUESTION, choices: Object.keys(CHOICES), truth,
    judge: (answer) => ({ agrees: answer === nearestChoice(), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("What does clipping do to the direction of a step?",
    "Clip one gradient of three tensors in three ways, and compare lengths and directions.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const control of [...sliders, method]) control.sync();
    const chosen = clip(now.lengths, now.limit, now.method);
    const whole = norm(chosen.before);
    readings(now).forEach((texts, i) => texts.forEach((text, k) => setText(cells[i][k], open ? text : "?")));
    lines.forEach((line, i) => line.classList.toggle("nn-chosen", open && i === 1 + Object.keys(METHODS).indexOf(now.method)));
    setText(remark, open ? remarkOn(now, chosen, whole) : "The clipped step appears with your prediction.");
    const { size, shapes } = stepShapes(now, chosen, open, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open ? `Clipped by ${METHODS[now.method]} at ${short(now.limit)}: length ${whole.toFixed(2)} becomes ${chosen.length.toFixed(2)}, ` +
      `and the direction turns by ${chosen.angle.toFixed(1)} degrees.`
      : `A gradient of nine numbers in three tensors, of length ${whole.toFixed(2)}, not clipped yet.`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const { lengths, limit, method: name } = state();
    const { angle, length } = clip(lengths, limit, name);
    view.announce(`Length ${length.toFixed(2)}, turned by ${angle.toFixed(1)} degrees.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string[][]} length, angle and cosine of the step: not clipped, then by each method */
export function readings({ lengths, limit }) {
  const found = Object.keys(METHODS).map((name) => clip(lengths, limit, name));
  return [{ length: norm(found[0].before), angle: 0, cosine: 1 }, ...found]
    .map(({ length, angle, cosine }) => [fixed(length, 2), `${fixed(angle, 1)}°`, fixed(cosine, 2)]);
}

/** One or two sentences on what the chosen method does. */
export function remarkOn({ method, limit }, { length, angle, cosine }, whole) {
  if (whole - length < 1e-9) return "Nothing is longer than the limit, so nothing changes.";
  if (method === "norm") return `All nine numbers are multiplied by ${fixed(limit / whole, 3)}: shorter, and the same direction.`;
  if (angle < 0.05) return "Everything is shortened by the same factor here, so the step does not turn.";
  return `The step has turned by ${fixed(angle, 0)}°. Per unit of its length the loss falls ${fixed(cosine, 2)} times as fast as straight downhill.`;
}

/** Nine bars before and after, and both steps as arrows with the angle between them. */
function stepShapes(now, chosen, open, room) {
  const [width, height] = room ? [room, 598] : [580, 330];
  const bars = room ? [34, 48, width - 8, 228] : [36, 48, 318, 262];
  const fan = room ? [16, 346, width - 12, 546] : [352, 62, 572, 262];
  return { size: [width, height], shapes: [...barShapes(now, chosen, open, bars, room), ...fanShapes(now, chosen, open, fan)] };
}

function barShapes({ lengths, limit, method }, { before, entries, lengths: after }, open, [left, top, right, bottom], room) {
  const most = Math.max(...before.map(Math.abs), 0.5);
  const step = most > 5 ? 4 : most > 2.5 ? 2 : most > 1.2 ? 1 : 0.5;
  const high = Math.ceil(most / step - 1e-9) * step;
  const py = (v) => top + ((high - v) / (2 * high)) * (bottom - top);
  const slot = (right - left) / 11;
  const shapes = [["text", { x: left - 28, y: top - 24, class: "nn-num" }, open ? "the nine numbers: outline before, filled after" : "the nine numbers of the gradient"]];
  for (let v = -high; v <= high + 1e-9; v += step) {
    shapes.push(["line", { x1: left, x2: right, y1: py(v), y2: py(v), class: v === 0 ? "nn-faint-axis" : "nn-hair" }],
      ["text", { x: left - 7, y: py(v) + 4, class: "nn-key", "text-anchor": "end" }, short(v)]);
  }
  if (open && method === "value" && limit <= high) {
    for (const v of [limit, -limit]) shapes.push(["line", { x1: left, x2: right, y1: py(v), y2: py(v), class: "nn-cap" }]);
  }
  let at = left;
  let i = 0;
  PATTERNS.forEach((pattern, t) => {
    const start = at;
    for (const _ of pattern) {
      const rect = (v, inset, look) => ["rect", { x: at + inset, width: slot - 2 * inset, y: Math.min(py(v), py(0)), height: Math.max(0.5, Math.abs(py(v) - py(0))), class: look }];
      shapes.push(rect(before[i], 2, "nn-raw"));
      if (open) shapes.push(rect(entries[i], 5, "nn-cut"));
      at += slot;
      i += 1;
    }
    const middle = (start + at) / 2;
    const size = short(lengths[t], 2);
    shapes.push(["text", { x: middle, y: bottom + 22, class: "nn-num nn-used", "text-anchor": "middle" }, TENSORS[t]],
      ["text", { x: middle, y: bottom + 41, class: "nn-key", "text-anchor": "middle" }, open && !room ? `${size} → ${short(after[t], 2)}` : size]);
    if (open && room) shapes.push(["text", { x: middle, y: bottom + 57, class: "nn-key", "text-anchor": "middle" }, `→ ${short(after[t], 2)}`]);
    at += slot;
  });
  return shapes;
}

function fanShapes({ limit, method }, { before, length, angle }, open, [left, top, right, bottom]) {
  const whole = norm(before);
  const reach = Math.min(right - left, bottom - top);
  const scale = reach / Math.max(whole, length);
  const [ox, oy] = [left, bottom];
  const turn = (angle * Math.PI) / 180;
  const point = (r, a) => [ox + r * Math.cos(a), oy - r * Math.sin(a)];
  const shapes = [["text", { x: left, y: top - 38, class: "nn-num" }, "the step: length and direction"],
    ["text", { x: left, y: top - 20, class: "nn-key" }, open ? "both in their common plane" : ""]];
  const arrow = (size, a, look, width) => {
    const [x, y] = point(size, a);
    const head = Math.min(11, Math.max(6, size * 0.4));
    const [bx, by] = point(size - head, a);
    const [nx, ny] = [Math.sin(a) * head * 0.45, Math.cos(a) * head * 0.45];
    return [["line", { x1: ox, y1: oy, x2: bx, y2: by, class: look, "stroke-width": width }],
      ["path", { d: `M${x} ${y}L${bx + nx} ${by + ny}L${bx - nx} ${by - ny}Z`, class: `${look} nn-head` }]];
  };
  const rim = (r, from, to) => {
    const [[ax, ay], [bx, by]] = [point(r, from), point(r, to)];
    return `M${ax} ${ay}A${r} ${r} 0 0 0 ${bx} ${by}`;
  };
  if (open && method === "norm" && limit * scale <= reach) {
    const r = limit * scale;
    shapes.push(["path", { d: rim(r, 0, Math.PI / 2), class: "nn-cap nn-open-path" }], ["text", { x: ox + 4, y: oy - r - 6, class: "nn-key" }, `length c = ${short(limit)}`]);
  }
  shapes.push(...arrow(whole * scale, 0, "nn-before", 5));
  shapes.push(["text", { x: right, y: bottom + 22, class: "nn-key", "text-anchor": "end" }, `not clipped: ${fixed(whole, 2)}`]);
  if (!open) return shapes;
  if (angle > 0.05) {
    const [x, y] = point(reach * 0.92, turn);
    shapes.push(["line", { x1: ox, y1: oy, x2: x, y2: y, class: "nn-ray" }], ["path", { d: rim(reach * 0.5, 0, turn), class: "nn-arc nn-open-path" }]);
    const [tx, ty] = point(reach * 0.5 + 12, turn / 2);
    shapes.push(["text", { x: tx, y: ty + 4, class: "nn-num nn-halo nn-used" }, `${fixed(angle, 1)}°`]);
  }
  shapes.push(...arrow(length * scale, turn, "nn-after", 3));
  shapes.push(["text", { x: right, y: bottom + 41, class: "nn-num nn-back nn-used", "text-anchor": "end" }, `clipped: ${fixed(length, 2)}`]);
  return shapes;
}

export default { render };
