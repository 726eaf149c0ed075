// The still layer of the map: grid, points or their density, the prior. Drawn when the view changes, not while dragging.
import { amount, classColour, paletteOf, parse, plainColour } from "../../maths/colours";
import { quantile } from "../../maths/histogram";
import { splat } from "../../maths/splat";
import { tickText, ticks } from "../../maths/ticks";
import type { Study } from "../../state/study";
import { scaleOf, toPixel, toPlane, type Frame } from "./camera";
import type { Contours } from "./prior";

/** Points beyond this number are drawn as a density. */
export const MANY = 5000;

export interface Look {
  ink: string;
  soft: string;
  line: string;
  paper: string;
  dark: boolean;
  ratio: number;
}

/** The page's colours, as the style sheet has them. */
export function lookOf(element: Element, dark: boolean): Look {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const ratio = Math.min(2, devicePixelRatio || 1);
  return {
    ink: read("--ink"),
    soft: read("--soft"),
    line: read("--line"),
    paper: read("--map"),
    dark,
    ratio,
  };
}

export interface BaseOptions {
  showPoints: boolean;
  contours: Contours;
}

export function drawBase(
  canvas: HTMLCanvasElement,
  study: Study,
  frame: Frame,
  look: Look,
  options: BaseOptions,
): void {
  const context = canvas.getContext("2d")!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (options.showPoints && study.points) drawPoints(context, study, frame, look);
  context.setTransform(look.ratio, 0, 0, look.ratio, 0, 0);
  drawGrid(context, frame, look);
  if (options.contours) drawContours(context, options.contours, frame, look);
}

function drawGrid(context: CanvasRenderingContext2D, frame: Frame, look: Look): void {
  const [left, top] = toPlane(frame, [0, 0]);
  const [right, bottom] = toPlane(frame, [frame.width, frame.height]);
  context.font = "11px ui-sans-serif, system-ui, sans-serif";
  context.fillStyle = look.soft;
  context.strokeStyle = look.line;
  context.lineWidth = 1;
  const label = (text: string, x: number, y: number) => haloed(context, text, x, y, look, look.soft);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const a of ticks(left, right, frame.width / 90)) {
    const [x] = toPixel(frame, [a, 0]);
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, frame.height - 4);
    context.lineTo(Math.round(x) + 0.5, frame.height);
    context.stroke();
    if (x > 24 && x < frame.width - 24) label(tickText(a), x, frame.height - 6);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const b of ticks(bottom, top, frame.height / 90)) {
    const [, y] = toPixel(frame, [0, b]);
    context.beginPath();
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(4, Math.round(y) + 0.5);
    context.stroke();
    if (y > 14 && y < frame.height - 24) label(tickText(b), 8, y);
  }
}

/** Text that reads on any ground. */
export function haloed(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  look: Look,
  colour: string,
): void {
  context.save();
  context.setLineDash([]);
  context.strokeStyle = look.paper;
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
  context.restore();
}

/** Index and palette of the points' colours under the chosen colouring. */
export function colouringOf(
  study: Study,
  dark: boolean,
): { index: Int16Array; colours: [number, number, number][] } {
  const points = study.points!;
  const index = new Int16Array(points.count);
  const values = study.metrics.value[study.colouring.value];
  if (values) {
    const [low, high] = [quantile(values, 0.01), quantile(values, 0.99)];
    for (let n = 0; n < index.length; n++)
      index[n] = Math.max(0, Math.min(63, Math.floor(((values[n] - low) / (high - low || 1)) * 64)));
    return { index, colours: Array.from({ length: 64 }, (_, k) => amount(k / 63, dark)) };
  }
  const plain = parse(plainColour(dark));
  if (study.colouring.value !== "label" || !points.label) return { index, colours: [plain] };
  const classes = Math.max(study.info.classes?.length ?? 10, 1);
  const colours = Array.from({ length: classes }, (_, c) => parse(classColour(c, dark)));
  const grey = parse(classColour(-1, dark));
  for (let n = 0; n < index.length; n++)
    index[n] = points.label[n] >= 0 ? points.label[n] % classes : classes;
  return { index, colours: [...colours, grey] };
}

function drawPoints(context: CanvasRenderingContext2D, study: Study, frame: Frame, look: Look): void {
  const points = study.points!;
  const { index, colours } = colouringOf(study, look.dark);
  const focus = study.focusClass.value;
  if (focus >= 0 && points.label)
    for (let n = 0; n < index.length; n++) if (points.label[n] !== focus) index[n] = colours.length;
  const veiled = [...colours, parse(look.dark ? "#39414b" : "#d5d3cb")];
  if (points.count > MANY) drawDensity(context, study, frame, look, index, veiled);
  else drawDiscs(context, study, frame, look, index, veiled);
}

type Colours = [number, number, number][];

function drawDensity(
  context: CanvasRenderingContext2D,
  study: Study,
  frame: Frame,
  look: Look,
  index: Int16Array,
  colours: Colours,
): void {
  const flat = study.flat.value;
  const { width, height } = context.canvas;
  const scale = scaleOf(frame) * look.ratio;
  const at = new Float32Array(flat.length);
  for (let n = 0; n < flat.length; n += 2) {
    at[n] = width / 2 + (flat[n] - frame.camera.at[0]) * scale;
    at[n + 1] = height / 2 - (flat[n + 1] - frame.camera.at[1]) * scale;
  }
  const radius = (flat.length / 2 > 20000 ? 0.9 : 1.3) * look.ratio;
  const strength = 0.9 * Math.min(1, 20000 / (flat.length / 2)) + 0.2;
  const data = splat({ width, height, at, colour: index, palette: paletteOf(colours), radius, strength });
  context.putImageData(new ImageData(data, width, height), 0, 0);
}

function drawDiscs(
  context: CanvasRenderingContext2D,
  study: Study,
  frame: Frame,
  look: Look,
  index: Int16Array,
  colours: Colours,
): void {
  const flat = study.flat.value;
  const radius = flat.length > 4000 ? 2.1 : flat.length > 1200 ? 2.8 : 3.6;
  context.setTransform(look.ratio, 0, 0, look.ratio, 0, 0);
  context.globalAlpha = 0.82;
  // The veiled class first, so that the others lie on it.
  for (const c of [colours.length - 1, ...colours.keys()].slice(0, colours.length)) {
    context.fillStyle = `rgb(${colours[c].join(" ")})`;
    context.beginPath();
    for (let n = 0; n < index.length; n++) {
      if (index[n] !== c) continue;
      const [x, y] = toPixel(frame, [flat[2 * n], flat[2 * n + 1]]);
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawContours(
  context: CanvasRenderingContext2D,
  contours: NonNullable<Contours>,
  frame: Frame,
  look: Look,
): void {
  context.font = "600 11px ui-sans-serif, system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  if ("radii" in contours) {
    const [x, y] = toPixel(frame, contours.center);
    contours.radii.forEach((radius, k) => {
      const r = radius * scaleOf(frame);
      context.beginPath();
      context.arc(x, y, r, 0, 2 * Math.PI);
      strokeOver(context, look, k);
      haloed(context, `${radius}σ`, x + r * Math.SQRT1_2 + 10, y - r * Math.SQRT1_2 - 8, look, look.ink);
    });
  } else {
    contours.lines.forEach((segments, k) => {
      context.beginPath();
      for (let s = 0; s < segments.length; s += 4) {
        context.moveTo(...toPixel(frame, [segments[s], segments[s + 1]]));
        context.lineTo(...toPixel(frame, [segments[s + 2], segments[s + 3]]));
      }
      strokeOver(context, look, k);
    });
  }
}

/** The path as a line that reads on points of every colour; the k-th from within. */
function strokeOver(context: CanvasRenderingContext2D, look: Look, k: number): void {
  for (const [colour, width, alpha] of [
    [look.paper, 3.5, 0.55],
    [look.ink, 1.25, 0.85 - 0.15 * k],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.globalAlpha = alpha;
    context.stroke();
  }
  context.globalAlpha = 1;
}
