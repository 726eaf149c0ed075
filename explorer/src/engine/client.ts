// Engine: the page's end of the worker.
import { Problem } from "../boot/problem";
import type { Answer, Ask, Feeds, Results } from "./protocol";

export interface Engine {
  load(model: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  run(model: string, feeds: Feeds, outputs: string[]): Promise<{ results: Results; ms: number }>;
}

type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

/** Starts a worker and hands it the runtime's wasm. */
export async function startEngine(worker: Worker, wasm: Uint8Array<ArrayBuffer>): Promise<Engine> {
  const waiting = new Map<number, Waiting>();
  let count = 0;

  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error !== undefined) asked?.reject(new Problem("engine", data.error));
    else asked?.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Problem("no-worker", event.message));
    waiting.clear();
  };
  const ask = (question: Ask, transfer: Transferable[] = []) =>
    new Promise<Answer>((resolve, reject) => {
      const id = ++count;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...question }, transfer);
    });

  await ask({ do: "start", wasm: wasm.buffer }, [wasm.buffer]);
  return {
    async load(model, bytes) {
      await ask({ do: "load", model, bytes: bytes.buffer }, [bytes.buffer]);
    },
    async run(model, feeds, outputs) {
      const { results, ms } = await ask({ do: "run", model, feeds, outputs });
      return { results: results ?? {}, ms: ms ?? 0 };
    },
  };
}
