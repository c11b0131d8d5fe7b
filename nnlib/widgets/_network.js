import { fixed, short, subscript } from "./_kit.js";

const LINKS = ["13", "23", "14", "24", "35", "45"];
const NARROWER = { ".": 0.32, " ": 0.32, "−": 0.84, "w": 0.82, "→": 0.84 };

/** Where all stands: circles from left to right, or boxes from top to bottom in `room` pixels. */
function places(room) {
  if (!room) {
    return { size: [580, 366], font: 13, half: 0, foot: [[573, 290], [573, 311], [573, 332]], key: 360,
      at: { 1: [45, 88], 2: [45, 268], 3: [265, 88], 4: [265, 268], 5: [495, 178] },
      along: { 13: 0.5, 23: 0.26, 14: 0.26, 24: 0.5, 35: 0.5, 45: 0.5 } };
  }
  const [left, right] = [49, room - 49];
  return { size: [room, 518], font: 12, half: 48, foot: [[5, 474], [room / 2, 474], [room - 5, 474]], key: 498,
    at: { 1: [left, 23], 2: [right, 23], 3: [left, 242], 4: [right, 242], 5: [room / 2, 414] },
    along: { 13: 0.62, 23: 0.2, 14: 0.2, 24: 0.62, 35: 0.5, 45: 0.5 } };
}

/** About how wide a text is. Measuring it would make the browser lay out the page in every frame. */
function widthOf(text, font) {
  return [...text].reduce((sum, c) => sum + (NARROWER[c] ?? (c >= "₀" && c <= "₉" ? 0.41 : 0.64)), 0) * font;
}

/**
 * The network as a list of shapes for `paint`.
 * @param {{all: Record<string, number>, stage: number, picked: string, used: Set<string>, room: number}} spec
 *   `used` are the numbers that make the picked one; `room` is the width on a narrow page, else 0
 */
export function networkShapes({ all, stage, picked, used, room }) {
  const { size, font, half, foot, key: keyLine, at, along } = places(room);
  const links = [];
  const papers = [];
  const texts = [];
  const write = (x, y, key, text, color = "", place = "middle") => {
    const width = widthOf(text, font) * (used.has(key) ? 1.08 : 1) + 8;
    const from = place === "middle" ? x - width / 2 : place === "end" ? x - width + 4 : x - 4;
    if (key === picked) texts.push(["rect", { x: from, y: y - 13.5, width, height: 18.5, rx: 4, class: "nn-pickbox" }]);
    texts.push(["text", { x, y, class: `nn-num ${color} ${used.has(key) ? "nn-used" : ""}`, "text-anchor": place, "data-key": key }, text]);
    return width;
  };
  const named = (key, digits = 4) => `${letter(key)} ${fixed(all[key], digits)}`;

  for (const link of LINKS) {
    const [from, to] = [link[0], link[1]];
    const tall = (unit) => (unit > 2 ? 38 : 21);
    // Boxes are wide: what goes straight down leaves room for the labels of what crosses.
    const shift = !room || to === "5" ? 0 : link === "13" || link === "24" ? 9 : -6;
    const outward = (x) => x + (x < room / 2 ? -shift : shift);
    const [x1, x2] = [outward(at[from][0]), to === "5" ? at[to][0] : outward(at[to][0])];
    const [y1, y2] = room ? [at[from][1] + tall(from), at[to][1] - tall(to)] : [at[from][1], at[to][1]];
    const value = all[`w${link}`];
    const line = { x1, y1, x2, y2 };
    if (used.has(`w${link}`) || used.has(`s${link}`)) links.push(["line", { ...line, class: "nn-glow" }]);
    links.push(["line", { ...line, class: "nn-link", "stroke-width": 1 + Math.min(5, 2 * Math.abs(value)),
      "stroke-dasharray": value < 0 ? "7 5" : null }]);
    const [x, y] = [x1 + (x2 - x1) * along[link], y1 + (y2 - y1) * along[link]];
    const second = stage === 2 ? `s${link}` : stage === 3 ? `n${link}` : "";
    const shown = stage === 2 ? `Δ ${fixed(all[second], 5)}` : second && `→ ${fixed(all[second])}`;
    let width = write(x, second ? y - 4 : y + 4.5, `w${link}`, named(`w${link}`));
    if (second) width = Math.max(width, write(x, y + 14, second, shown, "nn-back"));
    const tallness = second ? 38 : 20;
    papers.push(["rect", { x: x - width / 2 + 2, y: y - tallness / 2, width: width - 4, height: tallness, rx: 3, class: "nn-under" }]);
  }
  const units = [1, 2, 3, 4, 5].map((unit) => {
    const lit = unit > 2 && stage >= 1 ? "nn-lit" : "";
    const [x, y] = at[unit];
    if (!room) return ["circle", { cx: x, cy: y, r: 31, class: `nn-unit ${lit}` }];
    const tall = unit > 2 ? 38 : 21;
    return ["rect", { x: x - half, y: y - tall, width: 2 * half, height: 2 * tall, rx: 9, class: `nn-unit ${lit}` }];
  });
  for (const unit of [1, 2, 3, 4, 5]) {
    const [x, y] = at[unit];
    const hidden = unit > 2;
    const name = hidden ? `y${unit}` : `x${unit}`;
    const top = room && hidden ? y - 22 : y - 5;
    texts.push(["text", { x, y: top, class: "nn-name", "text-anchor": "middle" }, hidden ? `unit ${unit}` : letter(name)]);
    const value = !hidden ? short(all[name]) : stage >= 1 ? fixed(all[name]) : "?";
    write(x, room && hidden ? y + 12 : y + 12.5, name, room && hidden && stage >= 1 ? named(name) : value, hidden ? "nn-front" : "");
    if (hidden && stage >= 1) write(x, room ? y - 5 : y - 40, `a${unit}`, named(`a${unit}`), "nn-front");
    if (hidden && stage >= 2) write(x, room ? y + 29 : y + 50, `d${unit}`, named(`d${unit}`, 5), "nn-back");
  }
  const sides = room ? ["start", "middle", "end"] : ["end", "end", "end"];
  write(...foot[0], "t", `${room ? "" : "target "}t ${short(all.t)}`, "", sides[0]);
  if (stage >= 1) {
    write(...foot[1], "error", `t − y₅ ${fixed(all.error)}`, "", sides[1]);
    write(...foot[2], "loss", `L ${fixed(all.loss)}`, "", sides[2]);
  }
  const legend = ["Line width: size of the weight.", "Dashed: negative."];
  const keys = (room ? legend : [legend.join(" ")])
    .map((text, i) => ["text", { x: 0, y: keyLine + 16 * i, class: "nn-key" }, text]);
  return { size, shapes: [...links, ...papers, ...units, ...texts, ...keys] };
}

/** @returns {string} the name of a number as it is printed: w₁₃, δ₃ */
const letter = (key) => subscript(key[0] === "d" ? `δ${key.slice(1)}` : key);
