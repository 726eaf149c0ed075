// What of a run's data can be looked at as a picture.
import type { RunInfo } from "../boot/manifest";
import { melOf, type Mel } from "../maths/mel";
import { logMel } from "../maths/waveform";
import type { Sight } from "./Picture";

/** The symbols of a run's spectrograms; null where it has no sound. */
export function melOfRun(info: RunInfo): Mel | null {
  const audio = info.audio;
  if (!audio) return null;
  const shape = audio.output ?? info.shape;
  const bands = audio.bands ?? (shape.length === 3 ? shape[1] : Math.min(64, audio.size / 4));
  return melOf({ ...audio, bands });
}

/** Spectrograms of waveforms that were drawn before. */
const drawn = new WeakMap<object, Sight>();

/** Numbers in the model's units as a picture or spectrogram; null for a table. */
export function sightOf(info: RunInfo, data: ArrayLike<number>, shape: number[]): Sight | null {
  if (info.kind === "table") return null;
  if (info.kind === "image") return { data, shape, low: info.low ?? 0, high: info.high ?? 1 };
  if (shape.length === 3 && shape[1] > 1) return { data, shape, low: -1, high: 1, spectrogram: true };
  const mel = melOfRun(info);
  if (!mel) return null;
  const known = drawn.get(data);
  if (known) return known;
  const { data: log, frames } = logMel(mel, data);
  const sight: Sight = {
    data: log,
    shape: [1, log.length / frames, frames],
    low: -1,
    high: 1,
    spectrogram: true,
  };
  drawn.set(data, sight);
  return sight;
}
