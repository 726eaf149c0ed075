// Training replay: curves, the map and reconstructions of the same inputs, epoch by epoch.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { classColour, plainColour } from "../maths/colours";
import { dark } from "../state/settings";
import type { Replay, Study } from "../state/study";
import { Button, Range } from "./controls";
import { Curves } from "./Curves";
import { useFrames } from "./frames";
import { fit } from "./map/camera";
import { Thumb } from "./Thumb";

/** Seconds that a replay takes at least, and an epoch at most. */
const WHOLE = 6;
const LONGEST = 0.6;

export function ReplayTool({ study }: { study: Study }) {
  const replay = study.replay.value;
  const curves = study.info.curves;
  const epochs = replay?.epoch ?? curves?.epoch ?? [];
  const at = useSignal(Math.max(0, epochs.length - 1));
  const playing = useSignal(false);
  const pace = Math.min(LONGEST, WHOLE / Math.max(1, epochs.length));

  useFrames(playing, (seconds) => {
    const next = at.value + seconds / pace;
    if (next >= epochs.length - 1) {
      at.value = epochs.length - 1;
      playing.value = false;
    } else at.value = next;
  });
  if (!epochs.length) return <div class="tool" />;
  const now = Math.round(at.value);
  const sound = study.info.kind === "audio"; // of which spectrograms are kept, as the decoder makes them
  const toggle = () => {
    if (!playing.value && at.value >= epochs.length - 1) at.value = 0;
    playing.value = !playing.value;
  };
  return (
    <div class="tool">
      <p class="lead">{t("replay.lead")}</p>
      <div class="line">
        <Button kind="main" onClick={toggle}>
          {t(playing.value ? "walk.pause" : "walk.play")}
        </Button>
        <Range
          label={t("replay.scrub")}
          value={now}
          min={0}
          max={epochs.length - 1}
          step={1}
          text={String(epochs[now])}
          onInput={(v) => {
            playing.value = false;
            at.value = v;
          }}
        />
      </div>
      <div class="replay">
        {curves && curves.epoch.length > 1 && <Curves curves={curves} epoch={epochs[now]} />}
        {replay?.codes && <EpochMap replay={replay} at={at.value} />}
      </div>
      {replay?.made && replay.inputs && (
        <figure class="history">
          <div class={`pairs ${study.info.kind}`}>
            {replay.inputs.map((x, q) => (
              <div key={q}>
                <Thumb study={study} input={!sound} data={x} label={t("replay.input", { n: q + 1 })} />
                <Thumb
                  study={study}
                  input={!sound}
                  data={replay.made![now][q]}
                  label={t("replay.made", { n: q + 1, epoch: epochs[now] })}
                />
              </div>
            ))}
          </div>
          <figcaption>{t("replay.rows")}</figcaption>
        </figure>
      )}
    </div>
  );
}

/** The codes of one epoch on their way to those of the next. */
function EpochMap({ replay, at }: { replay: Replay; at: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    const element = canvas.current!;
    const codes = replay.codes!;
    const { at: centre, half } = fit(codes[codes.length - 1], [0, 0], 0);
    const reach = 2.1 * half; // whole discs at the rim, too
    const [k, share] = [Math.min(codes.length - 1, Math.floor(at)), at % 1];
    const [from, to] = [codes[k], codes[Math.min(codes.length - 1, k + 1)]];
    const context = element.getContext("2d")!;
    const size = element.width;
    context.clearRect(0, 0, size, size);
    context.globalAlpha = 0.8;
    for (let n = 0; n < from.length / 2; n++) {
      const place = (c: 0 | 1) => from[2 * n + c] + (to[2 * n + c] - from[2 * n + c]) * share;
      context.fillStyle = replay.label ? classColour(Number(replay.label[n]), night) : plainColour(night);
      context.beginPath();
      context.arc(
        size * (0.5 + (place(0) - centre[0]) / reach),
        size * (0.5 - (place(1) - centre[1]) / reach),
        3.4,
        0,
        2 * Math.PI,
      );
      context.fill();
    }
  });
  const epoch = replay.epoch[Math.round(at)];
  return (
    <figure>
      <canvas
        ref={canvas}
        class="epoch-map"
        width={480}
        height={480}
        role="img"
        aria-label={t("replay.map", { epoch })}
      />
      <figcaption>{t("replay.map", { epoch })}</figcaption>
    </figure>
  );
}
