// Sorry: one sentence in place of the page.
import type { Problem } from "../boot/problem";
import { t } from "../i18n";

export function Sorry({ problem }: { problem: Problem }) {
  return (
    <main class="sorry">
      <h1>vaekit</h1>
      <p role="alert">{t(`problem.${problem.code}`, { detail: problem.detail })}</p>
    </main>
  );
}
