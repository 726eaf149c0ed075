// What a browser must have for the page to run.
import { Problem } from "./problem";

/** A module of one function that takes the bits of a vector of 16 bytes; only a browser with SIMD accepts it. */
const WITH_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
]);

/** Throws the Problem of the first feature that is missing. */
export function checkFeatures(scope: Record<string, unknown> = globalThis as never): void {
  const wasm = scope["WebAssembly"] as typeof WebAssembly | undefined;
  if (typeof wasm !== "object") throw new Problem("no-wasm");
  if (!wasm.validate(WITH_SIMD)) throw new Problem("no-simd");
  if (typeof scope["DecompressionStream"] !== "function") throw new Problem("no-gunzip");
  if (typeof scope["Worker"] !== "function") throw new Problem("no-worker");
}
