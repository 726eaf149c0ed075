// Words, rows and curves.
import { expect, it } from "vitest";
import { t, type Key } from "../src/i18n";
import { en } from "../src/i18n/en";
import { PARTS, words } from "../src/i18n/captions";
import { ko } from "../src/i18n/ko";
import type { RunInfo } from "../src/boot/manifest";
import { dimensionOf, subscript } from "../src/state/dimension";
import { language } from "../src/state/settings";
import { grouped } from "../src/views/Curves";
import { frequent } from "../src/views/CodeGrid";
import { keepMask } from "../src/views/Layers";
import { brightRim, fromPixels } from "../src/views/own/read";
import { leastLike } from "../src/views/Walk";
import { cellsOf, rowLine, rowOf, textsOf } from "../src/views/row";

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

it("both languages say everything, with the same places to fill", () => {
  for (const key of Object.keys(en) as Key[]) {
    expect(ko[key], key).toBeTruthy();
    expect(holes(ko[key]), key).toEqual(holes(en[key]));
  }
});

it("follows the language", () => {
  expect(t("sliders.one", { d: 3 })).toBe("Dimension 3");
  language.value = "ko";
  expect(t("sliders.one", { d: 3 })).toBe("차원 3");
  for (const flavour of ["vae", "layers", "ae", "codes"] as const)
    for (const part of PARTS) expect(words(part, flavour).text).toMatch(/[가-힣]/);
  language.value = "en";
});

const columns = [
  { name: "age", kind: "integer", low: 17, high: 90, decimals: 0, offset: 40, scale: 10, start: 0, size: 3 },
  { name: "pay", kind: "binary", categories: ["low", "high"], low: 0, high: 1, start: 3, size: 2 },
];

it("reads decoded rows", () => {
  const data = Float32Array.of(38.6, 30, 50, 0.2, 0.8);
  const [age, pay] = cellsOf(columns, data);
  expect([age.text, age.range]).toEqual(["39", [30, 50]]);
  expect([pay.text, pay.value]).toEqual(["high", 1]);
  expect(rowLine(columns, data)).toBe("39 · high");
});

it("a mean that few large values pull out of the range is told beside the range", () => {
  const [skewed] = cellsOf(columns, Float32Array.of(452, 0, 0, 1, 0));
  expect([skewed.text, skewed.aside]).toEqual(["0", "mean 452"]);
  const [wide] = cellsOf(columns, Float32Array.of(452, 0, 7, 1, 0));
  expect([wide.text, wide.aside]).toEqual(["0 to 7", "mean 452"]);
  const [plain] = cellsOf(columns, Float32Array.of(38.6, 30, 50, 1, 0));
  expect([plain.text, plain.aside]).toEqual(["39", "80 %: 30 to 50"]);
});

it("every part of every kind of model has words of its own where the plain ones would be wrong", () => {
  for (const part of ["encoder", "latent", "draw", "kl"] as const) {
    const said = (["vae", "layers", "ae", "codes"] as const).map((flavour) => words(part, flavour).text);
    expect(new Set(said).size, part).toBe(4);
  }
  expect(words("reconstruction", "codes").text).not.toBe(words("reconstruction", "vae").text);
});

it("dimensions of a hierarchy are counted within their layers", () => {
  const layers = [
    { name: "z2", start: 0, size: 40 },
    { name: "z1", start: 40, size: 40 },
  ];
  const info = (some: typeof layers) => ({ latent: { size: 80, layers: some } }) as unknown as RunInfo;
  expect([0, 39, 40, 79].map((d) => subscript(info(layers), d))).toEqual(["2, 1", "2, 40", "1, 1", "1, 40"]);
  expect(dimensionOf(info(layers), 41)).toEqual({ layer: "z1", place: 2 });
  expect(subscript(info(layers.slice(0, 1)), 41)).toBe("42");
});

it("typed rows come back as typed; what is empty or no number is missing", () => {
  const x = rowOf(columns, ["55", "high"]);
  expect([...x]).toEqual([1.5, 1]);
  expect(textsOf(columns, x)).toEqual(["55", "high"]);
  expect([...rowOf(columns, ["", "nobody"])]).toEqual([NaN, NaN]);
  expect([...rowOf(columns, ["old", "low"])]).toEqual([NaN, 0]);
  expect(textsOf(columns, Float32Array.of(NaN, NaN))).toEqual(["", ""]);
});

it("groups curves by quantity and leaves out empty ones", () => {
  const groups = grouped({ "train.elbo": [1, 2], "valid.elbo": [1, null], "train.rate": [null, null] });
  expect([...groups.keys()]).toEqual(["elbo"]);
  expect(groups.get("elbo")!.map((line) => line.part)).toEqual(["train", "valid"]);
});

it("orders the codebook by use", () => {
  expect(frequent([0, 5, 9, 0], 4, [])).toEqual([2, 1]);
  expect(frequent(null, 4, [Int32Array.of(3, 3, 0)])).toEqual([3, 0]);
  expect(frequent(null, 3, [])).toEqual([0, 1, 2]);
});

it("finds what is least like the first example, whatever is missing", () => {
  const rows = [
    [0, 1],
    [0, 2],
    [-3, NaN],
    [1, 1],
  ].map((row) => Float32Array.from(row));
  expect(leastLike(rows)).toBe(2);
  expect(leastLike(rows.slice(0, 1))).toBe(0);
});

it("keeps the dimensions of the upper layers", () => {
  const layers = [
    { name: "top", start: 0, size: 2 },
    { name: "low", start: 2, size: 3 },
  ];
  expect([...keepMask(layers, 5, 1)]).toEqual([1, 1, 0, 0, 0]);
});

it("turns pixels into inputs, grey and colour", () => {
  const rgba = [255, 255, 255, 255, 0, 0, 0, 255];
  expect([...fromPixels(rgba, [1, 1, 2], -1, 1)].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([1, -1]);
  expect([...fromPixels([10, 20, 30, 255], [3, 1, 1], 0, 255)]).toEqual([10, 20, 30]);
  expect(brightRim([0, 0, 0, 0, 9, 0, 0, 0], 2, 1)).toBe(false);
  expect(brightRim([255, 0, 0, 0, 250, 0, 0, 0], 2, 1)).toBe(true);
});
