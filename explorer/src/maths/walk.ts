// Ways from one code to another.

/** The straight way from a to b at t in [0, 1]. */
export function straight(a: ArrayLike<number>, b: ArrayLike<number>, t: number): Float32Array {
  return Float32Array.from({ length: a.length }, (_, i) => a[i] + (b[i] - a[i]) * t);
}

/** The way along a great arc, its length changing evenly; straight where the two nearly point the same way. */
export function arc(a: ArrayLike<number>, b: ArrayLike<number>, t: number): Float32Array {
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  const [la, lb] = [Math.sqrt(aa), Math.sqrt(bb)];
  const angle = Math.acos(Math.max(-1, Math.min(1, ab / (la * lb || 1))));
  if (!(angle > 1e-3) || angle > Math.PI - 1e-3) return straight(a, b, t);
  const length = la + (lb - la) * t;
  const wa = (Math.sin((1 - t) * angle) / Math.sin(angle)) * (length / la);
  const wb = (Math.sin(t * angle) / Math.sin(angle)) * (length / lb);
  return Float32Array.from({ length: a.length }, (_, i) => wa * a[i] + wb * b[i]);
}

/** Discrete codes: a share t of the cells is b's, in an order that scatters over the grid. */
export function crossfade(a: Int32Array, b: Int32Array, t: number): Int32Array {
  const count = Math.round(t * a.length);
  const out = a.slice();
  // A stride that shares no factor with the length visits every cell once, far from the one before.
  let stride = Math.max(1, Math.round(a.length * 0.618));
  while (gcd(stride, a.length) !== 1) stride++;
  for (let k = 0, cell = 0; k < count; k++, cell = (cell + stride) % a.length) out[cell] = b[cell];
  return out;
}

function gcd(a: number, b: number): number {
  return b ? gcd(b, a % b) : a;
}
