// Frames: something that goes on while a signal is true.
import { useSignalEffect, type Signal } from "@preact/signals";

/** Calls `step` with the seconds that passed, once a frame, while `running`. */
export function useFrames(running: Signal<boolean>, step: (seconds: number) => void): void {
  useSignalEffect(() => {
    if (!running.value) return;
    let before = performance.now();
    let handle = requestAnimationFrame(function frame(now) {
      step(Math.min(0.1, Math.max(0, now - before) / 1000));
      before = now;
      handle = requestAnimationFrame(frame);
    });
    return () => cancelAnimationFrame(handle);
  });
}
