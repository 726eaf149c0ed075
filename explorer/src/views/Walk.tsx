// Interpolation: from example A to example B, with a scrubber and a strip of what lies between.
import {
  batch,
  useComputed,
  useSignal,
  useSignalEffect,
  type ReadonlySignal,
  type Signal,
} from "@preact/signals";
import { useEffect } from "preact/hooks";
import { latest } from "../engine/latest";
import type { Code } from "../engine/model";
import { t } from "../i18n";
import { arc, crossfade, straight } from "../maths/walk";
import { className, codeOfPoint, labelOfExample, type Study } from "../state/study";
import { Button, Range, Segmented } from "./controls";
import { useFrames } from "./frames";
import { Thumb } from "./Thumb";

const STEPS = 11;
/** Seconds from A to B while playing. */
const DURATION = 5;

type Ends = { a: Code; b: Code };
type Way = "straight" | "arc";

export function between({ a, b }: Ends, way: Way, share: number): Code {
  if (a instanceof Int32Array) return crossfade(a, b as Int32Array, share);
  return (way === "arc" ? arc : straight)(a, b as Float32Array, share);
}

/** Two examples of unlike classes; where classes are not known, the first one and what is least like it. */
function firstPair(study: Study): [number, number] {
  const x = study.examples.value?.x ?? [];
  const label = labelOfExample(study, 0);
  const other = x.findIndex((_, m) => m > 0 && labelOfExample(study, m) !== label);
  return [0, other > 0 ? other : leastLike(x)];
}

/** The example that differs most from the first one. */
export function leastLike(x: Float32Array[]): number {
  let [found, most] = [0, -1];
  x.forEach((row, m) => {
    const apart = row.reduce((sum, v, i) => sum + ((v - x[0][i]) ** 2 || 0), 0);
    if (apart > most) [found, most] = [m, apart];
  });
  return found;
}

/** The code of the lead's example m in a study, whose own examples may be others. */
async function codeOfExample(study: Study, lead: Study, m: number): Promise<Code | null> {
  const x = lead.examples.peek()?.x[m];
  if (!x) return null;
  const own = study.examples.peek();
  const n = own && isSame(own.x[m], x) ? own.index[m] : -1;
  if (study.info.family !== "codes" && n >= 0 && study.points) return codeOfPoint(study, n);
  if (!study.canEncode.peek() || x.length !== study.info.shape.reduce((a, b) => a * b, 1)) return null;
  const label = Math.max(0, labelOfExample(lead, m));
  if (study.info.family === "codes") return study.model.encodeCodes(x, label);
  return (await study.model.encode(x, label)).mean;
}

function isSame(a: Float32Array | undefined, b: Float32Array): boolean {
  return a !== undefined && a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
}

export function WalkTool({ studies }: { studies: Study[] }) {
  const lead = studies[0];
  const picked = useSignal<[number, number] | null>(null);
  const pair = useComputed<[number, number]>(() => picked.value ?? firstPair(lead));
  const share = useSignal(0.5);
  const way = useSignal<Way>("straight");
  const playing = useSignal(false);
  const picking = useSignal<0 | 1>(1);
  const direction = useSignal(1);

  useFrames(playing, (seconds) => {
    let next = share.value + (direction.value * seconds) / DURATION;
    if (next > 1 || next < 0) {
      direction.value = next > 1 ? -1 : 1;
      next = Math.max(0, Math.min(1, next));
    }
    share.value = next;
  });
  const examples = lead.examples.value;
  if (!examples) return <div class="tool" />;
  const choose = (m: number) => {
    picked.value = picking.value === 0 ? [m, pair.value[1]] : [pair.value[0], m];
    picking.value = picking.value === 0 ? 1 : 0;
  };
  return (
    <div class="tool">
      <p class="lead">{t(studies.length > 1 ? "walk.lead.pair" : "walk.lead")}</p>
      <div class="line">
        <Button kind="main" onClick={() => (playing.value = !playing.value)}>
          {t(playing.value ? "walk.pause" : "walk.play")}
        </Button>
        <Range
          label={t("walk.scrub")}
          value={share.value}
          min={0}
          max={1}
          step={0.005}
          text={`${Math.round(100 * share.value)} %`}
          onInput={(v) => {
            playing.value = false;
            share.value = v;
          }}
        />
        {lead.info.family !== "codes" && (
          <Segmented
            label={t("walk.way")}
            seen={false}
            value={way.value}
            onChange={(v) => (way.value = v)}
            options={[
              { value: "straight", text: t("walk.straight") },
              { value: "arc", text: t("walk.arc") },
            ]}
          />
        )}
      </div>
      {studies.map((study) => (
        <Strip
          key={study.info.name}
          study={study}
          lead={lead}
          pair={pair}
          share={share}
          way={way}
          named={studies.length > 1}
        />
      ))}
      <div class="picker">
        <Segmented
          label={t("walk.pick")}
          value={picking.value}
          onChange={(v) => (picking.value = v)}
          options={[
            { value: 0, text: "A" },
            { value: 1, text: "B" },
          ]}
        />
        <ExampleTray study={lead} chosen={pair.value} onChoose={choose} />
      </div>
    </div>
  );
}

/** All examples, in a row that scrolls. */
export function ExampleTray({
  study,
  chosen,
  onChoose,
}: {
  study: Study;
  chosen: number[];
  onChoose: (m: number) => void;
}) {
  const examples = study.examples.value;
  return (
    <div class={`tray scroll ${study.info.kind}`} role="group" aria-label={t("own.examples")}>
      {(examples?.x ?? []).map((x, m) => (
        <Thumb
          key={m}
          study={study}
          input
          data={x}
          pressed={chosen.includes(m)}
          label={exampleName(study, m)}
          onClick={() => onChoose(m)}
        />
      ))}
    </div>
  );
}

export function exampleName(study: Study, m: number): string {
  const label = labelOfExample(study, m);
  return label < 0
    ? t("walk.example.plain", { n: m + 1 })
    : t("walk.example", { n: m + 1, name: className(study, label) });
}

function Strip(props: {
  study: Study;
  lead: Study;
  pair: ReadonlySignal<[number, number]>;
  share: Signal<number>;
  way: Signal<Way>;
  named: boolean;
}) {
  const { study, lead, pair, share, way } = props;
  const ends = useSignal<Ends | null>(null);
  const items = useSignal<Float32Array[] | null>(null);
  const near = useComputed(() => Math.round(share.value * (STEPS - 1)));

  useSignalEffect(() => {
    const [m, n] = pair.value;
    void [study.canEncode.value, study.examples.value, lead.examples.value];
    let dropped = false;
    void Promise.all([codeOfExample(study, lead, m), codeOfExample(study, lead, n)]).then(([a, b]) => {
      if (!dropped && a && b) ends.value = { a, b };
    });
    return () => (dropped = true);
  });
  const queue = useComputed(() =>
    latest(
      (codes: Code[]) => study.model.decode(codes, study.label.peek()),
      (made) => (items.value = made.items),
      () => undefined,
    ),
  );
  useSignalEffect(() => {
    const now = ends.value;
    if (!now) return;
    const way_ = way.value;
    const codes = Array.from({ length: STEPS }, (_, i) => between(now, way_, i / (STEPS - 1)));
    batch(() => {
      study.path.value = study.info.family === "codes" ? null : codes;
      study.marks.value =
        study.info.family === "codes"
          ? []
          : [
              { code: now.a, tone: "a" },
              { code: now.b, tone: "b" },
            ];
    });
    queue.peek().push(codes);
  });
  useSignalEffect(() => {
    if (ends.value) study.code.value = between(ends.value, way.value, share.value);
  });
  useEffect(
    () => () =>
      batch(() => {
        study.path.value = null;
        study.marks.value = [];
      }),
    [study],
  );

  return (
    <div class="strip-box">
      {props.named && <h3>{study.info.name}</h3>}
      <div class={`strip ${study.info.kind}`}>
        {Array.from({ length: STEPS }, (_, i) => (
          <Thumb
            key={i}
            study={study}
            data={items.value?.[i] ?? null}
            pressed={near.value === i}
            label={t("walk.step", { n: i + 1, count: STEPS })}
            onClick={() => (share.value = i / (STEPS - 1))}
          />
        ))}
      </div>
    </div>
  );
}
