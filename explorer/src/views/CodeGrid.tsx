// Discrete codes as a grid: choose an entry of the codebook, paint it in, watch the picture change.
import { useSignal, useSignalEffect } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { t } from "../i18n";
import { classColour } from "../maths/colours";
import { dark } from "../state/settings";
import type { Study } from "../state/study";
import { Button } from "./controls";
import { Picture, type Sight } from "./Picture";
import { ExampleTray } from "./Walk";

/** Entries of the palette. */
const SHOWN = 48;

/** Codebook entries, the most frequent first. */
export function frequent(
  usage: ArrayLike<number> | null,
  book: number,
  seen: Iterable<Int32Array>,
): number[] {
  const counts = new Float64Array(book);
  if (usage) for (let k = 0; k < book; k++) counts[k] = usage[k];
  else for (const codes of seen) for (const k of codes) if (k >= 0 && k < book) counts[k]++;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b);
  const used = order.filter((k) => counts[k] > 0);
  return (used.length ? used : order).slice(0, SHOWN);
}

export function CodeGrid({ study }: { study: Study }) {
  const grid = study.info.latent.grid ?? [1];
  const [rows, columns] =
    grid.length === 1 ? [1, grid[0]] : [grid[0], grid.slice(1).reduce((a, b) => a * b, 1)];
  const brush = useSignal(0);
  const undo = useSignal<Int32Array[]>([]);
  const painting = useRef(false);
  const draws = useRef(0);
  const book = study.info.latent.codebook ?? 1;
  const entries = useMemo(
    () => frequent(study.usage, book, (study.priorSamples?.codes ?? []) as Int32Array[]),
    [study, book],
  );
  const codes = study.code.value as Int32Array;
  const swatches = useSwatches(study, entries, rows * columns);
  const decoded = study.decoded.value;

  const keep = () => (undo.value = [...undo.value.slice(-40), study.code.peek() as Int32Array]);
  const paint = (cell: number) => {
    const next = (study.code.peek() as Int32Array).slice();
    if (next[cell] === entries[brush.value]) return;
    next[cell] = entries[brush.value];
    study.code.value = next;
  };
  const press = (event: { altKey: boolean }, cell: number) => {
    if (event.altKey) {
      const place = entries.indexOf(codes[cell]);
      if (place >= 0) brush.value = place;
      return;
    }
    keep();
    paint(cell);
  };
  const move = (event: KeyboardEvent, cell: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!step) return;
    event.preventDefault();
    const box = (event.currentTarget as HTMLElement).closest(".code-grid")!;
    (box.querySelectorAll("button")[cell + step] as HTMLElement | undefined)?.focus();
  };
  const fromExample = async (m: number) => {
    keep();
    study.code.value = await study.model.encodeCodes(study.examples.value!.x[m], study.label.peek());
  };
  return (
    <div class="map-panel codes">
      <p class="lead">{t("codes.lead")}</p>
      <div
        class="code-grid"
        role="group"
        aria-label={t("codes")}
        style={{ "--columns": columns }}
        onPointerUp={() => (painting.current = false)}
        onPointerLeave={() => (painting.current = false)}
      >
        {Array.from(codes, (code, cell) => (
          <button
            type="button"
            key={cell}
            tabIndex={cell === 0 ? 0 : -1}
            aria-label={t("codes.cell", {
              row: Math.floor(cell / columns) + 1,
              column: (cell % columns) + 1,
              code,
            })}
            onPointerDown={(event) => {
              painting.current = !event.altKey;
              press(event, cell);
            }}
            onPointerEnter={() => painting.current && paint(cell)}
            onClick={(event) => event.detail === 0 && press(event, cell)}
            onKeyDown={(event) => move(event, cell)}
          >
            {decoded && study.info.kind === "image" ? (
              <Picture
                sight={{
                  ...cut(decoded, study.outShape.value, cell, rows, columns),
                  low: study.info.low,
                  high: study.info.high,
                }}
                alt=""
              />
            ) : (
              <span class="tint" style={{ background: classColour(code % 10, dark.value) }} />
            )}
            <span class="number">{code}</span>
          </button>
        ))}
      </div>
      <div class="line">
        <Button
          disabled={!undo.value.length}
          onClick={() => {
            study.code.value = undo.value[undo.value.length - 1];
            undo.value = undo.value.slice(0, -1);
          }}
        >
          {t("codes.undo")}
        </Button>
        {study.priorSamples && (
          <Button
            onClick={() => {
              keep();
              const all = study.priorSamples!.codes;
              study.code.value = all[++draws.current % all.length];
            }}
          >
            {t("codes.prior")}
          </Button>
        )}
        <span class="hint">{t("codes.pick")}</span>
      </div>
      <span class="label">{t("codes.palette")}</span>
      <div class="palette" role="group" aria-label={t("codes.palette")}>
        {entries.map((code, k) => (
          <button
            type="button"
            key={code}
            aria-pressed={brush.value === k}
            aria-label={t("codes.entry", { code })}
            title={t("codes.entry", { code })}
            onClick={() => (brush.value = k)}
          >
            <Swatch code={code} swatch={swatches.value.get(code)} />
          </button>
        ))}
      </div>
      {study.canEncode.value && study.examples.value && (
        <>
          <span class="label">{t("codes.example")}</span>
          <ExampleTray study={study} chosen={[]} onChoose={(m) => void fromExample(m)} />
        </>
      )}
    </div>
  );
}

function Swatch({ code, swatch }: { code: number; swatch: Sight | undefined }) {
  return (
    <>
      {swatch ? (
        <Picture sight={swatch} alt="" smooth />
      ) : (
        <span class="tint" style={{ background: classColour(code % 10, dark.value) }} />
      )}
      <span class="number">{code}</span>
    </>
  );
}

/** What each entry looks like: a grid of nothing else, decoded, its middle cut out; all on one scale. */
function useSwatches(study: Study, entries: number[], cells: number) {
  const made = useSignal<Map<number, Sight>>(new Map());
  useSignalEffect(() => {
    if (study.info.kind !== "image") return;
    let dropped = false;
    void (async () => {
      const found: Sight[] = [];
      for (let k = 0; k < entries.length && !dropped; k += 8) {
        const some = entries.slice(k, k + 8);
        const { items, shape } = await study.model.decode(
          some.map((code) => new Int32Array(cells).fill(code)),
          study.label.peek(),
        );
        found.push(...items.map((data) => ({ ...cut(data, shape, 4, 3, 3), low: 0, high: 1 })));
      }
      const low = found.reduce((a, { data }) => Math.min(a, ...Array.from(data)), Infinity);
      const high = found.reduce((a, { data }) => Math.max(a, ...Array.from(data)), -Infinity);
      if (!dropped) made.value = new Map(found.map((sight, k) => [entries[k], { ...sight, low, high }]));
    })();
    return () => (dropped = true);
  });
  return made;
}

/** The part of a picture that lies under a cell of a grid. */
export function cut(
  data: Float32Array,
  [channels, height, width]: number[],
  cell: number,
  rows: number,
  columns: number,
): Pick<Sight, "data" | "shape"> {
  const edge = (k: number, of: number, size: number) => Math.round((k * size) / of);
  const [j, i] = [Math.floor(cell / columns), cell % columns];
  const [top, left] = [edge(j, rows, height), edge(i, columns, width)];
  const h = Math.max(1, edge(j + 1, rows, height) - top);
  const w = Math.max(1, edge(i + 1, columns, width) - left);
  const out = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) out[(c * h + y) * w + x] = data[(c * height + top + y) * width + left + x];
  return { data: out, shape: [channels, h, w] };
}
