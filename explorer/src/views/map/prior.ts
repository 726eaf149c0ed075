// The prior in the plane of the map: lines that hold 39, 86 and 99 % of it.
import { contour, massLevels, SHARES, smoothed, type Grid } from "../../maths/contours";
import { projectAll, type Pair } from "../../maths/plane";
import type { Study } from "../../state/study";

/** Circles of a standard normal prior, or line segments of another one. */
export type Contours = { center: Pair; radii: number[] } | { lines: Float32Array[] } | null;

export function isStandardNormal(study: Study): boolean {
  const { info } = study;
  return !info.deterministic && info.family !== "codes" && (info.prior?.name ?? "") === "standard-normal";
}

/** Draws below which lines would tell more of chance than of the prior. */
const ENOUGH = 500;

/** What the map draws of the prior; null where there is none, or too little of it is known. */
export function contoursOf(study: Study): Contours {
  const plane = study.plane.value;
  const { info } = study;
  if (info.deterministic || info.family === "codes") return null;
  if (isStandardNormal(study) || isStandardHere(study)) {
    const origin = new Float32Array(info.latent.size);
    return { center: [...projectAll(plane, origin)] as Pair, radii: [1, 2, 3] };
  }
  const given = info.prior?.density;
  if (given && study.priorDensity && info.latent.size === 2 && plane.u[0] === 1) {
    const [rows, columns] = given.grid.shape;
    const top = study.priorDensity.reduce((a, b) => Math.max(a, b), -Infinity);
    const values = study.priorDensity.map((v) => Math.exp(v - top));
    return lines({ values, columns, rows, low: given.low as Pair, high: given.high as Pair });
  }
  const samples = study.priorSamples?.flat;
  const inPlane = study.choice.value.kind === "pca" ? study.priorInPlane : null;
  const flat = inPlane ?? (samples && projectAll(plane, samples));
  if (!flat || flat.length < 2 * ENOUGH) return null;
  const low: Pair = [Infinity, Infinity];
  const high: Pair = [-Infinity, -Infinity];
  flat.forEach((v, i) => {
    low[i % 2] = Math.min(low[i % 2], v);
    high[i % 2] = Math.max(high[i % 2], v);
  });
  const rim = [0, 1].map((k) => 0.15 * (high[k] - low[k]) + 1e-6);
  return lines(smoothed(flat, [low[0] - rim[0], low[1] - rim[1]], [high[0] + rim[0], high[1] + rim[1]]));
}

/** Whether both axes are dimensions that the prior draws from a standard normal: those of a hierarchy's top layer. */
function isStandardHere(study: Study): boolean {
  const choice = study.choice.value;
  const top = study.info.prior?.standard ?? 0;
  return choice.kind === "axes" && choice.i < top && choice.j < top;
}

function lines(grid: Grid): Contours {
  return { lines: massLevels(grid.values, SHARES).map((level) => contour(grid, level)) };
}
