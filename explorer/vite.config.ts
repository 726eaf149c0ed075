// One page: script and style go into index.html, the worker into the script, and nothing is fetched.
import { defineConfig, type Plugin } from "vite";

const MARK = "<!--vaekit:data-->";

/** What its glue does in Node, and the address of a .wasm file whose bytes the page already has. */
const WITHOUT: [string, string][] = [
  ["if (isNode) isPthread = (await import('worker_threads')).workerData === 'em-pthread';", ""],
  ['(new URL("ort-wasm-simd-threaded.wasm",self.location.href)).href', '"ort.wasm"'],
];

/** onnxruntime-web imports its own glue by URL when it starts; here the glue becomes part of the worker. */
function withGlue(): Plugin {
  const GLUE = "./ort-wasm-simd-threaded.mjs"; // its neighbour in dist/
  const swap = (code: string, from: string, to: string) => {
    if (!code.includes(from)) throw new Error(`onnxruntime-web no longer says ${from}`);
    return code.replace(from, to);
  };
  return {
    name: "with-glue",
    enforce: "pre",
    transform(source, id) {
      const code = id.includes("onnxruntime-web")
        ? source.replaceAll("import.meta.url", "self.location.href")
        : source;
      if (id.endsWith("ort.wasm.bundle.min.mjs"))
        return (
          `import glue from "${GLUE}";` +
          swap(code, "(await import(/*webpackIgnore:true*/e)).default", "glue")
        );
      if (id.endsWith("ort-wasm-simd-threaded.mjs"))
        return WITHOUT.reduce((text, [from, to]) => swap(text, from, to), code);
      return null;
    },
  };
}

/** Moves the built script and style into the page, behind the data's mark. */
function inlined(): Plugin {
  return {
    name: "inlined",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      if (!page || page.type !== "asset") throw new Error("no index.html was built");
      let html = String(page.source);
      for (const [name, item] of Object.entries(bundle)) {
        if (item.type === "chunk") {
          const code = item.code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
          html = html.replace(/\s*<script type="module"[^>]*src=[^>]*><\/script>/, "");
          html = html.replace(MARK, () => `${MARK}\n    <script type="module">${code.trim()}</script>`);
          delete bundle[name];
        } else if (name.endsWith(".css")) {
          html = html.replace(/\s*<link rel="stylesheet"[^>]*>/, "");
          html = html.replace("</head>", () => `  <style>${String(item.source).trim()}</style>\n  </head>`);
          delete bundle[name];
        }
      }
      page.source = html;
    },
  };
}

export default defineConfig({
  plugins: [inlined()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "iife", plugins: () => [withGlue()] },
  build: {
    target: "es2022",
    outDir: "dist",
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
  test: { include: ["tests/**/*.test.ts"], setupFiles: ["tests/setup.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
