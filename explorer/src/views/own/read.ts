// Reading files: pictures and sounds as inputs in the model's units.
import type { RunInfo } from "../../boot/manifest";
import { logMel } from "../../maths/waveform";
import { melOfRun } from "../sight";

/** RGBA pixels as (C, H, W) in [low, high]; grey is the eye's weighting. */
export function fromPixels(
  rgba: ArrayLike<number>,
  [channels, height, width]: number[],
  low: number,
  high: number,
): Float32Array {
  const plane = height * width;
  const out = new Float32Array(channels * plane);
  for (let i = 0; i < plane; i++) {
    const [r, g, b] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    const grey = 0.299 * r + 0.587 * g + 0.114 * b;
    for (let c = 0; c < channels; c++)
      out[c * plane + i] = low + ((high - low) * (channels >= 3 ? [r, g, b, 255][c] : grey)) / 255;
  }
  return out;
}

/** A drawn or opened picture, fitted into the run's shape on its background. */
export function fromImage(
  source: CanvasImageSource,
  size: [number, number],
  info: RunInfo,
  invert: boolean,
): Float32Array {
  const [, height, width] = info.shape;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "black";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const scale = Math.min(width / size[0], height / size[1]);
  const [w, h] = [size[0] * scale, size[1] * scale];
  context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h);
  const { data } = context.getImageData(0, 0, width, height);
  if (invert) for (let i = 0; i < data.length; i++) if (i % 4 < 3) data[i] = 255 - data[i];
  return fromPixels(data, info.shape, info.low ?? 0, info.high ?? 1);
}

/** Whether a picture's rim is bright, as of ink on paper; runs whose background is black want it inverted. */
export function brightRim(rgba: ArrayLike<number>, width: number, height: number): boolean {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
        sum += rgba[4 * (y * width + x)];
        count++;
      }
  return sum / count > 127;
}

export async function readImage(file: Blob, info: RunInfo): Promise<Float32Array> {
  const bitmap = await createImageBitmap(file);
  const size: [number, number] = [bitmap.width, bitmap.height];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.min(64, size[0]), Math.min(64, size[1])];
  const context = canvas.getContext("2d")!;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const inkOnPaper = info.shape[0] === 1 && brightRim(data, canvas.width, canvas.height);
  return fromImage(bitmap, size, info, inkOnPaper);
}

/** Sound at the run's rate, cut or padded to its length; as a spectrogram where the encoder takes one. */
export async function readSound(file: Blob, info: RunInfo): Promise<Float32Array> {
  const audio = info.audio!;
  const spectral = info.shape.length === 3;
  const length = spectral ? info.shape[2] * audio.hop : info.shape[info.shape.length - 1];
  const offline = new OfflineAudioContext(1, length, audio.rate);
  const buffer = await offline.decodeAudioData(await file.arrayBuffer());
  const wave = new Float32Array(length);
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < Math.min(length, channel.length); i++)
      wave[i] += channel[i] / buffer.numberOfChannels;
  }
  return spectral ? logMel(melOfRun(info)!, wave).data : wave;
}
