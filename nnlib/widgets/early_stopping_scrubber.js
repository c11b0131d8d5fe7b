import { fixed, h, openView, paint, s, segmented, setText, short, slider } from "./_kit.js";
import { figureParts, presetRow } from "./_parts.js";
import { predictionGate } from "./_gate.js";
import { pathInside } from "./_plane.js";
import { plotAxes } from "./_plot.js";

const RUNS = ["digits", "jagged", "plateau", "random"]; // as in the trait "runs"; the slides' losses are here
const SLIDES = [0.21, 0.0401, 0.04001, 0.03998, 0.3];
const DELTAS = [0, 0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
const EPOCHS = 60;
const SPLITS = 24;

/** The recorded losses of a run in one of its splits. The twin of early_stopping_scrubber.losses_of. */
export function lossesOf(runs, run, split) {
  if (run === "slides") return { training: [], validation: SLIDES, test: [] };
  const { training, pool, halves } = runs[RUNS.indexOf(run)];
  const first = halves[Math.floor((split - 1) / 2)];
  const second = pool.map((p, i) => 2 * p - first[i]);
  const nats = (curve) => curve.map((v) => v / 10000);
  const [validation, test] = split % 2 ? [first, second] : [second, first];
  return { training: nats(training), validation: nats(validation), test: nats(test) };
}

/** What early stopping does with a run. The twin of early_stopping_scrubber.follow_rule. */
export function followRule(losses, patience, minDelta) {
  let [best, restored] = [Infinity, 0];
  const waits = [];
  for (let i = 0; i < losses.length; i += 1) {
    if (best - losses[i] > minDelta) [best, restored] = [losses[i], i + 1];
    waits.push(i + 1 - restored);
    if (waits[i] >= patience) return { waits, stopped: i + 1, early: true, restored };
  }
  return { waits, stopped: losses.length, early: false, restored };
}

/** Means over all splits of what both halves say. The twin of early_stopping_scrubber.report. */
export function report(runs, run, patience, minDelta) {
  const sums = [0, 0, 0];
  for (let split = 1; split <= SPLITS; split += 1) {
    const { validation, test } = lossesOf(runs, run, split);
    const { stopped, restored } = followRule(validation, patience, minDelta);
    [validation[restored - 1], test[restored - 1], test[stopped - 1]].forEach((v, i) => { sums[i] += v / SPLITS; });
  }
  return { validation: sums[0], test: sums[1], optimism: sums[1] - sums[0], last: sums[2] };
}

export const START = { run: "digits", patience: 5, min_delta: 0, split: 3, epoch: 12 };
export const PRESETS = [
  ["Patience 1", { run: "jagged", patience: 1, epoch: 8 }], ["Stopped on a plateau", { run: "plateau", split: 1, epoch: 6 }],
  ["Through the plateau", { run: "plateau", patience: 10, split: 1, epoch: 39 }], ["Coin tosses", { run: "random", patience: 20, epoch: 7 }],
  ["The slides’ losses", { run: "slides", patience: 2, min_delta: 0.001, epoch: 4 }],
];
const CHOICES = ["lower on average", "the same on average", "higher on average"];
const FINDING = "A small patience stops on noise (large steps, patience 1: the run ends after epoch 8, its best is epoch 12) or on a plateau, before " +
  "learning has begun. A larger patience costs epochs and little else, because the weights of the best epoch come back. Without that, the " +
  "last epoch would be kept: on digits with patience 60 that means 0.977 on new rows instead of 0.589. It costs nothing where the curve " +
  "stays near its best (the plateau, patience 10). With patience 60 and min_delta 0 the rows that chose the epoch report too small a loss, on average, in all " +
  "four runs: they were asked 60 times, and the luckiest answer was kept. Half of the splits exchange the two halves, so only the choice " +
  "can make the difference. A rule that stops after a few epochs has chosen from few, and then both halves may agree. On coin-toss labels no model " +
  "can do better than ln 2 = 0.6931 on new rows; with patience 20 the rows that chose report 0.6926, the others 0.7273. A third split reports honestly.";

const question = (mean) => "A network trains for 60 epochs on digits. One half of the held-out rows validates, and the epoch with the lowest " +
  `validation loss is kept: ${fixed(mean, 2)} on average over 24 such splits. What is the loss of the kept epochs on the other half?`;

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "early-stopping-scrubber", label: "Early stopping" });
  const state = () => Object.fromEntries(Object.keys(START).map((name) => [name, model.get(name)]));
  const runs = model.get("runs");
  const kept = new Map(); // means over the splits by what they depend on: a drag of the epoch needs them in each frame
  const reportOf = ({ run, patience, min_delta: delta }) => {
    const key = `${run} ${patience} ${delta}`;
    if (!kept.has(key)) kept.set(key, run === "slides" ? null : report(runs, run, patience, delta));
    return kept.get(key);
  };
  const decided = ({ run, split, patience, min_delta: delta }) => followRule(lossesOf(runs, run, split).validation, patience, delta);
  const settled = report(runs, "digits", EPOCHS, 0);
  const answer = CHOICES[settled.optimism > 0.005 ? 2 : settled.optimism < -0.005 ? 0 : 1];
  const most = () => (model.get("run") === "slides" ? SLIDES.length : EPOCHS);
  let room = 0;
  let open = false;
  const put = (change) => {
    const { stopped, restored } = decided({ ...state(), ...change });
    view.save({ ...change, stopped, restored });
  };

  const switches = segmented({ label: "Recorded run", read: () => model.get("run"), write: (v) => put({ run: v }),
    options: [["digits", "digits"], ["jagged", "large steps"], ["plateau", "a plateau"], ["random", "coin-toss labels"], ["slides", "the slides’ losses"]] });
  const epoch = slider({ label: "epoch", min: 1, max: EPOCHS, step: 1, read: () => Math.min(model.get("epoch"), most()), write: (v) => put({ epoch: v }) });
  epoch.row.classList.add("nn-long");
  const patience = slider({ label: "patience", min: 1, max: EPOCHS, step: 1, read: () => model.get("patience"), write: (v) => put({ patience: v }),
    say: (v) => `${v} ${v === 1 ? "epoch" : "epochs"}` });
  const delta = slider({ label: "min_delta", min: 0, max: DELTAS.length - 1, step: 1, write: (v) => put({ min_delta: DELTAS[v] }), show: (v) => short(DELTAS[v]),
    read: () => DELTAS.reduce((best, v, i) => (Math.abs(v - model.get("min_delta")) < Math.abs(DELTAS[best] - model.get("min_delta")) ? i : best), 0) });
  const split = slider({ label: "split", min: 1, max: SPLITS, step: 1, read: () => model.get("split"), write: (v) => put({ split: v }), say: (v) => `split ${v} of ${SPLITS}` });
  const sliders = [epoch, patience, delta, split];

  const picture = s("svg", { role: "img" });
  const heads = [h("th", { scope: "col", colspan: "2" }), h("th", { scope: "col", colspan: "2" }, "The rule on this split"),
    h("th", { scope: "col", colspan: "2" }, `Mean over ${SPLITS} splits`)];
  const names = [["training loss", "validation loss", "best so far", "waiting"], ["ends after epoch", "restores epoch", "validation loss there", "test loss there"],
    ["validation, restored", "test, restored", "optimism", "test, not restored"]];
  const cells = names.map((group) => group.map(() => h("td")));
  const table = h("table", { class: "nn-table nn-loose" }, ...names.map((group, g) => h("tbody", {}, h("tr", { class: "nn-part" }, heads[g]),
    ...group.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[g][i])))));
  const remark = h("p", { class: "nn-remark" });
  const group = (name, members) => h("fieldset", { class: "nn-group" }, h("legend", {}, name), ...members.map((x) => x.row));
  const lock = h("fieldset", { class: "nn-lock" },
    h("div", { class: "nn-row nn-switches" }, switches.row),
    h("div", { class: "nn-stage" }, h("div", {}, picture, epoch.row, h("div", { class: "nn-pairs" }, group("The rule", [patience, delta]), group("Which half validates", [split])), remark),
      h("div", { class: "nn-tables" }, table, h("p", { class: "nn-aside" }, "On one split either half may be the easier one. The 24 splits exchange the halves, so their means differ by the choice alone."))),
    presetRow(PRESETS.map(([name, preset]) => [name, () => put({ ...START, ...preset })]), () => put(START)));

  const truth = () => `It is ${answer.replace(" on", ", on")}: ${fixed(settled.test, 3)} on the rows that chose nothing, ${fixed(settled.validation, 3)} on those that chose. ` +
    "Of 60 epochs the one that suits the validation rows best was taken, and part of that is luck.";
  const gate = predictionGate(view, model, {
    id: `early-stopping-scrubber:${model.get("key")}`, question: question(settled.validation), choices: CHOICES, truth,
    judge: (given) => ({ agrees: given === answer, text: truth() }),
    unlock: (isOpen) => { open = isOpen; lock.disabled = !isOpen; },
  });
  view.root.append(...figureParts("When to stop, and what to report?",
    "Scrub through recorded runs: where a rule stops, what it restores, what new rows say.", gate, lock, FINDING));

  view.onDraw(() => {
    const now = state();
    now.epoch = Math.min(now.epoch, most());
    epoch.input.max = String(most());
    for (const control of [switches, ...sliders]) control.sync();
    split.input.disabled = now.run === "slides";
    const losses = lossesOf(runs, now.run, now.split);
    const made = decided(now);
    const means = reportOf(now);
    const values = valuesOf(now, losses, made, means);
    setText(heads[0], `After epoch ${now.epoch}`);
    cells.forEach((row, g) => row.forEach((cell, i) => setText(cell, open ? values[g][i] : "?")));
    setText(remark, open ? remarkOn(now, losses.validation, made) : "The run and what the rule does with it appear with your prediction.");
    const { size, shapes } = runShapes(now, losses, made, open, room);
    paint(picture, size, shapes);
    picture.setAttribute("aria-label", open
      ? `Losses over the epochs. The rule ${made.early ? `stops after epoch ${made.stopped}` : `lets the run go on to epoch ${made.stopped}`} and restores epoch ${made.restored}, ` +
        `with validation loss ${loss(losses.validation[made.restored - 1])}${losses.test.length ? ` and test loss ${loss(losses.test[made.restored - 1])}` : ""}. ` +
        `Looked at: epoch ${now.epoch}, validation loss ${loss(losses.validation[now.epoch - 1])}.`
      : "Empty axes: loss against epoch.");
  });
  view.follow(Object.keys(START), () => {
    view.redraw();
    const { stopped, restored } = decided(state());
    view.announce(`Epoch ${Math.min(model.get("epoch"), most())}. Ends after epoch ${stopped}, restores epoch ${restored}.`);
  });
  view.onWidth((width) => { room = width; view.drawNow(); });
  return () => view.close();
}

/** @returns {string} a loss: the slides' print up to five decimals */
const loss = (v) => (v === undefined ? "not recorded" : v < 0.1 ? short(v, 5) : fixed(v, 3));

/** @returns {string[][]} the numbers of the three parts of the table */
export function valuesOf({ epoch, patience }, { training, validation, test }, { waits, stopped, early, restored }, means) {
  const run = epoch <= stopped;
  const best = epoch - waits[epoch - 1];
  return [
    [loss(training[epoch - 1]), loss(validation[epoch - 1]), run ? `${loss(validation[best - 1])} (${best})` : "not run", run ? `${waits[epoch - 1]} of ${patience}` : "not run"],
    [`${stopped}${early ? "" : " (all)"}`, `${restored}`, loss(validation[restored - 1]), loss(test[restored - 1])],
    means ? [means.validation, means.test, means.optimism, means.last].map((v) => fixed(v, 4)) : Array(4).fill("not recorded"),
  ];
}

/** What the rule makes of the epoch that is looked at. */
export function remarkOn({ run, patience, min_delta: delta, epoch }, validation, { waits, stopped, early, restored }) {
  const best = validation.indexOf(Math.min(...validation)) + 1;
  if (epoch > stopped) return `Epoch ${epoch} is never run: the rule has stopped after epoch ${stopped}. Its loss is shown because the recording goes on.`;
  if (epoch === stopped && early) return `Stop: ${patience === 1 ? "one epoch" : `${patience} epochs in a row`} without improvement${delta ? ` by more than ${short(delta)}` : ""}. The weights of epoch ${restored} come back.` +
    (best > stopped ? ` The lowest loss would have come at epoch ${best}.` : "");
  const wait = waits[epoch - 1];
  if (wait) return `Epoch ${epoch} does not improve on epoch ${epoch - wait}${delta ? ` by more than ${short(delta)}` : ""}: ${wait} of ${patience} epochs of patience ${wait === 1 ? "is" : "are"} used.`;
  return run === "slides" && epoch === 1 ? "The first epoch always counts as an improvement." : `Epoch ${epoch} improves: its weights are kept, and the waiting starts anew.`;
}

const key = (x, y, text, sample) => [sample, ["text", { x: x + 24, y: y + 4, class: "nn-key" }, text]];
const TOPS = { digits: 1.8, jagged: 2.4, plateau: 2.6, random: 1.2, slides: 0.36 };
const TICKS = { digits: 0.5, jagged: 0.5, plateau: 0.5, random: 0.25, slides: 0.1 };

/** Losses over the epochs, what is run, and what comes back. */
function runShapes(now, { training, validation, test }, { waits, stopped, early, restored }, open, room) {
  const [width, height] = [room || 580, room ? 390 : 352];
  const [left, right, top, bottom] = [44, width - 12, room ? 102 : 62, height - 44];
  const n = validation.length;
  const high = TOPS[now.run];
  const ticks = Array.from({ length: Math.floor(high / TICKS[now.run]) + 1 }, (_, i) => i * TICKS[now.run]);
  const axes = plotAxes({ box: [left, top, right, bottom], x: n > 5 ? [0, n] : [0.5, n + 0.5], y: [0, high], names: ["epoch", "loss"],
    xs: (n > 5 ? [0, 10, 20, 30, 40, 50, 60] : [1, 2, 3, 4, 5]).map((v) => [v, `${v}`]), ys: ticks.map((v) => [v, short(v)]) });
  const { px, py } = axes;
  const shapes = [...axes.parts];
  const line = (curve, from, to) => pathInside(curve.slice(from - 1, to).map((v, i) => [from + i, v]), axes);
  if (now.run === "random") {
    shapes.push(["line", { x1: left, x2: right, y1: py(Math.LN2), y2: py(Math.LN2), class: "nn-chance" }],
      ["text", { x: right - 4, y: py(Math.LN2) + 15, class: "nn-tick nn-halo", "text-anchor": "end" }, "ln 2"]);
  }
  if (open) {
    for (const [curve, look] of [[training, ""], [validation, "nn-held"]]) {
      if (!curve.length) continue;
      shapes.push(["path", { d: line(curve, stopped, n), class: `nn-curve nn-unrun ${look}` }], ["path", { d: line(curve, 1, stopped), class: `nn-curve ${look}` }]);
    }
    const cell = Math.min(20, ((right - left) / (axes.x[1] - axes.x[0])) * 0.72);
    waits.forEach((wait, i) => shapes.push(["rect", { x: (px(i + 1) - cell / 2).toFixed(1), y: top - 18, width: cell.toFixed(1), height: 9, class: wait ? "nn-waited" : "nn-improved" }]));
    const [sx, rx] = [px(stopped), px(restored)];
    const ry = py(validation[restored - 1]);
    shapes.push(["line", { x1: sx, x2: sx, y1: top, y2: bottom, class: early ? "nn-stop" : "nn-stop nn-end" }]);
    const ex = px(now.epoch);
    shapes.push(["line", { x1: ex, x2: ex, y1: top, y2: bottom, class: "nn-cursor" }]);
    if (test.length) shapes.push(["line", { x1: rx, x2: rx, y1: ry, y2: py(test[restored - 1]), class: "nn-cursor" }]);
    shapes.push(["path", { d: `M${rx} ${ry - 8}l8 8l-8 8l-8 -8z`, class: "nn-at nn-at-held" }]);
    if (test.length) shapes.push(["rect", { x: rx - 5.5, y: py(test[restored - 1]) - 5.5, width: 11, height: 11, class: "nn-at nn-at-test" }]);
    for (const [curve, look] of [[training, "nn-at-training"], [validation, "nn-at-held"]]) {
      if (curve.length) shapes.push(["circle", { cx: ex, cy: py(Math.min(high, curve[now.epoch - 1])), r: 4.5, class: `nn-at ${look}` }]);
    }
    if (n === 5) validation.forEach((v, i) => shapes.push(["text", { x: px(i + 1), y: py(v) - (room && i === 2 ? 28 : 12), class: "nn-tick nn-halo", "text-anchor": "middle" }, short(v, 5)]));
    const side = sx > right - 90 ? -1 : 1;
    if (early) shapes.push(["text", { x: sx + 6 * side, y: top + 14, class: "nn-tick nn-halo nn-back", "text-anchor": side < 0 ? "end" : "start" }, `stop after ${stopped}`]);
  }
  // Samples of all marks: in one row, or in three where the picture is narrow.
  const spots = room ? [[4, 12], [92, 12], [4, 32], [92, 32], [4, 52]] : [[44, 12], [126, 12], [220, 12], [452, 12], [302, 12]];
  const names = ["training", "validation", "restored", "improved", "its loss on test rows"];
  const samples = [(x, y) => ["line", { x1: x, x2: x + 20, y1: y, y2: y, class: "nn-curve" }],
    (x, y) => ["line", { x1: x, x2: x + 20, y1: y, y2: y, class: "nn-curve nn-held" }],
    (x, y) => ["path", { d: `M${x + 12} ${y - 8}l8 8l-8 8l-8 -8z`, class: "nn-at nn-at-held" }],
    (x, y) => ["rect", { x: x + 10, y: y - 4.5, width: 8, height: 9, class: "nn-improved" }],
    (x, y) => ["rect", { x: x + 7, y: y - 5.5, width: 11, height: 11, class: "nn-at nn-at-test" }]];
  spots.forEach(([x, y], i) => shapes.push(...key(x, y, names[i], samples[i](x, y))));
  return { size: [width, height], shapes };
}

export default { render };
