import { button, freshId, h, onEnter, openView, paint, parseNumber, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";

const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** Each operation: its value, its derivative by each number it reads, and both in letters. */
const OPERATIONS = {
  multiply: { value: (a, b) => a * b, locals: (a, b) => [b, a],
    text: (a, b) => `${a} · ${b}`, symbols: (out, a, b) => [b, a] },
  add: { value: (a, b) => a + b, locals: () => [1, 1],
    text: (a, b) => `${a} + ${b}`, symbols: () => ["", ""] },
  subtract: { value: (a, b) => a - b, locals: () => [1, -1],
    text: (a, b) => `${a} − ${b}`, symbols: () => ["", ""] },
  square: { value: (a) => a * a, locals: (a) => [2 * a],
    text: (a) => `${a}²`, symbols: (out, a) => [`2 · ${a}`] },
  half_square: { value: (a) => 0.5 * a * a, locals: (a) => [a],
    text: (a) => `½ · ${a}²`, symbols: (out, a) => [a] },
  sigmoid: { value: sigmoid, locals: (a) => [sigmoid(a) * (1 - sigmoid(a))],
    text: (a) => `σ(${a})`, symbols: (out) => [`${out} · (1 − ${out})`] },
};

/** A node: name, place (column, row), and for computed ones the operation and what it reads. */
const node = (name, col, row, op = "", ...reads) => ({ name, col, row, op, reads });
const GRAPHS = {
  chain: [node("w", 0, 0), node("x", 0, 1.2), node("b", 1, 2), node("m", 1, 0.6, "multiply", "w", "x"),
    node("a", 2, 1.2, "add", "m", "b"), node("f", 3, 1.2, "sigmoid", "a")],
  shared: [node("x", 0, 1.4), node("u", 1, 0.3, "square", "x"), node("z", 2, 1.4, "add", "u", "x")],
  tied: [node("w", 0, 0), node("x", 0, 2), node("t", 2, 2), node("u", 1, 1.25, "multiply", "w", "x"),
    node("v", 2, 0.4, "multiply", "w", "u"), node("e", 3, 1.2, "subtract", "v", "t"), node("L", 4, 1.2, "half_square", "e")],
};
const START = { chain: [2, 1, -1], shared: [3], tied: [0.5, 2, 1] };
const CHOICES = [["shared", "x² + x"], ["chain", "σ(w·x + b)"], ["tied", "½(w·w·x − t)²"]];
const PRESETS = [
  ["x² + x at 3", "shared", [3]], ["at −½: the paths cancel", "shared", [-0.5]],
  ["σ saturated", "chain", [3, 2, -1]],
];
const QUESTION = "z = x² + x at x = 3. What is dz/dx?";
const FINDING = "Going back along an edge multiplies: what arrives, times the local derivative. Arriving at a " +
  "node by several edges adds. That is why the order is reverse topological: a node may pass on its gradient " +
  "only after every path into it has arrived. A weight that is used twice (third graph) collects two terms in " +
  "the same way, and forgetting one of them is a classic mistake.";

/**
 * Run a graph forward, then back edge by edge. The twin of graph_stepper.backpropagate in Python.
 * @returns {{values: Record<string, number>, gradients: Record<string, number>,
 *   edges: {source: string, target: string, local: number, contribution: number, symbol: string}[]}}
 */
export function backpropagate(graph, inputs) {
  const nodes = GRAPHS[graph];
  const values = {};
  const given = [...inputs];
  for (const { name, op, reads } of nodes) {
    values[name] = op ? OPERATIONS[op].value(...reads.map((r) => values[r])) : given.shift();
  }
  const gradients = Object.fromEntries(nodes.map(({ name }) => [name, 0]));
  gradients[nodes.at(-1).name] = 1;
  const edges = [];
  for (const { name, op, reads } of nodes.filter((n) => n.op).reverse()) {
    const locals = OPERATIONS[op].locals(...reads.map((r) => values[r]));
    const symbols = OPERATIONS[op].symbols(name, ...reads);
    reads.forEach((target, i) => {
      const contribution = gradients[name] * locals[i];
      edges.push({ source: name, target, local: locals[i], contribution, symbol: symbols[i] });
      gradients[target] += contribution;
    });
  }
  return { values, gradients, edges };
}

/** @returns {boolean} whether a typed local derivative is right to about 1 % */
export function closeEnough(answer, local) {
  return Math.abs(answer - local) <= Math.max(0.005, 0.01 * Math.abs(local));
}

/** @returns {number} how far the source moves when this use of the target moves by 0.01, all else held still */
export function nudge(graph, { source, target }, values) {
  const { op, reads } = GRAPHS[graph].find((n) => n.name === source);
  const moved = reads.map((r) => values[r] + (r === target ? 0.01 : 0));
  return OPERATIONS[op].value(...moved) - values[source];
}

const inputsOf = (graph) => GRAPHS[graph].filter((n) => !n.op);
const computed = (graph) => GRAPHS[graph].filter((n) => n.op);
const total = (terms) => terms.reduce((sum, term) => sum + term, 0);
const term = (v) => (v < 0 ? `(${short(v)})` : short(v));
const sum = (terms) => (terms.length < 2 ? short(total(terms))
  : `${terms.map((v, i) => (i ? term(v) : short(v))).join(" + ")} = ${short(total(terms))}`);

/** What is on the board after some steps: nodes with values, edges walked, terms that arrived. */
export function board(graph, inputs, step) {
  const result = backpropagate(graph, inputs);
  const forward = computed(graph);
  const known = [...inputsOf(graph), ...forward.slice(0, step)].map((n) => n.name);
  const walked = Math.max(0, step - forward.length - 1);
  const arrived = Object.fromEntries(GRAPHS[graph].map((n) => [n.name, []]));
  if (step > forward.length) arrived[GRAPHS[graph].at(-1).name].push(1);
  for (const edge of result.edges.slice(0, walked)) arrived[edge.target].push(edge.contribution);
  return { ...result, forward, known, walked, arrived, steps: forward.length + 1 + result.edges.length,
    asked: step > forward.length ? result.edges[walked] : undefined };
}

/** @returns {string} what the last step did, in words */
export function report(graph, inputs, step) {
  const b = board(graph, inputs, step);
  const out = GRAPHS[graph].at(-1).name;
  const done = step >= b.steps ? " Every gradient is there." : "";
  if (step === 0) return "The inputs are given. Forward, each node computes one value from those before it.";
  if (step <= b.forward.length) {
    const { name, op, reads } = b.forward[step - 1];
    return `Forward: ${name} = ${OPERATIONS[op].text(...reads)} = ${OPERATIONS[op].text(...reads.map((r) => term(b.values[r])))} = ${short(b.values[name])}.`;
  }
  if (step === b.forward.length + 1) return `Backward starts at the output: d${out}/d${out} = 1. Now one edge at a time; ∂ is the local derivative of a single edge.`;
  const { source, target, local, contribution, symbol } = b.edges[b.walked - 1];
  const terms = b.arrived[target];
  const meets = terms.length > 1 ? ` Paths meet in ${target} and add: d${out}/d${target} = ${sum(terms)}.` : "";
  return `∂${source}/∂${target} = ${symbol ? `${symbol} = ` : ""}${short(local)}. It passes on ` +
    `d${out}/d${source} · ∂${source}/∂${target} = ${term(total(b.arrived[source]))} · ${term(local)} = ${short(contribution)}.${meets}${done}`;
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "graph-stepper", label: "Graph stepper" });
  const graph = () => model.get("graph");
  const inputs = () => model.get("inputs");
  const step = () => model.get("step");
  let reached = step();
  let shownGraph = "";
  let sliders = [];
  let cells = [];
  let room = 0;
  let open = false;
  let tally = { right: 0, revealed: 0 };

  const choose = (name, values) => {
    reached = 0;
    tally = { right: 0, revealed: 0 };
    const { gradients } = backpropagate(name, values);
    view.save({ graph: name, inputs: values, step: 0, gradient: inputsOf(name).map((n) => gradients[n.name]) });
  };
  const change = (i, v) => {
    const values = inputs().map((old, j) => (j === i ? v : old));
    const { gradients } = backpropagate(graph(), values);
    view.save({ inputs: values, gradient: inputsOf(graph()).map((n) => gradients[n.name]) });
  };
  const goTo = (to) => {
    reached = Math.max(reached, to);
    view.save({ step: to });
    view.announce(report(graph(), inputs(), to));
  };
  const current = () => board(graph(), inputs(), step());
  const next = () => {
    const b = current();
    if (step() >= b.steps) return;
    if (b.asked && reached === step()) {
      view.drawNow(); // two keys in one frame: the field is still hidden, and would refuse the focus
      note.textContent = "First your number, or Reveal.";
      answer.focus();
    } else goTo(step() + 1);
  };
  const back = () => { if (step() > 0) goTo(step() - 1); };
  const check = () => {
    const { asked, values } = current();
    const typed = parseNumber(answer.value);
    if (!asked) return;
    if (!Number.isFinite(typed)) note.textContent = "Please enter a number, for example 0.25 or 1/4.";
    else if (closeEnough(typed, asked.local)) { tally.right += 1; advance("✓ "); } else {
      const others = GRAPHS[graph()].find((n) => n.name === asked.source).reads.filter((r) => r !== asked.target);
      const still = others.length ? ` and ${others.join(", ")} ${others.length > 1 ? "are" : "is"} held still` : "";
      note.textContent = `✗ Not ${answer.value.trim()}. If ${asked.target} moves by 0.01${still}, ${asked.source} moves by about ${short(nudge(graph(), asked, values), 6)}.`;
    }
  };
  const advance = (sign) => {
    answer.value = "";
    note.textContent = "";
    mark = sign;
    goTo(step() + 1);
    if (current().asked) answer.focus(); else backButton.focus();
  };
  let mark = "";

  const picker = segmented({ label: "Graph", options: CHOICES, read: graph, write: (name) => choose(name, START[name]) });
  const sliderBox = h("div", { class: "nn-inputs" });
  const byArrow = (event) => {
    if (event.key === "ArrowRight") { event.preventDefault(); next(); }
    if (event.key === "ArrowLeft") { event.preventDefault(); back(); }
  };
  const backButton = button("← Back", () => { mark = ""; back(); }, { onkeydown: byArrow });
  const nextButton = button("Next →", () => { mark = ""; next(); }, { onkeydown: byArrow });
  const status = h("span", { class: "nn-status" });
  const shapes = s("g");
  const tip = s("marker", { id: freshId(), viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8,
    orient: "auto", markerUnits: "userSpaceOnUse" }, s("path", { d: "M0 0L8 4L0 8Z", class: "nn-tip" }));
  const picture = s("svg", { role: "img" }, s("defs", {}, tip), shapes);
  const rows = h("tbody");
  const table = h("table", { class: "nn-table" }, h("thead", {}, h("tr", {},
    h("th", { scope: "col" }, "node"), h("th", { scope: "col" }, "value"), h("th", { scope: "col" }, "gradient"))), rows);
  table.classList.add("nn-loose");
  const id = freshId();
  const ask = h("label", { for: id, class: "nn-ask-local" });
  const answer = h("input", { type: "text", inputmode: "decimal", id, class: "nn-number", autocomplete: "off",
    onkeydown: onEnter(() => check()) });
  const checkButton = button("Check", check, { class: "nn-button nn-primary" });
  const reveal = button("Reveal", () => { if (current().asked) { tally.revealed += 1; advance(""); } });
  const note = h("p", { class: "nn-note", role: "status" });
  const said = h("p", { class: "nn-report" });
  const question = h("div", { class: "nn-row nn-question-row" }, ask, answer, checkButton, reveal);
  const count = h("p", { class: "nn-tally" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-top" }, picker.row, sliderBox),
    h("div", { class: "nn-row nn-steps", role: "group", "aria-label": "Steps" }, backButton, nextButton, status),
    h("div", { class: "nn-stage" }, picture, h("div", { class: "nn-tables" }, table, count)),
    h("div", { class: "nn-explain nn-panel" }, said, question, note),
    presetRow(PRESETS.map(([name, g, values]) => [name, () => choose(g, values)]), () => choose("shared", START.shared)));

  const truth = () => {
    const { gradients, edges } = backpropagate("shared", [3]);
    const paths = edges.filter((e) => e.target === "x").map((e) => short(e.contribution));
    return `dz/dx = ${short(gradients.x)}. Two paths lead back from z and meet in x, where they add: 2 · 3 = ${paths[1]} arrives ` +
      `through u = x², and ${paths[0]} comes straight from z; ${paths[1]} + ${paths[0]} = ${short(gradients.x)}.`;
  };
  const gate = predictionGate(view, model, {
    id: `graph-stepper:${model.get("key")}`, question: QUESTION, truth,
    judge: (text) => ({ agrees: closeEnough(parseNumber(text), backpropagate("shared", [3]).gradients.x), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Backpropagation, one edge at a time",
    "Say each local derivative, and watch the gradient travel from the output back.", gate, lock, FINDING));

  const buildInputs = () => {
    shownGraph = graph();
    sliders = inputsOf(shownGraph).map((n, i) => slider({ label: n.name, min: -3, max: 3, step: 0.1,
      read: () => inputs()[i], write: (v) => change(i, v) }));
    sliderBox.replaceChildren(h("span", { class: "nn-legend" }, "Inputs"), ...sliders.map((x) => x.row));
    cells = GRAPHS[shownGraph].map(() => [h("td", { class: "nn-f" }), h("td", { class: "nn-b" })]);
    rows.replaceChildren(...GRAPHS[shownGraph].map((n, i) => h("tr", {}, h("th", { scope: "row" }, n.name), ...cells[i])));
  };
  view.onDraw(() => {
    if (inputsOf(graph()).length !== inputs().length) return; // graph and inputs arrive one by one
    if (shownGraph !== graph()) buildInputs();
    const b = current();
    const out = GRAPHS[graph()].at(-1).name;
    picker.sync();
    for (const x of sliders) x.sync();
    const asking = Boolean(b.asked) && reached === step();
    setText(status, step() >= b.steps ? `All ${b.steps} steps done` : `Step ${step()} of ${b.steps}`);
    backButton.disabled = step() === 0;
    nextButton.disabled = step() >= b.steps;
    nextButton.classList.toggle("nn-primary", open && !asking && step() < b.steps);
    setText(said, mark + report(graph(), inputs(), step()));
    question.style.visibility = asking ? "visible" : "hidden";
    setText(ask, b.asked ? `Local derivative ∂${b.asked.source}/∂${b.asked.target} =` : " ");
    if (!asking && note.textContent) note.textContent = "";
    GRAPHS[graph()].forEach((n, i) => {
      setText(cells[i][0], b.known.includes(n.name) ? short(b.values[n.name]) : "?");
      setText(cells[i][1], b.arrived[n.name].length ? sum(b.arrived[n.name]) : "?");
    });
    setText(count, `${tally.right} local derivatives predicted, ${tally.revealed} revealed`);
    const drawing = graphShapes(graph(), b, asking, room, tip.id);
    picture.setAttribute("viewBox", `0 0 ${drawing.size.join(" ")}`);
    paint(shapes, null, drawing.shapes);
    const grads = inputsOf(graph()).filter((n) => b.arrived[n.name].length)
      .map((n) => `gradient of ${n.name} ${sum(b.arrived[n.name])}`);
    picture.setAttribute("aria-label", `Graph of ${out} with ${GRAPHS[graph()].length} nodes; ${b.known.length} values known, ` +
      `${b.walked} of ${b.edges.length} edges walked back${grads.length ? `; ${grads.join(", ")}` : ""}.`);
  });
  view.follow(["graph", "inputs", "step"], () => { reached = Math.max(reached, step()); view.redraw(); });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** The graph as shapes for `paint`; on a narrow page it runs from top to bottom in `room` pixels. */
function graphShapes(graph, b, asking, room, tip) {
  const nodes = GRAPHS[graph];
  const columns = Math.max(...nodes.map((n) => n.col));
  const [half, tall] = [columns > 3 ? 39 : 46, 33];
  const [width, height] = room ? [room, 126 + columns * 104] : [580, 318];
  const place = ({ col, row }) => (room ? [half + 2 + row * Math.min(115, (room - 2 * half - 4) / 2), 58 + col * 104]
    : [half + 2 + col * ((width - 2 * half - 4) / columns), 56 + row * 101]);
  const at = Object.fromEntries(nodes.map((n) => [n.name, place(n)]));
  const out = nodes.at(-1).name;
  const walked = b.edges.slice(0, b.walked);
  const bright = asking ? b.asked : walked.at(-1);
  const edges = [];
  const boxes = [];
  const labels = [];
  for (const edge of b.edges) {
    const [x1, y1] = border(at[edge.target], at[edge.source], half, tall);
    const [x2, y2] = border(at[edge.source], at[edge.target], half, tall);
    const done = walked.includes(edge);
    if (edge === bright) edges.push(["line", { x1, y1, x2, y2, class: "nn-glow" }]);
    edges.push(["line", { x1, y1, x2, y2, class: done ? "nn-link nn-walked" : "nn-link",
      "stroke-width": done ? 2.5 : 1.5, "marker-end": `url(#${tip})` }]);
    if (!done && edge !== bright) continue;
    const text = done ? `×${short(edge.local)}` : "× ?";
    const [x, y, wide] = [(x1 + x2) / 2, (y1 + y2) / 2, 8.4 * text.length + 6];
    const above = Math.abs(x2 - x1) < wide + 14 && Math.abs(y2 - y1) < 18; // too short to be written on
    if (!above) labels.push(["rect", { x: x - wide / 2, y: y - 9, width: wide, height: 18, rx: 3, class: "nn-under" }]);
    labels.push(["text", { x, y: above ? y - 8 : y + 4.5, class: "nn-local nn-back", "text-anchor": "middle" }, text]);
  }
  for (const n of nodes) {
    const [x, y] = at[n.name];
    const known = b.known.includes(n.name);
    const terms = b.arrived[n.name];
    const line = (dy, color, string) => ["text", { x, y: y + dy, class: `nn-num ${color}`, "text-anchor": "middle" }, string];
    boxes.push(
      ["rect", { x: x - half, y: y - tall, width: 2 * half, height: 2 * tall, rx: 9, class: `nn-unit ${known && n.op ? "nn-lit" : ""}` }],
      ["line", { x1: x - half + 8, x2: x + half - 8, y1: y - 12, y2: y - 12, class: "nn-hair" }],
      line(-18, "", n.op ? `${n.name} = ${OPERATIONS[n.op].text(...n.reads)}` : n.name),
      line(4, "nn-front nn-used", known ? short(b.values[n.name]) : "?"),
      line(23, "nn-back", terms.length ? short(total(terms)) : "?"));
    if (terms.length < 2) continue;
    const above = room || n.row === 0;
    const [left, right] = [x < width / 2 - 20, x > width - 100];
    labels.push(["text", { x: left ? x - half : right ? x + half : x, y: above ? y - tall - 9 : y + tall + 18,
      class: "nn-num nn-halo nn-back nn-used", "text-anchor": left ? "start" : right ? "end" : "middle" },
    `d${out}/d${n.name} = ${sum(terms)}`]);
  }
  const legend = ["In each box: value above,", `gradient of ${out} below.`];
  const key = (room ? legend : [legend.join(" ")])
    .map((text, i, lines) => ["text", { x: 0, y: height - 5 - 16 * (lines.length - 1 - i), class: "nn-key" }, text]);
  return { size: [width, height], shapes: [...edges, ...boxes, ...labels, ...key] };
}

/** Where the line from one box's center to another's leaves the first box. */
function border([x, y], [toX, toY], half, tall) {
  const [dx, dy] = [toX - x, toY - y];
  const scale = Math.min(half / Math.abs(dx || 1e-9), tall / Math.abs(dy || 1e-9));
  return [x + dx * scale, y + dy * scale];
}

export default { render };
