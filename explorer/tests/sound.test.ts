// Sound: the transform, the spectrogram that Python makes, and the way back.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fourier } from "../src/maths/fft";
import { melOf, toMagnitudes } from "../src/maths/mel";
import { normals, seeded } from "../src/maths/random";
import { griffinLim, istft, logMel, stft } from "../src/maths/waveform";

const given = JSON.parse(readFileSync(new URL("./log-mel.json", import.meta.url), "utf8"));
const mel = melOf({
  rate: 8000,
  size: given.size,
  hop: given.hop,
  before: given.before,
  floor: given.floor,
  bands: given.shape[0],
});
const wave = Float64Array.from({ length: 1024 }, (_, i) => {
  const t = i / 8000;
  return 0.5 * Math.sin(2 * Math.PI * 440 * t) + 0.2 * Math.sin(2 * Math.PI * 1800 * t);
});

it("equals the sum that defines the transform, and inverts", () => {
  const size = 16;
  const [re, im] = [Float64Array.from(normals(seeded(1), size)), Float64Array.from(normals(seeded(2), size))];
  const [a, b] = [re.slice(), im.slice()];
  fourier(size).transform(a, b);
  for (let k = 0; k < size; k++) {
    let sum = 0;
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * k * n) / size;
      sum += re[n] * Math.cos(angle) - im[n] * Math.sin(angle);
    }
    expect(a[k]).toBeCloseTo(sum, 10);
  }
  fourier(size).transform(a, b, true);
  re.forEach((v, n) => expect(a[n]).toBeCloseTo(v, 12));
  expect(() => fourier(12)).toThrow("power of two");
});

it("makes the spectrogram that Python makes", () => {
  const { data, frames } = logMel(mel, wave);
  expect([data.length / frames, frames]).toEqual(given.shape);
  given.values.forEach((v: number, i: number) => expect(Math.abs(data[i] - v)).toBeLessThan(1e-3));
});

it("inverts the short-time transform", () => {
  const back = istft(mel, stft(mel, wave));
  for (let t = 64; t < 960; t++) expect(back[t]).toBeCloseTo(wave[t], 9);
});

it("finds magnitudes whose bands are those asked for", () => {
  const { data, frames } = logMel(mel, wave);
  const magnitudes = toMagnitudes(mel, data, frames, 200);
  expect(Math.min(...magnitudes)).toBeGreaterThanOrEqual(0);
  const { start, weights } = mel.bands[8];
  const middle = frames >> 1;
  const sum = weights.reduce((a, w, k) => a + w * magnitudes[middle * (mel.size / 2 + 1) + start + k], 0);
  const wanted = Math.exp(((1 - data[8 * frames + middle]) / 2) * Math.log(mel.floor)) - mel.floor;
  expect(sum / (mel.size / 4) / wanted).toBeCloseTo(1, 1);
});

it("makes a sound whose spectrogram is near the one given, and the same each time", () => {
  const { data, frames } = logMel(mel, wave);
  const sound = griffinLim(mel, data, frames);
  expect(sound).toHaveLength(1024);
  const again = logMel(mel, sound).data;
  // Where it is loud: bands above -40 dB.
  const errors = [...data].map((v, i) => (v > 0 ? Math.abs(v - again[i]) : 0));
  const loud = [...data].filter((v) => v > 0).length;
  expect(errors.reduce((a, b) => a + b, 0) / loud).toBeLessThan(0.06);
  expect(griffinLim(mel, data, frames)).toEqual(sound);
});
