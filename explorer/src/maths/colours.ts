// Colours of classes and of amounts, in the light and in the dark.
import type { Rgb } from "./splat";

/** Ten colours that stay apart for colour-blind eyes; those of vaekit's pictures. */
// prettier-ignore
export const CLASSES_LIGHT = [
  "#1a80ec", "#f4ac0a", "#b9220b", "#43b48b", "#7033a2", "#895b46", "#c865aa", "#a4d46d", "#4b5563", "#7cd3f6",
];
/** The same order of hues, light enough for a dark ground and as far apart; found by search, held by a test. */
// prettier-ignore
export const CLASSES_DARK = [
  "#7f8bff", "#eec739", "#e16625", "#15d196", "#c25ebc", "#b87256", "#ecbaff", "#a8fd89", "#888b92", "#c0eee5",
];

/** Viridis (van der Walt and Smith, 2015) at nine places. */
// prettier-ignore
const VIRIDIS = [
  "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
];

export function parse(hex: string): [number, number, number] {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** The colour of class c; classes beyond ten take the ten again. */
export function classColour(c: number, dark: boolean): string {
  const colours = dark ? CLASSES_DARK : CLASSES_LIGHT;
  return c < 0 ? (dark ? "#6b7480" : "#9aa1ab") : colours[c % colours.length];
}

/** Points that nothing tells apart. */
export const plainColour = (dark: boolean) => (dark ? "#8fb8c4" : "#33707d");

/** Viridis at t in [0, 1]; the dark end is lifted a little on a dark ground. */
export function amount(t: number, dark: boolean): [number, number, number] {
  const low = dark ? 0.14 : 0;
  const high = dark ? 1 : 0.94;
  const place = (low + (high - low) * Math.max(0, Math.min(1, t))) * (VIRIDIS.length - 1);
  const k = Math.min(VIRIDIS.length - 2, Math.floor(place));
  const [p, q] = [parse(VIRIDIS[k]), parse(VIRIDIS[k + 1])];
  return [0, 1, 2].map((i) => Math.round(p[i] + (q[i] - p[i]) * (place - k))) as [number, number, number];
}

/** Colours as the tables that `splat` reads. */
export function paletteOf(colours: [number, number, number][]): Rgb {
  const column = (k: number) => Uint8ClampedArray.from(colours, (c) => c[k]);
  return { r: column(0), g: column(1), b: column(2) };
}
