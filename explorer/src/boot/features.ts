// What a browser must have for the page to run.
import { Problem } from "./problem";

/** Throws the Problem of the first feature that is missing. */
export function checkFeatures(scope: Record<string, unknown> = globalThis as never): void {
  if (typeof scope["WebAssembly"] !== "object") throw new Problem("no-wasm");
  if (typeof scope["DecompressionStream"] !== "function") throw new Problem("no-gunzip");
  if (typeof scope["Worker"] !== "function") throw new Problem("no-worker");
}
