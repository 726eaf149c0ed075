// What the map shows: plane, colours, layers, zoom.
import type { Signal } from "@preact/signals";
import { t } from "../../i18n";
import { subscript } from "../../state/dimension";
import type { Study } from "../../state/study";
import { Button, Choice, Toggle } from "../controls";
import type { Shown } from "./Map";

export function Toolbar(props: {
  study: Study;
  shown: Signal<Shown>;
  zoom: (factor: number) => void;
  fit: () => void;
  centre: () => void;
}) {
  const { study, shown } = props;
  const toggle = (key: keyof Shown) => (value: boolean) => (shown.value = { ...shown.value, [key]: value });
  return (
    <div class="toolbar">
      {study.info.latent.size > 2 && <PlaneChoice study={study} />}
      <Colouring study={study} />
      <div class="toggles" role="group" aria-label={t("map.layers")}>
        <Toggle text={t("map.points")} value={shown.value.points} onChange={toggle("points")} />
        {!study.info.deterministic && (
          <Toggle text={t("map.prior")} value={shown.value.prior} onChange={toggle("prior")} />
        )}
        {study.info.kind === "image" && (
          <Toggle text={t("map.pictures")} value={shown.value.pictures} onChange={toggle("pictures")} />
        )}
      </div>
      <div class="zoom">
        <Button kind="icon" label={t("map.zoom.out")} onClick={() => props.zoom(1.3)}>
          −
        </Button>
        <Button kind="icon" label={t("map.zoom.in")} onClick={() => props.zoom(1 / 1.3)}>
          +
        </Button>
        <Button kind="icon" label={t("map.centre")} onClick={props.centre}>
          ◎
        </Button>
        <Button kind="icon" label={t("map.zoom.fit")} onClick={props.fit}>
          ⤢
        </Button>
      </div>
    </div>
  );
}

function Colouring({ study }: { study: Study }) {
  const names = Object.keys(study.metrics.value);
  const options = [
    ...(study.points?.label ? [{ value: "label", text: t("map.colour.label") }] : []),
    ...names.map((name) => ({ value: name, text: name })),
    { value: "", text: t("map.colour.none") },
  ];
  if (options.length < 2) return null;
  return (
    <Choice
      label={t("map.colour")}
      value={study.colouring.value}
      options={options}
      onChange={(v) => (study.colouring.value = v)}
    />
  );
}

function PlaneChoice({ study }: { study: Study }) {
  const choice = study.choice.value;
  const order = [...study.ranked.live, ...study.ranked.dead].slice(0, 64);
  const plane = study.info.points?.plane;
  const share = plane?.explained ? Math.round(100 * (plane.explained[0] + plane.explained[1])) : null;
  const dims = order.map((d) => ({ value: String(d), text: `z ${subscript(study.info, d)}` }));
  const kinds = [
    ...(plane
      ? [
          {
            value: "pca",
            text: share === null ? t("map.plane.pca") : t("map.plane.explained", { percent: share }),
          },
        ]
      : []),
    { value: "axes", text: t("map.plane.axes") },
  ];
  return (
    <>
      {plane && (
        <Choice
          label={t("map.plane")}
          value={choice.kind}
          options={kinds}
          onChange={(kind) =>
            (study.choice.value =
              kind === "pca" ? { kind: "pca" } : { kind: "axes", i: order[0], j: order[1] })
          }
        />
      )}
      {choice.kind === "axes" && (
        <div class="pair">
          <Choice
            label={t("map.axis.across")}
            value={String(choice.i)}
            options={dims}
            onChange={(d) => (study.choice.value = { ...choice, i: Number(d) })}
          />
          <Choice
            label={t("map.axis.up")}
            value={String(choice.j)}
            options={dims}
            onChange={(d) => (study.choice.value = { ...choice, j: Number(d) })}
          />
        </div>
      )}
    </>
  );
}
