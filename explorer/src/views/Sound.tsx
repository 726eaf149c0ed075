// Sound of the current code: made, drawn, played, and played on while the code moves.
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { latest } from "../engine/latest";
import { vocode } from "../engine/vocoder";
import { t } from "../i18n";
import { fixed } from "../maths/ticks";
import { play, playing, stop } from "../state/player";
import { dark } from "../state/settings";
import type { Study } from "../state/study";
import { Button, Toggle } from "./controls";
import { melOfRun } from "./sight";

/** Least time from one sound to the next while moving, in milliseconds. */
const PACE = 220;

export function Sound({ study, data }: { study: Study; data: Float32Array }) {
  const wave = useSignal<Float32Array<ArrayBuffer> | null>(null);
  const follow = useSignal(false);
  const began = useRef(0);
  const rate = study.info.audio?.rate ?? 8000;
  const queue = useMemo(
    () =>
      latest(
        (decoded: Float32Array) => waveOf(study, decoded),
        (made) => {
          wave.value = made;
          if (follow.peek() && performance.now() - began.current > PACE) {
            began.current = performance.now();
            play(made, rate);
          }
        },
        () => undefined,
      ),
    [study],
  );
  useEffect(() => queue.push(data), [data]);
  return (
    <div class="sound">
      <Wave wave={wave.value} rate={rate} />
      <div class="line">
        {playing.value ? (
          <Button kind="main" onClick={stop}>
            {t("sound.stop")}
          </Button>
        ) : (
          <Button kind="main" disabled={!wave.value} onClick={() => wave.value && play(wave.value, rate)}>
            {t("sound.play")}
          </Button>
        )}
        <Toggle text={t("sound.follow")} value={follow.value} onChange={(on) => (follow.value = on)} />
      </div>
    </div>
  );
}

/** The waveform that a decoder's output is, or stands for. */
export async function waveOf(study: Study, decoded: Float32Array): Promise<Float32Array<ArrayBuffer>> {
  const shape = study.outShape.peek();
  const mel = melOfRun(study.info);
  if (!mel || shape.length < 3 || shape[1] === 1) return Float32Array.from(decoded);
  return vocode({ mel, log: decoded.slice(), frames: shape[2] });
}

function Wave({ wave, rate }: { wave: Float32Array | null; rate: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => void dark.value);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const context = element.getContext("2d")!;
    const { width, height } = element;
    context.clearRect(0, 0, width, height);
    if (!wave) return;
    context.fillStyle = getComputedStyle(element).color;
    const top = wave.reduce((a, v) => Math.max(a, Math.abs(v)), 1e-3);
    for (let x = 0; x < width; x++) {
      let [low, high] = [0, 0];
      for (let i = Math.floor((x * wave.length) / width); i < ((x + 1) * wave.length) / width; i++) {
        low = Math.min(low, wave[i]);
        high = Math.max(high, wave[i]);
      }
      const y = (v: number) => (height / 2) * (1 - (0.95 * v) / top);
      context.fillRect(x, y(high), 1, Math.max(1, y(low) - y(high)));
    }
  }, [wave, dark.value]);
  const seconds = wave ? fixed(wave.length / rate, 2) : "–";
  return (
    <canvas
      ref={canvas}
      class="wave"
      width={640}
      height={96}
      role="img"
      aria-label={t("sound.wave", { seconds })}
    />
  );
}
