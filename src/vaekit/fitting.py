"""fit_prior: a prior fitted to the codes of a model that is already trained."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.conditional import Posterior, Prior
from vaekit.errors import UserError, did_you_mean
from vaekit.evaluation.chunks import batches_of, evaluating
from vaekit.hierarchical import HierarchicalVAE
from vaekit.likelihoods import Gaussian
from vaekit.model import VAE, Model
from vaekit.nets import MLP
from vaekit.posteriors import DiagonalGaussian
from vaekit.priors import AutoregressiveCodes, FlowPrior, MixturePrior, StandardNormal, VAEPrior

if TYPE_CHECKING:
    from vaekit.data.dataset import Part

__all__ = ["fit_prior"]

KINDS = ("mixture", "flow", "vae", "autoregressive")
FULL_UP_TO = 128
"""Latent dimensions up to which a mixture has full covariances: C D^2 numbers, and time in D^3."""
MIN_CODES = 20_000
"""Small data gets several draws of each example's code, until there are this many."""
SECOND_HIDDEN = (256, 256)
"""Widths of the networks of a second VAE."""
HELD_OUT, BATCH, PATIENCE = 0.1, 256, 5
"""Of a fit by gradient: share of the codes that early stopping watches, batch size, epochs without a gain."""


def fit_prior(
    model: Model,
    part: Part,
    kind: str = "mixture",
    *,
    num_components: int = 10,
    min_rows: int = 0,
    flow: str = "realnvp",
    epochs: int = 50,
    seed: int = 0,
) -> Model:
    """The model with its prior replaced by one that is fitted to the aggregate posterior, the codes of `part`.

    Codes are draws of q(z|x), or the codes themselves of an autoencoder, which thereby learns to make new data: Ghosh
    et al., "From Variational to Deterministic Autoencoders", 2020; for discrete codes van den Oord et al., "Neural
    Discrete Representation Learning", 2017. Encoder and decoder stay as they are. Of a hierarchy the top prior is
    fitted; a prior that depended on the class does so again.

    Args:
        model: a trained VAE or HierarchicalVAE, which is left as it is.
        part: the training part.
        kind: "mixture" of Gaussians by EM; "flow", or "vae", a second VAE (Dai and Wipf, "Diagnosing and Enhancing VAE
            Models", 2019), by gradient with early stopping; "autoregressive" for the codes of a vector-quantized model.
        num_components: Gaussians of the mixture.
        min_rows: examples that there must be for each Gaussian; of fewer examples fewer Gaussians are fitted.
        flow: as in `FlowPrior`.
        epochs: passes over the codes at most, for a fit by gradient.
        seed: of the draws and the fit.

    Returns:
        A new model in evaluation mode; every verb uses its prior, `save_model` saves it.

    Raises:
        UserError: an unknown kind, or one that does not fit the model's codes.

    Example:
        >>> better = fit_prior(model, data.train, "mixture", num_components=10)  # doctest: +SKIP
    """
    if kind not in KINDS:
        raise UserError(f'There is no kind of prior "{kind}" to fit. {did_you_mean(kind, KINDS)}')
    if num_components < 1 or epochs < 1:
        raise UserError(f"num_components and epochs are at least 1; {num_components} and {epochs} came.")
    if min_rows:
        num_components = max(1, min(num_components, len(part) // min_rows))
    fitted = copy.deepcopy(model)
    posterior, old = _top(fitted)
    _check_kind(kind, posterior)
    classes = fitted.condition if old.condition or old.context_shape is not None else 0
    with evaluating(fitted, seed):
        z, y = _codes(fitted, posterior, part)
        features = fitted.condition_features(y, z) if classes else None
        with torch.enable_grad():
            prior = _fitted(kind, posterior, z, features, classes, num_components, flow, epochs, seed)
    return _with_prior(fitted, prior).to(model.device, model.dtype).eval()


def _fitted(
    kind: str, posterior: Posterior, z: Tensor, features: Tensor | None, classes: int,
    num_components: int, flow: str, epochs: int, seed: int,
) -> Prior:  # fmt: skip
    """The prior of that kind, fitted to codes z (N, *latent)."""
    if kind == "mixture":
        covariance = "full" if math.prod(posterior.event_shape) <= FULL_UP_TO else "diagonal"
        mixture = MixturePrior(
            posterior.event_shape, num_components, covariance=covariance, condition=classes
        )
        for label in range(max(classes, 1)):
            rows = z if features is None else z[features[:, label] > 0.5]
            _expectation_maximization(mixture, rows.flatten(1), label, seed)
        return mixture
    if kind == "autoregressive":
        codes = AutoregressiveCodes(posterior.codebook, posterior.grid, condition=classes).to(z)  # type: ignore[arg-type]
        _climb(codes, z, features, epochs, seed, keep_whole=posterior)
        return codes
    prior: FlowPrior | VAEPrior
    if kind == "vae":
        prior = second_stage(posterior.event_shape, classes).to(z)
    else:
        prior = FlowPrior(posterior.event_shape, flow, condition=classes).to(z)
    prior.standardize(z)
    _climb(prior, z, features, epochs, seed)
    return prior


def second_stage(latent: tuple[int, ...], classes: int) -> VAEPrior:
    """As in Dai and Wipf: u as large as z, and one spread of p(z|u), learned."""
    size = math.prod(latent)
    return VAEPrior(
        DiagonalGaussian(MLP(latent, SECOND_HIDDEN, condition=classes), size),
        StandardNormal(size),
        Gaussian(MLP(size, SECOND_HIDDEN, condition=classes), latent, scale="learned"),
    )


def _top(model: Model) -> tuple[Posterior, Prior]:
    """The posterior and the prior of the top layer."""
    if isinstance(model, VAE):
        return model.posterior, model.prior
    if isinstance(model, HierarchicalVAE):
        return model.posteriors[0], model.priors[0]
    raise UserError(f"A prior can be fitted to a VAE or a HierarchicalVAE; a {type(model).__name__} came.")


def _with_prior(model: Model, prior: Prior) -> Model:
    """The same posterior and likelihood under another top prior."""
    made: Model
    if isinstance(model, HierarchicalVAE):
        made = HierarchicalVAE(list(model.posteriors), [prior, *list(model.priors)[1:]], model.likelihood)
    else:
        assert isinstance(model, VAE)
        made = VAE(model.posterior, prior, model.likelihood)
    made.schema = model.schema
    return made


def _check_kind(kind: str, posterior: Posterior) -> None:
    """Refuse a kind of prior that gives no probability to the posterior's codes."""
    suited = {"real": ("mixture", "flow", "vae"), "codes": ("autoregressive",)}.get(posterior.support, ())
    if not posterior.is_exact:
        raise UserError(
            f"{type(posterior).__name__} moves its codes along the prior that it was trained with; fitting another one "
            "afterwards would move them elsewhere."
        )
    if not suited:
        raise UserError(
            f"No prior can be fitted to {type(posterior).__name__}; its own prior is the natural one."
        )
    if kind not in suited:
        raise UserError(
            f'The prior "{kind}" does not fit the codes of {type(posterior).__name__}; use {" or ".join(suited)}.'
        )


def _codes(model: Model, posterior: Posterior, part: Part) -> tuple[Tensor, Tensor | None]:
    """Draws of the top latent, (N, *latent), and the labels of their examples, (N,)."""
    if not len(part):
        raise UserError("There are no examples to fit a prior to.")
    draws = (
        max(1, math.ceil(MIN_CODES / len(part)))
        if posterior.is_density and posterior.support == "real"
        else 1
    )
    zs: list[Tensor] = []
    ys: list[Tensor] = []
    for x, y in batches_of(part, model, 256):
        qz = posterior(x, model.condition_features(y, x) if posterior.condition else None)
        zs.append(qz.sample((draws,)).flatten(0, 1))
        if y is not None:
            ys.append(y.repeat(draws))
    return torch.cat(zs), torch.cat(ys) if ys else None


def _expectation_maximization(prior: MixturePrior, z: Tensor, label: int, seed: int) -> None:
    """A mixture of Gaussians by scikit-learn's EM, in float64."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    C = prior.logits.shape[1]
    if len(z) < 2 * C:
        raise UserError(f"{len(z)} codes are too few for {C} components; take at most {max(1, len(z) // 2)}.")
    codes = z.double().cpu().numpy()
    kind = "full" if prior.covariance == "full" else "diag"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 rounds are near enough to the top
        found = GaussianMixture(
            C,
            covariance_type=kind,
            reg_covar=1e-6 * max(float(codes.var()), 1e-6),
            max_iter=200,
            random_state=seed,
        ).fit(codes)
    weights, loc, covariance = (
        torch.from_numpy(value) for value in (found.weights_, found.means_, found.covariances_)
    )
    prior.set_components(weights, loc, covariance, label=label)


def _climb(
    prior: Prior,
    z: Tensor,
    features: Tensor | None,
    epochs: int,
    seed: int,
    *,
    keep_whole: Posterior | None = None,
) -> None:
    """Maximum likelihood by Adam; the weights that held-out codes like best are kept."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(z), generator=generator).to(z.device)
    num_held = max(1, int(HELD_OUT * len(z)))
    held, learned = order[:num_held], order[num_held:]
    frozen = {id(p) for p in keep_whole.parameters()} if keep_whole is not None else set()
    weights = [p for p in prior.parameters() if id(p) not in frozen]
    optimizer = torch.optim.Adam(weights, lr=1e-3)

    def score(index: Tensor) -> Tensor:
        return prior(None, None if features is None else features[index]).log_prob(z[index])

    best, since, kept = -math.inf, 0, [w.detach().clone() for w in weights]
    for _ in range(epochs):
        prior.train()
        mixed = learned[torch.randperm(len(learned), generator=generator).to(z.device)]
        for index in mixed.split(BATCH):
            optimizer.zero_grad()
            (-score(index).mean()).backward()
            optimizer.step()
        prior.eval()
        gained = _mean_score(score, held)
        if gained > best:
            best, since, kept = gained, 0, [w.detach().clone() for w in weights]
        else:
            since += 1
            if since >= PATIENCE:
                break
    with torch.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)


@torch.no_grad()
def _mean_score(score: Callable[[Tensor], Tensor], index: Tensor) -> float:
    return float(torch.cat([score(rows) for rows in index.split(BATCH)]).mean())
