// Problem: an error whose message is meant for the reader of the page, one sentence.

/** Thrown where the page cannot go on; its message takes the place of the page. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail = "",
  ) {
    super(`${code}${detail ? `: ${detail}` : ""}`);
  }
}

export type ProblemCode =
  | "no-wasm"
  | "no-simd"
  | "no-gunzip"
  | "no-worker"
  | "no-data"
  | "broken-data"
  | "format"
  | "missing-blob"
  | "broken-blob"
  | "engine";
