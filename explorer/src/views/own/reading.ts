// Reading: what the encoder makes of one input, and what becomes of it.
import type { Code, Encoded } from "../../engine/model";
import { klToStandard } from "../../maths/gaussian";
import { normals, seeded } from "../../maths/random";
import type { Study } from "../../state/study";
import { isStandardNormal } from "../map/prior";

/** Draws of eps that are shown, and over which the reconstruction term is averaged. */
export const DRAWS = 12;

export interface Reading {
  x: Float32Array;
  encoded: Encoded | null;
  codes: Int32Array | null;
  /** Decoded from the mean. */
  output: Float32Array;
  draws: { codes: Float32Array[]; items: Float32Array[] } | null;
  /** In nats where `nats`, else a squared error. */
  reconstruction: number;
  nats: boolean;
  kl: number | null;
  /** The class that the encoder found. */
  found: { label: number; chance: number } | null;
}

/** Encodes x and decodes its mean and its draws; equal seeds give equal draws. */
export async function readInput(study: Study, x: Float32Array, y: number, seed: number): Promise<Reading> {
  const { model, info } = study;
  if (info.family === "codes") {
    const codes = await model.encodeCodes(x, y);
    const output = (await model.decode([codes], y)).items[0];
    return {
      found: null,
      x,
      encoded: null,
      codes,
      output,
      draws: null,
      ...(await lossOf(study, x, [codes], [output], y)),
      kl: null,
    };
  }
  const finds = info.encoder?.outputs.includes("class");
  const encoded = await model.encode(x, finds ? -1 : y);
  const found = likeliest(encoded.classes);
  if (found) y = found.label;
  const uniform = seeded(seed);
  const codes: Float32Array[] = [];
  for (let n = 0; encoded.std && n < DRAWS; n++) {
    const eps = normals(uniform, encoded.mean.length);
    // In a hierarchy the lower layers depend on what is drawn above, so the graph draws.
    const z =
      info.family === "layers"
        ? (await model.encode(x, y, eps)).z
        : eps.map((e, d) => encoded.mean[d] + encoded.std![d] * e);
    codes.push(z);
  }
  const { items } = await model.decode([encoded.mean, ...codes], y);
  const [output, ...drawn] = items;
  const terms = await lossOf(
    study,
    x,
    codes.length ? codes : [encoded.mean],
    codes.length ? drawn : [output],
    y,
  );
  return {
    found,
    x,
    encoded,
    codes: null,
    output,
    draws: codes.length ? { codes, items: drawn } : null,
    ...terms,
    kl: klOf(study, encoded),
  };
}

function likeliest(classes: Float32Array | null): Reading["found"] {
  if (!classes) return null;
  const label = classes.reduce((best, p, c) => (p > classes[best] ? c : best), 0);
  return { label, chance: classes[label] };
}

async function lossOf(
  study: Study,
  x: Float32Array,
  codes: Code[],
  outputs: Float32Array[],
  y: number,
): Promise<{ reconstruction: number; nats: boolean }> {
  const logPx = await study.model.logPx(x, codes, y);
  if (logPx) return { reconstruction: -logPx.reduce((a, b) => a + b, 0) / logPx.length, nats: true };
  const output = outputs[0];
  if (output.length !== x.length) return { reconstruction: NaN, nats: false };
  const errors = outputs.map((out) =>
    out.reduce((sum, v, i) => sum + (Number.isNaN(x[i]) ? 0 : (v - x[i]) ** 2), 0),
  );
  return { reconstruction: errors.reduce((a, b) => a + b, 0) / errors.length, nats: false };
}

function klOf(study: Study, { mean, std, kl }: Encoded): number | null {
  if (kl) return kl.reduce((a, b) => a + b, 0);
  return std && isStandardNormal(study) ? klToStandard(mean, std).reduce((a, b) => a + b, 0) : null;
}
