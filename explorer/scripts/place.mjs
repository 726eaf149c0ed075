// Puts the built page and the runtime's wasm where the Python package ships them.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import zopfli from "@gfx/zopfli";

const target = new URL("../../src/vaekit/explorer/page/", import.meta.url);
const html = readFileSync(new URL("../dist/index.html", import.meta.url));
const wasm = readFileSync(
  new URL("../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", import.meta.url),
);
mkdirSync(target, { recursive: true });
replace(new URL("index.html", target), html);

// zopfli packs 4 % smaller than gzip and takes a minute, so what is there already stays.
const place = new URL("ort.wasm.gz", target);
const isThere = existsSync(place) && gunzipSync(readFileSync(place)).equals(wasm);
if (!isThere) replace(place, await zopfli.gzipAsync(wasm, { numiterations: 1 }));
console.log(
  `index.html ${(html.length / 1e3).toFixed(0)} kB, ort.wasm.gz ${(readFileSync(place).length / 1e6).toFixed(2)} MB`,
);

/** Writes a file that is whole or not there: a page may be made of it at this moment. */
function replace(file, content) {
  const temporary = new URL(`${file.href}.tmp`);
  writeFileSync(temporary, content);
  renameSync(temporary, file);
}
