// Nearest: which of many points lies next to a place, by a grid of buckets.

export interface Nearest {
  /** The index of the nearest point within `reach` of (a, b), or -1. */
  find(a: number, b: number, reach: number): number;
}

/** An index over points a0 b0 a1 b1 ... */
export function nearest(points: Float32Array): Nearest {
  const count = points.length / 2;
  let [la, lb, ha, hb] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let n = 0; n < count; n++) {
    la = Math.min(la, points[2 * n]);
    ha = Math.max(ha, points[2 * n]);
    lb = Math.min(lb, points[2 * n + 1]);
    hb = Math.max(hb, points[2 * n + 1]);
  }
  const side = Math.max(1, Math.min(256, Math.round(Math.sqrt(count / 2))));
  const cell = Math.max(ha - la, hb - lb, 1e-9) / side;
  const clamp = (k: number) => Math.max(0, Math.min(side - 1, k));
  const column = (a: number) => clamp(Math.floor((a - la) / cell));
  const row = (b: number) => clamp(Math.floor((b - lb) / cell));

  // Counting sort: `order` lists the points bucket by bucket, bucket k from start[k] on.
  const start = new Int32Array(side * side + 1);
  for (let n = 0; n < count; n++) start[row(points[2 * n + 1]) * side + column(points[2 * n]) + 1]++;
  for (let k = 0; k < side * side; k++) start[k + 1] += start[k];
  const next = start.slice();
  const order = new Int32Array(count);
  for (let n = 0; n < count; n++) order[next[row(points[2 * n + 1]) * side + column(points[2 * n])]++] = n;

  return {
    find(a, b, reach) {
      let best = -1;
      let least = reach * reach;
      for (let j = row(b - reach); j <= row(b + reach); j++)
        for (let i = column(a - reach); i <= column(a + reach); i++)
          for (let k = start[j * side + i]; k < start[j * side + i + 1]; k++) {
            const n = order[k];
            const distance = (points[2 * n] - a) ** 2 + (points[2 * n + 1] - b) ** 2;
            if (distance <= least) {
              least = distance;
              best = n;
            }
          }
      return best;
    },
  };
}
