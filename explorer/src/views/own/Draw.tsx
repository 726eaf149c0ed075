// A canvas to draw on, in white on black as the digits are, however the page looks.
import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunInfo } from "../../boot/manifest";
import { t } from "../../i18n";
import { fromImage } from "./read";

/** Pixels of the drawing for each pixel of the input. */
const FINE = 10;

export function Draw(props: {
  info: RunInfo;
  brush: number;
  cleared: Signal<number>;
  onDraw: (x: Float32Array) => void;
}) {
  const { info, cleared } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<[number, number] | null>(null);
  const [, height, width] = info.shape;

  useEffect(
    () =>
      cleared.subscribe(() => {
        const context = canvas.current!.getContext("2d")!;
        context.fillStyle = "black";
        context.fillRect(0, 0, canvas.current!.width, canvas.current!.height);
      }),
    [cleared],
  );
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * width * FINE,
      ((event.clientY - box.top) / box.height) * height * FINE,
    ];
  };
  const stroke = (from: [number, number], to: [number, number]) => {
    const context = canvas.current!.getContext("2d")!;
    context.strokeStyle = "white";
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = (props.brush * FINE * Math.min(width, height)) / 28;
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    props.onDraw(fromImage(canvas.current!, [width * FINE, height * FINE], info, false));
  };
  return (
    <canvas
      ref={canvas}
      class="drawing"
      width={width * FINE}
      height={height * FINE}
      role="img"
      aria-label={t("own.canvas")}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        last.current = at(event);
        stroke(last.current, last.current);
      }}
      onPointerMove={(event) => {
        if (!last.current) return;
        const now = at(event);
        stroke(last.current, now);
        last.current = now;
      }}
      onPointerUp={() => (last.current = null)}
      onPointerCancel={() => (last.current = null)}
    />
  );
}
