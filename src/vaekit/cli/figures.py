"""Figures: what `evaluate` and `compare` measure, what each figure is called, and which way it is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaekit.cli.answer import estimate
from vaekit.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from vaekit.data import Dataset, Part
    from vaekit.model import Model

GROUPS = ("likelihood", "latents", "samples", "disentanglement")


@dataclass(frozen=True)
class Figure:
    """A row of the tables.

    Args:
        key: its name in the results.
        text: what it is.
        better: 1 where higher is better, -1 where lower is, 0 where neither.
    """

    key: str
    text: str
    better: int = 0


FIGURES: dict[str, tuple[Figure, ...]] = {
    "likelihood": (
        Figure("elbo", "ELBO", 1),
        Figure("nll", "-log p(x)", -1),
        Figure("bits_per_dim", "bits per dimension", -1),
        Figure("rate", "rate, KL(q(z|x) || p(z))"),
        Figure("distortion", "distortion, -log p(x|z)"),
        Figure("mse", "reconstruction, mean squared error", -1),
        Figure("frechet_pca64", "Fréchet distance of new samples (64 PCs)", -1),
        Figure("frechet_pca64_data", "... of training data, the floor"),
        Figure("psnr", "reconstruction, PSNR in decibels"),
        Figure("active_units", "active latent dimensions"),
        Figure("ess", "effective sample size of the draws"),
    ),
    "latents": (
        Figure("mutual_information", "information of codes about examples, nats"),
        Figure("aggregate_kl", "aggregate posterior to prior, nats", -1),
        Figure("linear_probe", "linear probe, accuracy", 1),
        Figure("knn", "5 nearest neighbours, accuracy", 1),
        Figure("trustworthiness", "trustworthiness", 1),
    ),
    "samples": (
        Figure("fid", "FID, own features", -1),
        Figure("fid_data", "... of training data, the floor"),
        Figure("kid", "KID, own features", -1),
        Figure("precision", "precision", 1),
        Figure("recall", "recall", 1),
        Figure("density", "density", 1),
        Figure("coverage", "coverage", 1),
        Figure("ssim", "reconstruction, SSIM", 1),
        Figure("nearest_ratio", "distance to training data, over new data's"),
    ),
    "disentanglement": (
        Figure("mig", "MIG", 1),
        Figure("mig_sampled", "MIG of sampled codes", 1),
        Figure("sap", "SAP", 1),
        Figure("modularity", "modularity", 1),
        Figure("dci_disentanglement", "DCI disentanglement", 1),
        Figure("dci_completeness", "DCI completeness", 1),
        Figure("dci_informativeness", "DCI informativeness", 1),
        Figure("factor_vae_score", "FactorVAE score", 1),
        Figure("beta_vae_score", "beta-VAE score", 1),
    ),
}
PROTOCOL_WORDS = {
    "examples": "the examples",
    "n": "how many examples",
    "num_samples": "K",
    "measure": "what log p(x|z) is",
    "features_sha256": "the feature network's weights",
    "reference": "the training data behind the features",
    "unit_of_x": "the unit of x",
}


def groups_of(text: str) -> tuple[str, ...]:
    """Names of groups of figures, separated by commas; "all" for all of them.

    Raises:
        UserError: an unknown name.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return GROUPS
    for name in names:
        if name not in GROUPS:
            raise UserError(f'--metrics has no "{name}". {did_you_mean(name, GROUPS)}')
    if not names:
        raise UserError(f"--metrics needs one or more of {', '.join(GROUPS)}.")
    return tuple(dict.fromkeys(names))


def measure(
    group: str,
    model: Model,
    data: Dataset,
    part: Part,
    name: str,
    *,
    limit: int | None,
    seed: int,
    options: Any,
) -> dict[str, Any]:
    """The figures of a group other than the likelihood.

    Args:
        group: "latents", "samples" or "disentanglement".
        model: the model.
        data: the run's data.
        part: the held-out part, on the model's device.
        name: of the part.
        limit: at most so many examples.
        seed: of subsets and draws.
        options: a mapping with `features` and `num_new`, for samples.
    """
    from vaekit.evaluation import disentanglement, latent_figures, sample_figures
    from vaekit.evaluation.chunks import subset

    few = subset(part, limit, seed)
    if group == "latents":
        return latent_figures(model, few, data.train.to(model.device), seed=seed, name=name)
    if group == "disentanglement":
        return disentanglement(model, few, seed=seed, name=name, factor_names=data.factor_names)
    return sample_figures(
        model, few, data.train, features=options["features"], num_samples=options["num_new"], seed=seed, name=name
    )  # fmt: skip


def shown(results: Mapping[str, Any], key: str) -> str:
    """A figure with its standard error and its 95 % interval.

    Example:
        >>> shown({"nll": 98.3456, "nll_se": 0.412, "nll_interval": [97.53, 99.15]}, "nll")
        '98.35 ± 0.41 [97.53, 99.15]'
    """
    text, interval = estimate(results, key), results.get(f"{key}_interval")
    if not text or not interval:
        return text
    digits = len(text.split(" ")[0].partition(".")[2])
    low, high = (f"{v:,.{digits}f}" for v in interval)
    return f"{text} [{low}, {high}]"


def protocol_line(protocol: Mapping[str, Any]) -> str:
    """A protocol in one line."""
    return "Protocol: " + ", ".join(f"{k.replace('_', ' ')} {_word(v)}" for k, v in protocol.items()) + "."


def _word(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:,}"
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def refusals(differing: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences about figures that are not ranked, those with the same reason together.

    Args:
        differing: a figure's text to what differs between the protocols.
    """
    reasons: dict[str, list[str]] = {}
    for text, names in differing.items():
        words = ", ".join(PROTOCOL_WORDS.get(n, n.replace("_", " ")) for n in names)
        reasons.setdefault(words, []).append(text)
    return [
        f"Not ranked: {'; '.join(texts)}. The protocols differ in {words}."
        for words, texts in reasons.items()
    ]
