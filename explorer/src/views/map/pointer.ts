// Pointers on the map: drag decodes, a press takes a point's code, Shift or two fingers move and zoom the view.
import type { Signal } from "@preact/signals";
import { moveTo, type Pair } from "../../maths/plane";
import { codeOfPoint, type Study } from "../../state/study";
import { scaleOf, toPlane, zoomed, type Camera, type Frame } from "./camera";

/** Pixels within which a press counts as being on a point, and beyond which it is a drag. */
const NEAR = 9;
const DRAG = 4;

export function pointerOf(study: Study, camera: Signal<Camera>, frame: { value: Frame }) {
  const down = new Map<number, Pair>();
  let first: Pair | null = null;
  let moved = false;
  let panning = false;

  const placeOf = (event: PointerEvent | WheelEvent): Pair => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pointAt = (at: Pair) =>
    study.index.value.find(...toPlane(frame.value, at), NEAR / scaleOf(frame.value));
  const moveProbe = (at: Pair) => {
    study.code.value = moveTo(study.plane.value, study.code.value as Float32Array, toPlane(frame.value, at));
  };

  return {
    onPointerDown(event: PointerEvent) {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      const at = placeOf(event);
      down.set(event.pointerId, at);
      first = at;
      moved = false;
      study.hover.value = -1;
      panning = event.shiftKey || event.button === 1 || down.size > 1;
      if (!panning) moveProbe(at);
    },
    onPointerMove(event: PointerEvent) {
      const at = placeOf(event);
      const before = down.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") study.hover.value = pointAt(at);
        return;
      }
      if (first && Math.hypot(at[0] - first[0], at[1] - first[1]) > DRAG) moved = true;
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      if (other) pinch(before, at, other);
      else if (panning) pan(before, at);
      else if (moved) moveProbe(at);
      down.set(event.pointerId, at);
    },
    onPointerUp(event: PointerEvent) {
      const at = down.get(event.pointerId);
      down.delete(event.pointerId);
      if (!at || moved || panning) return;
      const n = pointAt(at);
      if (n < 0) return;
      study.code.value = codeOfPoint(study, n);
      const label = Number(study.points?.label?.[n] ?? -1);
      if (study.info.conditional && label >= 0) study.label.value = label;
    },
    onPointerCancel(event: PointerEvent) {
      down.delete(event.pointerId);
    },
    onPointerLeave() {
      study.hover.value = -1;
    },
    onWheel(event: WheelEvent) {
      if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls, as one expects of it
      event.preventDefault();
      camera.value = zoomed(frame.value, Math.exp(event.deltaY * 0.01), placeOf(event));
    },
  };

  function pan(from: Pair, to: Pair): void {
    const scale = scaleOf(frame.value);
    const { at, half } = camera.value;
    camera.value = { half, at: [at[0] - (to[0] - from[0]) / scale, at[1] + (to[1] - from[1]) / scale] };
  }

  function pinch(from: Pair, to: Pair, other: Pair): void {
    const apart = (p: Pair) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    camera.value = zoomed(frame.value, apart(from) / apart(to), [
      (to[0] + other[0]) / 2,
      (to[1] + other[1]) / 2,
    ]);
  }
}
