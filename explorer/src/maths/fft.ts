// The fast Fourier transform of lengths that are powers of two (Cooley and Tukey, 1965).

export interface Fourier {
  size: number;
  /** In place; the inverse divides by the length. */
  transform(re: Float64Array, im: Float64Array, inverse?: boolean): void;
}

const made = new Map<number, Fourier>();

/** The transform of one length; throws where it is not a power of two. */
export function fourier(size: number): Fourier {
  const known = made.get(size);
  if (known) return known;
  if (size < 2 || (size & (size - 1)) !== 0) throw new RangeError(`${size} is no power of two`);
  const bits = Math.log2(size);
  const reversed = new Uint32Array(size);
  for (let i = 0; i < size; i++)
    for (let b = 0; b < bits; b++) if (i & (1 << b)) reversed[i] |= 1 << (bits - 1 - b);
  const cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / size));

  function transform(re: Float64Array, im: Float64Array, inverse = false): void {
    for (let i = 0; i < size; i++) {
      const j = reversed[i];
      if (j <= i) continue;
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
    const sign = inverse ? 1 : -1;
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half)
        for (let k = 0; k < half; k++) {
          const [a, b] = [start + k, start + k + half];
          const [wr, wi] = [cos[k * step], sign * sin[k * step]];
          const [xr, xi] = [re[b] * wr - im[b] * wi, re[b] * wi + im[b] * wr];
          re[b] = re[a] - xr;
          im[b] = im[a] - xi;
          re[a] += xr;
          im[a] += xi;
        }
    }
    if (inverse) for (let i = 0; i < size; i++) [re[i], im[i]] = [re[i] / size, im[i] / size];
  }
  const one = { size, transform };
  made.set(size, one);
  return one;
}
