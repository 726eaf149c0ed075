// Log-mel spectrograms: the symbols of nets/spectrogram.py.

export interface Mel {
  size: number;
  hop: number;
  before: number;
  floor: number;
  /** For every band, its bins and their weights. */
  bands: { start: number; weights: Float64Array }[];
}

export interface MelSpec {
  rate: number;
  size: number;
  hop: number;
  before?: number;
  floor?: number;
  bands: number;
}

/** Triangles equally wide in mel, each summing to 1; `size / 2 + 1` bands are the transform's own bins. */
export function melOf({ rate, size, hop, before, floor, bands: count }: MelSpec): Mel {
  const bins = size / 2 + 1;
  const shared = { size, hop, before: before ?? (size - hop) >> 1, floor: floor ?? 1e-4 };
  if (count >= bins)
    return {
      ...shared,
      bands: Array.from({ length: bins }, (_, k) => ({ start: k, weights: Float64Array.of(1) })),
    };
  const highest = 2595 * Math.log10(1 + rate / 1400);
  const edge = (k: number) => 700 * (10 ** ((highest * k) / (count + 1) / 2595) - 1);
  const frequency = (k: number) => (k * rate) / 2 / (bins - 1);
  const bands = Array.from({ length: count }, (_, b) => {
    const [low, middle, high] = [edge(b), edge(b + 1), edge(b + 2)];
    const weights = Float64Array.from({ length: bins }, (_, k) =>
      Math.max(0, Math.min((frequency(k) - low) / (middle - low), (high - frequency(k)) / (high - middle))),
    );
    // A band narrower than the transform's bins takes the nearest bin.
    if (!weights.some((w) => w > 0)) weights[Math.round((middle / (rate / 2)) * (bins - 1))] = 1;
    const start = weights.findIndex((w) => w > 0);
    const end = weights.findLastIndex((w) => w > 0) + 1;
    const total = weights.reduce((a, w) => a + w, 0);
    return { start, weights: weights.slice(start, end).map((w) => w / total) };
  });
  return { ...shared, bands };
}

/** The window of `size` samples that torch calls periodic Hann. */
export function hann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
}

/** Magnitudes (frames, bins) to scaled logarithms (bands, frames) in [-1, 1]; 0 dB is a sine of full scale. */
export function toLog(mel: Mel, magnitudes: Float64Array, frames: number): Float32Array {
  const bins = mel.size / 2 + 1;
  const out = new Float32Array(mel.bands.length * frames);
  mel.bands.forEach(({ start, weights }, b) => {
    for (let f = 0; f < frames; f++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * magnitudes[f * bins + start + k];
      // A Hann window sums to size / 2, so a full-scale sine has magnitude size / 4.
      out[b * frames + f] = 1 - (2 * Math.log(sum / (mel.size / 4) + mel.floor)) / Math.log(mel.floor);
    }
  });
  return out;
}

/** The way back, (bands, frames) to magnitudes (frames, bins): non-negative least squares by Lee and Seung's steps. */
export function toMagnitudes(mel: Mel, log: ArrayLike<number>, frames: number, steps = 30): Float64Array {
  const bins = mel.size / 2 + 1;
  const out = new Float64Array(frames * bins);
  const found = new Float64Array(bins);
  const wanted = new Float64Array(bins);
  const got = new Float64Array(bins);
  for (let f = 0; f < frames; f++) {
    const banded = mel.bands.map((_, b) =>
      Math.max(0, Math.exp(((1 - log[b * frames + f]) / 2) * Math.log(mel.floor)) - mel.floor),
    );
    const mean = banded.reduce((a, x) => a + x, 0) / banded.length;
    wanted.fill(0);
    mel.bands.forEach(({ start, weights }, b) =>
      weights.forEach((w, k) => (wanted[start + k] += w * banded[b])),
    );
    found.fill(1e-3 * mean);
    mel.bands.forEach(({ start, weights }, b) =>
      weights.forEach((_, k) => (found[start + k] = Math.max(found[start + k], banded[b]))),
    );
    for (let step = 0; step < (mel.bands.length === bins ? 0 : steps); step++) {
      got.fill(0);
      for (const { start, weights } of mel.bands) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * found[start + k];
        for (let k = 0; k < weights.length; k++) got[start + k] += weights[k] * sum;
      }
      for (let k = 0; k < bins; k++) found[k] *= wanted[k] / (got[k] + 1e-12);
    }
    for (let k = 0; k < bins; k++) out[f * bins + k] = found[k] * (mel.size / 4);
  }
  return out;
}
