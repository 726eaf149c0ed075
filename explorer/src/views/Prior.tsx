// New examples from the prior, or from a normal distribution fitted to an autoencoder's codes.
import { batch, useSignal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Code } from "../engine/model";
import { t, type Key } from "../i18n";
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

/** Draws of the run, or of two runs beside each other from the same noise. */
export function PriorTool({ study, all }: { study: Study; all: Study[] }) {
  const temperature = useSignal(1);
  const seed = useSignal(1);
  const y = useSignal<number>(-1);
  const studies = all.length > 1 ? all.filter(canDraw) : [study];
  const classed = studies.find(
    ({ info, priorSamples }) => (info.conditional || priorSamples?.label) && (info.classes?.length ?? 0) > 0,
  );
  const isMixed = new Set(studies.map(({ info }) => info.deterministic)).size > 1;
  return (
    <div class="tool">
      <p class="lead">{t(isMixed ? "prior.lead.pair" : leadOf(study))}</p>
      <div class="line">
        {studies.some((each) => sourceOf(each) !== "samples") && (
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
        {classed && (
          <Choice
            label={t("prior.class")}
            value={String(y.value)}
            options={[
              { value: "-1", text: "–" },
              ...classed.info.classes!.map((name, c) => ({ value: String(c), text: name })),
            ]}
            onChange={(v) => (y.value = Number(v))}
          />
        )}
        <Button kind="main" onClick={() => seed.value++}>
          {t("prior.draw")}
        </Button>
      </div>
      <div class={studies.length > 1 ? "duo" : ""}>
        {studies.map((each) => (
          <section key={each.info.name}>
            {studies.length > 1 && <h3>{each.info.name}</h3>}
            <Draws study={each} temperature={temperature} seed={seed} y={y} />
          </section>
        ))}
      </div>
    </div>
  );
}

/** Whether a run can be drawn from at all: of codes there have to be some. */
export const canDraw = ({ info, priorSamples }: Study) => info.family !== "codes" || priorSamples !== null;

function leadOf(study: Study): Key {
  const source = sourceOf(study);
  if (source === "fitted") return "prior.lead.ae";
  if (study.info.prior?.name === "uniform-codes-prior") return "prior.lead.uniform";
  return source === "normal" ? "prior.lead" : "prior.lead.given";
}

function Draws(props: {
  study: Study;
  temperature: ReadonlySignal<number>;
  seed: ReadonlySignal<number>;
  y: ReadonlySignal<number>;
}) {
  const { study, temperature, seed, y } = props;
  const draws = useSignal<{ codes: Code[]; items: Float32Array[] } | null>(null);
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
  return (
    <div class={`tray dozen dozens ${study.info.kind}`}>
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
  );
}
