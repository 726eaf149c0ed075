// Thumb: something small to look at and to press: a picture, a spectrogram or a line of a row.
import type { Study } from "../state/study";
import { Picture } from "./Picture";
import { rowLine, textsOf } from "./row";
import { sightOf } from "./sight";

export interface ThumbProps {
  study: Study;
  /** The decoder's output, or an input where `input` says so. */
  data: Float32Array | null;
  label: string;
  input?: boolean;
  pressed?: boolean;
  onClick?: () => void;
}

export function Thumb({ study, data, label, input, pressed, onClick }: ThumbProps) {
  const face = data ? (
    <Face study={study} data={data} input={input} alt={onClick ? "" : label} />
  ) : (
    <span class="blank" />
  );
  if (!onClick) return <span class={`thumb ${study.info.kind}`}>{face}</span>;
  const isWritten = study.info.kind === "table";
  return (
    <button
      type="button"
      class={`thumb ${study.info.kind}`}
      aria-label={isWritten ? undefined : label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {isWritten && <span class="unseen">{label}: </span>}
      {face}
    </button>
  );
}

function Face({
  study,
  data,
  input,
  alt,
}: {
  study: Study;
  data: Float32Array;
  input?: boolean;
  alt: string;
}) {
  const { info } = study;
  if (info.kind === "table") {
    const columns = info.table?.columns ?? [];
    return (
      <span class="line">
        {input
          ? textsOf(columns, data)
              .slice(0, 5)
              .map((text) => text || "–")
              .join(" · ")
          : rowLine(columns, data)}
      </span>
    );
  }
  return (
    <Picture
      sight={sightOf(info, data, input ? info.shape : study.outShape.value)}
      alt={alt}
      smooth={info.kind === "audio"}
    />
  );
}
