// The legend: classes to press, or the scale of a metric; and what the pointer is over.
import { t } from "../../i18n";
import { amount, classColour } from "../../maths/colours";
import { quantile } from "../../maths/histogram";
import { fixed, short } from "../../maths/ticks";
import { dark } from "../../state/settings";
import { className, type Study } from "../../state/study";

export function Legend({ study }: { study: Study }) {
  return (
    <div class="legend">
      {study.metrics.value[study.colouring.value] ? <Scale study={study} /> : <Classes study={study} />}
      <p class="under" aria-live="off">
        <Under study={study} />
      </p>
    </div>
  );
}

function Classes({ study }: { study: Study }) {
  const classes = study.info.classes ?? [];
  if (study.colouring.value !== "label" || !classes.length || classes.length > 30) return <span />;
  return (
    <div class="classes" role="group" aria-label={t("map.classes")}>
      {classes.map((name, c) => (
        <button
          type="button"
          class="class"
          key={c}
          aria-pressed={study.focusClass.value === c}
          onClick={() => (study.focusClass.value = study.focusClass.value === c ? -1 : c)}
        >
          <span class="dot" style={{ background: classColour(c, dark.value) }} />
          {name}
        </button>
      ))}
    </div>
  );
}

function Scale({ study }: { study: Study }) {
  const values = study.metrics.value[study.colouring.value];
  const stops = [0, 0.25, 0.5, 0.75, 1].map((s) => `rgb(${amount(s, dark.value).join(" ")})`);
  return (
    <div class="scale">
      <span>{short(quantile(values, 0.01))}</span>
      <span class="ramp" style={{ background: `linear-gradient(90deg, ${stops.join(", ")})` }} />
      <span>{short(quantile(values, 0.99))}</span>
    </div>
  );
}

function Under({ study }: { study: Study }) {
  const n = study.hover.value;
  if (n < 0 || !study.points) return <>{t("map.hint")}</>;
  const name = className(study, Number(study.points.label?.[n] ?? -1));
  const metric = study.metrics.value[study.colouring.value];
  const more = metric ? ` · ${study.colouring.value} ${short(metric[n])}` : "";
  const std = study.std.value;
  if (!std)
    return (
      <>
        {study.info.deterministic ? t("map.point.ae", { name }) : name}
        {more}
      </>
    );
  const size = study.info.latent.size;
  const first = study.ranked.live.slice(0, 3).map((d) => fixed(std[n * size + d]));
  return (
    <>
      {t("map.point", { name, spread: `(${first.join(", ")}${size > 3 ? ", …" : ""})` })}
      {more}
    </>
  );
}
