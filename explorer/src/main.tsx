// The beginning: check, load, show; or one sentence that says why not.
import { render } from "preact";
import "./style/index.css";
import { Blobs } from "./boot/blobs";
import { checkFeatures } from "./boot/features";
import { readManifest } from "./boot/manifest";
import { Problem } from "./boot/problem";
import { startEngine } from "./engine/client";
import EngineWorker from "./engine/worker?worker&inline";
import { checkBlobs, completeStudy, openStudy } from "./state/load";
import { App } from "./views/App";
import { Sorry } from "./views/Sorry";

const root = document.getElementById("app")!;

function sorry(error: unknown): void {
  document.documentElement.dataset.state = "failed";
  render(<Sorry problem={error instanceof Problem ? error : new Problem("engine", String(error))} />, root);
}

/** A blob's element; names may or may not carry the run's prefix. */
const finder = (prefix: string) => (id: string) =>
  document.getElementById(id) ?? document.getElementById(id.replace("blob-", `blob-${prefix}`));

async function start(): Promise<void> {
  checkFeatures();
  const manifest = readManifest(document.getElementById("manifest")?.textContent);
  checkBlobs(manifest, (name, run) => finder(`${run}-`)(`blob-${name}`) !== null);
  document.title = `${manifest.title} · vaekit explorer`;
  // The runtime starts while the runs are being unpacked.
  const wasm = new Blobs(finder("")).bytes("wasm");
  const starting = wasm.then((bytes) => startEngine(new EngineWorker(), bytes));
  const opened = manifest.runs.map(async (info, i) => {
    const blobs = new Blobs(finder(`${i}-`));
    return { blobs, study: await openStudy(info, blobs, starting, `${i}/`, sorry) };
  });
  const pairs = await Promise.all(opened);
  root.replaceChildren();
  render(<App manifest={manifest} studies={pairs.map((pair) => pair.study)} />, root);
  document.documentElement.dataset.state = "open";
  performance.mark("vaekit:open");
  const engine = await starting;
  for (const [i, { study, blobs }] of pairs.entries()) await completeStudy(study, blobs, engine, `${i}/`);
  for (const { study } of pairs) study.code.value = study.code.value.slice(); // the first runs were compiled while they ran
  document.documentElement.dataset.state = "ready";
  performance.mark("vaekit:ready");
}

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  sorry(event.reason);
});
start().catch(sorry);
