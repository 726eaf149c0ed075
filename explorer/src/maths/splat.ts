// Splat: very many points as a density image; where they pile up, colour deepens and mixes.

export interface Rgb {
  r: Uint8ClampedArray;
  g: Uint8ClampedArray;
  b: Uint8ClampedArray;
}

export interface Splat {
  width: number;
  height: number;
  /** Pixel coordinates x0 y0 x1 y1 ... */
  at: Float32Array;
  /** Index of every point's colour; -1 leaves a point out. */
  colour: Int16Array;
  palette: Rgb;
  /** Radius of a point, in pixels. */
  radius: number;
  /** How much one point covers, 0..1. */
  strength: number;
}

/** RGBA pixels. Coverage is 1 - exp(-strength * weight), the hue the mean of the points' colours. */
export function splat({
  width,
  height,
  at,
  colour,
  palette,
  radius,
  strength,
}: Splat): Uint8ClampedArray<ArrayBuffer> {
  const stamp = stampOf(radius);
  const reach = (stamp.size - 1) / 2;
  const sums = new Float32Array(width * height * 4);
  for (let n = 0; n < colour.length; n++) {
    const c = colour[n];
    if (c < 0) continue;
    const x = Math.round(at[2 * n]) - reach;
    const y = Math.round(at[2 * n + 1]) - reach;
    if (x + stamp.size < 0 || y + stamp.size < 0 || x >= width || y >= height) continue;
    const [r, g, b] = [palette.r[c], palette.g[c], palette.b[c]];
    for (let j = 0; j < stamp.size; j++) {
      const py = y + j;
      if (py < 0 || py >= height) continue;
      for (let i = 0; i < stamp.size; i++) {
        const px = x + i;
        const weight = stamp.weights[j * stamp.size + i];
        if (!weight || px < 0 || px >= width) continue;
        const k = 4 * (py * width + px);
        sums[k] += r * weight;
        sums[k + 1] += g * weight;
        sums[k + 2] += b * weight;
        sums[k + 3] += weight;
      }
    }
  }
  const out = new Uint8ClampedArray(width * height * 4);
  for (let k = 0; k < sums.length; k += 4) {
    const weight = sums[k + 3];
    if (!weight) continue;
    out[k] = sums[k] / weight;
    out[k + 1] = sums[k + 1] / weight;
    out[k + 2] = sums[k + 2] / weight;
    out[k + 3] = 255 * (1 - Math.exp(-strength * weight));
  }
  return out;
}

/** A disc with a soft edge. */
function stampOf(radius: number): { size: number; weights: Float32Array } {
  const reach = Math.ceil(radius);
  const size = 2 * reach + 1;
  const weights = new Float32Array(size * size);
  for (let j = 0; j < size; j++)
    for (let i = 0; i < size; i++)
      weights[j * size + i] = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(i - reach, j - reach)));
  return { size, weights };
}
