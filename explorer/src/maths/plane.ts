// Plane: the two directions of a latent space that the map shows, and the way in and out of it.

export interface Plane {
  u: Float32Array;
  v: Float32Array;
  center: Float32Array;
}

export type Pair = [number, number];

/** The plane of two latent dimensions. */
export function axisPlane(size: number, i: number, j: number): Plane {
  const u = new Float32Array(size);
  const v = new Float32Array(size);
  u[i] = 1;
  if (size > 1) v[j] = 1; // a single dimension is a line along the map's middle
  return { u, v, center: new Float32Array(size) };
}

/** The plane of given orthonormal directions through a centre. */
export function planeOf(axes: number[][], center: number[]): Plane {
  return { u: Float32Array.from(axes[0]), v: Float32Array.from(axes[1]), center: Float32Array.from(center) };
}

/** Coordinates of z in the plane. */
export function project(plane: Plane, z: ArrayLike<number>, offset = 0): Pair {
  let a = 0;
  let b = 0;
  for (let d = 0; d < plane.u.length; d++) {
    const value = z[offset + d] - plane.center[d];
    a += value * plane.u[d];
    b += value * plane.v[d];
  }
  return [a, b];
}

/** Coordinates of all rows of (N, D) numbers, as a0 b0 a1 b1 ... */
export function projectAll(plane: Plane, data: ArrayLike<number>): Float32Array {
  const size = plane.u.length;
  const count = Math.floor(data.length / size);
  const out = new Float32Array(2 * count);
  const used: number[] = [];
  for (let d = 0; d < size; d++) if (plane.u[d] || plane.v[d]) used.push(d);
  for (let n = 0; n < count; n++) {
    let a = 0;
    let b = 0;
    for (const d of used) {
      const value = data[n * size + d] - plane.center[d];
      a += value * plane.u[d];
      b += value * plane.v[d];
    }
    out[2 * n] = a;
    out[2 * n + 1] = b;
  }
  return out;
}

/** z moved within the plane to the coordinates `to`; what is orthogonal to the plane stays as it is. */
export function moveTo(plane: Plane, z: Float32Array, to: Pair): Float32Array {
  const [a, b] = project(plane, z);
  const out = z.slice();
  for (let d = 0; d < out.length; d++) out[d] += plane.u[d] * (to[0] - a) + plane.v[d] * (to[1] - b);
  return out;
}
