// What the modules under test expect of a browser and Node lacks.
const query = { matches: false, addEventListener: () => undefined };
Object.assign(globalThis, {
  matchMedia: () => query,
  document: { documentElement: { dataset: {}, lang: "en" } },
  navigator: { language: "en-GB" },
});
