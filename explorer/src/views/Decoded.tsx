// What the current code decodes to, large, and the code itself.
import type { ReadonlySignal } from "@preact/signals";
import { t } from "../i18n";
import { classColour } from "../maths/colours";
import { fixed } from "../maths/ticks";
import { subscript } from "../state/dimension";
import { dark } from "../state/settings";
import { className, labelOfExample, type Study } from "../state/study";
import { Picture } from "./Picture";
import { Sound } from "./Sound";
import { Row } from "./Row";
import { sightOf } from "./sight";
import { Thumb } from "./Thumb";

export function DecodedPanel({ study }: { study: Study }) {
  return (
    <div class={`decoded ${study.info.kind}`} role="group" aria-label={t("decoded")}>
      <Output study={study} data={study.decoded} />
      <div class="beside">
        <Readout study={study} />
        <NearestExample study={study} />
        {study.info.conditional && <ClassButtons study={study} />}
      </div>
    </div>
  );
}

function Output({ study, data }: { study: Study; data: ReadonlySignal<Float32Array | null> }) {
  const { info } = study;
  if (!data.value) return <div class="screen" />;
  if (info.kind === "table") return <Row study={study} data={data.value} chances={study.chances.value} />;
  const sight = sightOf(info, data.value, study.outShape.value);
  return (
    <div class="screen-box">
      <div class={`screen ${info.kind}`}>
        <Picture
          sight={sight}
          alt={t(info.kind === "audio" ? "decoded.alt.sound" : "decoded.alt.image")}
          smooth={info.kind === "audio"}
        />
      </div>
      {info.kind === "audio" && <Sound study={study} data={data.value} />}
    </div>
  );
}

/** How many numbers of z are written out. */
const WRITTEN = 6;

function Readout({ study }: { study: Study }) {
  const ms = study.ms.value;
  return (
    <div class="readout" role="group" aria-label={t("decoded.at")}>
      {study.info.family !== "codes" && <CodeNumbers study={study} />}
      {ms !== null && <p class="ms">{t("decoded.ms", { ms: roundedUp(ms) })}</p>}
    </div>
  );
}

/** A duration that is not shown as none at all. */
const roundedUp = (ms: number) => (ms < 10 ? fixed(Math.max(1, Math.ceil(ms * 10)) / 10, 1) : fixed(ms, 0));

function CodeNumbers({ study }: { study: Study }) {
  const z = study.code.value;
  const order = z.length > WRITTEN ? study.ranked.live.slice(0, WRITTEN) : [...z.keys()];
  return (
    <dl class="numbers">
      {order.map((d) => (
        <div key={d}>
          <dt>
            z<sub>{subscript(study.info, d)}</sub>
          </dt>
          <dd>{fixed(z[d])}</dd>
        </div>
      ))}
      {z.length > order.length && (
        <div class="rest">
          <dt>…</dt>
          <dd>{t("decoded.more", { count: z.length - order.length })}</dd>
        </div>
      )}
    </dl>
  );
}

/** Of the examples whose pictures the page holds, the one whose code lies nearest: true x beside what z decodes to. */
function NearestExample({ study }: { study: Study }) {
  const m = nearestExample(study);
  if (m < 0) return null;
  const label = labelOfExample(study, m);
  const count = study.examples.value!.x.length;
  const text =
    label < 0
      ? t("decoded.nearest", { count })
      : t("decoded.nearest.of", { count, name: className(study, label) });
  return (
    <figure class="nearest">
      <Thumb study={study} input data={study.examples.value!.x[m]} label={text} />
      <figcaption>{text}</figcaption>
    </figure>
  );
}

function nearestExample(study: Study): number {
  const examples = study.examples.value;
  if (!examples || !study.points || study.info.family === "codes") return -1;
  const z = study.code.value;
  const mean = study.points.mean;
  let [best, least] = [-1, Infinity];
  examples.index.forEach((n, m) => {
    if (n < 0) return;
    let distance = 0;
    for (let d = 0; d < z.length; d++) distance += (mean[n * z.length + d] - z[d]) ** 2;
    if (distance < least) [best, least] = [m, distance];
  });
  return best;
}

/** The class that a conditional decoder is told. */
export function ClassButtons({ study }: { study: Study }) {
  const classes = study.info.classes ?? [];
  return (
    <div class="field">
      <span class="label">{t("decoded.class")}</span>
      <div class="classes" role="group" aria-label={t("decoded.class")}>
        {classes.map((name, c) => (
          <button
            type="button"
            class="class solid"
            key={c}
            aria-pressed={study.label.value === c}
            onClick={() => (study.label.value = c)}
          >
            <span class="dot" style={{ background: classColour(c, dark.value) }} />
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}
