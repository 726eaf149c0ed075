// Loading: from the page's blobs to studies; what the first picture needs comes first.
import { batch } from "@preact/signals";
import { Blobs, type Numbers, type Tensor } from "../boot/blobs";
import type { ArrayRef, Manifest, RunInfo } from "../boot/manifest";
import { Problem } from "../boot/problem";
import type { Engine } from "../engine/client";
import { Model, type Code } from "../engine/model";
import { studyOf, type Examples, type Replay, type Study } from "./study";

const product = (dims: number[]) => dims.reduce((a, b) => a * b, 1);

/** Every blob that a run names; none may be missing. */
export function blobNames(value: unknown): string[] {
  if (!value || typeof value !== "object") return [];
  const found = "blob" in value && typeof value.blob === "string" ? [value.blob] : [];
  return [...found, ...Object.values(value).flatMap(blobNames)];
}

/** Throws where the page lacks a blob that its manifest names. */
export function checkBlobs(manifest: Manifest, has: (name: string, run: number) => boolean): void {
  if (!has("wasm", 0)) throw new Problem("missing-blob", "wasm");
  manifest.runs.forEach((info, run) => {
    for (const name of blobNames(info)) if (!has(name, run)) throw new Problem("missing-blob", name);
  });
}

/** Opens a run: its decoder, its points and its prior; enough to draw and to drag. */
export async function openStudy(
  info: RunInfo,
  blobs: Blobs,
  starting: Promise<Engine>,
  prefix: string,
  failed: (error: unknown) => void,
): Promise<Study> {
  const loaded = Promise.all([starting, blobs.bytes(info.decoder.blob)]).then(async ([engine, bytes]) => {
    await engine.load(prefix + info.decoder.blob, bytes);
    return engine;
  });
  const [engine, mean, label, samples, sampleLabel, density, inPlane, usage] = await Promise.all([
    loaded,
    blobs.array(info.points?.mean),
    blobs.array(info.points?.label),
    blobs.array(info.prior?.samples),
    blobs.array(info.prior?.label),
    blobs.array(info.prior?.density?.grid),
    blobs.array(info.prior?.plane),
    blobs.array(info.latent.usage),
  ]);
  const given = {
    info,
    model: new Model(info, engine, prefix),
    points: mean && {
      mean: asFloats(mean.data),
      label: label?.data ?? null,
      count: mean.shape[0],
    },
    priorSamples: samples && {
      codes: rowsOf(samples, info.family === "codes") as Code[],
      label: sampleLabel?.data ?? null,
      flat: info.family === "codes" ? null : asFloats(samples.data),
    },
    priorDensity: density && asFloats(density.data),
    priorInPlane: inPlane && asFloats(inPlane.data),
    usage: usage?.data ?? null,
  };
  return studyOf(given, failed);
}

/** What can follow after the first picture: the encoder, spreads, metrics, examples, the replay. */
export async function completeStudy(
  study: Study,
  blobs: Blobs,
  engine: Engine,
  prefix: string,
): Promise<void> {
  const { info } = study;
  const [std, examples, replay, metrics] = await Promise.all([
    blobs.array(info.points?.std),
    readExamples(info, blobs),
    readReplay(info, blobs),
    readMetrics(info.points?.metrics ?? {}, blobs),
  ]);
  batch(() => {
    study.std.value = std && asFloats(std.data);
    study.examples.value = examples;
    study.replay.value = replay;
    study.metrics.value = metrics;
  });
  for (const graph of [info.encoder, info.prior?.model])
    if (graph) await engine.load(prefix + graph.blob, await blobs.bytes(graph.blob));
  study.canEncode.value = info.encoder !== null && info.encoder !== undefined;
  // A draw of the prior of discrete codes is seldom a picture; an example is one.
  const first = study.examples.peek()?.x[0];
  if (info.family === "codes" && study.canEncode.value && first)
    study.code.value = await study.model.encodeCodes(first, study.label.peek());
}

async function readMetrics(
  refs: Record<string, ArrayRef>,
  blobs: Blobs,
): Promise<Record<string, Float32Array>> {
  const names = Object.keys(refs);
  const arrays = await Promise.all(names.map((name) => blobs.array(refs[name])));
  return Object.fromEntries(names.map((name, i) => [name, asFloats(arrays[i].data)]));
}

async function readExamples(info: RunInfo, blobs: Blobs): Promise<Examples | null> {
  const given = info.examples;
  if (!given) return null;
  const [x, index, wave] = await Promise.all([
    blobs.array(given.x),
    blobs.array(given.index),
    blobs.array(given.wave),
  ]);
  const map = (raw: number) => (raw - given.offset) / given.scale;
  return {
    x: (rowsOf(x) as Float32Array[]).map((row) => Float32Array.from(row, map)),
    index: Int32Array.from({ length: x.shape[0] }, (_, m) => Number(index?.data[m] ?? -1)),
    wave: wave && (rowsOf(wave) as Float32Array[]).map((row) => row.map((v) => v / 32768)),
  };
}

async function readReplay(info: RunInfo, blobs: Blobs): Promise<Replay | null> {
  const given = info.replay;
  if (!given) return null;
  const refs = [given.codes, given.label, given.inputs, given.reconstructions] as const;
  const [codes, label, inputs, made] = await Promise.all(refs.map((ref) => blobs.array(ref)));
  const [low, high] = given.range ?? [info.low ?? 0, info.high ?? 1];
  const isBytes = given.inputs?.dtype === "uint8"; // rows of a table are as they are
  const unit = (row: Float32Array) => (isBytes ? row.map((v) => low + ((high - low) * v) / 255) : row);
  const frames = made && rowsOf(made).map((row) => row as Float32Array);
  const size = made ? product(made.shape.slice(2)) : 1;
  return {
    epoch: given.epoch,
    codes: codes && (rowsOf(codes) as Float32Array[]),
    label: label?.data ?? null,
    inputs: inputs && (rowsOf(inputs) as Float32Array[]).map(unit),
    made:
      frames &&
      frames.map((frame) =>
        Array.from({ length: frame.length / size }, (_, q) => unit(frame.slice(q * size, (q + 1) * size))),
      ),
  };
}

/** Rows along the first dimension. */
function rowsOf(tensor: Tensor, whole = false): (Float32Array | Int32Array)[] {
  const size = product(tensor.shape.slice(1));
  const data = whole ? Int32Array.from(tensor.data) : asFloats(tensor.data);
  return Array.from({ length: tensor.shape[0] }, (_, i) => data.slice(i * size, (i + 1) * size));
}

function asFloats(data: Numbers): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}
