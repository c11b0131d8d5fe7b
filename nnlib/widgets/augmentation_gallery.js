import { button, fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { brokenPath, plotAxes } from "./_plot.js";
import { pixelShapes, unpackImage } from "./_pixels.js";
import { predictionGate } from "./_gate.js";

/** The strengths of each change, none first. The twin of LEVELS in Python. */
export const LEVELS = {
  rotate: [0, 10, 20, 45, 90, 180], scale: [0, 0.1, 0.2, 0.3, 0.5], shift: [0, 0.5, 1, 2, 3], mirror: [0, 1],
  upside: [0, 1], noise: [0, 0.05, 0.1, 0.2, 0.4], cutout: [0, 2, 3, 4, 5], mixup: [0, 0.2, 0.5, 1],
};
const NAMES = Object.keys(LEVELS);
const DIGITS = [6, 9, 3, 8, 0, 2];
const CENTERS = [[4, 4], [3, 4], [2, 5], [4, 3], [5, 4], [3, 3]];
const SECOND = { 0: 0, 0.2: 0.1, 0.5: 0.18, 1: 0.25 };
const SIDE = 8;

/** Look up every new pixel in the old image, nothing beyond its border: nnlib's rotate, scale and shift. */
function affine(image, [[a, b], [c, d]], [down, right]) {
  const center = (SIDE - 1) / 2;
  const at = (row, column) => (row >= 0 && row < SIDE && column >= 0 && column < SIDE ? image[row * SIDE + column] : 0);
  return image.map((_, i) => {
    const [r, q] = [Math.floor(i / SIDE) - center, (i % SIDE) - center];
    const [row, column] = [a * r + b * q + center + down, c * r + d * q + center + right];
    const [top, left] = [Math.floor(row), Math.floor(column)];
    const [u, v] = [row - top, column - left];
    return (1 - u) * ((1 - v) * at(top, left) + v * at(top, left + 1)) + u * ((1 - v) * at(top + 1, left) + v * at(top + 1, left + 1));
  });
}

const WHOLE = [[1, 0], [0, 1]];

/** Change the images as far as training may. The twin of transformed in Python. */
export function transformed(images, name, strength, normals) {
  if (strength === 0) return images;
  return images.map((image, i) => {
    const sign = i % 2 ? -strength : strength;
    if (name === "rotate") {
      const angle = (sign * Math.PI) / 180;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return affine(image, [[cos, sin], [-sin, cos]], [0, 0]);
    }
    if (name === "scale") return affine(image, [[1 / (1 + sign), 0], [0, 1 / (1 + sign)]], [0, 0]);
    if (name === "shift") return affine(image, WHOLE, [-sign, -sign]);
    if (name === "mirror") return image.map((_, k) => image[k - (k % SIDE) + SIDE - 1 - (k % SIDE)]);
    if (name === "upside") return image.map((_, k) => image[(SIDE - 1 - Math.floor(k / SIDE)) * SIDE + (k % SIDE)]);
    if (name === "noise") return image.map((v, k) => v + strength * normals[i][k]);
    if (name === "cutout") {
      const [top, left] = CENTERS[i].map((v) => v - Math.floor(strength / 2));
      const inside = (k) => Math.floor(k / SIDE) >= top && Math.floor(k / SIDE) < top + strength && k % SIDE >= left && k % SIDE < left + strength;
      return image.map((v, k) => (inside(k) ? 0 : v));
    }
    const next = images[(i + 1) % images.length];
    return image.map((v, k) => (1 - SECOND[strength]) * v + SECOND[strength] * next[k]);
  });
}

/** What the network thinks of an image. The twin of answers in Python. */
export function answers([W1, b1, W2, b2], image) {
  const layer = (x, W, b) => b.map((bias, j) => x.reduce((sum, v, i) => sum + v * W[i][j], bias));
  const z = layer(layer(image, W1, b1).map((v) => Math.max(0, v)), W2, b2);
  const e = z.map((v) => Math.exp(v - Math.max(...z)));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
}

/** How much training with a change gains: mean, spread, and how many runs are better. The twin of gains in Python. */
export function gains(runs, none, held) {
  const d = runs.map(([wrong], i) => (none[i][0] - wrong) / held);
  const mean = d.reduce((a, b) => a + b, 0) / d.length;
  return { mean, spread: Math.sqrt(d.reduce((sum, v) => sum + (v - mean) ** 2, 0) / d.length), better: d.filter((v) => v > 0).length };
}

const OFFERED = { "turned by up to 10°": ["rotate", 1], "moved by up to 2 pixels": ["shift", 3],
  "mirrored, half of them": ["mirror", 1], "a square blotted out": ["cutout", 3] };
const CHOICES = Object.keys(OFFERED);

/** @returns {string} the offered change that gains most */
export function bestOffered(runs, held) {
  const gain = ([name, level]) => gains(runs[NAMES.indexOf(name)][level], runs[NAMES.indexOf(name)][0], held).mean;
  return CHOICES.reduce((best, text) => (gain(OFFERED[text]) > gain(OFFERED[best]) ? text : best));
}

const START = { change: "rotate", level: 5 };
const PRESETS = [["Turn a 6", START], ["Mirror a 3", { change: "mirror", level: 1 }],
  ["Turn a little", { change: "rotate", level: 1 }], ["Move by one pixel", { change: "shift", level: 2 }]];
const QUESTION = "A network has 100 labeled digits. In training each image is changed at random before every use, in one of these ways. " +
  "Which way makes it most accurate on held-out digits?";
const FINDING = "Augmentation says: this change does not touch the label. For half a turn that is false: a 6 becomes a 9, and the network is taught " +
  "contradictions. A mirrored 3 is no 3, though 8 and 0 survive. But a true label is not enough. A digit moved by a pixel is still that digit, " +
  "and training with it makes the network steady against moves; yet the held-out digits are all centered, so it pays for what is not asked: moves by " +
  "two pixels cost accuracy. Cutting out and mixing up cost accuracy on these 8 × 8 images, too. " +
  "What helped here are small changes that really occur: slight turns, moves by half a pixel, some noise. Measure, do not assume.";
const points = (v) => `${v > 0 ? "+" : ""}${fixed(100 * v, 1)}`;

/** How strong a change is, in words. */
export function strengthText(name, strength) {
  if (strength === 0) return "none";
  return { rotate: `up to ${strength}°`, scale: `up to ${short(100 * strength)} %`,
    shift: `up to ${strength} pixel${strength > 1 ? "s" : ""}`, mirror: "half of them", upside: "half of them",
    noise: `deviation ${strength}`, cutout: `${strength} × ${strength} pixels`, mixup: `α = ${strength}` }[name];
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "augmentation-gallery", label: "Augmentation gallery" });
  const originals = model.get("images").map(unpackImage);
  const [network, normals, runs, held] = ["network", "normals", "runs", "held"].map((trait) => model.get(trait));
  const state = () => {
    const change = model.get("change");
    return { change, level: Math.min(model.get("level"), LEVELS[change].length - 1), marks: model.get("marks"), compared: model.get("compared") };
  };
  let room = 0;
  let open = false;
  const put = (values) => view.save(values);
  const markOf = ({ change, level }, digit) => `${change} ${level} ${digit}`;

  const change = segmented({ label: "Change", options: [["rotate", "turn"], ["scale", "scale"], ["shift", "move"],
    ["mirror", "mirror"], ["upside", "upside down"], ["noise", "noise"], ["cutout", "cut out"], ["mixup", "mix up"]],
    read: () => model.get("change"), write: (v) => put({ change: v, level: Math.min(state().level, LEVELS[v].length - 1) }) });
  const strength = slider({ label: "strength", min: 0, max: 5, step: 1, read: () => state().level, write: (v) => put({ level: v }),
    show: (v) => strengthText(model.get("change"), LEVELS[model.get("change")][v]) });
  strength.row.classList.add("nn-long");
  const picture = s("svg", { role: "img" });
  const chart = s("svg", { role: "img", class: "nn-chart" });
  const toggles = DIGITS.map((digit) => button("", () => {
    const [now, mark] = [state().marks, markOf(state(), digit)];
    put({ marks: now.includes(mark) ? now.filter((m) => m !== mark) : [...now, mark] });
  }));
  const compare = button("Compare with the model", () => put({ compared: !model.get("compared") }), { class: "nn-button nn-compare" });
  const names = ["change in accuracy", "spread of 10 runs", "runs that gain", "on digits as they are", "on digits changed likewise",
    "… trained without"];
  const cells = names.map(() => h("td"));
  const table = h("table", { class: "nn-table nn-loose" }, h("tbody", {}, ...names.map((name, i) => h("tr", {},
    h("th", { scope: "row" }, name), cells[i]))));
  const remark = h("p", { class: "nn-remark" });
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, change.row),
    h("div", { class: "nn-stage" }, h("div", {}, strength.row, picture, h("div",
      { class: "nn-marks", role: "group", "aria-label": "Is each image still its digit?" }, ...toggles), compare, chart),
      h("div", { class: "nn-tables" }, remark, table)),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put(preset)]), () => put({ ...START, marks: [], compared: false })));

  const runsOf = (name) => runs[NAMES.indexOf(name)];
  const truth = () => {
    const gain = ([name, level]) => points(gains(runsOf(name)[level], runsOf(name)[0], held).mean);
    return `Measured with ten seeds, in percentage points of accuracy: ${CHOICES.map((text) => `${text} ${gain(OFFERED[text])}`).join(", ")}.`;
  };
  const gate = predictionGate(view, model, {
    id: `augmentation-gallery:${model.get("key")}`, question: QUESTION, choices: CHOICES, truth,
    judge: (answer) => ({ agrees: answer === bestOffered(runs, held), text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("Which changes leave a label true?",
    "Change six digits, mark those that lose their label, and compare with what training says.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    const amount = LEVELS[now.change][now.level];
    change.sync();
    strength.input.max = String(LEVELS[now.change].length - 1);
    strength.sync();
    const images = open ? transformed(originals, now.change, amount, normals) : originals;
    const said = images.map((image) => answers(network, image));
    const shown = open && now.compared;
    DIGITS.forEach((digit, i) => {
      const marked = now.marks.includes(markOf(now, digit));
      setText(toggles[i], marked ? `not ${digit}` : `still ${digit}`);
      toggles[i].setAttribute("aria-pressed", String(marked));
      toggles[i].setAttribute("aria-label", `the ${digit}, changed: ${marked ? `no longer a ${digit}` : `still a ${digit}`}`);
    });
    setText(compare, now.compared ? "Hide what the model says" : "Compare with the model");
    compare.classList.toggle("nn-primary", open && !now.compared);
    const best = said.map((p) => p.indexOf(Math.max(...p)));
    paint(picture, ...galleryShapes({ originals, images, said, best, shown, room }));
    const set = runsOf(now.change);
    paint(chart, ...chartShapes({ now, set, held, shown, room }));
    const { mean, spread } = gains(set[now.level], set[0], held);
    const values = readings(now, set, held);
    cells.forEach((td, i) => setText(td, shown ? values[i] : "?"));
    setText(remark, !open ? "The images change after your prediction." : !now.compared
      ? "Look at each image below its original. Is it still the digit that its label says? Press the button under those that are not, then compare."
      : remarkOn(now, best, { mean, spread }));
    picture.setAttribute("aria-label", `The digits ${DIGITS.join(", ")} and below each the same after “${now.change}”, ${strengthText(now.change, amount)}.` +
      (shown ? ` The model says ${best.join(", ")}.` : ""));
    chart.setAttribute("aria-label", shown
      ? `Trained with it the accuracy on held-out digits changes by ${points(mean)} points, spread ${fixed(100 * spread, 1)}, in the mean of ten runs.`
      : "Accuracy against strength: hidden until you compare.");
  });
  view.follow([...Object.keys(START), "marks", "compared"], () => {
    view.redraw();
    const now = state();
    view.announce(`${now.change}, ${strengthText(now.change, LEVELS[now.change][now.level])}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string[]} the numbers of the table, top to bottom */
export function readings({ change, level }, set, held) {
  const { mean, spread, better } = gains(set[level], set[0], held);
  const accuracy = (k) => `${fixed(100 * (1 - set[level].reduce((sum, run) => sum + run[k], 0) / set[level].length / held), 1)} %`;
  const likewise = change !== "mixup";
  return [level ? points(mean) : "0", level ? `± ${fixed(100 * spread, 1)}` : "0", level ? `${better} of ${set[0].length}` : "–",
    accuracy(0), likewise ? accuracy(1) : "–", likewise ? accuracy(2) : "–"];
}

/** What the learner marked, what the model reads, and what training with the change does. */
export function remarkOn({ change, level, marks }, best, { mean, spread }) {
  const mine = DIGITS.filter((digit) => marks.includes(`${change} ${level} ${digit}`));
  const pairs = DIGITS.flatMap((digit, i) => (best[i] === digit ? [] : [`${digit} for ${best[i]}`]));
  const you = `You marked ${mine.length ? mine.join(", ") : "none"}. `;
  const model = `A network that has seen only digits as they are takes ${pairs.length ? pairs.join(", ") : "none of them for another digit"}. `;
  const effect = level === 0 ? "" : Math.abs(mean) < spread ? "Training with it: no difference that exceeds the spread of the runs."
    : mean > 0 ? "Training with it helps here." : "Training with it harms here.";
  return you + model + effect;
}

/** Originals, changed images, and what the model says of these. */
function galleryShapes({ originals, images, said, best, shown, room }) {
  const width = room || 580;
  const size = Math.min(80, (width - 5 * 8) / 6);
  const cell = (width + 8) / 6;
  const shapes = [];
  images.forEach((image, i) => {
    const x = i * cell + (cell - 8 - size) / 2;
    shapes.push(["text", { x: x + size / 2, y: 12, class: "nn-tick nn-dim", "text-anchor": "middle" }, `label ${DIGITS[i]}`],
      ...pixelShapes(originals[i], { x: x + size / 2 - 18, y: 18, size: 36 }), ...pixelShapes(image, { x, y: 62, size }),
      ["text", { x: x + size / 2, y: size + 78, class: `nn-tick ${shown && best[i] !== DIGITS[i] ? "nn-off" : ""}`,
        "text-anchor": "middle" }, shown ? `says ${best[i]}` : "says ?"],
      ["text", { x: x + size / 2, y: size + 94, class: "nn-tick nn-dim", "text-anchor": "middle" }, shown ? fixed(Math.max(...said[i]), 2) : ""]);
  });
  return [[width, Math.ceil(size + 100)], shapes];
}

const MARKS = { with: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", likewise: "M-4.5 -4.5H4.5V4.5H-4.5Z", without: "M0 -6L5.5 4H-5.5Z" };

/** The accuracies against the strength: each place of the slider is one training. */
export function chartShapes({ now, set, held, shown, room }) {
  const [width, height] = [room || 580, 252];
  const levels = LEVELS[now.change];
  const xs = levels.map((v, i) => [i, v === 0 ? "none" : { rotate: `${v}°`, scale: `${100 * v} %`, mirror: "half",
    upside: "half" }[now.change] ?? String(v)]);
  const units = { rotate: "largest angle", scale: "largest change of size", shift: "largest move, in pixels", mirror: "mirrored",
    upside: "upside down", noise: "deviation of the noise", cutout: "side of the square, in pixels", mixup: "α" };
  const axes = plotAxes({ box: [44, 62, width - 14, height - 42], x: [-0.25, levels.length - 0.75], y: [0.1, 1], xs,
    ys: [0.2, 0.4, 0.6, 0.8, 1].map((v) => [v, `${fixed(100 * v, 0)} %`]), names: [units[now.change],
      "accuracy on held-out digits, mean of 10 runs"] });
  axes.parts.at(-1)[1].y = 12;
  const shapes = [...axes.parts];
  const kinds = [["with", 0, room ? "as they are" : "digits as they are"], ["likewise", 1, room ? "changed" : "changed likewise"],
    ["without", 2, room ? "…trained without" : "changed likewise, trained without it"]];
  kinds.forEach(([name, , text], i) => {
    const from = 8 + [0, room ? 104 : 152, room ? 198 : 294][i];
    shapes.push(["line", { x1: from, x2: from + 20, y1: 36, y2: 36, class: `nn-${name}` }],
      ["path", { d: MARKS[name], transform: `translate(${from + 10} 36)`, class: `nn-at nn-at-${name}` }],
      ["text", { x: from + 24, y: 40, class: "nn-tick" }, text]);
  });
  if (!shown) return [[width, height], shapes];
  shapes.push(["line", { x1: axes.px(now.level), x2: axes.px(now.level), y1: 62, y2: height - 42, class: "nn-chosen" }]);
  const places = levels.map((_, i) => i);
  const rate = (i, k) => set[i].map((run) => 1 - run[k] / held);
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  for (const [name, k] of [...kinds].reverse()) {
    if (k && now.change === "mixup") continue;
    const ys = places.map((i) => mean(rate(i, k)));
    shapes.push(["path", { d: brokenPath(places, ys, axes), class: `nn-${name}` }]);
    places.forEach((i) => {
      if (k === 0) {
        const spread = Math.sqrt(mean(rate(i, 0).map((v) => (v - ys[i]) ** 2)));
        shapes.push(["line", { x1: axes.px(i), x2: axes.px(i), y1: axes.py(ys[i] - spread), y2: axes.py(ys[i] + spread), class: "nn-whisker" }]);
      }
      shapes.push(["path", { d: MARKS[name], transform: `translate(${axes.px(i).toFixed(1)} ${axes.py(ys[i]).toFixed(1)})`,
        class: `nn-at nn-at-${name}` }]);
    });
  }
  return [[width, height], shapes];
}

export default { render };
