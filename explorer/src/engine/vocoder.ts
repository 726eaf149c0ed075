// Vocoder: waveforms from spectrograms in a worker of their own, the newest request first.
import type { Mel } from "../maths/mel";
import VocoderWorker from "./vocoder.worker?worker&inline";

export interface Spectrogram {
  mel: Mel;
  log: Float32Array;
  frames: number;
}

let worker: Worker | null = null;
let count = 0;
const waiting = new Map<number, (wave: Float32Array<ArrayBuffer>) => void>();

/** The sound of a spectrogram. */
export function vocode(spectrogram: Spectrogram): Promise<Float32Array<ArrayBuffer>> {
  if (!worker) {
    worker = new VocoderWorker();
    worker.onmessage = ({ data }: MessageEvent<{ id: number; wave: Float32Array<ArrayBuffer> }>) => {
      waiting.get(data.id)?.(data.wave);
      waiting.delete(data.id);
    };
  }
  return new Promise((resolve) => {
    waiting.set(++count, resolve);
    worker!.postMessage({ id: count, ...spectrogram });
  });
}
