// The manifest: what Python states about the runs (CONTRACT.md), and the check of what the page cannot do without.
import { Problem } from "./problem";

export interface ArrayRef {
  blob: string;
  dtype: "float16" | "float32" | "uint8" | "int16" | "int32";
  shape: number[];
  /** Of each column, where the numbers are steps. */
  scale?: number[];
  offset?: number[];
}

export interface GraphRef {
  blob: string;
  inputs: string[];
  outputs: string[];
}

export interface LayerInfo {
  name: string;
  start: number;
  size: number;
  shape?: number[];
}

export interface ColumnInfo {
  name: string;
  kind: string;
  categories?: string[] | null;
  low: number;
  high: number;
  decimals?: number;
  start: number;
  size: number;
  offset?: number;
  scale?: number;
  format?: string;
  chance?: { start: number; size: number } | null;
  histogram?: { edges?: number[]; counts: number[] } | null;
}

export interface AudioInfo {
  rate: number;
  size: number;
  hop: number;
  before?: number;
  floor?: number;
  samples?: number;
  bands?: number;
  output?: number[];
}

export interface RunInfo {
  name: string;
  recipe: string;
  data?: string;
  likelihood?: string;
  kind: "image" | "audio" | "table";
  family: "flat" | "layers" | "codes";
  deterministic: boolean;
  shape: number[];
  low: number;
  high: number;
  classes: string[] | null;
  conditional: boolean;
  latent: {
    size: number;
    layers: LayerInfo[];
    rate: number[] | null;
    /** Whether `rate` bounds the information from above, because the KL has no term for each dimension. */
    rate_is_bound?: boolean;
    codebook: number | null;
    grid: number[] | null;
    usage?: ArrayRef | null;
  };
  encoder: GraphRef | null;
  decoder: GraphRef;
  points: {
    mean: ArrayRef;
    std: ArrayRef | null;
    label: ArrayRef | null;
    metrics: Record<string, ArrayRef>;
    plane?: { axes: number[][]; center: number[]; explained?: number[] } | null;
  } | null;
  examples: {
    x: ArrayRef;
    index?: ArrayRef | null;
    wave?: ArrayRef | null;
    scale: number;
    offset: number;
  } | null;
  prior: {
    name?: string;
    samples: ArrayRef | null;
    label?: ArrayRef | null;
    density?: { low: number[]; high: number[]; grid: ArrayRef } | null;
    /** Many draws in the plane of the points. */
    plane?: ArrayRef | null;
    /** How many of the first dimensions are drawn from a standard normal, if they are. */
    standard?: number;
    model?: GraphRef | null;
  } | null;
  audio?: AudioInfo | null;
  table?: { columns: ColumnInfo[] } | null;
  curves?: { epoch: number[]; series: Record<string, (number | null)[]> } | null;
  replay?: {
    epoch: number[];
    codes: ArrayRef | null;
    label: ArrayRef | null;
    inputs: ArrayRef | null;
    reconstructions: ArrayRef | null;
    range?: number[] | null;
  } | null;
}

export interface Manifest {
  format: number;
  title: string;
  made_with: string;
  runs: RunInfo[];
}

/** The manifest of a document's text.
 *
 * Throws a Problem where there is none, where it is of another format, or where a part is missing that all views need.
 */
export function readManifest(text: string | null | undefined): Manifest {
  if (!text) throw new Problem("no-data");
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text) as Manifest;
  } catch {
    throw new Problem("broken-data");
  }
  if (!manifest || typeof manifest !== "object") throw new Problem("broken-data");
  if (manifest.format !== 1) throw new Problem("format", String(manifest.format ?? "none"));
  if (!Array.isArray(manifest.runs) || manifest.runs.length < 1 || manifest.runs.length > 2)
    throw new Problem("broken-data", "runs");
  for (const run of manifest.runs) checkRun(run);
  return manifest;
}

function checkRun(run: RunInfo): void {
  const ok =
    run &&
    ["image", "audio", "table"].includes(run.kind) &&
    ["flat", "layers", "codes"].includes(run.family) &&
    Array.isArray(run.shape) &&
    typeof run.decoder?.blob === "string" &&
    Array.isArray(run.decoder.inputs) &&
    Array.isArray(run.decoder.outputs) &&
    (run.family === "codes" ? Array.isArray(run.latent?.grid) : run.latent?.size > 0);
  if (!ok) throw new Problem("broken-data", run?.name ?? "");
}
