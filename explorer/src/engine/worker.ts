// The worker: onnxruntime-web on plain wasm, away from the thread that draws.
import * as ort from "onnxruntime-web/wasm";
import type { Answer, Question, Results } from "./protocol";

const sessions = new Map<string, ort.InferenceSession>();
const scope = self as unknown as {
  postMessage(message: Answer, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<Question>) => void) | null;
};

async function answer(question: Question): Promise<Answer> {
  const { id } = question;
  if (question.do === "start") {
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1; // more would need cross-origin isolation, which a file cannot have
    ort.env.wasm.proxy = false;
    ort.env.wasm.wasmBinary = question.wasm;
    return { id };
  }
  if (question.do === "load") {
    const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" } as const;
    sessions.set(question.model, await ort.InferenceSession.create(question.bytes, options));
    return { id };
  }
  const session = sessions.get(question.model);
  if (!session) throw new Error(`no graph ${question.model}`);
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, { type, data, dims }] of Object.entries(question.feeds))
    feeds[name] = new ort.Tensor(type as "float32", data as Float32Array, dims);
  const began = performance.now();
  const made = await session.run(feeds, question.outputs);
  const ms = performance.now() - began;
  const results: Results = {};
  for (const name of question.outputs) {
    const { data, dims } = made[name];
    const numbers =
      data instanceof Float32Array ? data.slice() : Int32Array.from(data as BigInt64Array, Number);
    results[name] = { data: numbers, dims: [...dims] };
  }
  return { id, results, ms };
}

// One question after the other: a session must not be run twice at once.
let turn: Promise<unknown> = Promise.resolve();
let current = 0;
scope.onmessage = ({ data: question }) => {
  turn = turn.then(async () => {
    current = question.id;
    let reply: Answer;
    try {
      reply = await answer(question);
    } catch (error) {
      reply = { id: question.id, error: error instanceof Error ? error.message : String(error) };
    }
    const transfer = Object.values(reply.results ?? {}).map((r) => r.data.buffer as ArrayBuffer);
    scope.postMessage(reply, transfer);
  });
};

// The runtime's start can fail without failing what waits for it.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  scope.postMessage({ id: current, error: String((event as PromiseRejectionEvent).reason) }, []);
});
