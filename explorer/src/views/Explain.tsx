// Captions of the five parts, with their formulas.
import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import { PARTS, words, type Flavour } from "../i18n/captions";
import { Formula } from "../i18n/explain";
import type { Study } from "../state/study";
import { isStandardNormal } from "./map/prior";

export function Explain({ study }: { study: Study }) {
  const { info } = study;
  const flavour: Flavour = info.family === "flat" ? (info.deterministic ? "ae" : "vae") : info.family;
  const open = useSignal(true);
  return (
    <section class="explain" aria-labelledby="explain-title">
      <header>
        <h2 id="explain-title">{t("explain")}</h2>
        <button
          type="button"
          class="toggle"
          aria-expanded={open.value}
          onClick={() => (open.value = !open.value)}
        >
          {t(open.value ? "explain.close" : "explain.open")}
        </button>
      </header>
      {open.value && (
        <ol class="parts">
          {PARTS.map((part) => {
            const { name, text } = words(part, flavour);
            return (
              <li key={part} class={`part ${part}`}>
                <h3>{name}</h3>
                <Formula part={part} flavour={flavour} standard={isStandardNormal(study)} />
                <p>{text}</p>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
