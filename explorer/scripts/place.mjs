// Puts the built page and the runtime's wasm where the Python package ships them.
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const target = new URL("../../src/vaekit/explorer/page/", import.meta.url);
const wasm = new URL("../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", import.meta.url);
mkdirSync(target, { recursive: true });
const html = readFileSync(new URL("../dist/index.html", import.meta.url));
const packed = gzipSync(readFileSync(wasm), { level: 9 });
packed[9] = 255; // the gzip header's operating system: unknown, so that every machine writes the same bytes
writeFileSync(new URL("index.html", target), html);
writeFileSync(new URL("ort.wasm.gz", target), packed);
console.log(
  `index.html ${(html.length / 1e3).toFixed(0)} kB, ort.wasm.gz ${(packed.length / 1e6).toFixed(2)} MB`,
);
