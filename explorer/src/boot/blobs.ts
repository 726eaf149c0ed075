// Blobs: base64 and gzip in the page's script tags, to bytes and arrays.
import { Problem } from "./problem";
import type { ArrayRef } from "./manifest";

export type Numbers = Float32Array | Uint8Array | Int32Array | Int16Array;

export interface Tensor {
  data: Numbers;
  shape: number[];
}

const WIDTH: Record<ArrayRef["dtype"], number> = { float16: 2, float32: 4, uint8: 1, int16: 2, int32: 4 };

/** Text in base64 to bytes. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: (t: string) => Uint8Array<ArrayBuffer> })
    .fromBase64;
  if (native) return native.call(Uint8Array, text);
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Bytes that gzip packed, unpacked. */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Undoes the transposition into byte planes: plane k holds byte k of every group. */
export function fromPlanes(bytes: Uint8Array<ArrayBuffer>, planes: number): Uint8Array<ArrayBuffer> {
  if (planes < 2) return bytes;
  const groups = Math.floor(bytes.length / planes);
  const out = new Uint8Array(groups * planes);
  for (let p = 0; p < planes; p++)
    for (let g = 0, from = p * groups; g < groups; g++) out[g * planes + p] = bytes[from + g];
  return out;
}

/** One half-precision number, given as its 16 bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bytes as the array that the manifest states. */
export function asTensor(bytes: Uint8Array<ArrayBuffer>, ref: ArrayRef): Tensor {
  const width = WIDTH[ref.dtype];
  const size = ref.shape.reduce((a, b) => a * b, 1);
  if (!width || bytes.length < size * width) throw new Problem("broken-blob", ref.blob);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size * width);
  const data = typed(buffer, ref.dtype);
  return { data: ref.scale ? fromSteps(data, ref.scale, ref.offset ?? [0]) : data, shape: ref.shape };
}

/** Steps to numbers, each somewhere within its step, so that no lattice shows. */
function fromSteps(steps: Numbers, scale: number[], offset: number[]): Float32Array {
  const out = new Float32Array(steps.length);
  const width = scale.length;
  for (let i = 0; i < steps.length; i++) {
    let hash = Math.imul(i ^ (i >>> 15), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    const within = (hash >>> 16) / 65536 - 0.5;
    out[i] = (steps[i] + within) * scale[i % width] + offset[i % offset.length];
  }
  return out;
}

function typed(buffer: ArrayBuffer, dtype: ArrayRef["dtype"]): Numbers {
  if (dtype === "float32") return new Float32Array(buffer);
  if (dtype === "int32") return new Int32Array(buffer);
  if (dtype === "int16") return new Int16Array(buffer);
  if (dtype === "uint8") return new Uint8Array(buffer);
  const halves = new Uint16Array(buffer);
  const table = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) table[i] = fromHalf(halves[i]);
  return table;
}

/** The blobs of a document, unpacked when asked for. */
export class Blobs {
  constructor(private readonly find: (id: string) => Element | null) {}

  /** The bytes of one blob. Its text is dropped from the page, which has no more use for it. */
  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const element = this.find(`blob-${name}`);
    if (!element) throw new Problem("missing-blob", name);
    try {
      const packed = fromBase64(element.textContent ?? "");
      const bytes = await gunzip(packed);
      return fromPlanes(bytes, Number(element.getAttribute("data-planes") ?? 1));
    } catch {
      throw new Problem("broken-blob", name);
    }
  }

  /** The array that a reference names; null for null. */
  async array(ref: ArrayRef): Promise<Tensor>;
  async array(ref: ArrayRef | null | undefined): Promise<Tensor | null>;
  async array(ref: ArrayRef | null | undefined): Promise<Tensor | null> {
    return ref ? asTensor(await this.bytes(ref.blob), ref) : null;
  }
}
