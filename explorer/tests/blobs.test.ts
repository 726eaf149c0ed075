// Blobs and the manifest: what arrives, and what is refused.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { asTensor, Blobs, fromBase64, fromHalf, fromPlanes, gunzip } from "../src/boot/blobs";
import { checkFeatures } from "../src/boot/features";
import { readManifest } from "../src/boot/manifest";
import { blobNames, checkBlobs } from "../src/state/load";

const bytes = (...values: number[]) => Uint8Array.from(values) as Uint8Array<ArrayBuffer>;

describe("bytes", () => {
  it("decodes base64 and gzip", async () => {
    const text = gzipSync(Buffer.from("latent")).toString("base64");
    expect(Buffer.from(await gunzip(fromBase64(text))).toString()).toBe("latent");
  });
  it("decodes base64 without the browser's own decoder", () => {
    const own = (Uint8Array as { fromBase64?: unknown }).fromBase64;
    Object.assign(Uint8Array, { fromBase64: undefined });
    expect([...fromBase64("AAEC/w==\n")]).toEqual([0, 1, 2, 255]);
    Object.assign(Uint8Array, { fromBase64: own });
  });
  it("undoes byte planes", () => {
    expect([...fromPlanes(bytes(1, 5, 2, 6, 3, 7, 4, 8), 4)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...fromPlanes(bytes(1, 2, 3), 1)]).toEqual([1, 2, 3]);
  });
  it("reads halves: zero, one, the smallest, the largest, infinity", () => {
    const cases: [number, number][] = [
      [0, 0],
      [0x3c00, 1],
      [0xc000, -2],
      [1, 2 ** -24],
      [0x7bff, 65504],
      [0x3555, 0.333251953125],
    ];
    for (const [bits, value] of cases) expect(fromHalf(bits)).toBe(value);
    expect(fromHalf(0xfc00)).toBe(-Infinity);
    expect(fromHalf(0x7e00)).toBeNaN();
  });
  it("makes arrays of the stated type and refuses too few bytes", () => {
    const ref = { blob: "a", dtype: "int32" as const, shape: [2] };
    expect([...asTensor(bytes(1, 0, 0, 0, 255, 255, 255, 255), ref).data]).toEqual([1, -1]);
    expect(() => asTensor(bytes(1, 0, 0), ref)).toThrow("broken-blob");
    expect(() => asTensor(bytes(1), { ...ref, dtype: "float64" as never })).toThrow("broken-blob");
  });
  it("puts steps within half a step of where they stand, evenly", () => {
    const ref = { blob: "a", dtype: "uint8" as const, shape: [500, 2], scale: [0.5, 2], offset: [-1, 10] };
    const { data } = asTensor(new Uint8Array(1000).fill(4), ref);
    const column = (d: number) => Array.from({ length: 500 }, (_, n) => data[2 * n + d]);
    expect(Math.min(...column(0))).toBeGreaterThanOrEqual(0.75);
    expect(Math.max(...column(0))).toBeLessThanOrEqual(1.25);
    expect(Math.max(...column(1)) - Math.min(...column(1))).toBeGreaterThan(1.9);
    expect(column(1).reduce((a, b) => a + b) / 500).toBeCloseTo(18, 0);
  });
  it("names the blob that is missing or damaged", async () => {
    await expect(new Blobs(() => null).bytes("mean")).rejects.toThrow("missing-blob: mean");
    const damaged = { textContent: "AAAA", getAttribute: () => null } as unknown as Element;
    await expect(new Blobs(() => damaged).bytes("mean")).rejects.toThrow("broken-blob: mean");
  });
});

const run = {
  name: "a",
  recipe: "vae",
  kind: "image",
  family: "flat",
  deterministic: false,
  shape: [1, 2, 2],
  classes: null,
  conditional: false,
  latent: { size: 2, layers: [], rate: null, codebook: null, grid: null },
  decoder: { blob: "0-decoder", inputs: ["z"], outputs: ["mean"] },
  points: null,
  examples: null,
  prior: null,
};

describe("the manifest", () => {
  it("reads format 1", () => {
    expect(readManifest(JSON.stringify({ format: 1, title: "t", runs: [run] })).runs[0].name).toBe("a");
  });
  it.each([
    ["", "no-data"],
    ["{", "broken-data"],
    ["null", "broken-data"],
    ['{"format": 2, "runs": []}', "format: 2"],
    ['{"format": 1, "runs": []}', "broken-data"],
    [JSON.stringify({ format: 1, runs: [run, run, run] }), "broken-data"],
    [JSON.stringify({ format: 1, runs: [{ ...run, decoder: null }] }), "broken-data: a"],
    [JSON.stringify({ format: 1, runs: [{ ...run, kind: "video" }] }), "broken-data: a"],
    [JSON.stringify({ format: 1, runs: [{ ...run, latent: { size: 0 } }] }), "broken-data: a"],
    [JSON.stringify({ format: 1, runs: [null] }), "broken-data"],
  ])("refuses %s", (text, code) => {
    expect(() => readManifest(text)).toThrow(code);
  });
  it("finds every blob that is named, and tells which is missing", () => {
    expect(blobNames({ a: { blob: "x" }, b: [{ c: { blob: "y" } }], d: null })).toEqual(["x", "y"]);
    const manifest = readManifest(JSON.stringify({ format: 1, runs: [run] }));
    expect(() => checkBlobs(manifest, (name) => name === "wasm")).toThrow("missing-blob: 0-decoder");
    expect(() => checkBlobs(manifest, (name) => name !== "wasm")).toThrow("missing-blob: wasm");
    expect(() => checkBlobs(manifest, () => true)).not.toThrow();
  });
});

describe("features", () => {
  const all = { WebAssembly, DecompressionStream: () => 0, Worker: () => 0 };
  it.each([
    ["WebAssembly", "no-wasm"],
    ["DecompressionStream", "no-gunzip"],
    ["Worker", "no-worker"],
  ])("says when %s is missing", (name, code) => {
    expect(() => checkFeatures(all)).not.toThrow();
    expect(() => checkFeatures({ ...all, [name]: undefined })).toThrow(code);
  });
  it("says when WebAssembly does not know vectors", () => {
    // Without them a module with an instruction of theirs (253) is not valid, though others are.
    const validate = (bytes: Uint8Array<ArrayBuffer>) => !bytes.includes(253) && WebAssembly.validate(bytes);
    expect(validate(bytes(0, 97, 115, 109, 1, 0, 0, 0))).toBe(true);
    expect(() => checkFeatures({ ...all, WebAssembly: { validate } })).toThrow("no-simd");
  });
});
