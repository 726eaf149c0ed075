// Puts the built page and the runtime's wasm where the Python package ships them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import zopfli from "@gfx/zopfli";

const target = new URL("../../src/vaekit/explorer/page/", import.meta.url);
const html = readFileSync(new URL("../dist/index.html", import.meta.url));
const wasm = readFileSync(
  new URL("../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", import.meta.url),
);
mkdirSync(target, { recursive: true });
writeFileSync(new URL("index.html", target), html);

// zopfli packs 4 % smaller than gzip and takes a minute, so what is there already stays.
const place = new URL("ort.wasm.gz", target);
const isThere = existsSync(place) && gunzipSync(readFileSync(place)).equals(wasm);
if (!isThere) writeFileSync(place, await zopfli.gzipAsync(wasm, { numiterations: 1 }));
console.log(
  `index.html ${(html.length / 1e3).toFixed(0)} kB, ort.wasm.gz ${(readFileSync(place).length / 1e6).toFixed(2)} MB`,
);
