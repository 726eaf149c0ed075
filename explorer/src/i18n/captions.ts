// Captions of the five parts in plain words.
import { language } from "../state/settings";

export type Part = "encoder" | "latent" | "draw" | "reconstruction" | "kl";
export const PARTS: Part[] = ["encoder", "latent", "draw", "reconstruction", "kl"];
/** What is explained: a VAE, a hierarchical one, an autoencoder, or a model of discrete codes. */
export type Flavour = "vae" | "layers" | "ae" | "codes";

interface Words {
  name: string;
  text: string;
}

const EN: Record<Part, Words> = {
  encoder: {
    name: "Encoder",
    text: "Looks at x and answers with a normal distribution over the latent space: a mean, where x belongs, and a spread, how sure that is. On the map: a point and its ellipse.",
  },
  latent: {
    name: "Latent space",
    text: "Each place z is a short summary of an example. Neighbours decode to similar things. The rings are the prior, the shape that all codes together should take.",
  },
  draw: {
    name: "Reparameterization",
    text: "Training needs a random z, and a slope through it. So the chance is put aside: draw ε once, then shift and stretch it. Gradients pass through μ and σ.",
  },
  reconstruction: {
    name: "Reconstruction",
    text: "The decoder turns z back into an x. The first half of the loss asks how surprising the true x is to it, −log p(x|z): for pixels between black and white the cross-entropy, under a normal distribution the squared error, summed over all values.",
  },
  kl: {
    name: "KL divergence",
    text: "The second half of the loss pulls every ellipse towards the prior. It closes holes, so that a fresh draw decodes to something real. The loss is the sum of both.",
  },
};

const AE: Partial<Record<Part, Words>> = {
  latent: {
    name: "Latent space",
    text: "Each place z is a short summary of an example. There is no prior: nothing says where codes should lie, and nothing is known of the places between them.",
  },
  encoder: {
    name: "Encoder",
    text: "An autoencoder’s encoder answers with one place and no spread: it learns to find x again, not to fill the space.",
  },
  draw: {
    name: "No drawing",
    text: "Nothing is random here. What lies between two codes was never visited in training.",
  },
  kl: {
    name: "No KL",
    text: "Nothing pulls the codes together, so they scatter and leave holes. Drag into one and look.",
  },
  reconstruction: {
    name: "Reconstruction",
    text: "The decoder turns z back into an x. How far it misses the true one is the whole loss: nothing else is asked.",
  },
};

const KO: Record<Part, Words> = {
  encoder: {
    name: "인코더",
    text: "x를 보고 잠재 공간의 정규 분포로 답합니다. 평균은 x가 놓일 자리, 퍼짐은 얼마나 확실한지를 뜻합니다. 지도에서는 점과 그 타원입니다.",
  },
  latent: {
    name: "잠재 공간",
    text: "한 자리 z는 예시 하나를 짧게 요약한 것입니다. 가까운 자리는 비슷한 것으로 디코딩됩니다. 고리는 사전 분포, 곧 모든 코드가 모여 이루어야 할 모양입니다.",
  },
  draw: {
    name: "재매개변수화",
    text: "학습에는 무작위 z와 그것을 지나는 기울기가 모두 필요합니다. 그래서 우연을 따로 떼어 ε으로 뽑고, 옮기고 늘립니다. 기울기는 μ와 σ를 지나갑니다.",
  },
  reconstruction: {
    name: "복원 오차",
    text: "디코더는 z를 다시 x로 바꿉니다. 손실의 앞부분은 진짜 x가 디코더에게 얼마나 뜻밖인지, 곧 −log p(x|z)를 묻습니다. 흑백 픽셀이라면 교차 엔트로피, 정규 분포라면 제곱 오차를 모든 값에 걸쳐 더한 것입니다.",
  },
  kl: {
    name: "KL 발산",
    text: "손실의 뒷부분은 모든 타원을 사전 분포 쪽으로 당깁니다. 그래서 빈 곳이 메워지고, 새로 뽑은 z도 그럴듯하게 디코딩됩니다. 손실은 둘의 합입니다.",
  },
};

const CODES: Partial<Record<Part, Words>> = {
  encoder: {
    name: "Encoder",
    text: "Looks at x and answers, for each place of a small grid, with the entry of a codebook that comes nearest. The answer is certain; there is no spread.",
  },
  latent: {
    name: "Codebook",
    text: "The latent space is a list of learned entries. An example is a grid of their numbers, like a text written in a learned alphabet.",
  },
  draw: {
    name: "No drawing",
    text: "Choosing the nearest entry has no slope. In training the gradient is passed straight through the choice, as if it had not been made.",
  },
  reconstruction: {
    name: "Reconstruction",
    text: "The decoder puts the entries’ vectors in their places of the grid and turns them into an x. The loss asks how surprising the true x is to it, −log p(x|z). A second term keeps the encoder’s answers close to the entries that were chosen.",
  },
  kl: {
    name: "Prior over codes",
    text: "With a uniform prior the KL is the same for every x, n codes of K entries, so it does not train anything. New examples need a prior over grids of codes, fitted afterwards.",
  },
};

const CODES_KO: Partial<Record<Part, Words>> = {
  encoder: {
    name: "인코더",
    text: "x를 보고 작은 격자의 칸마다 코드북에서 가장 가까운 항목으로 답합니다. 답은 하나로 정해지며 퍼짐은 없습니다.",
  },
  latent: {
    name: "코드북",
    text: "잠재 공간은 배운 항목의 목록입니다. 예시 하나는 그 번호의 격자, 곧 배운 글자로 쓴 글과 같습니다.",
  },
  draw: {
    name: "뽑기 없음",
    text: "가장 가까운 항목을 고르는 일에는 기울기가 없습니다. 학습할 때는 고르지 않은 것처럼 기울기를 그대로 흘려보냅니다.",
  },
  reconstruction: {
    name: "복원 오차",
    text: "디코더는 항목의 벡터를 격자의 제자리에 놓고 x로 바꿉니다. 손실은 진짜 x가 디코더에게 얼마나 뜻밖인지, 곧 −log p(x|z)를 묻습니다. 또 한 항은 인코더의 답이 고른 항목 가까이에 머물게 합니다.",
  },
  kl: {
    name: "코드의 사전 분포",
    text: "사전 분포가 고르면 KL은 모든 x에서 같아(항목 K개 가운데 고른 코드 n개) 아무것도 가르치지 않습니다. 새로운 예시를 만들려면 코드 격자의 사전 분포를 나중에 맞춥니다.",
  },
};

const LAYERS: Partial<Record<Part, Words>> = {
  encoder: {
    name: "Encoder",
    text: "Looks at x and answers layer by layer, from the top down: each layer’s normal distribution depends on x and on what was drawn above it. The ellipse on the map belongs to the way on which every layer takes its mean.",
  },
  latent: {
    name: "Latent layers",
    text: "The layers together are one code z. Each has a prior of its own, which depends on the layers above it: the top decides what it is, the bottom how it looks. The lines on the map hold 39, 86 and 99 % of what is drawn from the top down.",
  },
  draw: {
    name: "Reparameterization",
    text: "Training needs a random z, and a slope through it. Every layer has an ε of its own, shifted and stretched by a μ and a σ that depend on the draws above. Gradients pass through all of them, from the bottom layer to the top.",
  },
  kl: {
    name: "KL divergence",
    text: "The second half of the loss has a term for each layer: how far its answer for x lies from the prior that the layers above it state. A layer whose term is near zero carries nothing. The loss is the sum of all terms.",
  },
};

const LAYERS_KO: Partial<Record<Part, Words>> = {
  encoder: {
    name: "인코더",
    text: "x를 보고 위층부터 한 층씩 답합니다. 각 층의 정규 분포는 x와 위에서 뽑힌 값에 따라 달라집니다. 지도의 타원은 모든 층이 평균을 고를 때의 것입니다.",
  },
  latent: {
    name: "잠재 층",
    text: "모든 층이 함께 코드 z 하나를 이룹니다. 층마다 위층에 따라 달라지는 사전 분포가 있어, 위는 무엇인지를, 아래는 어떻게 생겼는지를 정합니다. 지도의 선 안에는 위에서부터 뽑은 코드의 39, 86, 99 %가 들어갑니다.",
  },
  draw: {
    name: "재매개변수화",
    text: "학습에는 무작위 z와 그것을 지나는 기울기가 모두 필요합니다. 층마다 ε을 따로 뽑아, 위에서 뽑힌 값이 정한 μ와 σ로 옮기고 늘립니다. 기울기는 맨 아래층에서 맨 위층까지 모두 지나갑니다.",
  },
  kl: {
    name: "KL 발산",
    text: "손실의 뒷부분에는 층마다 항이 하나씩 있습니다. x에 대한 그 층의 답이 위층이 정한 사전 분포에서 얼마나 먼지를 잽니다. 항이 0에 가까운 층은 아무것도 담지 않습니다. 손실은 모든 항의 합입니다.",
  },
};

const AE_KO: Partial<Record<Part, Words>> = {
  latent: {
    name: "잠재 공간",
    text: "한 자리 z는 예시 하나를 짧게 요약한 것입니다. 사전 분포가 없어 코드가 어디 있어야 하는지 정해지지 않고, 그 사이는 알 수 없습니다.",
  },
  encoder: {
    name: "인코더",
    text: "오토인코더의 인코더는 퍼짐 없이 한 자리만 답합니다. x를 되찾는 법을 배울 뿐 공간을 채우지는 않습니다.",
  },
  draw: {
    name: "뽑기 없음",
    text: "여기에는 우연이 없습니다. 두 코드 사이는 학습하는 동안 지나간 적이 없는 곳입니다.",
  },
  kl: {
    name: "KL 없음",
    text: "코드를 모으는 힘이 없어 흩어지고 빈 곳이 남습니다. 그 안으로 끌고 들어가 보세요.",
  },
  reconstruction: {
    name: "복원 오차",
    text: "디코더는 z를 다시 x로 바꿉니다. 진짜 x에서 얼마나 벗어났는지가 손실의 전부이며, 다른 것은 묻지 않습니다.",
  },
};

/** Name and caption of a part. */
export function words(part: Part, flavour: Flavour): Words {
  const korean = language.value === "ko";
  const own: Partial<Record<Part, Words>> = {
    vae: {},
    layers: korean ? LAYERS_KO : LAYERS,
    ae: korean ? AE_KO : AE,
    codes: korean ? CODES_KO : CODES,
  }[flavour];
  return own[part] ?? (korean ? KO : EN)[part];
}
