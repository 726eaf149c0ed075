// Words in the reader's language.
import { language } from "../state/settings";
import { en } from "./en";
import { ko } from "./ko";

export type Key = keyof typeof en;

/** The text of a key, with {names} filled in. Reads the language signal, so that views follow it. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text: string = (language.value === "ko" ? ko : en)[key];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** A whole number with separators. */
export function count(value: number): string {
  return value.toLocaleString(language.value === "ko" ? "ko-KR" : "en-GB");
}
