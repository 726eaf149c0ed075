// Model: a run's graphs, asked with numbers and answered with numbers.
import type { GraphRef, RunInfo } from "../boot/manifest";
import type { Engine } from "./client";
import type { Feeds, Results, WireTensor } from "./protocol";

/** A place in the latent space: a vector, or the numbers of discrete codes. */
export type Code = Float32Array | Int32Array;

export interface Encoded {
  mean: Float32Array;
  /** Null where the encoder gives a point and no spread. */
  std: Float32Array | null;
  z: Float32Array;
  /** Nats of each dimension, where the graph tells them. */
  kl: Float32Array | null;
  /** q(y|x), of a model that finds the class itself. */
  classes: Float32Array | null;
}

export interface Decoded {
  /** One entry an item of the batch. */
  items: Float32Array[];
  /** Of a table, the chances of the bins of every column. */
  chances: Float32Array[] | null;
  /** Of an item. */
  shape: number[];
  ms: number;
}

const product = (dims: number[]) => dims.reduce((a, b) => a * b, 1);

export class Model {
  constructor(
    readonly info: RunInfo,
    private readonly engine: Engine,
    private readonly prefix: string,
  ) {}

  /** The mean of p(x|z) for each code. */
  async decode(codes: Code[], y: number | null = null): Promise<Decoded> {
    const graph = this.info.decoder;
    const feeds = this.codeFeeds(graph, codes, y);
    if (graph.inputs.includes("x")) feeds["x"] = zeros([codes.length, ...this.info.shape]);
    const name = graph.outputs[0];
    const outputs = [name, ...graph.outputs.filter((output) => output === "chance")];
    const { results, ms } = await this.engine.run(this.name(graph), feeds, outputs);
    const rows = ({ data, dims }: Results[string]) => {
      const size = product(dims) / codes.length;
      return codes.map((_, i) => (data as Float32Array).subarray(i * size, (i + 1) * size));
    };
    const chances = results["chance"] ? rows(results["chance"]) : null;
    return { items: rows(results[name]), chances, shape: results[name].dims.slice(1), ms };
  }

  /** log p(x|z) in nats for each code, or null where the run does not have it. */
  async logPx(x: Float32Array, codes: Code[], y: number | null): Promise<Float32Array | null> {
    const graph = this.info.decoder;
    if (!graph.outputs.includes("log_px") || !graph.inputs.includes("x")) return null;
    const feeds = this.codeFeeds(graph, codes, y);
    const data = new Float32Array(codes.length * x.length);
    codes.forEach((_, i) => data.set(x, i * x.length));
    feeds["x"] = { type: "float32", data, dims: [codes.length, ...this.info.shape] };
    const { results } = await this.engine.run(this.name(graph), feeds, ["log_px"]);
    return results["log_px"].data as Float32Array;
  }

  /** q(z|x) of one input, and z at the noise eps (none: the mean). */
  async encode(x: Float32Array, y: number | null, eps: Float32Array | null = null): Promise<Encoded> {
    const outputs = ["z", "mean", "std", "kl", "class"].filter((name) =>
      this.info.encoder?.outputs.includes(name),
    );
    const results = await this.runEncoder(x, y, eps, outputs);
    const mean = (results["mean"] ?? results["z"]).data as Float32Array;
    const get = (name: string) => (results[name]?.data as Float32Array | undefined) ?? null;
    const std = this.info.deterministic ? null : get("std");
    return { mean, std, z: get("z") ?? mean, kl: get("kl"), classes: get("class") };
  }

  /** The discrete codes of one input. */
  async encodeCodes(x: Float32Array, y: number | null): Promise<Int32Array> {
    const results = await this.runEncoder(x, y, null, ["codes"]);
    return Int32Array.from(results["codes"].data);
  }

  /** Draws the dimensions that `keep` (0 or 1) does not hold from the prior, from the top down; null without a graph. */
  async redraw(
    z: Float32Array,
    eps: Float32Array,
    keep: Float32Array,
    y: number | null,
  ): Promise<Float32Array | null> {
    const graph = this.info.prior?.model;
    if (!graph) return null;
    const dims = [1, this.info.latent.size];
    const feeds: Feeds = {};
    for (const [name, data] of Object.entries({ z, eps, keep }))
      if (graph.inputs.includes(name)) feeds[name] = { type: "float32", data: data.slice(), dims };
    if (graph.inputs.includes("y")) feeds["y"] = this.oneHot(y, 1);
    const { results } = await this.engine.run(this.name(graph), feeds, [graph.outputs[0]]);
    return results[graph.outputs[0]].data as Float32Array;
  }

  private async runEncoder(
    x: Float32Array,
    y: number | null,
    eps: Float32Array | null,
    outputs: string[],
  ): Promise<Results> {
    const graph = this.info.encoder;
    if (!graph) throw new Error("this run has no encoder");
    const feeds: Feeds = { x: { type: "float32", data: x.slice(), dims: [1, ...this.info.shape] } };
    const size = this.info.latent.size;
    if (graph.inputs.includes("eps"))
      feeds["eps"] = { type: "float32", data: (eps ?? new Float32Array(size)).slice(), dims: [1, size] };
    if (graph.inputs.includes("y")) feeds["y"] = this.oneHot(y, 1);
    return (await this.engine.run(this.name(graph), feeds, outputs)).results;
  }

  private codeFeeds(graph: GraphRef, codes: Code[], y: number | null): Feeds {
    const feeds: Feeds = {};
    if (graph.inputs.includes("codes")) {
      const size = codes[0].length;
      const data = new BigInt64Array(codes.length * size);
      codes.forEach((code, i) => code.forEach((k: number, j: number) => (data[i * size + j] = BigInt(k))));
      feeds["codes"] = { type: "int64", data, dims: [codes.length, ...(this.info.latent.grid ?? [size])] };
    } else {
      const size = this.info.latent.size;
      const data = new Float32Array(codes.length * size);
      codes.forEach((code, i) => data.set(code, i * size));
      feeds["z"] = { type: "float32", data, dims: [codes.length, size] };
    }
    if (graph.inputs.includes("y")) feeds["y"] = this.oneHot(y, codes.length);
    return feeds;
  }

  /** Of no class (-1) zeros, which stand for an unknown one where the graph finds it itself. */
  private oneHot(y: number | null, count: number): WireTensor {
    const classes = this.info.classes?.length ?? 1;
    const data = new Float32Array(count * classes);
    for (let i = 0; i < count && y !== -1; i++) data[i * classes + (y ?? 0)] = 1;
    return { type: "float32", data, dims: [count, classes] };
  }

  private name(graph: GraphRef): string {
    return this.prefix + graph.blob;
  }
}

function zeros(dims: number[]): WireTensor {
  return { type: "float32", data: new Float32Array(product(dims)), dims };
}
