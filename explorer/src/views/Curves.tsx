// Curves of training: one quantity at a time, training and validation together.
import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import { quantile } from "../maths/histogram";
import { short, tickText, ticks } from "../maths/ticks";
import { Choice } from "./controls";

type Series = Record<string, (number | null)[]>;

/** Series by quantity: "train.elbo" and "valid.elbo" belong together. */
export function grouped(series: Series): Map<string, { part: string; values: (number | null)[] }[]> {
  const groups = new Map<string, { part: string; values: (number | null)[] }[]>();
  for (const [name, values] of Object.entries(series)) {
    if (!values.some((v) => v !== null && Number.isFinite(v))) continue;
    const cut = name.indexOf(".");
    const [part, what] = cut < 0 ? ["", name] : [name.slice(0, cut), name.slice(cut + 1)];
    groups.set(what, [...(groups.get(what) ?? []), { part, values }]);
  }
  return groups;
}

const WIDTH = 340;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 24;

export function Curves({ curves, epoch }: { curves: { epoch: number[]; series: Series }; epoch: number }) {
  const groups = grouped(curves.series);
  const names = [...groups.keys()];
  const chosen = useSignal(
    names.find((name) => name === "elbo") ?? names.find((name) => name === "loss") ?? names[0],
  );
  const lines = groups.get(chosen.value) ?? [];
  const all = lines
    .flatMap((line) => line.values)
    .filter((v): v is number => v !== null && Number.isFinite(v));
  if (!all.length) return null;
  const [low, high] = [quantile(all, 0.02), quantile(all, 0.98)];
  const rim = (high - low) * 0.08 || 1;
  const [first, last] = [curves.epoch[0], curves.epoch[curves.epoch.length - 1]];
  const x = (e: number) => LEFT + ((e - first) / (last - first || 1)) * (WIDTH - LEFT - 8);
  const y = (v: number) => 8 + (1 - (v - low + rim) / (high - low + 2 * rim)) * (HEIGHT - BOTTOM - 8);
  const path = (values: (number | null)[]) => {
    let pen = "M";
    return values
      .map((v, i) => {
        if (v === null || !Number.isFinite(v)) return (pen = "M") && "";
        const step = `${pen}${x(curves.epoch[i]).toFixed(1)} ${y(v).toFixed(1)}`;
        pen = "L";
        return step;
      })
      .join("");
  };
  return (
    <figure class="curves">
      <Choice
        label={t("replay.curve")}
        value={chosen.value}
        options={names.map((name) => ({ value: name, text: name.replaceAll("_", " ") }))}
        onChange={(v) => (chosen.value = v)}
      />
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t("replay.curve.alt", { name: chosen.value, value: short(all[all.length - 1]) })}
      >
        {ticks(low - rim, high + rim, 6).map((v) => (
          <g key={v}>
            <line class="grid" x1={LEFT} x2={WIDTH - 8} y1={y(v)} y2={y(v)} />
            <text x={LEFT - 6} y={y(v) + 4} text-anchor="end">
              {tickText(v)}
            </text>
          </g>
        ))}
        {ticks(first, last, 5)
          .filter(Number.isInteger)
          .map((e) => (
            <text key={e} x={x(e)} y={HEIGHT - 6} text-anchor="middle">
              {e}
            </text>
          ))}
        <defs>
          <clipPath id="curve-clip">
            <rect x={LEFT} y="0" width={WIDTH - LEFT} height={HEIGHT - BOTTOM + 4} />
          </clipPath>
        </defs>
        <g clip-path="url(#curve-clip)">
          {lines.map(({ part, values }, i) => (
            <path key={part} class={`curve ${part || "train"} n${i}`} d={path(values)} />
          ))}
        </g>
        <line class="now" x1={x(epoch)} x2={x(epoch)} y1="4" y2={HEIGHT - BOTTOM} />
      </svg>
      <figcaption class="key">
        {lines.map(({ part }, i) => (
          <span key={part} class={`swatch ${part || "train"} n${i}`}>
            {part === "train"
              ? t("replay.train")
              : part === "valid"
                ? t("replay.valid")
                : part || chosen.value}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
