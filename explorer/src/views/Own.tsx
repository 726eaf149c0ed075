// Your own: draw, drop or type something, and see what encoder and decoder make of it.
import { batch, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useId, useMemo } from "preact/hooks";
import { latest } from "../engine/latest";
import { t } from "../i18n";
import { labelOfExample, type Study } from "../state/study";
import { Button, Choice, Range } from "./controls";
import { Draw } from "./own/Draw";
import { readImage, readSound } from "./own/read";
import { readInput, type Reading } from "./own/reading";
import { Result } from "./own/Result";
import { TypeRow } from "./own/TypeRow";
import { textsOf } from "./row";
import { ExampleTray } from "./Walk";

export function OwnTool({ study }: { study: Study }) {
  const { info } = study;
  const x = useSignal<Float32Array | null>(null);
  const y = useSignal(study.label.peek());
  const seed = useSignal(1);
  const brush = useSignal(2.4);
  const cleared = useSignal(0);
  const chosen = useSignal(-1);
  const wrong = useSignal(false);
  const over = useSignal(false);
  const reading = useSignal<Reading | null>(null);
  const columns = info.table?.columns ?? [];
  const texts = useSignal<string[]>(columns.map(() => ""));
  const queue = useMemo(
    () =>
      latest(
        (asked: { x: Float32Array; y: number; seed: number }) =>
          readInput(study, asked.x, asked.y, asked.seed),
        (made, asked) => {
          wrong.value = false;
          show(study, reading, made, asked.y);
        },
        () => (wrong.value = true),
      ),
    [study],
  );
  useSignalEffect(() => {
    if (study.canEncode.value && x.value) queue.push({ x: x.value, y: y.value, seed: seed.value });
  });
  useSignalEffect(() => {
    const file = study.dropped.value;
    if (!file) return;
    study.dropped.value = null;
    over.value = false;
    void open(file);
  });
  useEffect(
    () => () =>
      batch(() => {
        study.spread.value = null;
        study.marks.value = [];
      }),
    [study],
  );

  const take = (m: number) =>
    batch(() => {
      const row = study.examples.value!.x[m];
      chosen.value = m;
      x.value = row;
      if (info.conditional) y.value = Math.max(0, labelOfExample(study, m));
      if (columns.length) texts.value = textsOf(columns, row);
    });
  const open = async (file: Blob | undefined) => {
    if (!file) return;
    try {
      x.value = await (info.kind === "audio" ? readSound : readImage)(file, info);
      chosen.value = -1;
    } catch {
      wrong.value = true;
    }
  };
  const lead = { image: "own.lead", audio: "own.lead.sound", table: "own.lead.table" } as const;
  return (
    <div
      class={`tool own${over.value ? " over" : ""}`}
      onDragOver={() => (over.value = info.kind !== "table")}
      onDragLeave={() => (over.value = false)}
    >
      <p class="lead">{t(lead[info.kind])}</p>
      <div class={`inputs ${info.kind}`}>
        {info.kind === "image" && (
          <div class="draw-box">
            <Draw
              info={info}
              brush={brush.value}
              cleared={cleared}
              onDraw={(drawn) => {
                x.value = drawn;
                chosen.value = -1;
              }}
            />
            <div class="line">
              <Button
                onClick={() =>
                  batch(() => {
                    cleared.value++;
                    x.value = null;
                    reading.value = null;
                    study.spread.value = null;
                    study.marks.value = [];
                  })
                }
              >
                {t("own.clear")}
              </Button>
              <Range
                label={t("own.brush")}
                value={brush.value}
                min={1}
                max={5}
                step={0.2}
                text=""
                onInput={(v) => (brush.value = v)}
              />
            </div>
          </div>
        )}
        {info.kind === "table" && <TypeRow study={study} texts={texts} onRow={(row) => (x.value = row)} />}
        <div class="take">
          {info.kind !== "table" && (
            <FileField accept={info.kind === "audio" ? "audio/*" : "image/*"} onFile={open} />
          )}
          {wrong.value && (
            <p role="alert" class="wrong">
              {t("own.wrong", { kind: info.kind })}
            </p>
          )}
          {info.conditional &&
            info.encoder?.inputs.includes("y") &&
            !info.encoder.outputs.includes("class") &&
            info.classes && (
              <Choice
                label={t("own.class")}
                value={String(y.value)}
                options={info.classes.map((name, c) => ({ value: String(c), text: name }))}
                onChange={(v) => (y.value = Number(v))}
              />
            )}
          <span class="label">{t("own.examples")}</span>
          <ExampleTray study={study} chosen={[chosen.value]} onChoose={take} />
        </div>
      </div>
      {reading.value ? (
        <Result study={study} reading={reading.value} redraw={() => seed.value++} />
      ) : (
        <p class="empty">{t(info.kind === "image" ? "own.empty" : "own.empty.other")}</p>
      )}
    </div>
  );
}

/** The reading goes to the panel, and to the map: its mean, its ellipse, its draws. */
function show(study: Study, reading: { value: Reading | null }, made: Reading, label: number): void {
  const { x, encoded, codes, output } = made;
  const detail = {
    x,
    label: made.found?.label ?? label,
    mean: encoded?.mean,
    std: encoded?.std,
    codes,
    output,
  };
  document.dispatchEvent(new CustomEvent("vaekit:encoded", { detail })); // for tests, as "vaekit:decoded" is
  batch(() => {
    reading.value = made;
    // The decoder is told what the encoder was, so that the large picture is this reconstruction.
    if (made.found || study.info.conditional) study.label.value = detail.label;
    study.code.value = made.codes ?? made.encoded!.mean.slice();
    study.spread.value = made.encoded && { mean: made.encoded.mean, std: made.encoded.std };
    study.marks.value = (made.draws?.codes ?? []).map((code) => ({ code, tone: "draw" as const }));
  });
}

function FileField({ accept, onFile }: { accept: string; onFile: (file: Blob | undefined) => void }) {
  const id = useId();
  return (
    <div class="file">
      <label class="button plain" for={id}>
        {t("own.file")}
      </label>
      <input
        id={id}
        class="unseen"
        type="file"
        accept={accept}
        onChange={(event) => onFile(event.currentTarget.files?.[0])}
      />
      <span>{t("own.drop")}</span>
    </div>
  );
}
