// Rows of a table: from the decoder's numbers to cells that can be read, and from typed cells to its input.
import type { ColumnInfo } from "../boot/manifest";
import { t } from "../i18n";
import { short } from "../maths/ticks";

export interface Cell {
  column: ColumnInfo;
  text: string;
  /** A number in raw units; of categories the place of the likeliest. */
  value: number;
  /** Of a number whose decoder states one: 80 % lie within. */
  range: [number, number] | null;
  /** What else there is to say of it. */
  aside: string | null;
  /** Of categories. */
  chances: Float32Array | null;
  /** Of the bins of a number's histogram. */
  bins: Float32Array | null;
}

/** A number of a column as its table writes it. */
export function numberText(column: ColumnInfo, value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (column.kind === "datetime") return dateText(value);
  const decimals = column.decimals ?? -1;
  if (decimals < 0) return short(value);
  const text = value.toLocaleString("en-GB", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return text.replace("-", "−");
}

/** Days or, where the number is large, seconds since 1970. */
function dateText(value: number): string {
  const milliseconds = Math.abs(value) > 1e6 ? value * 1e3 : value * 864e5;
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? "–" : date.toISOString().slice(0, 10);
}

/** The cells that a decoder's output states. */
export function cellsOf(
  columns: ColumnInfo[],
  data: Float32Array,
  chances: Float32Array | null = null,
): Cell[] {
  return columns.map((column) => {
    const part = data.subarray(column.start, column.start + column.size);
    if (column.categories?.length) {
      const best = part.reduce((k, p, i) => (p > part[k] ? i : k), 0);
      return {
        column,
        text: column.categories[best] ?? "–",
        value: best,
        range: null,
        aside: `${Math.round(100 * part[best])} %`,
        chances: part,
        bins: null,
      };
    }
    const place = column.chance;
    const bins = chances && place ? chances.subarray(place.start, place.start + place.size) : null;
    const range: Cell["range"] = part.length >= 3 ? [part[1], part[2]] : null;
    return { column, value: part[0], range, ...wordsOf(column, part[0], range), chances: null, bins };
  });
}

/** A number's mean, with its range aside; where a few large values pull the mean out of the range, the other way round. */
function wordsOf(column: ColumnInfo, mean: number, range: Cell["range"]): Pick<Cell, "text" | "aside"> {
  const text = numberText(column, mean);
  if (!range) return { text, aside: null };
  const [low, high] = range.map((v) => numberText(column, v));
  if (mean >= range[0] && mean <= range[1]) return { text, aside: t("table.range", { low, high }) };
  return {
    text: low === high ? low : t("table.from", { low, high }),
    aside: t("table.mean", { value: text }),
  };
}

/** The text of each cell of an input row x; "" where it is missing. */
export function textsOf(columns: ColumnInfo[], x: Float32Array): string[] {
  return columns.map((column, i) => {
    if (Number.isNaN(x[i])) return "";
    if (column.categories?.length) return column.categories[Math.round(x[i])] ?? "";
    const raw = x[i] * (column.scale ?? 1) + (column.offset ?? 0);
    const decimals = column.decimals ?? -1;
    return decimals >= 0 ? raw.toFixed(decimals) : String(Number(raw.toPrecision(5)));
  });
}

/** The input row of typed cells; what is empty or no number is missing. */
export function rowOf(columns: ColumnInfo[], texts: string[]): Float32Array {
  return Float32Array.from(columns, (column, i) => {
    const text = texts[i].trim();
    if (!text) return NaN;
    if (column.categories?.length) {
      const place = column.categories.indexOf(text);
      return place < 0 ? NaN : place;
    }
    const raw = Number(text.replace("−", "-"));
    return Number.isFinite(raw) ? (raw - (column.offset ?? 0)) / (column.scale ?? 1) : NaN;
  });
}

/** One line that says what a row is, for small places. */
export function rowLine(columns: ColumnInfo[], data: Float32Array): string {
  return cellsOf(columns, data)
    .slice(0, 5)
    .map((cell) => cell.text)
    .join(" · ");
}
