// A row of a table, typed in.
import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { t } from "../../i18n";
import type { Study } from "../../state/study";
import { Button } from "../controls";
import { rowOf } from "../row";

export function TypeRow({
  study,
  texts,
  onRow,
}: {
  study: Study;
  texts: Signal<string[]>;
  onRow: (x: Float32Array) => void;
}) {
  const columns = study.info.table?.columns ?? [];
  const id = useId();
  const set = (i: number, text: string) =>
    (texts.value = texts.value.map((old, k) => (k === i ? text : old)));
  return (
    <form
      class="typed"
      onSubmit={(event) => {
        event.preventDefault();
        onRow(rowOf(columns, texts.value));
      }}
    >
      {columns.map((column, i) => (
        <div class="field" key={column.name}>
          <label class="label" for={`${id}-${i}`}>
            {column.name}
          </label>
          {column.categories?.length ? (
            <select
              id={`${id}-${i}`}
              value={texts.value[i]}
              onChange={(event) => set(i, event.currentTarget.value)}
            >
              <option value="" selected={!texts.value[i]}>
                {t("own.missing")}
              </option>
              {column.categories.map((name) => (
                <option key={name} value={name} selected={texts.value[i] === name}>
                  {name}
                </option>
              ))}
            </select>
          ) : (
            <input
              id={`${id}-${i}`}
              type="text"
              inputMode="decimal"
              autoComplete="off"
              placeholder={t("own.missing")}
              value={texts.value[i]}
              onInput={(event) => set(i, event.currentTarget.value)}
            />
          )}
        </div>
      ))}
      <Button kind="main" onClick={() => onRow(rowOf(columns, texts.value))}>
        {t("own.row.encode")}
      </Button>
    </form>
  );
}
