import { superscript } from "./_kit.js";

/**
 * Log-log axes in an SVG box, as shapes for `paint`. Data are given as log10.
 * @param {{box: [number, number, number, number], x: [number, number], y: [number, number],
 *   every?: [number, number], names: [string, string]}} spec box is left, top, right, bottom;
 *   `every` is the number of decades from tick to tick
 */
export function logAxes({ box, x, y, every = [2, 2], names }) {
  const [left, top, right, bottom] = box;
  const px = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left);
  const py = (v) => bottom - ((Math.max(y[0], Math.min(y[1], v)) - y[0]) / (y[1] - y[0])) * (bottom - top);
  const parts = [];
  for (let v = x[0] + (Math.abs(x[0]) % every[0]); v <= x[1]; v += every[0]) {
    parts.push(["line", { x1: px(v), x2: px(v), y1: top, y2: bottom, class: "nn-grid" }],
      ["text", { x: px(v), y: bottom + 18, class: "nn-tick", "text-anchor": "middle" }, `10${superscript(v)}`]);
  }
  for (let v = y[0] + (Math.abs(y[0]) % every[1]); v <= y[1]; v += every[1]) {
    parts.push(["line", { x1: left, x2: right, y1: py(v), y2: py(v), class: "nn-grid" }],
      ["text", { x: left - 7, y: py(v) + 4, class: "nn-tick", "text-anchor": "end" }, `10${superscript(v)}`]);
  }
  parts.push(["text", { x: (left + right) / 2, y: bottom + 38, class: "nn-axis", "text-anchor": "middle" }, names[0]],
    ["text", { x: left - 38, y: 16, class: "nn-axis" }, names[1]]);
  return { px, py, parts };
}

/** @returns {string} a path through points given in data units; zeros sit on the floor */
export function pathOf(xs, ys, { px, py }) {
  return xs.map((v, i) => `${i ? "L" : "M"}${px(v).toFixed(1)} ${py(ys[i]).toFixed(1)}`).join("");
}

/**
 * Linear axes in an SVG box, as shapes for `paint`.
 * @param {{box: [number, number, number, number], x: [number, number], y: [number, number],
 *   xs: [number, string][], ys: [number, string][], names: [string, string]}} spec box is left,
 *   top, right, bottom; `xs` and `ys` are places and texts of the ticks; the name of the upright
 *   axis stands above it
 * @returns what turns data into pixels, the shapes, and the box and ranges that were given
 */
export function plotAxes({ box, x, y, xs, ys, names }) {
  const [left, top, right, bottom] = box;
  const px = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left);
  const py = (v) => bottom - ((v - y[0]) / (y[1] - y[0])) * (bottom - top);
  const parts = [];
  for (const [v, text] of xs) {
    parts.push(["line", { x1: px(v), x2: px(v), y1: top, y2: bottom, class: "nn-grid" }],
      ["text", { x: px(v), y: bottom + 17, class: "nn-tick", "text-anchor": "middle" }, text]);
  }
  for (const [v, text] of ys) {
    parts.push(["line", { x1: left, x2: right, y1: py(v), y2: py(v), class: "nn-grid" }],
      ["text", { x: left - 7, y: py(v) + 4, class: "nn-tick", "text-anchor": "end" }, text]);
  }
  parts.push(["text", { x: (left + right) / 2, y: bottom + 35, class: "nn-axis", "text-anchor": "middle" }, names[0]],
    ["text", { x: left - 36, y: top - 9, class: "nn-axis" }, names[1]]);
  return { px, py, parts, box, x, y };
}

/** @returns {string} a path through the points that are numbers; a gap where one is not */
export function brokenPath(xs, ys, { px, py }) {
  let pen = "M";
  return xs.map((v, i) => {
    if (!Number.isFinite(ys[i]) || !Number.isFinite(v)) { pen = "M"; return ""; }
    const part = `${pen}${px(v).toFixed(1)} ${py(ys[i]).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}
