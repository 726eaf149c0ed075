// A hierarchy layer by layer: keep the upper ones, draw the rest; or take one from another example.
import { batch, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LayerInfo } from "../boot/manifest";
import { t } from "../i18n";
import { normals, seeded } from "../maths/random";
import { fixed } from "../maths/ticks";
import { codeOfPoint, type Study } from "../state/study";
import { Button, Range } from "./controls";
import { Thumb } from "./Thumb";
import { ExampleTray } from "./Walk";

const VARIANTS = 12;

/** 1 for the dimensions of the top k layers, 0 below. */
export function keepMask(layers: LayerInfo[], size: number, k: number): Float32Array {
  const keep = new Float32Array(size);
  for (const { start, size: n } of layers.slice(0, k)) keep.fill(1, start, start + n);
  return keep;
}

export function LayersTool({ study }: { study: Study }) {
  const { layers, size, rate } = study.info.latent;
  const keep = useSignal(Math.max(1, Math.floor(layers.length / 2)));
  const seed = useSignal(1);
  const temperature = useSignal(1);
  const from = useSignal<Float32Array>(study.code.peek() as Float32Array);
  const made = useSignal<{ codes: Float32Array[]; items: Float32Array[] } | null>(null);
  const swapped = useSignal(-1);

  useSignalEffect(() => {
    const [k, start, heat, z] = [keep.value, seed.value, temperature.value, from.value];
    const ready = study.canEncode.value;
    let dropped = false;
    void (async () => {
      const codes: Float32Array[] = [];
      const mask = keepMask(layers, size, k);
      for (let n = 0; n < VARIANTS; n++)
        codes.push(await variant(study, z, mask, heat, start * 1000 + n, ready));
      const { items } = await study.model.decode(codes, study.label.peek());
      if (!dropped)
        batch(() => {
          made.value = { codes, items };
          study.marks.value = codes.map((code) => ({ code, tone: "draw" }));
        });
    })();
    return () => (dropped = true);
  });
  useEffect(() => () => void (study.marks.value = []), [study]);

  const take = (layer: LayerInfo, m: number) => {
    const n = study.examples.value?.index[m] ?? -1;
    if (n < 0) return;
    const code = (study.code.value as Float32Array).slice();
    code.set(codeOfPoint(study, n).subarray(layer.start, layer.start + layer.size), layer.start);
    study.code.value = code;
  };
  return (
    <div class="tool">
      <p class="lead">{t("layers.lead")}</p>
      <ol class="layers">
        {layers.map((layer, i) => {
          const sum = rate
            ? rate.slice(layer.start, layer.start + layer.size).reduce((a, b) => a + b, 0)
            : NaN;
          return (
            <li key={layer.name} class={i < keep.value ? "kept" : ""}>
              <span>{t("layers.one", { name: layer.name, size: layer.size, rate: fixed(sum, 1) })}</span>
              <Button
                pressed={swapped.value === i}
                onClick={() => (swapped.value = swapped.value === i ? -1 : i)}
              >
                {t("layers.swap")}
              </Button>
              {swapped.value === i && (
                <ExampleTray study={study} chosen={[]} onChoose={(m) => take(layer, m)} />
              )}
            </li>
          );
        })}
      </ol>
      <div class="line">
        <Range
          label={t("layers.keep", { k: keep.value, count: layers.length })}
          value={keep.value}
          min={0}
          max={layers.length - 1}
          step={1}
          text={String(keep.value)}
          onInput={(v) => (keep.value = v)}
        />
        <Range
          label={t("layers.temperature")}
          value={temperature.value}
          min={0}
          max={1.5}
          step={0.05}
          text={fixed(temperature.value)}
          onInput={(v) => (temperature.value = v)}
        />
        <Button
          kind="main"
          onClick={() =>
            batch(() => {
              from.value = study.code.value as Float32Array;
              seed.value++;
            })
          }
        >
          {t("layers.draw")}
        </Button>
      </div>
      <div class={`tray dozen ${study.info.kind}`}>
        {Array.from({ length: VARIANTS }, (_, n) => (
          <Thumb
            key={n}
            study={study}
            data={made.value?.items[n] ?? null}
            label={t("layers.variant", { n: n + 1 })}
            onClick={() => made.value && (study.code.value = made.value.codes[n].slice())}
          />
        ))}
      </div>
    </div>
  );
}

/** z with the layers that `keep` leaves open drawn anew; without a graph for it they come from a draw of the prior. */
async function variant(
  study: Study,
  z: Float32Array,
  keep: Float32Array,
  heat: number,
  seed: number,
  ready: boolean,
): Promise<Float32Array> {
  const uniform = seeded(seed);
  const eps = normals(uniform, z.length).map((v) => v * heat);
  const drawn = ready ? await study.model.redraw(z, eps, keep, study.label.peek()) : null;
  if (drawn) return drawn;
  const codes = study.priorSamples?.codes as Float32Array[] | undefined;
  const other = codes?.length ? codes[Math.floor(uniform() * codes.length)] : eps;
  return z.map((v, d) => (keep[d] ? v : other[d]));
}
