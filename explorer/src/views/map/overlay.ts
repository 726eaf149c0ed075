// The moving layer of the map: the point that is decoded, ellipses, draws, the way from A to B.
import { ellipse } from "../../maths/gaussian";
import { project } from "../../maths/plane";
import { className, codeOfPoint, type Study } from "../../state/study";
import { haloed, type Look } from "./base";
import { scaleOf, toPixel, type Frame } from "./camera";

type Context = CanvasRenderingContext2D;

export function drawOverlay(canvas: HTMLCanvasElement, study: Study, frame: Frame, look: Look): void {
  const context = canvas.getContext("2d")!;
  context.setTransform(look.ratio, 0, 0, look.ratio, 0, 0);
  context.clearRect(0, 0, frame.width, frame.height);
  const plane = study.plane.value;
  const place = (code: ArrayLike<number>) => toPixel(frame, project(plane, code));

  const path = study.path.value;
  if (path && path.length > 1) drawPath(context, path.map(place), look);
  const spread = study.spread.value;
  if (spread) {
    if (spread.std) drawEllipse(context, study, frame, place(spread.mean), spread.std, look, true);
    cross(context, place(spread.mean), look);
  }
  drawHover(context, study, frame, look, place);
  for (const { code, tone } of study.marks.value) {
    const at = place(code);
    if (tone === "draw") ring(context, at, 4, look);
    else letter(context, at, tone.toUpperCase(), look);
  }
  drawProbe(context, toPixel(frame, study.probe.value), look);
}

function drawHover(
  context: Context,
  study: Study,
  frame: Frame,
  look: Look,
  place: (code: Float32Array) => [number, number],
): void {
  const n = study.hover.value;
  if (n < 0 || !study.points) return;
  const at = place(codeOfPoint(study, n));
  const size = study.info.latent.size;
  const std = study.std.value?.subarray(n * size, (n + 1) * size);
  if (std) drawEllipse(context, study, frame, at, std, look, false);
  ring(context, at, 5, look);
  const text = className(study, Number(study.points.label?.[n] ?? -1));
  context.font = "600 13px ui-sans-serif, system-ui, sans-serif";
  context.textAlign = at[0] > frame.width - 80 ? "right" : "left";
  context.textBaseline = "bottom";
  haloed(context, text, at[0] + (context.textAlign === "left" ? 9 : -9), at[1] - 7, look, look.ink);
}

/** One and two standard deviations. */
function drawEllipse(
  context: Context,
  study: Study,
  frame: Frame,
  [x, y]: [number, number],
  std: ArrayLike<number>,
  look: Look,
  filled: boolean,
): void {
  const { u, v } = study.plane.value;
  const { long, short, angle } = ellipse(std, u, v);
  const scale = scaleOf(frame);
  for (const k of [1, 2]) {
    context.beginPath();
    context.ellipse(
      x,
      y,
      Math.max(1, k * long * scale),
      Math.max(1, k * short * scale),
      -angle,
      0,
      2 * Math.PI,
    );
    if (filled || k === 1) {
      context.globalAlpha = 0.12;
      context.fillStyle = look.ink;
      context.fill();
    }
    context.globalAlpha = k === 1 ? 0.9 : 0.4;
    context.strokeStyle = look.ink;
    context.lineWidth = 1.25;
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawPath(context: Context, places: [number, number][], look: Look): void {
  for (const [colour, width] of [
    [look.paper, 5],
    [look.ink, 1.75],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    places.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

function ring(context: Context, [x, y]: [number, number], radius: number, look: Look): void {
  for (const [colour, width] of [
    [look.paper, 4],
    [look.ink, 1.75],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

function cross(context: Context, [x, y]: [number, number], look: Look): void {
  for (const [colour, width] of [
    [look.paper, 5],
    [look.ink, 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x - 5, y);
    context.lineTo(x + 5, y);
    context.moveTo(x, y - 5);
    context.lineTo(x, y + 5);
    context.stroke();
  }
}

function letter(context: Context, [x, y]: [number, number], text: string, look: Look): void {
  context.fillStyle = look.ink;
  context.strokeStyle = look.paper;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.font = "700 12px ui-sans-serif, system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = look.paper;
  context.fillText(text, x, y + 0.5);
}

/** Two rings and hairs that reach out: visible on every colour. */
function drawProbe(context: Context, [x, y]: [number, number], look: Look): void {
  for (const [colour, width] of [
    [look.paper, 5.5],
    [look.ink, 2.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(x + 11 * dx, y + 11 * dy);
      context.lineTo(x + 17 * dx, y + 17 * dy);
    }
    context.stroke();
  }
  context.fillStyle = look.ink;
  context.beginPath();
  context.arc(x, y, 2.25, 0, 2 * Math.PI);
  context.fill();
}
