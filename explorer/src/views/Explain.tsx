// Captions of the five parts, with their formulas.
import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import { Formula, PARTS, words } from "../i18n/explain";

export function Explain({ deterministic }: { deterministic: boolean }) {
  const open = useSignal(true);
  return (
    <section class="explain" aria-labelledby="explain-title">
      <header>
        <h2 id="explain-title">{t("explain")}</h2>
        <button type="button" class="toggle" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          {t(open.value ? "explain.close" : "explain.open")}
        </button>
      </header>
      {open.value && (
        <ol class="parts">
          {PARTS.map((part) => {
            const { name, text } = words(part, deterministic);
            return (
              <li key={part} class={`part ${part}`}>
                <h3>{name}</h3>
                <Formula part={part} deterministic={deterministic} />
                <p>{text}</p>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
