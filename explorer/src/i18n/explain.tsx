// Formulas of the five parts, in MathML.
import type { ComponentChildren } from "preact";
import type { Flavour, Part } from "./captions";

const I = ({ children }: { children: ComponentChildren }) => <mi>{children}</mi>;
const O = ({ children }: { children: ComponentChildren }) => <mo>{children}</mo>;
const Squared = ({ children }: { children: ComponentChildren }) => (
  <msup>
    <mi>{children}</mi>
    <mn>2</mn>
  </msup>
);
const Gap = () => <mspace width="0.4em" />;

/** Of a part. `standard`: the prior is the standard normal. */
export function Formula({ part, flavour, standard }: { part: Part; flavour: Flavour; standard: boolean }) {
  const content =
    part === "reconstruction" || flavour === "vae"
      ? gaussian(part, standard)
      : flavour === "layers"
        ? layered(part)
        : flavour === "ae"
          ? plain(part)
          : discrete(part);
  return (
    <math display="block">
      <mrow>{content}</mrow>
    </math>
  );
}

/** What the encoder's network answers. */
const Answer = () => (
  <>
    <I>f</I><O>(</O><I>x</I><O>)</O>
  </>
);

function plain(part: Part) {
  if (part === "encoder")
    return (
      <>
        <I>z</I><O>=</O><Answer />
      </>
    );
  if (part === "latent")
    return (
      <>
        <I>p</I><O>(</O><I>z</I><O>)</O><O>=</O><mo>?</mo>
      </>
    );
  if (part === "draw")
    return (
      <>
        <I>σ</I><O>=</O><mn>0</mn>
      </>
    );
  return (
    <>
      <mi>loss</mi><O>=</O><O>−</O><mi>log</mi><Gap /><I>p</I><O>(</O><I>x</I><O>|</O><Answer /><O>)</O>
    </>
  );
}

/** Of discrete codes: i counts the places of the grid, K the entries of the codebook. */
function discrete(part: Part) {
  const entry = (place: string) => (
    <msub>
      <mi>e</mi>
      <mi>{place}</mi>
    </msub>
  );
  if (part === "encoder")
    return (
      <>
        <I>k</I><O>=</O>
        <munder><mi>argmin</mi><mi>j</mi></munder>
        <Gap /><O>‖</O><Answer /><O>−</O>{entry("j")}<O>‖</O>
      </>
    );
  if (part === "latent")
    return (
      <>
        <I>z</I><O>=</O>{entry("k")}<O>,</O><Gap /><I>k</I><O>∈</O><O>{"{"}</O><mn>1</mn><O>…</O><I>K</I><O>{"}"}</O>
      </>
    );
  if (part === "draw")
    return (
      <>
        <mfrac><mrow><O>∂</O><I>z</I></mrow><mrow><O>∂</O><I>f</I></mrow></mfrac><O>≔</O><mn>1</mn>
      </>
    );
  return (
    <>
      <mi>KL</mi><O>=</O><I>n</I><Gap /><mi>log</mi><Gap /><I>K</I>
    </>
  );
}

const Sub = ({ children, below }: { children: string; below: ComponentChildren }) => (
  <msub>
    <mi>{children}</mi>
    {below}
  </msub>
);
/** z of layer l, and of all layers above it. */
const Zl = () => <Sub below={<mi>l</mi>}>z</Sub>;
const Above = () => <Sub below={<mrow><mo>&gt;</mo><mi>l</mi></mrow>}>z</Sub>;
const Over = ({ sign }: { sign: string }) => <munder><mo>{sign}</mo><mi>l</mi></munder>;

/** Of a hierarchy, whose layers l depend on those above. */
function layered(part: Part) {
  const posterior = (
    <>
      <I>q</I><O>(</O><Zl /><O>|</O><I>x</I><O>,</O><Above /><O>)</O>
    </>
  );
  const prior = (
    <>
      <I>p</I><O>(</O><Zl /><O>|</O><Above /><O>)</O>
    </>
  );
  if (part === "encoder")
    return (
      <>
        <I>q</I><O>(</O><I>z</I><O>|</O><I>x</I><O>)</O><O>=</O><Over sign="∏" />{posterior}
      </>
    );
  if (part === "latent")
    return (
      <>
        <I>p</I><O>(</O><I>z</I><O>)</O><O>=</O><Over sign="∏" />{prior}
      </>
    );
  if (part === "draw")
    return (
      <>
        <Zl /><O>=</O><Sub below={<mi>l</mi>}>μ</Sub><O>+</O><Sub below={<mi>l</mi>}>σ</Sub>
        <Sub below={<mi>l</mi>}>ε</Sub>
      </>
    );
  return (
    <>
      <Over sign="∑" /><mi>KL</mi><O>(</O>{posterior}<O>‖</O>{prior}<O>)</O>
    </>
  );
}

function gaussian(part: Part, standard: boolean) {
  if (part === "encoder")
    return (
      <>
        <I>q</I><O>(</O><I>z</I><O>|</O><I>x</I><O>)</O><O>=</O><I>N</I><O>(</O><I>μ</I><O>(</O><I>x</I><O>)</O>
        <O>,</O><Squared>σ</Squared><O>(</O><I>x</I><O>)</O><O>)</O>
      </>
    );
  if (part === "latent")
    return standard ? (
      <>
        <I>p</I><O>(</O><I>z</I><O>)</O><O>=</O><I>N</I><O>(</O><mn>0</mn><O>,</O><mn>1</mn><O>)</O>
      </>
    ) : (
      <>
        <I>z</I><O>~</O><I>p</I><O>(</O><I>z</I><O>)</O>
      </>
    );
  if (part === "draw")
    return (
      <>
        <I>z</I><O>=</O><I>μ</I><O>+</O><I>σ</I><I>ε</I><O>,</O><Gap /><I>ε</I><O>~</O><I>N</I>
        <O>(</O><mn>0</mn><O>,</O><mn>1</mn><O>)</O>
      </>
    );
  if (part === "reconstruction")
    return (
      <>
        <O>−</O><mi>log</mi><Gap /><I>p</I><O>(</O><I>x</I><O>|</O><I>z</I><O>)</O>
      </>
    );
  return standard ? (
    <>
      <O>−</O><mfrac><mn>1</mn><mn>2</mn></mfrac>
      <O>∑</O><O>(</O><mn>1</mn><O>+</O><mi>log</mi><Squared>σ</Squared><O>−</O><Squared>μ</Squared><O>−</O>
      <Squared>σ</Squared><O>)</O>
    </>
  ) : (
    <>
      <mi>KL</mi><O>(</O><I>q</I><O>(</O><I>z</I><O>|</O><I>x</I><O>)</O><O>‖</O><I>p</I><O>(</O><I>z</I><O>)</O><O>)</O>
    </>
  );
}
