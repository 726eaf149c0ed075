// Study: one run under study: its data, where one is in its latent space, and what that decodes to.
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { RunInfo } from "../boot/manifest";
import type { Numbers } from "../boot/blobs";
import { latest } from "../engine/latest";
import type { Code, Model } from "../engine/model";
import { moments } from "../maths/gaussian";
import { quantile } from "../maths/histogram";
import { nearest, type Nearest } from "../maths/nearest";
import { axisPlane, planeOf, project, projectAll, type Pair, type Plane } from "../maths/plane";
import { rank, type Ranked } from "../maths/rank";

export type PlaneChoice = { kind: "pca" } | { kind: "axes"; i: number; j: number };

export interface Examples {
  /** In model units, one entry an example. */
  x: Float32Array[];
  /** Place among the points, -1 where unknown. */
  index: Int32Array;
  wave: Float32Array[] | null;
}

export interface Replay {
  epoch: number[];
  codes: Float32Array[] | null;
  label: Numbers | null;
  inputs: Float32Array[] | null;
  made: Float32Array[][] | null;
}

export interface Mark {
  code: Code;
  tone: "draw" | "a" | "b";
}

export interface Points {
  mean: Float32Array;
  label: Numbers | null;
  count: number;
}

export interface Study {
  info: RunInfo;
  model: Model;
  points: Points | null;
  priorSamples: { codes: Code[]; label: Numbers | null; flat: Float32Array | null } | null;
  priorDensity: Float32Array | null;
  priorInPlane: Float32Array | null;
  usage: Numbers | null;
  std: Signal<Float32Array | null>;
  metrics: Signal<Record<string, Float32Array>>;
  examples: Signal<Examples | null>;
  replay: Signal<Replay | null>;
  canEncode: Signal<boolean>;
  /** A file that was let go over the page, until it is opened. */
  dropped: Signal<Blob | null>;

  code: Signal<Code>;
  label: Signal<number>;
  decoded: Signal<Float32Array | null>;
  /** Chances of the bins of a table's columns at the current code. */
  chances: Signal<Float32Array | null>;
  outShape: Signal<number[]>;
  ms: Signal<number | null>;
  choice: Signal<PlaneChoice>;
  colouring: Signal<string>;
  focusClass: Signal<number>;
  hover: Signal<number>;
  marks: Signal<Mark[]>;
  path: Signal<Code[] | null>;
  spread: Signal<{ mean: Float32Array; std: Float32Array | null } | null>;

  plane: ReadonlySignal<Plane>;
  flat: ReadonlySignal<Float32Array>;
  index: ReadonlySignal<Nearest>;
  probe: ReadonlySignal<Pair>;
  /** Mean and spread of all codes, dimension by dimension. */
  codes: { mean: Float32Array; std: Float32Array };
  ranges: Pair[];
  ranked: Ranked;
}

export type Given = Pick<
  Study,
  "info" | "model" | "points" | "priorSamples" | "priorDensity" | "priorInPlane" | "usage"
>;

/** The state of one run; decoding follows `code` and `label`, latest first. */
export function studyOf(given: Given, failed: (error: unknown) => void): Study {
  const { info, points } = given;
  const size = info.family === "codes" ? 0 : info.latent.size;
  const codes = points
    ? moments(points.mean, size)
    : { mean: new Float32Array(size), std: new Float32Array(size).fill(1) };
  const ranked = rank(0, size, info.latent.rate, points ? codes.std : null);
  const choice = signal<PlaneChoice>(firstChoice(info, ranked));
  const code = signal<Code>(firstCode(given));
  const plane = computed(() => planeFor(info, choice.value));
  const flat = computed(() => (points ? projectAll(plane.value, points.mean) : new Float32Array(0)));
  const study: Study = {
    ...given,
    std: signal(null),
    metrics: signal({}),
    examples: signal(null),
    replay: signal(null),
    canEncode: signal(false),
    dropped: signal(null),
    code,
    label: signal(0),
    decoded: signal(null),
    chances: signal(null),
    outShape: signal(info.shape),
    ms: signal(null),
    choice,
    colouring: signal(points?.label ? "label" : ""),
    focusClass: signal(-1),
    hover: signal(-1),
    marks: signal([]),
    path: signal(null),
    spread: signal(null),
    plane,
    flat,
    index: computed(() => nearest(flat.value)),
    probe: computed<Pair>(() => (size ? project(plane.value, code.value) : [0, 0])),
    codes,
    ranges: rangesOf(info, points, size),
    ranked,
  };
  follow(study, failed);
  return study;
}

function follow(study: Study, failed: (error: unknown) => void): void {
  const times: number[] = [];
  const queue = latest(
    ({ code, label }: { code: Code; label: number }) => study.model.decode([code], label),
    (made, { code, label }) =>
      batch(() => {
        study.outShape.value = made.shape;
        study.chances.value = made.chances?.[0] ?? null;
        study.decoded.value = made.items[0];
        // The least of the last few: the first runs are compiled while they run.
        times.push(made.ms);
        const detail = { ms: made.ms, code, label, output: made.items[0] };
        document.dispatchEvent(new CustomEvent("vaekit:decoded", { detail })); // for tests and measurements
        study.ms.value = Math.min(...times.slice(-6));
      }),
    failed,
  );
  effect(() => queue.push({ code: study.code.value, label: study.label.value }));
}

function firstChoice(info: RunInfo, ranked: Ranked): PlaneChoice {
  if (info.latent.size > 2 && info.points?.plane) return { kind: "pca" };
  const [i, j] = [...ranked.live, ...ranked.dead];
  return info.latent.size > 2 ? { kind: "axes", i, j } : { kind: "axes", i: 0, j: 1 };
}

/** An example's code, which decodes to something; the prior's first draw for codes. */
function firstCode({ info, points, priorSamples }: Given): Code {
  if (info.family === "codes") {
    const size = (info.latent.grid ?? [1]).reduce((a, b) => a * b, 1);
    return (priorSamples?.codes[0] as Int32Array | undefined) ?? new Int32Array(size);
  }
  const size = info.latent.size;
  return points && points.count ? points.mean.slice(0, size) : new Float32Array(size);
}

function planeFor(info: RunInfo, choice: PlaneChoice): Plane {
  const given = info.points?.plane;
  if (choice.kind === "pca" && given) return planeOf(given.axes, given.center);
  return choice.kind === "axes"
    ? axisPlane(info.latent.size, choice.i, choice.j)
    : axisPlane(info.latent.size, 0, 1);
}

/** What the sliders span: three standard deviations of a normal prior, or the codes and a little more. */
function rangesOf(info: RunInfo, points: Points | null, size: number): Pair[] {
  return Array.from({ length: size }, (_, d) => {
    if (!points) return [-3, 3];
    const low = quantile(points.mean, 0.002, d, size);
    const high = quantile(points.mean, 0.998, d, size);
    const rim = Math.max((high - low) * 0.15, 1e-3);
    if (info.deterministic) return [low - rim, high + rim];
    return [Math.min(-3, low - rim), Math.max(3, high + rim)];
  });
}

/** The name of a class, or of none. */
export function className(study: Study, label: number): string {
  return label < 0 ? "–" : (study.info.classes?.[label] ?? String(label));
}

/** The code of point n. */
export function codeOfPoint(study: Study, n: number): Float32Array {
  const size = study.info.latent.size;
  return study.points!.mean.slice(n * size, (n + 1) * size);
}

/** The class of example m, -1 where unknown. */
export function labelOfExample(study: Study, m: number): number {
  const n = study.examples.value?.index[m] ?? -1;
  return n >= 0 ? Number(study.points?.label?.[n] ?? -1) : -1;
}
