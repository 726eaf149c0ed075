// Controls: the few kinds of buttons, switches and sliders that the page is made of.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export function Button(props: {
  onClick: () => void;
  children: ComponentChildren;
  label?: string;
  pressed?: boolean;
  disabled?: boolean;
  kind?: "plain" | "main" | "icon";
}) {
  return (
    <button
      type="button"
      class={`button ${props.kind ?? "plain"}`}
      aria-label={props.label}
      title={props.kind === "icon" ? props.label : undefined}
      aria-pressed={props.pressed}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

/** One of a few, side by side. */
export function Segmented<T extends string | number>(props: {
  label: string;
  value: T;
  options: { value: T; text: string }[];
  onChange: (value: T) => void;
  seen?: boolean;
}) {
  return (
    <div class="field">
      {props.seen !== false && <span class="label">{props.label}</span>}
      <div class="segmented" role="group" aria-label={props.label}>
        {props.options.map(({ value, text }) => (
          <button
            type="button"
            key={value}
            aria-pressed={value === props.value}
            onClick={() => props.onChange(value)}
          >
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: { value: T; text: string }[];
  onChange: (value: T) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label class="label" for={id}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value as T)}
      >
        {props.options.map(({ value, text }) => (
          <option key={value} value={value} selected={value === props.value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Range(props: {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  text: string;
  onInput: (value: number) => void;
  seen?: boolean;
}) {
  const id = useId();
  const share = ((props.value - props.min) / (props.max - props.min || 1)) * 100;
  return (
    <div class="range">
      <label for={id} class={props.seen === false ? "unseen" : "label"}>
        {props.label}
      </label>
      <input
        id={id}
        type="range"
        min={props.min}
        max={props.max}
        step={props.step}
        value={props.value}
        aria-valuetext={props.text}
        style={{ "--share": `${Math.max(0, Math.min(100, share))}%` }}
        onInput={(event) => props.onInput(event.currentTarget.valueAsNumber)}
      />
      <output for={id}>{props.text}</output>
    </div>
  );
}

export function Toggle(props: { text: string; value: boolean; onChange: (value: boolean) => void }) {
  return (
    <button
      type="button"
      class="toggle"
      aria-pressed={props.value}
      onClick={() => props.onChange(!props.value)}
    >
      {props.text}
    </button>
  );
}
