import { fixed, h, openView, paint, s, segmented, setText, slider } from "./_kit.js";
import { figureParts, numberGrid, presetRow } from "./_parts.js";
import { pixelShapes, unpackImage } from "./_pixels.js";
import { predictionGate } from "./_gate.js";

const DIGITS = Array.from({ length: 10 }, (_, i) => i);
const MODELS = ["few", "linear", "hidden"];

/** Count how often each digit was called each. The twin of matrix_of in Python. */
export function matrixOf(truth, said, sure, percent) {
  const counts = DIGITS.map(() => DIGITS.map(() => 0));
  for (let i = 0; i < truth.length; i++) if (sure[i] >= 10 * percent) counts[truth[i]][said[i]] += 1;
  return counts;
}

/** The matrix divided by the sums of its rows or columns. The twin of shares in Python. */
export function shares(counts, mode) {
  const sum = (list) => Math.max(1, list.reduce((a, b) => a + b, 0));
  const rows = counts.map(sum);
  const columns = counts.map((_, j) => sum(counts.map((row) => row[j])));
  return counts.map((row, i) => row.map((c, j) => (mode === "rows" ? c / rows[i] : mode === "columns" ? c / columns[j] : c)));
}

/** The two digits most often taken for each other. The twin of most_confused in Python. */
export function mostConfused(counts) {
  let best = [0, 1];
  const both = ([i, j]) => counts[i][j] + counts[j][i];
  for (const i of DIGITS) for (let j = i + 1; j < 10; j++) if (both([i, j]) > both(best)) best = [i, j];
  return best;
}

/** The fullest cell beside the diagonal. */
export function largestMistake(counts) {
  const cells = DIGITS.flatMap((i) => DIGITS.filter((j) => j !== i).map((j) => [i, j]));
  return cells.reduce((best, [i, j]) => (counts[i][j] > counts[best[0]][best[1]] ? [i, j] : best));
}

/** The images of a cell, the one whose truth seemed least likely first. */
export function examplesOf(truth, said, sure, right, percent, [t, c]) {
  return Array.from(truth, (_, i) => i)
    .filter((i) => Number(truth[i]) === t && Number(said[i]) === c && sure[i] >= 10 * percent)
    .sort((a, b) => right[a] - right[b] || a - b);
}

const START = { model: "few", mode: "counts", percent: 0, cell: [3, 3] };
const QUESTION = "A linear model has learned from 40 images, four of each digit. Which two digits does it take for each other most often?";
const PAIRS = [[1, 7], [4, 9], [3, 5], [8, 9]];
const CHOICES = PAIRS.map(([a, b]) => `${a} and ${b}`);
const FINDING = "The accuracy is one number; the matrix says where the mistakes are. Off the diagonal most counts are 0 and a " +
  "few cells hold many of the errors. Look at the images: many of these digits could fool us at this size. More labels " +
  "empty those cells. Rows tell the recall of each digit, columns its precision. With all labels the two models make equally many " +
  "mistakes, but the one with a hidden layer is surer of them: a high probability is no proof. Setting unsure answers " +
  "aside raises the accuracy of the rest, at the price of the digits that nobody has read.";

const rightOf = (counts) => DIGITS.reduce((sum, i) => sum + counts[i][i], 0);
const totalOf = (counts) => counts.flat().reduce((a, b) => a + b, 0);

/** @returns {string[]} how many of n digits are right, wrong, the accuracy, and how many are set aside */
export function readings(counts, n) {
  const [right, total] = [rightOf(counts), totalOf(counts)];
  return [String(right), String(total - right), total ? `${fixed((100 * right) / total, 1)} %` : "none left", String(n - total)];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "confusion-explorer", label: "Confusion matrix" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const truth = model.get("truth");
  const dataOf = (name) => ["said", "sure", "right"].map((trait) => model.get(trait)[MODELS.indexOf(name)]);
  const countsOf = ({ model: name, percent }) => {
    const [said, sure] = dataOf(name);
    return matrixOf(truth, said, sure, percent);
  };
  const images = new Map();
  const imageOf = (i) => {
    if (!images.has(i)) images.set(i, unpackImage(model.get("images")[i]));
    return images.get(i);
  };
  let room = 0;
  let open = false;
  const put = (change) => {
    const counts = countsOf({ ...state(), ...change });
    view.save({ ...change, accuracy: rightOf(counts) / Math.max(1, totalOf(counts)) });
  };

  const pick = (trait, label, options) => segmented({ label, options, read: () => model.get(trait), write: (v) => put({ [trait]: v }) });
  const switches = [
    pick("model", "Model", [["few", "linear, 40 labels"], ["linear", "linear, 899"], ["hidden", "hidden layer, 899"]]),
    pick("mode", "Cells show", [["counts", "counts"], ["rows", "% of row"], ["columns", "% of column"]]),
  ];
  const least = slider({ label: "at least this sure", min: 0, max: 99, step: 1, read: () => model.get("percent"), write: (v) => put({ percent: v }),
    show: (v) => `${v} %`, say: (v) => `at least ${v} percent sure` });
  least.row.classList.add("nn-long");
  const choose = (key) => {
    const cell = [Number(key[1]), Number(key[3])];
    if (String(cell) !== String(model.get("cell"))) put({ cell });
  };
  const grid = numberGrid({ heads: ["is ↓", ...DIGITS.map(String)], pick: choose,
    rows: DIGITS.map((i) => [String(i), DIGITS.map((j) => `t${i}c${j}`)]), say: (key) => `is ${key[1]}, said ${key[3]}` });
  const buttons = [...grid.table.querySelectorAll(".nn-cell")];
  for (const node of buttons) if (node.dataset.key[1] === node.dataset.key[3]) node.dataset.diagonal = "";
  const picture = s("svg", { role: "img" });
  const facts = ["right", "wrong", "accuracy", "set aside"].map((name) => { const b = h("b"); return { b, node: h("span", {}, `${name} `, b) }; });
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, switches[0].row, switches[1].row),
    h("div", { class: "nn-stage" },
      h("div", { class: "nn-matrix nn-tables", role: "group", "aria-label": "Confusion matrix; each number shows its images" }, grid.table,
        h("p", {}, "Rows: what the digit is. Columns: what the model said. Gray: right, purple: wrong."), least.row),
      h("div", {}, h("div", { class: "nn-facts" }, ...facts.map(({ node }) => node)), picture, remark)),
    presetRow([["The largest mistake", () => put({ cell: largestMistake(countsOf(state())) })],
      ["A stronger model", () => put({ model: "hidden", mode: "counts", percent: 0, cell: [8, 1] })],
      ["Only sure answers (80 %)", () => put({ percent: 80 })]], () => put(START)));

  const weak = () => countsOf(START);
  const verdict = () => {
    const counts = weak();
    const both = ([a, b]) => `${a} and ${b}: ${counts[a][b] + counts[b][a]}`;
    return `Of ${totalOf(counts)} digits that it has not seen, these pairs were mixed up so often: ${PAIRS.map(both).join(", ")}. The fullest cell of all is ` +
      `“is ${largestMistake(counts)[0]}, said ${largestMistake(counts)[1]}”.`;
  };
  const gate = predictionGate(view, model, {
    id: `confusion-explorer:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth: verdict,
    judge: (answer) => ({ agrees: answer === mostConfused(weak()).join(" and "), text: verdict() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Which digits are taken for which?",
    "Choose a cell of the confusion matrix and look at the digits behind the number.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    for (const control of [...switches, least]) control.sync();
    const counts = countsOf(now);
    const values = shares(counts, now.mode);
    const key = `t${now.cell[0]}c${now.cell[1]}`;
    const top = Math.max(...values.flat());
    const text = (v) => (v === 0 ? "·" : now.mode === "counts" ? String(v) : fixed(100 * v, 0));
    grid.sync((k) => (open ? text(values[k[1]][k[3]]) : ""), key);
    for (const node of buttons) {
      const v = values[node.dataset.key[1]][node.dataset.key[3]];
      const heat = open && v > 0 ? (0.25 + 0.75 * Math.sqrt(v / top)).toFixed(2) : "0";
      if (node.style.getPropertyValue("--heat") !== heat) node.style.setProperty("--heat", heat);
      if (!open) continue;
      const amount = v === 0 ? "none" : now.mode === "counts" ? text(v) : `${text(v)} percent`;
      const aloud = `is ${node.dataset.key[1]}, said ${node.dataset.key[3]}: ${amount}`;
      if (node.getAttribute("aria-label") !== aloud) node.setAttribute("aria-label", aloud);
    }
    const shown = readings(counts, truth.length);
    facts.forEach(({ b }, i) => setText(b, open ? shown[i] : "?"));
    setText(remark, open ? remarkOn(counts, now.cell) : "The matrix and its images appear with your prediction.");
    const [said, sure, rights] = dataOf(now.model);
    const chosen = open ? examplesOf(truth, said, sure, rights, now.percent, now.cell) : [];
    const { size, shapes } = exampleShapes({ chosen, cell: now.cell, sure, rights, imageOf, open, room });
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", !open ? "No images yet: they appear with your prediction."
      : `${chosen.length} images of the digit ${now.cell[0]} that the model called ${now.cell[1]}` +
        `${chosen.length ? `; the first with probability ${fixed(sure[chosen[0]] / 1000, 2)}` : ""}. Accuracy ${shown[2]}.`);
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const counts = countsOf(state());
    view.announce(remarkOn(counts, model.get("cell")));
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** The chosen cell in words, with the recall of its row and the precision of its column. */
export function remarkOn(counts, [t, c]) {
  const row = counts[t].reduce((a, b) => a + b, 0);
  const column = counts.reduce((sum, r) => sum + r[c], 0);
  const [hit, caught] = [counts[t][t], counts[c][c]];
  const here = t === c ? `${hit} images of ${t} were called ${c}, rightly.` : `${counts[t][c]} images of ${t} were called ${c}.`;
  const recall = row ? ` Of ${row} that are ${t}, ${hit} were called ${t}: recall ${fixed(hit / row, 2)}.` : ` No ${t} is left.`;
  const precision = column ? ` Of ${column} that were called ${c}, ${caught} are ${c}: precision ${fixed(caught / column, 2)}.`
    : ` Nothing was called ${c}.`;
  return here + recall + precision;
}

const AT_MOST = 12;

function exampleShapes({ chosen, cell: [t, c], sure, rights, imageOf, open, room }) {
  const width = room || 422;
  const columns = 4;
  const gap = 10;
  const size = Math.min(86, (width - gap * (columns - 1)) / columns);
  const step = (width - 1 - size) / (columns - 1); // the frames of the outermost need half a pixel
  const high = 30 + 3 * (size + 42);
  const order = t === c ? "the least sure first" : "the worst first";
  const title = !open ? "" : chosen.length === 0 ? "No image in this cell." : chosen.length > AT_MOST ? `${AT_MOST} of ${chosen.length}, ${order}` : order;
  const shapes = [["text", { x: 0, y: 14, class: "nn-tick nn-dim" }, title],
    ["text", { x: width, y: 14, class: "nn-tick", "text-anchor": "end" }, open ? `is ${t}, said ${c}` : ""]];
  for (let i = 0; i < AT_MOST; i++) {
    const [x, y] = [0.5 + (i % columns) * step, 28 + Math.floor(i / columns) * (size + 42)];
    const n = chosen[i];
    if (n === undefined) {
      if (!open) shapes.push(["rect", { x, y, width: size, height: size, class: "nn-sheet" }],
        ["text", { x: x + size / 2, y: y + size / 2 + 4, class: "nn-tick nn-dim", "text-anchor": "middle" }, "?"]);
      continue;
    }
    shapes.push(...pixelShapes(imageOf(n), { x, y, size }),
      ["text", { x, y: y + size + 15, class: "nn-tick nn-used" }, `said ${c}: ${fixed(sure[n] / 1000, 2)}`],
      ["text", { x, y: y + size + 30, class: "nn-tick nn-dim" }, t === c ? "right" : `is ${t}: ${fixed(rights[n] / 1000, 2)}`]);
  }
  return { size: [width, Math.ceil(high)], shapes };
}

export default { render };
