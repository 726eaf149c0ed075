// Contours of a density on a grid: levels that hold given shares of its mass, and their lines.

/** A density over a box, row by row from the lowest v. */
export interface Grid {
  values: Float32Array;
  columns: number;
  rows: number;
  low: [number, number];
  high: [number, number];
}

/** Shares within 1, 2 and 3 standard deviations of a normal distribution in the plane. */
export const SHARES = [1, 2, 3].map((k) => 1 - Math.exp(-0.5 * k * k));

/** The levels above which the given shares of the mass lie. */
export function massLevels(density: Float32Array, shares: readonly number[]): number[] {
  const sorted = Float32Array.from(density).sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0);
  return shares.map((share) => {
    let sum = 0;
    for (const value of sorted) {
      sum += value;
      if (sum >= share * total) return value;
    }
    return 0;
  });
}

/** Segments a0 b0 a1 b1 of the line on which the density has this level (marching squares). */
export function contour(grid: Grid, level: number): Float32Array {
  const { values, columns, rows, low, high } = grid;
  const out: number[] = [];
  const du = (high[0] - low[0]) / (columns - 1);
  const dv = (high[1] - low[1]) / (rows - 1);
  const at = (i: number, j: number) => values[j * columns + i] - level;
  for (let j = 0; j + 1 < rows; j++)
    for (let i = 0; i + 1 < columns; i++) {
      const corner = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      const hits: number[] = [];
      for (let e = 0; e < 4; e++) {
        const [p, q] = [corner[e], corner[(e + 1) % 4]];
        if (p > 0 === q > 0) continue;
        const t = p / (p - q);
        const x = [t, 1, 1 - t, 0][e];
        const y = [0, t, 1, 1 - t][e];
        hits.push(low[0] + (i + x) * du, low[1] + (j + y) * dv);
      }
      for (let k = 0; k + 3 < hits.length; k += 4) out.push(...hits.slice(k, k + 4));
    }
  return Float32Array.from(out);
}

/** The density of points a0 b0 a1 b1 ..., each a small Gaussian; Silverman's width.
 *
 * The points are drawn in by what the Gaussians add, so that the spread of the whole stays that of the points (Jones,
 * "On correcting for variance inflation in kernel density estimation", 1991).
 */
export function smoothed(
  points: Float32Array,
  low: [number, number],
  high: [number, number],
  size = 96,
): Grid {
  const count = points.length / 2;
  const step = [0, 1].map((k) => (high[k] - low[k]) / (size - 1));
  const each = [0, 1].map((k) => {
    let [sum, squares] = [0, 0];
    for (let n = 0; n < count; n++) {
      sum += points[2 * n + k];
      squares += points[2 * n + k] ** 2;
    }
    const middle = sum / count;
    const spread = Math.sqrt(Math.max(squares / count - middle ** 2, 1e-6));
    const width = spread * count ** (-1 / 6);
    return { middle, width, shrunk: 1 / Math.hypot(1, width / spread), reach: 4 * width };
  });
  const values = new Float32Array(size * size);
  const bells = [new Float64Array(size), new Float64Array(size)];
  const near = [
    [0, 0],
    [0, 0],
  ];
  for (let n = 0; n < count; n++) {
    for (const k of [0, 1]) {
      const { middle, width, shrunk, reach } = each[k];
      const at = middle + (points[2 * n + k] - middle) * shrunk;
      near[k][0] = Math.max(0, Math.ceil((at - reach - low[k]) / step[k]));
      near[k][1] = Math.min(size - 1, Math.floor((at + reach - low[k]) / step[k]));
      for (let i = near[k][0]; i <= near[k][1]; i++)
        bells[k][i] = Math.exp(-0.5 * ((low[k] + i * step[k] - at) / width) ** 2);
    }
    for (let j = near[1][0]; j <= near[1][1]; j++)
      for (let i = near[0][0]; i <= near[0][1]; i++) values[j * size + i] += bells[0][i] * bells[1][j];
  }
  return { values, columns: size, rows: size, low, high };
}
