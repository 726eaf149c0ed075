// Tools: tabs with what can be done beside dragging.
import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { t, type Key } from "../i18n";
import type { Study } from "../state/study";
import { LayersTool } from "./Layers";
import { OwnTool } from "./Own";
import { canDraw, PriorTool } from "./Prior";
import { ReplayTool } from "./Replay";
import { Sliders } from "./Sliders";
import { WalkTool } from "./Walk";

type Tool = "sliders" | "prior" | "walk" | "own" | "layers" | "replay";

function toolsOf(study: Study): Tool[] {
  const { info } = study;
  const tools: Tool[] = [];
  if (info.family !== "codes") tools.push("sliders");
  if (info.family === "layers" && info.latent.layers.length > 1) tools.push("layers");
  if (canDraw(study)) tools.push("prior");
  if (info.examples) tools.push("walk");
  if (info.encoder) tools.push("own");
  if (info.replay || info.curves?.epoch.length) tools.push("replay");
  return tools;
}

export function Tools({ study, all }: { study: Study; all: Study[] }) {
  const tools = toolsOf(study);
  const chosen = useSignal<Tool>(all.length > 1 && tools.includes("walk") ? "walk" : tools[0]);
  const id = useId();
  useDrops((file) => {
    if (!tools.includes("own") || study.info.kind === "table") return;
    chosen.value = "own";
    study.dropped.value = file;
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tools[(tools.indexOf(chosen.value) + step + tools.length) % tools.length];
    chosen.value = next;
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <section class="tools" aria-label={t("tools")}>
      <div class="tabs" role="tablist" aria-label={t("tools")} onKeyDown={onKeyDown}>
        {tools.map((tool) => (
          <button
            type="button"
            role="tab"
            key={tool}
            id={`${id}-${tool}`}
            aria-selected={chosen.value === tool}
            aria-controls={`${id}-panel`}
            tabIndex={chosen.value === tool ? 0 : -1}
            onClick={() => (chosen.value = tool)}
          >
            {t(`tool.${tool}` as Key)}
          </button>
        ))}
      </div>
      <div
        class="panel"
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${chosen.value}`}
        key={chosen.value}
      >
        <h2 class="unseen">{t(`tool.${chosen.value}` as Key)}</h2>
        {chosen.value === "sliders" && <Sliders study={study} />}
        {chosen.value === "layers" && <LayersTool study={study} />}
        {chosen.value === "prior" && <PriorTool study={study} all={all} />}
        {chosen.value === "walk" && <WalkTool studies={all} />}
        {chosen.value === "own" && <OwnTool study={study} />}
        {chosen.value === "replay" && <ReplayTool study={study} />}
      </div>
    </section>
  );
}

/** A file let go anywhere on the page is an input; a browser left alone would leave the page and show the file. */
function useDrops(take: (file: File) => void): void {
  useEffect(() => {
    const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
    const onDragOver = (event: DragEvent) => withFiles(event) && event.preventDefault();
    const onDrop = (event: DragEvent) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file) take(file);
    };
    document.addEventListener("dragover", onDragOver);
    document.addEventListener("drop", onDrop);
    return () => {
      document.removeEventListener("dragover", onDragOver);
      document.removeEventListener("drop", onDrop);
    };
  });
}
