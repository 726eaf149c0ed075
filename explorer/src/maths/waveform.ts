// Waveforms from spectrograms: the short-time transform, its inverse, and the phases in between.
import { fourier } from "./fft";
import { hann, toLog, toMagnitudes, type Mel } from "./mel";
import { seeded } from "./random";

/** Of the fast Griffin-Lim algorithm; the paper's best. */
const MOMENTUM = 0.99;

export interface Spectra {
  re: Float64Array;
  im: Float64Array;
  frames: number;
}

/** Windows every `hop` samples, (frames, size / 2 + 1). */
export function stft(mel: Mel, wave: ArrayLike<number>): Spectra {
  const { size, hop, before } = mel;
  const frames = Math.floor(wave.length / hop);
  const bins = size / 2 + 1;
  const window = hann(size);
  const plan = fourier(size);
  const out = { re: new Float64Array(frames * bins), im: new Float64Array(frames * bins), frames };
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let f = 0; f < frames; f++) {
    for (let i = 0; i < size; i++) re[i] = (wave[f * hop + i - before] ?? 0) * window[i];
    im.fill(0);
    plan.transform(re, im);
    out.re.set(re.subarray(0, bins), f * bins);
    out.im.set(im.subarray(0, bins), f * bins);
  }
  return out;
}

/** The waveform of `frames * hop` samples that fits the spectra best. */
export function istft(mel: Mel, { re, im, frames }: Spectra): Float64Array {
  const { size, hop, before } = mel;
  const bins = size / 2 + 1;
  const window = hann(size);
  const plan = fourier(size);
  const length = frames * hop;
  const out = new Float64Array(length);
  const weight = new Float64Array(length);
  const a = new Float64Array(size);
  const b = new Float64Array(size);
  for (let f = 0; f < frames; f++) {
    for (let k = 0; k < bins; k++) {
      a[k] = re[f * bins + k];
      b[k] = im[f * bins + k];
      if (k > 0 && k < bins - 1) {
        a[size - k] = a[k];
        b[size - k] = -b[k];
      }
    }
    b[0] = b[size / 2] = 0;
    plan.transform(a, b, true);
    for (let i = 0; i < size; i++) {
      const t = f * hop + i - before;
      if (t < 0 || t >= length) continue;
      out[t] += a[i] * window[i];
      weight[t] += window[i] * window[i];
    }
  }
  const least = 1e-3 * weight.reduce((x, y) => Math.max(x, y), 0);
  for (let t = 0; t < length; t++) out[t] /= Math.max(weight[t], least);
  return out;
}

/** The log-mel spectrogram (bands, frames) of a waveform. */
export function logMel(mel: Mel, wave: ArrayLike<number>): { data: Float32Array; frames: number } {
  const { re, im, frames } = stft(mel, wave);
  const magnitudes = Float64Array.from(re, (x, k) => Math.hypot(x, im[k]));
  return { data: toLog(mel, magnitudes, frames), frames };
}

/** A waveform whose spectrogram is near `log` (bands, frames), always the same one for the same spectrogram.
 *
 * Perraudin, Balazs and Soendergaard, "A Fast Griffin-Lim Algorithm", 2013.
 */
export function griffinLim(
  mel: Mel,
  log: ArrayLike<number>,
  frames: number,
  steps = 24,
): Float32Array<ArrayBuffer> {
  const magnitudes = toMagnitudes(mel, log, frames);
  const uniform = seeded(1);
  const phases: Spectra = {
    re: new Float64Array(magnitudes.length),
    im: new Float64Array(magnitudes.length),
    frames,
  };
  for (let k = 0; k < magnitudes.length; k++) {
    const angle = 2 * Math.PI * uniform();
    phases.re[k] = Math.cos(angle) * magnitudes[k];
    phases.im[k] = Math.sin(angle) * magnitudes[k];
  }
  const ahead = MOMENTUM / (1 + MOMENTUM);
  let before: Spectra | null = null;
  for (let step = 0; step < steps; step++) {
    const now = stft(mel, istft(mel, phases));
    for (let k = 0; k < magnitudes.length; k++) {
      const re = now.re[k] - ahead * (before ? before.re[k] : 0);
      const im = now.im[k] - ahead * (before ? before.im[k] : 0);
      const scale = magnitudes[k] / (Math.hypot(re, im) + 1e-12);
      phases.re[k] = re * scale;
      phases.im[k] = im * scale;
    }
    before = now;
  }
  return Float32Array.from(istft(mel, phases));
}
