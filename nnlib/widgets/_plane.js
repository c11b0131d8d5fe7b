/** What can be drawn on the linear axes of `plotAxes`: level lines of a function, and paths that end at the frame. */

/**
 * The lines on which a function has given values, by marching squares.
 * @param {(u: number, v: number) => number} f
 * @param {number[]} levels
 * @param {ReturnType<typeof plotAxes>} axes
 * @param {number} cells per side
 * @returns {string[]} one path per level, in pixels
 */
export function levelLines(f, levels, { px, py, x, y }, cells = 44) {
  const at = (range, i) => range[0] + ((range[1] - range[0]) * i) / cells;
  const us = Array.from({ length: cells + 1 }, (_, i) => at(x, i));
  const vs = Array.from({ length: cells + 1 }, (_, i) => at(y, i));
  const [xs, ys] = [us.map(px), vs.map(py)];
  const value = us.map((u) => vs.map((v) => f(u, v)));
  return levels.map((level) => {
    const pieces = [];
    for (let i = 0; i < cells; i += 1) {
      for (let j = 0; j < cells; j += 1) {
        // Around the cell: each side that the level crosses gives a point.
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
        const found = [];
        for (let k = 0; k < 4; k += 1) {
          const [[a, b], [c, d]] = [corners[k], corners[(k + 1) % 4]];
          const [from, to] = [value[a][b] - level, value[c][d] - level];
          if (from < 0 === to < 0) continue;
          const t = from / (from - to);
          found.push(`${(xs[a] + t * (xs[c] - xs[a])).toFixed(1)} ${(ys[b] + t * (ys[d] - ys[b])).toFixed(1)}`);
        }
        for (let k = 0; k + 1 < found.length; k += 2) pieces.push(`M${found[k]}L${found[k + 1]}`);
      }
    }
    return pieces.join("");
  });
}

/**
 * The part of the line from p to q that lies inside ranges of both coordinates.
 * @returns {[number[], number[]] | null} its ends, or null if none of it does
 */
export function clipped(p, q, ranges) {
  let [from, to] = [0, 1];
  for (const k of [0, 1]) {
    const along = q[k] - p[k];
    const [low, high] = [ranges[k][0] - p[k], ranges[k][1] - p[k]];
    if (along === 0) {
      if (low > 0 || high < 0) return null;
    } else {
      from = Math.max(from, Math.min(low / along, high / along));
      to = Math.min(to, Math.max(low / along, high / along));
    }
  }
  if (!(from <= to)) return null; // also where a number is not finite
  const at = (t) => [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
  return [at(from), at(to)];
}

/** @returns {string} a path through points in data units, cut where it leaves the axes */
export function pathInside(points, axes) {
  let [text, last] = ["", ""];
  for (let i = 1; i < points.length; i += 1) {
    const seen = clipped(points[i - 1], points[i], [axes.x, axes.y]);
    if (!seen) continue;
    const [a, b] = seen.map(([u, v]) => `${axes.px(u).toFixed(1)} ${axes.py(v).toFixed(1)}`);
    text += a === last ? `L${b}` : `M${a}L${b}`;
    last = b;
  }
  return text;
}

/** @returns {boolean} whether a point lies on the piece that the axes show */
export function isInside([u, v], { x, y }) {
  return x[0] <= u && u <= x[1] && y[0] <= v && v <= y[1];
}
