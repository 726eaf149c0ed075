// What became of one input: reconstruction, mean and spread, loss terms, draws of eps.
import { t } from "../../i18n";
import { fixed } from "../../maths/ticks";
import { subscript } from "../../state/dimension";
import { className, type Study } from "../../state/study";
import { Button } from "../controls";
import { isStandardNormal } from "../map/prior";
import { Row } from "../Row";
import { Thumb } from "../Thumb";
import type { Reading } from "./reading";

export function Result({ study, reading, redraw }: { study: Study; reading: Reading; redraw: () => void }) {
  const table = study.info.kind === "table";
  return (
    <div class="result">
      <div class="before-after">
        <figure>
          <Thumb study={study} input data={reading.x} label={t("own.input")} />
          <figcaption>{t("own.input")}</figcaption>
        </figure>
        {!table && (
          <figure>
            <Thumb study={study} data={reading.output} label={t("own.output")} />
            <figcaption>{t("own.output")}</figcaption>
          </figure>
        )}
        {reading.found && (
          <p class="found">
            {t("own.found", {
              name: className(study, reading.found.label),
              percent: Math.round(100 * reading.found.chance),
            })}
          </p>
        )}
        <Loss reading={reading} expectsKl={!study.info.deterministic && study.info.family !== "codes"} />
      </div>
      {table && <Row study={study} data={reading.output} />}
      {reading.encoded && <Spread study={study} reading={reading} />}
      {reading.encoded && <Draws study={study} reading={reading} redraw={redraw} />}
    </div>
  );
}

function Loss({
  reading: { reconstruction, nats, kl },
  expectsKl,
}: {
  reading: Reading;
  expectsKl: boolean;
}) {
  const sum = Math.abs(reconstruction) + (kl ?? 0);
  const unit = nats ? ` ${t("own.nats")}` : "";
  const bar = (value: number) => ({
    width: `${Math.max(0, Math.min(100, (100 * Math.abs(value)) / (sum || 1)))}%`,
  });
  return (
    <div class="loss">
      <h3>{t("own.loss")}</h3>
      <dl>
        {Number.isFinite(reconstruction) && (
          <>
            <dt>{t(nats ? "own.loss.reconstruction" : "own.loss.square")}</dt>
            <dd>
              <span class="bar first" style={bar(reconstruction)} />
              <b>
                {fixed(reconstruction, 1)}
                {unit}
              </b>
            </dd>
          </>
        )}
        {kl !== null && (
          <>
            <dt>{t("own.loss.kl")}</dt>
            <dd>
              <span class="bar second" style={bar(kl)} />
              <b>
                {fixed(kl, 1)} {t("own.nats")}
              </b>
            </dd>
          </>
        )}
        {kl !== null && nats && (
          <>
            <dt>{t("own.loss.sum")}</dt>
            <dd>
              <b>
                {fixed(reconstruction + kl, 1)}
                {unit}
              </b>
            </dd>
          </>
        )}
      </dl>
      {kl === null && expectsKl && <p class="hint">{t("own.loss.kl.unknown")}</p>}
    </div>
  );
}

const MOST = 24;
const ROW = 14;
const WIDTH = 320;

/** Mean and two standard deviations of each dimension, the prior behind them. */
function Spread({ study, reading }: { study: Study; reading: Reading }) {
  const { mean, std } = reading.encoded!;
  const dims = study.ranked.live.slice(0, MOST);
  const reach =
    dims.reduce(
      (a, d) => Math.max(a, Math.abs(mean[d]) + 2 * (std?.[d] ?? 0)),
      study.info.deterministic ? 0.1 : 2.2,
    ) * 1.05;
  const left = study.info.latent.layers.length > 1 ? 48 : 34;
  const x = (v: number) => left + ((v / reach + 1) / 2) * (WIDTH - left);
  return (
    <section>
      <h3>{t("own.mean")}</h3>
      <svg
        class="spread"
        viewBox={`0 0 ${WIDTH} ${dims.length * ROW + 4}`}
        role="img"
        aria-label={t("own.mean.alt", { count: dims.length })}
      >
        {isStandardNormal(study) && (
          <rect class="prior" x={x(-1)} width={x(1) - x(-1)} y="0" height={dims.length * ROW} />
        )}
        <line class="zero" x1={x(0)} x2={x(0)} y1="0" y2={dims.length * ROW} />
        {dims.map((d, i) => {
          const y = i * ROW + ROW / 2;
          const s = std?.[d] ?? 0;
          return (
            <g key={d}>
              <text x={left - 6} y={y + 3.5} text-anchor="end">
                z {subscript(study.info, d)}
              </text>
              <rect
                class="two"
                x={x(mean[d] - 2 * s)}
                width={x(mean[d] + 2 * s) - x(mean[d] - 2 * s)}
                y={y - 1}
                height="2"
              />
              <rect
                class="one"
                x={x(mean[d] - s)}
                width={x(mean[d] + s) - x(mean[d] - s)}
                y={y - 3}
                height="6"
                rx="3"
              />
              <circle cx={x(mean[d])} cy={y} r="3" />
            </g>
          );
        })}
      </svg>
    </section>
  );
}

function Draws({ study, reading, redraw }: { study: Study; reading: Reading; redraw: () => void }) {
  const draws = reading.draws;
  return (
    <section class="draws">
      <h3>{t("own.eps")}</h3>
      <p class="lead">{t(draws ? "own.eps.lead" : "own.eps.ae")}</p>
      {draws && (
        <>
          <div class={`tray dozen ${study.info.kind}`}>
            {draws.items.map((data, n) => (
              <Thumb
                key={n}
                study={study}
                data={data}
                label={t("own.eps.one", { n: n + 1 })}
                onClick={() => (study.code.value = draws.codes[n].slice())}
              />
            ))}
          </div>
          <Button onClick={redraw}>{t("own.eps.draw")}</Button>
        </>
      )}
    </section>
  );
}
