// Diagonal Gaussians: their KL to the standard normal, and their ellipses in a plane.

/** KL(N(mean, std^2) || N(0, 1)) of each dimension, in nats: -1/2 (1 + log std^2 - mean^2 - std^2). */
export function klToStandard(mean: ArrayLike<number>, std: ArrayLike<number>): Float32Array {
  const out = new Float32Array(mean.length);
  for (let i = 0; i < out.length; i++) {
    const variance = std[i] * std[i];
    out[i] = -0.5 * (1 + Math.log(Math.max(variance, 1e-30)) - mean[i] * mean[i] - variance);
  }
  return out;
}

/** Half axes and the angle of the long one to the first axis of the plane. */
export interface Ellipse {
  long: number;
  short: number;
  angle: number;
}

/** The one-sigma ellipse of N(., diag(std^2)) in the plane of the orthonormal axes u and v. */
export function ellipse(std: ArrayLike<number>, u: ArrayLike<number>, v: ArrayLike<number>): Ellipse {
  let a = 0;
  let b = 0;
  let c = 0;
  for (let i = 0; i < std.length; i++) {
    const variance = std[i] * std[i];
    a += u[i] * u[i] * variance;
    b += u[i] * v[i] * variance;
    c += v[i] * v[i] * variance;
  }
  const middle = (a + c) / 2;
  const spread = Math.hypot((a - c) / 2, b);
  return {
    long: Math.sqrt(Math.max(middle + spread, 0)),
    short: Math.sqrt(Math.max(middle - spread, 0)),
    angle: 0.5 * Math.atan2(2 * b, a - c),
  };
}

/** Mean and standard deviation of every column of (N, D) numbers. */
export function moments(data: ArrayLike<number>, size: number): { mean: Float32Array; std: Float32Array } {
  const count = data.length / size;
  const mean = new Float32Array(size);
  const std = new Float32Array(size);
  for (let d = 0; d < size; d++) {
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < count; n++) {
      const value = data[n * size + d];
      sum += value;
      squares += value * value;
    }
    mean[d] = sum / count;
    std[d] = Math.sqrt(Math.max(squares / count - mean[d] * mean[d], 0));
  }
  return { mean, std };
}
