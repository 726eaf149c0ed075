// What page and worker say to each other.

export interface WireTensor {
  type: "float32" | "int64";
  data: Float32Array | BigInt64Array;
  dims: number[];
}

export type Feeds = Record<string, WireTensor>;
export type Results = Record<string, { data: Float32Array | Int32Array; dims: number[] }>;

export type Ask =
  | { do: "start"; wasm: ArrayBuffer }
  | { do: "load"; model: string; bytes: ArrayBuffer }
  | { do: "run"; model: string; feeds: Feeds; outputs: string[] };

export type Question = Ask & { id: number };

export interface Answer {
  id: number;
  error?: string;
  results?: Results;
  ms?: number;
}
