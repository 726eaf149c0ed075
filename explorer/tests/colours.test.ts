// Colours that stay apart: for all eyes, on light and on dark ground.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { amount, CLASSES_DARK, CLASSES_LIGHT, classColour, parse } from "../src/maths/colours";

type Triple = [number, number, number];
const linear = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

/** Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009. */
const SEEN: Record<string, number[][]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

function lab(hex: string, seen: number[][]): Triple {
  const rgb = parse(hex).map((v) => linear(v / 255));
  const [r, g, b] = seen.map((row) =>
    Math.max(
      0,
      row.reduce((sum, w, k) => sum + w * rgb[k], 0),
    ),
  );
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 27 / 116 + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function closest(colours: string[], seen: number[][]): number {
  const labs = colours.map((hex) => lab(hex, seen));
  return Math.min(
    ...labs.flatMap((p, i) => labs.slice(0, i).map((q) => Math.hypot(...p.map((v, k) => v - q[k])))),
  );
}

function luminance(hex: string): number {
  const [r, g, b] = parse(hex).map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const contrast = (a: string, b: string) => {
  const [low, high] = [luminance(a), luminance(b)].sort((p, q) => p - q);
  return (high + 0.05) / (low + 0.05);
};

describe.each([
  ["light", CLASSES_LIGHT],
  ["dark", CLASSES_DARK],
])("ten classes in the %s", (_, colours) => {
  it("are apart", () => expect(closest(colours, SEEN["all"])).toBeGreaterThan(30));
  it.each(["protanopia", "deuteranopia"])("are apart with %s", (kind) => {
    expect(closest(colours, SEEN[kind])).toBeGreaterThan(20);
  });
});

it("classes beyond ten and no class have colours too", () => {
  expect(classColour(11, false)).toBe(CLASSES_LIGHT[1]);
  expect(classColour(-1, true)).toMatch(/^#/);
});

it("amounts grow lighter from end to end", () => {
  for (const dark of [true, false]) {
    const lights = [0, 0.25, 0.5, 0.75, 1].map((t) =>
      luminance(
        `#${amount(t, dark)
          .map((v) => v.toString(16).padStart(2, "0"))
          .join("")}`,
      ),
    );
    expect([...lights].sort((a, b) => a - b)).toEqual(lights);
  }
});

it("text has the contrast that WCAG asks for, in both themes", () => {
  const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");
  for (const block of css.split("}").slice(0, 2)) {
    const token = (name: string) => new RegExp(`--${name}: (#\\w{6})`).exec(block)![1];
    for (const ground of ["paper", "map", "card", "faint"])
      for (const text of ["ink", "soft", "accent", "warm"])
        expect(contrast(token(text), token(ground))).toBeGreaterThan(4.5);
    expect(contrast(token("accent-ink"), token("accent"))).toBeGreaterThan(4.5);
  }
});
