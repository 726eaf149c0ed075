// The page: header, the run or the two runs, the tools, the captions.
import { useSignal } from "@preact/signals";
import type { Manifest } from "../boot/manifest";
import { count, t } from "../i18n";
import { chooseLanguage, dark, language, toggleTheme } from "../state/settings";
import type { Study } from "../state/study";
import { CodeGrid } from "./CodeGrid";
import { Segmented } from "./controls";
import { DecodedPanel } from "./Decoded";
import { Explain } from "./Explain";
import { LatentMap } from "./map/Map";
import { Tools } from "./Tools";

export function App({ manifest, studies }: { manifest: Manifest; studies: Study[] }) {
  const active = useSignal(0);
  const pair = studies.length > 1;
  const study = studies[active.value];
  return (
    <>
      <a class="skip" href="#stage">
        {t("skip")}
      </a>
      <Header manifest={manifest} studies={studies} />
      <main id="stage" class={pair ? "pair" : "single"}>
        {pair ? (
          <>
            <div class="duo">
              {studies.map((each) => (
                <section class="half" key={each.info.name} aria-label={each.info.name}>
                  <h2>{each.info.name}</h2>
                  <About study={each} />
                  <Hero study={each} />
                  <DecodedPanel study={each} />
                </section>
              ))}
            </div>
            <Segmented
              label={t("tool.on")}
              value={active.value}
              onChange={(v) => (active.value = v)}
              options={studies.map((each, i) => ({ value: i, text: each.info.name }))}
            />
            <Tools key={active.value} study={study} all={studies} />
          </>
        ) : (
          <>
            <div class="hero">
              <Hero study={study} />
            </div>
            <div class="side">
              <DecodedPanel study={study} />
              <Tools study={study} all={studies} />
            </div>
          </>
        )}
      </main>
      <Explain study={studies.find((each) => !each.info.deterministic) ?? study} />
      <footer>
        <p>{t("footer", { by: manifest.made_with })}</p>
      </footer>
    </>
  );
}

/** The map; discrete codes have their grid in its place. */
function Hero({ study }: { study: Study }) {
  if (study.info.family === "codes") return <CodeGrid study={study} />;
  return <LatentMap study={study} name={t("map")} />;
}

function About({ study }: { study: Study }) {
  const { info } = study;
  const recipe = info.data ? `${info.recipe} · ${info.data}` : info.recipe;
  const grid = info.latent.grid?.reduce((a, b) => a * b, 1) ?? 0;
  return (
    <p class="about">
      {info.family === "codes"
        ? t("by.codes", { recipe, size: grid, book: count(info.latent.codebook ?? 0) })
        : t("by", { recipe, size: count(info.latent.size), count: count(study.points?.count ?? 0) })}
    </p>
  );
}

function Header({ manifest, studies }: { manifest: Manifest; studies: Study[] }) {
  return (
    <header class="top">
      <div class="mark" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <div class="title">
        <h1>{manifest.title}</h1>
        {studies.length > 1 ? <p class="about">{t("pair.lead")}</p> : <About study={studies[0]} />}
      </div>
      <div class="settings">
        <Segmented
          label={t("language")}
          seen={false}
          value={language.value}
          onChange={chooseLanguage}
          options={[
            { value: "en", text: "English" },
            { value: "ko", text: "한국어" },
          ]}
        />
        <button type="button" class="toggle" title={t("theme.switch")} onClick={toggleTheme}>
          {t(dark.value ? "theme.light" : "theme.dark")}
        </button>
      </div>
    </header>
  );
}
