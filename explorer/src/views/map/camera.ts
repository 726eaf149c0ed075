// Camera: which part of the plane the map shows, and the way between plane and pixels.
import { quantile } from "../../maths/histogram";
import type { Pair } from "../../maths/plane";

export interface Camera {
  /** The middle of the map, in the plane. */
  at: Pair;
  /** Half the shorter side, in units of the plane. */
  half: number;
}

export interface Frame {
  camera: Camera;
  width: number;
  height: number;
}

/** Pixels a unit. */
export const scaleOf = ({ camera, width, height }: Frame) => Math.min(width, height) / 2 / camera.half;

export function toPixel(frame: Frame, [a, b]: Pair): Pair {
  const scale = scaleOf(frame);
  return [
    frame.width / 2 + (a - frame.camera.at[0]) * scale,
    frame.height / 2 - (b - frame.camera.at[1]) * scale,
  ];
}

export function toPlane(frame: Frame, [x, y]: Pair): Pair {
  const scale = scaleOf(frame);
  return [
    frame.camera.at[0] + (x - frame.width / 2) / scale,
    frame.camera.at[1] - (y - frame.height / 2) / scale,
  ];
}

/** The ends of the points along one axis; a few that lie far from all others do not count. */
function ends(points: Float32Array, k: 0 | 1): Pair {
  let [low, high] = [Infinity, -Infinity];
  for (let i = k; i < points.length; i += 2)
    [low, high] = [Math.min(low, points[i]), Math.max(high, points[i])];
  const [near, far] = [quantile(points, 0.003, k, 2), quantile(points, 0.997, k, 2)];
  const rim = 0.12 * (far - near);
  return [Math.max(low, near - rim), Math.min(high, far + rim)];
}

/** A camera that shows the points but for a few far ones, and the disc of `radius` around `center`. */
export function fit(points: Float32Array, center: Pair, radius: number): Camera {
  const low: Pair = [center[0] - radius, center[1] - radius];
  const high: Pair = [center[0] + radius, center[1] + radius];
  if (points.length)
    for (const k of [0, 1] as const) {
      const [first, last] = ends(points, k);
      low[k] = radius ? Math.min(low[k], first) : first;
      high[k] = radius ? Math.max(high[k], last) : last;
    }
  const half = Math.max(high[0] - low[0], high[1] - low[1], 1e-3) * 0.51;
  return { at: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2], half };
}

/** A camera that shows the points but for a few far ones, and all corners of a line. */
export function around(points: Float32Array, line: Float32Array): Camera {
  const { at, half } = fit(points, [0, 0], 0);
  const low = points.length ? [at[0] - half, at[1] - half] : [Infinity, Infinity];
  const high = points.length ? [at[0] + half, at[1] + half] : [-Infinity, -Infinity];
  line.forEach((v, i) => {
    low[i % 2] = Math.min(low[i % 2], v);
    high[i % 2] = Math.max(high[i % 2], v);
  });
  if (!(high[0] > low[0])) return { at: [0, 0], half: 3 };
  return {
    at: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
    half: Math.max(high[0] - low[0], high[1] - low[1]) * 0.51,
  };
}

/** Zoomed by `factor` so that the plane's place under a pixel stays under it. */
export function zoomed(frame: Frame, factor: number, under: Pair): Camera {
  const fixed = toPlane(frame, under);
  const half = Math.max(1e-4, Math.min(1e4, frame.camera.half * factor));
  const ratio = half / frame.camera.half;
  return {
    half,
    at: [0, 1].map((k) => fixed[k] + (frame.camera.at[k] - fixed[k]) * ratio) as Pair,
  };
}
