// A slider for every latent dimension, the most informative first, the dead ones folded away.
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { t } from "../i18n";
import { histogram } from "../maths/histogram";
import { rank } from "../maths/rank";
import { fixed } from "../maths/ticks";
import { dimensionOf } from "../state/dimension";
import type { Study } from "../state/study";
import { Button, Range } from "./controls";

/** Sliders shown before the rest is folded. */
const FIRST = 12;
/** Never more sliders than this: a deep hierarchy has thousands of dimensions. */
const MOST = 96;

export function Sliders({ study }: { study: Study }) {
  const { info } = study;
  const { layers, rate, rate_is_bound } = info.latent;
  const lead = !rate ? "sliders.lead.ae" : rate_is_bound ? "sliders.lead.bound" : "sliders.lead";
  return (
    <div class="tool">
      <p class="lead">{t(lead)}</p>
      {info.family === "layers" && layers.length > 1 ? (
        layers.map((layer) => (
          <section key={layer.name}>
            <h3>{layer.name}</h3>
            <Group study={study} start={layer.start} size={layer.size} first={4} />
          </section>
        ))
      ) : (
        <Group study={study} start={0} size={info.latent.size} first={FIRST} />
      )}
      <Button onClick={() => (study.code.value = study.codes.mean.slice())}>{t("sliders.reset")}</Button>
    </div>
  );
}

function Group({ study, start, size, first }: { study: Study; start: number; size: number; first: number }) {
  const { live, dead } = useMemo(
    () => rank(start, size, study.info.latent.rate, study.points ? study.codes.std : null),
    [study, start, size],
  );
  const rest = live.slice(first, MOST);
  return (
    <>
      <div class="sliders">
        {live.slice(0, first).map((d) => (
          <Dimension key={d} study={study} d={d} />
        ))}
      </div>
      {rest.length > 0 && (
        <Folded study={study} dims={rest} title={t("sliders.more", { count: live.length - first })} />
      )}
      {dead.length > 0 && (
        <Folded study={study} dims={dead.slice(0, MOST)} title={t("sliders.dead", { count: dead.length })} />
      )}
    </>
  );
}

function Folded({ study, dims, title }: { study: Study; dims: number[]; title: string }) {
  return (
    <details>
      <summary>{title}</summary>
      <div class="sliders">
        {dims.map((d) => (
          <Dimension key={d} study={study} d={d} />
        ))}
      </div>
    </details>
  );
}

function Dimension({ study, d }: { study: Study; d: number }) {
  const value = useComputed(() => study.code.value[d]);
  const [low, high] = study.ranges[d];
  const rate = study.info.latent.rate?.[d];
  const { layer, place } = dimensionOf(study.info, d);
  const top = Math.max(...(study.info.latent.rate ?? [1]).slice(0, 4096), 1e-6);
  return (
    <div class="dimension">
      <div class="hills">
        <Hills study={study} d={d} />
      </div>
      <Range
        label={layer ? t("sliders.one.of", { layer, d: place }) : t("sliders.one", { d: place })}
        value={Math.round(value.value * 100) / 100}
        min={Math.floor(low * 10) / 10}
        max={Math.ceil(high * 10) / 10}
        step={0.01}
        text={fixed(value.value)}
        onInput={(v) => {
          const code = (study.code.value as Float32Array).slice();
          code[d] = v;
          study.code.value = code;
        }}
      />
      {rate !== undefined && (
        <span class="rate" title={t("sliders.rate", { rate: fixed(rate) })}>
          <span class="fill" style={{ width: `${(100 * rate) / top}%` }} />
        </span>
      )}
    </div>
  );
}

/** Where the codes of the data lie along one dimension. */
function Hills({ study, d }: { study: Study; d: number }) {
  const path = useMemo(() => {
    if (!study.points) return "";
    const [low, high] = study.ranges[d];
    const bins = 40;
    const counts = histogram(study.points.mean, low, high, bins, d, study.info.latent.size);
    const top = counts.reduce((a, b) => Math.max(a, b), 1);
    const points = [...counts].map((n, i) => `${((i + 0.5) / bins) * 100} ${20 - (n / top) * 19}`);
    return `M0 20L${points.join("L")}L100 20Z`;
  }, [study, d]);
  return (
    <svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
