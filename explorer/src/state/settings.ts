// Settings of the reader: language, light or dark.
import { computed, effect, signal } from "@preact/signals";

export type Language = "en" | "ko";
export type Theme = "light" | "dark";

function stored<T extends string>(key: string, allowed: readonly T[]): T | null {
  try {
    const value = localStorage.getItem(`vaekit.${key}`) as T | null;
    return value && allowed.includes(value) ? value : null;
  } catch {
    return null; // storage is closed to some pages from file://
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(`vaekit.${key}`, value);
  } catch {
    // Then the choice lasts as long as the page.
  }
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", (event) => (systemDark.value = event.matches));

export const language = signal<Language>(
  stored("language", ["en", "ko"]) ?? (navigator.language.startsWith("ko") ? "ko" : "en"),
);
const chosenTheme = signal<Theme | null>(stored("theme", ["light", "dark"]));
export const dark = computed(() => (chosenTheme.value ? chosenTheme.value === "dark" : systemDark.value));

export function chooseLanguage(value: Language): void {
  language.value = value;
  store("language", value);
}

export function toggleTheme(): void {
  chosenTheme.value = dark.value ? "light" : "dark";
  store("theme", chosenTheme.value);
}

effect(() => {
  document.documentElement.lang = language.value;
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
});
