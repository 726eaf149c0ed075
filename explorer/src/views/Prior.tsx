// New examples from the prior, or from a normal distribution fitted to an autoencoder's codes.
import { batch, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Code } from "../engine/model";
import { t } from "../i18n";
import { normals, seeded } from "../maths/random";
import { fixed } from "../maths/ticks";
import type { Study } from "../state/study";
import { Button, Choice, Range } from "./controls";
import { isStandardNormal } from "./map/prior";
import { Thumb } from "./Thumb";

const COUNT = 24;

/** How this run can be drawn from. */
type Source = "normal" | "graph" | "samples" | "fitted";

export function sourceOf(study: Study): Source {
  if (study.info.deterministic) return "fitted";
  if (isStandardNormal(study)) return "normal";
  if (study.info.prior?.model && study.canEncode.value) return "graph";
  return study.priorSamples ? "samples" : "normal";
}

/** Draws from the prior; equal seeds give equal draws. */
export async function drawPrior(
  study: Study,
  count: number,
  temperature: number,
  y: number | null,
  seed: number,
): Promise<Code[]> {
  const uniform = seeded(seed);
  const size = study.info.latent.size;
  const source = sourceOf(study);
  if (source === "samples") {
    const { codes, label } = study.priorSamples!;
    const fitting = codes.filter((_, i) => y === null || !label || Number(label[i]) === y);
    const from = fitting.length ? fitting : codes;
    return Array.from({ length: count }, () => from[Math.floor(uniform() * from.length)]);
  }
  const out: Code[] = [];
  for (let n = 0; n < count; n++) {
    const eps = normals(uniform, size).map((v) => v * temperature);
    if (source === "fitted") out.push(eps.map((v, d) => study.codes.mean[d] + study.codes.std[d] * v));
    else if (source === "graph") {
      const zeros = new Float32Array(size);
      out.push((await study.model.redraw(zeros, eps, zeros, y)) ?? eps);
    } else out.push(eps);
  }
  return out;
}

export function PriorTool({ study }: { study: Study }) {
  const temperature = useSignal(1);
  const seed = useSignal(1);
  const y = useSignal<number>(-1);
  const draws = useSignal<{ codes: Code[]; items: Float32Array[] } | null>(null);
  const source = sourceOf(study);
  const byClass =
    (study.info.conditional || study.priorSamples?.label) && (study.info.classes?.length ?? 0) > 0;

  useSignalEffect(() => {
    const [heat, start, label] = [temperature.value, seed.value, y.value];
    let dropped = false;
    const told = label >= 0 ? label : study.info.conditional ? study.label.peek() : null;
    void (async () => {
      const codes = await drawPrior(study, COUNT, heat, label >= 0 ? label : null, start);
      if (dropped) return;
      const { items } = await study.model.decode(codes, told);
      if (!dropped)
        batch(() => {
          draws.value = { codes, items };
          study.marks.value =
            study.info.family === "codes" ? [] : codes.map((code) => ({ code, tone: "draw" }));
        });
    })();
    return () => (dropped = true);
  });
  useEffect(() => () => void (study.marks.value = []), [study]);

  const lead =
    source === "fitted" ? "prior.lead.ae" : source === "normal" ? "prior.lead" : "prior.lead.given";
  return (
    <div class="tool">
      <p class="lead">{t(lead)}</p>
      <div class="line">
        {source !== "samples" && (
          <Range
            label={t("prior.temperature")}
            value={temperature.value}
            min={0}
            max={2}
            step={0.05}
            text={fixed(temperature.value)}
            onInput={(v) => (temperature.value = v)}
          />
        )}
        {byClass && (
          <Choice
            label={t("prior.class")}
            value={String(y.value)}
            options={[
              { value: "-1", text: "–" },
              ...study.info.classes!.map((name, c) => ({ value: String(c), text: name })),
            ]}
            onChange={(v) => (y.value = Number(v))}
          />
        )}
        <Button kind="main" onClick={() => seed.value++}>
          {t("prior.draw")}
        </Button>
      </div>
      <div class={`tray ${study.info.kind}`}>
        {Array.from({ length: COUNT }, (_, n) => (
          <Thumb
            key={n}
            study={study}
            data={draws.value?.items[n] ?? null}
            label={t("prior.one", { n: n + 1 })}
            onClick={() =>
              batch(() => {
                if (!draws.value) return;
                study.code.value = draws.value.codes[n].slice();
                if (y.value >= 0) study.label.value = y.value;
              })
            }
          />
        ))}
      </div>
    </div>
  );
}
