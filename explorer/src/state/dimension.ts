// The name of a latent dimension: its layer, where there are several, and its place in it.
import type { RunInfo } from "../boot/manifest";

export interface Dimension {
  /** "z2" of a hierarchy; null where there is one layer only. */
  layer: string | null;
  /** From 1 on. */
  place: number;
}

export function dimensionOf(info: RunInfo, d: number): Dimension {
  const { layers } = info.latent;
  const layer = layers.length > 1 ? layers.find(({ start, size }) => d >= start && d < start + size) : null;
  return layer ? { layer: layer.name, place: d - layer.start + 1 } : { layer: null, place: d + 1 };
}

/** What stands below the z in a formula: "7", of a hierarchy "2, 7". */
export function subscript(info: RunInfo, d: number): string {
  const { layer, place } = dimensionOf(info, d);
  return layer ? `${layer.replace(/^z/, "")}, ${place}` : String(place);
}
