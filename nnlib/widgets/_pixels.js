/**
 * A small gray image as shapes for `paint`: a sheet of paper, and one square for each pixel.
 * @param {number[]} levels from 0 (paper) to 1 (ink), row by row
 * @param {{x: number, y: number, size: number, frame?: string}} place its left upper corner, its
 *   width, and a class for its frame
 */
export function pixelShapes(levels, { x, y, size, frame = "" }) {
  const n = Math.sqrt(levels.length);
  const step = size / n;
  return [["rect", { x, y, width: size, height: size, class: `nn-sheet ${frame}` }],
    ...levels.map((level, i) => ["rect", { x: round(x + (i % n) * step), y: round(y + Math.floor(i / n) * step),
      width: round(step + 0.2), height: round(step + 0.2), class: "nn-pixel", "fill-opacity": round(Math.max(0, Math.min(1, level))) }])];
}

const round = (v) => Math.round(v * 100) / 100;

/** @returns {number[]} the levels of an image written as one digit in base 17 for each pixel */
export const unpackImage = (text) => [...text].map((digit) => parseInt(digit, 17) / 16);
