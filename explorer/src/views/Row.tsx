// A decoded row: every column's value beside its distribution in the data.
import { t } from "../i18n";
import type { Study } from "../state/study";
import { cellsOf, type Cell } from "./row";

export function Row({
  study,
  data,
  chances,
}: {
  study: Study;
  data: Float32Array;
  chances?: Float32Array | null;
}) {
  const cells = cellsOf(study.info.table?.columns ?? [], data, chances);
  return (
    <div class="row-box" tabIndex={0} role="group" aria-label={t("decoded")}>
      <table class="row">
        <thead>
          <tr>
            <th scope="col">{t("table.column")}</th>
            <th scope="col">{t("table.value")}</th>
            <th scope="col">{t("table.spread")}</th>
          </tr>
        </thead>
        <tbody>
          {cells.map((cell) => (
            <tr key={cell.column.name}>
              <th scope="row">{cell.column.name}</th>
              <td>
                <strong>{cell.text}</strong>
                {cell.aside && <small>{cell.aside}</small>}
              </td>
              <td>{cell.chances ? <Chances cell={cell} /> : <Histogram cell={cell} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const WIDTH = 120;
const HEIGHT = 26;

/** The column's histogram in the data, over it that of this code, with the decoded value and its range. */
function Histogram({ cell: { column, value, range, bins } }: { cell: Cell }) {
  const counts = column.histogram?.counts ?? [];
  const edges = column.histogram?.edges ?? [column.low, column.high];
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const x = (v: number) => Math.max(0, Math.min(WIDTH, ((v - low) / (high - low || 1)) * WIDTH));
  const total = counts.reduce((a, b) => a + b, 0) || 1;
  const top = Math.max(...counts.map((n) => n / total), ...(bins ?? []), 1e-9);
  const points = [...(bins ?? [])].map(
    (p, i) =>
      `${x((edges[i] + edges[i + 1]) / 2).toFixed(1)},${(HEIGHT - (p / top) * (HEIGHT - 4)).toFixed(1)}`,
  );
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {counts.map((n, i) => {
        const [left, right] = [x(edges[i]), x(edges[i + 1])];
        const height = (n / total / top) * (HEIGHT - 4);
        return (
          <rect
            key={i}
            class="hill"
            x={left}
            y={HEIGHT - height}
            width={Math.max(0.5, right - left - 0.5)}
            height={height}
          />
        );
      })}
      {points.length > 1 && <polyline class="shape" points={points.join(" ")} />}
      {range && (
        <rect
          class="reach"
          x={x(range[0])}
          y={HEIGHT - 3}
          width={Math.max(1, x(range[1]) - x(range[0]))}
          height="3"
        />
      )}
      <line class="now" x1={x(value)} x2={x(value)} y1="0" y2={HEIGHT} />
    </svg>
  );
}

/** Chances of the categories: those of the decoder filled, those of the data as outlines. */
function Chances({ cell: { column, chances } }: { cell: Cell }) {
  const counts = column.histogram?.counts ?? [];
  const total = counts.reduce((a, b) => a + b, 0) || 1;
  const width = WIDTH / chances!.length;
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {[...chances!].map((p, i) => (
        <g key={i}>
          <rect
            class="hill"
            x={i * width}
            y={HEIGHT - ((counts[i] ?? 0) / total) * HEIGHT}
            width={Math.max(0.5, width - 1)}
            height={((counts[i] ?? 0) / total) * HEIGHT}
          />
          <rect
            class="bar"
            x={i * width + width * 0.25}
            y={HEIGHT - p * HEIGHT}
            width={Math.max(0.5, width * 0.5 - 1)}
            height={p * HEIGHT}
          />
        </g>
      ))}
    </svg>
  );
}
