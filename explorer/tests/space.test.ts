// The latent space: planes, ellipses, KL, ranks, ways, neighbours, contours.
import { describe, expect, it } from "vitest";
import { contour, massLevels, SHARES, smoothed } from "../src/maths/contours";
import { ellipse, klToStandard, moments } from "../src/maths/gaussian";
import { histogram, quantile } from "../src/maths/histogram";
import { nearest } from "../src/maths/nearest";
import { axisPlane, moveTo, planeOf, project, projectAll } from "../src/maths/plane";
import { normals, seeded } from "../src/maths/random";
import { rank } from "../src/maths/rank";
import { splat } from "../src/maths/splat";
import { fixed, short, tickText, ticks } from "../src/maths/ticks";
import { arc, crossfade, straight } from "../src/maths/walk";
import { fit, toPixel, toPlane, zoomed } from "../src/views/map/camera";

const draw = (seed: number, size: number) => normals(seeded(seed), size);
const length = (z: ArrayLike<number>) => Math.hypot(...Array.from(z));

describe("Gaussians", () => {
  it("draws have mean 0 and variance 1, and repeat", () => {
    const { mean, std } = moments(draw(3, 40000), 1);
    expect(mean[0]).toBeCloseTo(0, 1);
    expect(std[0]).toBeCloseTo(1, 1);
    expect(draw(3, 7)).toEqual(draw(3, 7));
  });
  it("KL equals the integral of q log(q / p)", () => {
    const [m, s] = [0.7, 0.4];
    let sum = 0;
    for (let z = -8; z < 8; z += 1e-3) {
      const q = Math.exp(-0.5 * ((z - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
      const log = -0.5 * ((z - m) / s) ** 2 - Math.log(s) + 0.5 * z * z;
      sum += q * log * 1e-3;
    }
    expect(klToStandard([m], [s])[0]).toBeCloseTo(sum, 4);
    expect(klToStandard([0], [1])[0]).toBeCloseTo(0, 10);
  });
  it("an ellipse in a turned plane has the covariance of projected draws", () => {
    const plane = planeOf(
      [
        [0.6, 0.8, 0],
        [-0.48, 0.36, 0.8],
      ],
      [0, 0, 0],
    );
    const std = [0.5, 1.5, 1];
    const z = draw(5, 90000).map((v, i) => v * std[i % 3]);
    const flat = projectAll(plane, z);
    const { long, short: small, angle } = ellipse(std, plane.u, plane.v);
    const along = Float32Array.from(
      { length: flat.length / 2 },
      (_, n) => flat[2 * n] * Math.cos(angle) + flat[2 * n + 1] * Math.sin(angle),
    );
    const across = Float32Array.from(
      { length: flat.length / 2 },
      (_, n) => -flat[2 * n] * Math.sin(angle) + flat[2 * n + 1] * Math.cos(angle),
    );
    expect(moments(along, 1).std[0]).toBeCloseTo(long, 1);
    expect(moments(across, 1).std[0]).toBeCloseTo(small, 1);
  });
});

describe("planes", () => {
  const plane = planeOf(
    [
      [0.6, 0.8, 0],
      [0, 0, 1],
    ],
    [1, 1, 1],
  );
  it("moving sets the coordinates and keeps what is orthogonal", () => {
    const z = Float32Array.of(0.3, -1, 2);
    const moved = moveTo(plane, z, [2, -3]);
    project(plane, moved).forEach((v, k) => expect(v).toBeCloseTo([2, -3][k], 5));
    expect(0.8 * moved[0] - 0.6 * moved[1]).toBeCloseTo(0.8 * z[0] - 0.6 * z[1], 5);
  });
  it("projects many as it projects one", () => {
    const z = draw(1, 30);
    const all = projectAll(plane, z);
    expect([all[8], all[9]].map((v) => v.toFixed(4))).toEqual(project(plane, z, 12).map((v) => v.toFixed(4)));
  });
  it("of one dimension is a line", () => {
    expect(project(axisPlane(1, 0, 1), Float32Array.of(3))).toEqual([3, 0]);
  });
  it("camera: pixels and back, zoom keeps the place under the pointer", () => {
    const frame = { camera: { at: [1, -2] as [number, number], half: 3 }, width: 600, height: 400 };
    toPlane(frame, toPixel(frame, [0.5, 1.5])).forEach((v, k) => expect(v).toBeCloseTo([0.5, 1.5][k], 9));
    const under = toPlane(frame, [50, 60]);
    const after = toPlane({ ...frame, camera: zoomed(frame, 0.5, [50, 60]) }, [50, 60]);
    after.forEach((v, k) => expect(v).toBeCloseTo(under[k], 9));
  });
  it("fits all but stray points and the prior's rings", () => {
    const camera = fit(draw(2, 4000), [0, 0], 2.6);
    expect(camera.half).toBeGreaterThan(2.5);
    expect(camera.half).toBeLessThan(4);
  });
});

describe("order and ways", () => {
  it("ranks by rate and folds the dead", () => {
    expect(rank(0, 4, [0.001, 2, 0.5, 0], null)).toEqual({ live: [1, 2], dead: [0, 3] });
    expect(rank(2, 2, [9, 9, 0.1, 0.2], null)).toEqual({ live: [3, 2], dead: [] });
    expect(rank(0, 3, null, [0, 3, 1])).toEqual({ live: [1, 2], dead: [0] });
    expect(rank(0, 2, [0, 0], null).live).toHaveLength(2);
  });
  it("ways begin at a and end at b; the arc keeps the length", () => {
    const [a, b] = [Float32Array.of(2, 0, 0), Float32Array.of(0, 2, 0)];
    for (const way of [straight, arc]) {
      expect([...way(a, b, 0)].map((v) => Math.round(v * 1e5))).toEqual([200000, 0, 0]);
      expect([...way(a, b, 1)].map((v) => Math.round(v * 1e5))).toEqual([0, 200000, 0]);
    }
    expect(length(arc(a, b, 0.5))).toBeCloseTo(2, 5);
    expect(length(straight(a, b, 0.5))).toBeCloseTo(Math.SQRT2, 5);
    expect(arc(a, a, 0.5)).toEqual(a);
  });
  it("codes change a share at a time and never back", () => {
    const [a, b] = [new Int32Array(49), new Int32Array(49).fill(1)];
    const sums = [0, 0.25, 0.5, 1].map((t) => crossfade(a, b, t).reduce((x, y) => x + y, 0));
    expect(sums).toEqual([0, 12, 25, 49]);
    const early = crossfade(a, b, 0.3);
    crossfade(a, b, 0.6).forEach((v, i) => expect(v).toBeGreaterThanOrEqual(early[i]));
  });
});

describe("many points", () => {
  it("finds the neighbour that a search of all finds", () => {
    const points = draw(9, 4000);
    const index = nearest(points);
    const uniform = seeded(4);
    for (let k = 0; k < 200; k++) {
      const [a, b, reach] = [6 * uniform() - 3, 6 * uniform() - 3, uniform()];
      let [best, least] = [-1, reach * reach];
      for (let n = 0; n < 2000; n++) {
        const d = (points[2 * n] - a) ** 2 + (points[2 * n + 1] - b) ** 2;
        if (d <= least) [best, least] = [n, d];
      }
      expect(index.find(a, b, reach)).toBe(best);
    }
    expect(nearest(new Float32Array(0)).find(0, 0, 1)).toBe(-1);
  });
  it("splats: nothing where nothing is, the point's colour where it is, mixed where two meet", () => {
    const palette = {
      r: Uint8ClampedArray.of(255, 0),
      g: Uint8ClampedArray.of(0, 0),
      b: Uint8ClampedArray.of(0, 255),
    };
    const shared = { width: 9, height: 9, palette, radius: 1, strength: 5 };
    const one = splat({ ...shared, at: Float32Array.of(4, 4), colour: Int16Array.of(0) });
    expect([...one.subarray(4 * (4 * 9 + 4), 4 * (4 * 9 + 4) + 3)]).toEqual([255, 0, 0]);
    expect(one[3]).toBe(0);
    const two = splat({ ...shared, at: Float32Array.of(4, 4, 4, 4), colour: Int16Array.of(0, 1) });
    expect([...two.subarray(4 * 40, 4 * 40 + 3)]).toEqual([128, 0, 128]);
    const none = splat({ ...shared, at: Float32Array.of(4, 4), colour: Int16Array.of(-1) });
    expect(Math.max(...none)).toBe(0);
  });
  it("contours of a standard normal are the circles of 1, 2 and 3 sigma", () => {
    const size = 121;
    const values = new Float32Array(size * size);
    for (let j = 0; j < size; j++)
      for (let i = 0; i < size; i++)
        values[j * size + i] = Math.exp(-0.5 * ((i / 12 - 5) ** 2 + (j / 12 - 5) ** 2));
    const grid = {
      values,
      columns: size,
      rows: size,
      low: [-5, -5] as [number, number],
      high: [5, 5] as [number, number],
    };
    massLevels(values, SHARES).forEach((level, k) => {
      const segments = contour(grid, level);
      expect(segments.length).toBeGreaterThan(100);
      for (let s = 0; s < segments.length; s += 2)
        expect(Math.abs(Math.hypot(segments[s], segments[s + 1]) - (k + 1))).toBeLessThan(0.08);
    });
  });
  it.each([
    [20000, [0.02, 0.02, 0.06]],
    [2500, [0.05, 0.05, 0.15]],
  ] as [number, number[]][])("so are those of %i draws of it", (count, most) => {
    for (const seed of [1, 2, 3]) {
      const grid = smoothed(normals(seeded(seed), 2 * count), [-5.5, -5.5], [5.5, 5.5]);
      massLevels(grid.values, SHARES).forEach((level, k) => {
        const segments = contour(grid, level);
        const radii = Array.from(segments.subarray(0, segments.length / 2), (_, i) =>
          Math.hypot(segments[2 * i], segments[2 * i + 1]),
        );
        const mean = radii.reduce((a, b) => a + b, 0) / radii.length;
        expect(Math.abs(mean / (k + 1) - 1)).toBeLessThan(most[k]);
      });
    }
  });
  it("smoothed points peak where they are dense", () => {
    const { values, columns } = smoothed(draw(1, 4000), [-4, -4], [4, 4], 41);
    const top = values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
    expect(Math.hypot((top % columns) / 5 - 4, Math.floor(top / columns) / 5 - 4)).toBeLessThan(0.7);
  });
  it("histograms and quantiles of one column", () => {
    const rows = [0, 9, 1, 9, 2, 9, 4, 9];
    expect([...histogram(rows, 0, 4, 4, 0, 2)]).toEqual([1, 1, 1, 1]);
    expect(quantile(rows, 0.5, 0, 2)).toBe(2);
    expect(quantile(rows, 1, 0, 2)).toBe(4);
  });
});

describe("numbers as text", () => {
  it("ticks are round and within", () => {
    expect(ticks(-1.3, 2.2, 4)).toEqual([-1, 0, 1, 2]);
    expect(ticks(0, 0.5, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(ticks(3, 3)).toEqual([3]);
  });
  it("signs are true minus signs, and nothing is minus zero", () => {
    expect(fixed(-1.234)).toBe("−1.23");
    expect(fixed(-0.001)).toBe("0.00");
    expect(fixed(NaN)).toBe("–");
    expect(short(-123456)).toBe("−1.2e+5");
    expect(short(12.345)).toBe("12.3");
    expect([-150, 100, 0.5, 0.005, 0, 2.25].map(tickText)).toEqual([
      "−150",
      "100",
      "0.5",
      "0.005",
      "0",
      "2.25",
    ]);
  });
});
