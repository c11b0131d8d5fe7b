/**
 * Random numbers that Python and the browser draw alike: the i-th number of a stream is a hash of
 * i and the stream's seed, so any of them is there without those before it.
 * The twin of _random.py.
 */

/** @returns {number} an unsigned 32-bit integer in which every bit of x counts */
function mixed(x) {
  let v = x >>> 0;
  v = Math.imul(v ^ (v >>> 16), 0x21f0aaad);
  v = Math.imul(v ^ (v >>> 15), 0x735a2d97);
  return (v ^ (v >>> 15)) >>> 0;
}

/** @returns {Float64Array} n numbers between 0 and 1, the ends never reached */
export function uniforms(seed, n, start = 0) {
  const key = mixed(seed + 0x9e3779b9);
  return Float64Array.from({ length: n }, (_, i) => (mixed(key ^ mixed(start + i + 1)) + 0.5) / 4294967296);
}

/** @returns {Float64Array} n standard normal numbers, by Box and Muller; `start` is even */
export function normals(seed, n, start = 0) {
  const u = uniforms(seed, n + (n % 2), start);
  return Float64Array.from({ length: n }, (_, i) => {
    const pair = i - (i % 2);
    const radius = Math.sqrt(-2 * Math.log(u[pair]));
    const angle = 2 * Math.PI * u[pair + 1];
    return radius * (i % 2 ? Math.sin(angle) : Math.cos(angle));
  });
}
