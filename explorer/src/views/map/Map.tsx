// The latent map: points and prior on a still layer, the decoded point on a moving one.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { t } from "../../i18n";
import { subscript } from "../../state/dimension";
import { dark } from "../../state/settings";
import type { Study } from "../../state/study";
import { fixed } from "../../maths/ticks";
import { drawBase, lookOf } from "./base";
import { around, fit, zoomed, type Camera, type Frame } from "./camera";
import { Legend } from "./Legend";
import { drawOverlay } from "./overlay";
import { pointerOf } from "./pointer";
import { contoursOf } from "./prior";
import { drawTiles } from "./tiles";
import { Toolbar } from "./Toolbar";
import { moveTo } from "../../maths/plane";

export interface Shown {
  points: boolean;
  prior: boolean;
  pictures: boolean;
}

/** Steps of the arrow keys, as a share of the map's half side. */
const STEP = 0.02;

export function LatentMap({ study, name }: { study: Study; name: string }) {
  const box = useRef<HTMLDivElement>(null);
  const tiles = useRef<HTMLCanvasElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const camera = useSignal<Camera>({ at: [0, 0], half: 3 });
  const shown = useSignal<Shown>({ points: true, prior: true, pictures: false });
  const contours = useComputed(() => contoursOf(study));
  const frame = useComputed<Frame>(() => ({ camera: camera.value, ...size.value }));
  const helpId = useId();

  const fitted = () => {
    const circles = contours.value && "radii" in contours.value ? contours.value : null;
    const lines = contours.value && "lines" in contours.value ? contours.value.lines : null;
    // Of another prior than the standard normal, what holds 86 % of it is in view.
    camera.value = lines
      ? around(study.flat.value, lines[1])
      : fit(study.flat.value, circles?.center ?? [0, 0], circles ? 2.6 : 0);
  };
  useSignalEffect(fitted);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      if (width && height) size.value = { width: Math.round(width), height: Math.round(height) };
    });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);

  useLayers(study, { box, tiles, base, overlay }, frame, shown, contours);

  const centre = () => {
    study.code.value = study.info.deterministic
      ? study.codes.mean.slice()
      : new Float32Array(study.info.latent.size);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEP * camera.value.half * (event.shiftKey ? 5 : 1);
    const [a, b] = study.probe.peek();
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [a - step, b],
      ArrowRight: [a + step, b],
      ArrowUp: [a, b + step],
      ArrowDown: [a, b - step],
    };
    const middle: [number, number] = [size.value.width / 2, size.value.height / 2];
    if (moves[event.key])
      study.code.value = moveTo(study.plane.value, study.code.value as Float32Array, moves[event.key]);
    else if (event.key === "Home") centre();
    else if (event.key === "+" || event.key === "=") camera.value = zoomed(frame.value, 1 / 1.25, middle);
    else if (event.key === "-") camera.value = zoomed(frame.value, 1.25, middle);
    else return;
    event.preventDefault();
  };
  const pointer = useMemo(() => pointerOf(study, camera, frame), [study]);
  // Set by hand, so that a drag redraws canvases and nothing else.
  useSignalEffect(() => {
    const [a, b] = study.probe.value;
    box.current?.setAttribute("aria-label", `${name}: ${t("map.at", { a: fixed(a), b: fixed(b) })}`);
  });
  return (
    <div class="map-panel" role="group" aria-label={name}>
      <Toolbar
        study={study}
        shown={shown}
        zoom={(factor) => {
          camera.value = zoomed(frame.value, factor, [size.value.width / 2, size.value.height / 2]);
        }}
        fit={fitted}
        centre={centre}
      />
      <div
        class="map"
        ref={box}
        tabIndex={0}
        role="application"
        aria-roledescription={t("map.role")}
        aria-describedby={helpId}
        onKeyDown={onKeyDown}
        {...pointer}
      >
        <canvas
          ref={tiles}
          class={`layer tiles${shown.value.points ? " behind" : ""}${isGlow(study) ? " glow" : ""}`}
          aria-hidden="true"
        />
        <canvas ref={base} class="layer" aria-hidden="true" />
        <canvas ref={overlay} class="layer" aria-hidden="true" />
        <AxisNames study={study} />
      </div>
      <p id={helpId} class="unseen">
        {t("map.help")}
      </p>
      <Legend study={study} />
    </div>
  );
}

/** Whether pictures are light strokes on black, which melt into the map's ground. */
function isGlow({ info, decoded }: Study): boolean {
  const data = decoded.peek();
  if (info.kind !== "image" || info.shape[0] !== 1 || !data) return false;
  return data.reduce((a, b) => a + b, 0) / data.length < ((info.low ?? 0) + (info.high ?? 1)) / 2.5;
}

function AxisNames({ study }: { study: Study }) {
  const choice = study.choice.value;
  const names =
    choice.kind === "pca"
      ? ["PC 1", "PC 2"]
      : [subscript(study.info, choice.i), subscript(study.info, choice.j)];
  const name = (k: 0 | 1) =>
    choice.kind === "pca" ? (
      names[k]
    ) : (
      <>
        z<sub>{names[k]}</sub>
      </>
    );
  return (
    <>
      <span class="axis across" aria-hidden="true">
        {name(0)}
      </span>
      {study.info.latent.size > 1 && (
        <span class="axis up" aria-hidden="true">
          {name(1)}
        </span>
      )}
    </>
  );
}

type Layer = { current: HTMLCanvasElement | null };

/** Redraws each layer when what it shows changes, at most once a frame. */
function useLayers(
  study: Study,
  refs: { box: { current: HTMLDivElement | null }; tiles: Layer; base: Layer; overlay: Layer },
  frame: { value: Frame },
  shown: { value: Shown },
  contours: { value: ReturnType<typeof contoursOf> },
): void {
  const pending = useRef({ base: 0, overlay: 0, tiles: 0 });
  const look = () => lookOf(refs.box.current!, dark.peek());
  const sized = (canvas: HTMLCanvasElement, now: Frame, ratio: number) => {
    const [width, height] = [Math.round(now.width * ratio), Math.round(now.height * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
  };
  useSignalEffect(() => {
    const now = frame.value;
    const options = { showPoints: shown.value.points, contours: shown.value.prior ? contours.value : null };
    void [dark.value, study.flat.value, study.colouring.value, study.metrics.value, study.focusClass.value];
    cancelAnimationFrame(pending.current.base);
    pending.current.base = requestAnimationFrame(() => {
      if (!now.width || !refs.base.current) return;
      sized(refs.base.current, now, look().ratio);
      drawBase(refs.base.current, study, now, look(), options);
    });
  });
  useSignalEffect(() => {
    const now = frame.value;
    void [
      dark.value,
      study.probe.value,
      study.hover.value,
      study.marks.value,
      study.path.value,
      study.spread.value,
      study.std.value,
    ];
    cancelAnimationFrame(pending.current.overlay);
    pending.current.overlay = requestAnimationFrame(() => {
      if (!now.width || !refs.overlay.current) return;
      sized(refs.overlay.current, now, look().ratio);
      drawOverlay(refs.overlay.current, study, now, look());
    });
  });
  // Pictures depend on what the other dimensions are held at; in two dimensions there are none.
  useSignalEffect(() => {
    const now = frame.value;
    const wanted = shown.value.pictures;
    void [
      dark.value,
      study.label.value,
      study.plane.value,
      study.info.latent.size > 2 ? study.code.value : null,
    ];
    const turn = ++pending.current.tiles;
    const canvas = refs.tiles.current;
    if (!canvas || !now.width) return;
    if (!wanted) {
      canvas.width = 0;
      return;
    }
    setTimeout(() => {
      if (turn !== pending.current.tiles) return;
      sized(canvas, now, look().ratio);
      void drawTiles(canvas, study, now, look(), () => turn !== pending.current.tiles);
    }, 180);
  });
}
