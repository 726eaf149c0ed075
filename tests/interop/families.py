"""Small untrained models of every family, and examples for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import vaekit as vk
from vaekit.model import Model
from vaekit.schema import Column, Schema

SHAPE = (1, 8, 8)
IMAGES = Schema("image", SHAPE, 0.0, 1.0, levels=256, scale=255.0, dtype="uint8", label_names=("a", "b", "c"))
TABLE = Schema(
    "table",
    (3,),
    dtype="float64",
    offset=(40.0, 0.0, 2.0),
    scale=(10.0, 1.0, 0.5),
    columns=(
        Column(
            "age",
            "integer",
            low=17,
            high=90,
            step=1.0,
            decimals=0,
            knots=(17, 30, 45, 90),
            scores=(-2, -0.5, 0.5, 2),
        ),
        Column("work", "categorical", categories=("a", "b", "c"), missing=0.2),
        Column(
            "gain",
            "continuous",
            low=0,
            high=9,
            specials=(0.0,),
            knots=(0.5, 1, 3, 9),
            scores=(-2, -0.5, 0.5, 2),
        ),
    ),
)
SOUND = Schema("audio", (1, 2048), -1.0, 1.0, dtype="float32", rate=8000, clips="whole")


def flat(
    posterior: vk.Posterior | None = None,
    prior: vk.Prior | None = None,
    likelihood: vk.Likelihood | None = None,
    latent: int = 3,
) -> Model:
    return vk.VAE(
        posterior or vk.DiagonalGaussian(vk.MLP(SHAPE, 16), latent),
        prior or vk.StandardNormal(latent),
        likelihood or vk.Bernoulli(vk.MLP(latent, 16), SHAPE),
    )


def conditional() -> Model:
    return flat(
        vk.DiagonalGaussian(vk.MLP(SHAPE, 16, condition=3), 3),
        vk.GaussianPrior(vk.MLP(3, ()), 3),
        vk.Bernoulli(vk.MLP(3, 16, condition=3), SHAPE),
    )


def class_prior() -> Model:
    return flat(prior=vk.GaussianPrior(vk.MLP(3, ()), 3))


def vamp() -> Model:
    posterior = vk.DiagonalGaussian(vk.MLP(SHAPE, 16), 3)
    return flat(posterior, vk.VampPrior(posterior, 5, in_shape=SHAPE, low=0.0, high=1.0))


def two_stage() -> Model:
    second = vk.DiagonalGaussian(vk.MLP(3, 8), 2), vk.StandardNormal(2), vk.Gaussian(vk.MLP(2, 8), 3)
    return flat(prior=vk.VAEPrior(*second))


def hierarchy() -> Model:
    lower = vk.DiagonalGaussian(vk.MLP(SHAPE, 16, condition=2), 4)
    return vk.HierarchicalVAE(
        [vk.DiagonalGaussian(vk.MLP(SHAPE, 16), 2), lower],
        [vk.StandardNormal(2), vk.GaussianPrior(vk.MLP(2, 8), 4)],
        vk.Bernoulli(vk.MLP(6, 16), SHAPE),
    )


def ladder() -> Model:
    encoder = vk.LadderEncoder(SHAPE, 8, (1, 1))
    last = vk.ResNetDecoder((8, 4, 4), (8, 8), (8,), half=True)
    return vk.LadderVAE(encoder, vk.Bernoulli(last, SHAPE), num_layers=(1, 1), latent=2)


def quantized(book: vk.Quantizer) -> Model:
    grid = (2, 2)
    prior = vk.UniformCodesPrior(book, grid)
    likelihood = vk.Bernoulli(vk.MLP((book.dim, *grid), 16), SHAPE)
    return flat(vk.VectorQuantized(vk.MLP(SHAPE, 16), book, grid), prior, likelihood)


def partly_labelled() -> Model:
    return vk.SemiSupervisedVAE(
        vk.MLP(SHAPE, 16),
        vk.DiagonalGaussian(vk.MLP(SHAPE, 16, condition=3), 2),
        vk.StandardNormal(2),
        vk.Bernoulli(vk.MLP(2, 16, condition=3), SHAPE),
    )


def table() -> Model:
    cells = TABLE.cells()
    return flat(
        vk.DiagonalGaussian(vk.TableEncoder(cells, 16, num_blocks=1), 3),
        likelihood=vk.Columns(vk.ResidualMLP(3, 16, num_blocks=1), cells),
    )


def sound() -> Model:
    spectrogram = vk.LogMel(SOUND.shape, 8000, num_bands=8)
    encoder = vk.FrameEncoder(spectrogram.out_shape, 8, (4, 2), num_blocks=1)
    decoder = vk.FrameDecoder(3, 8, (2, 4), num_blocks=1, length=encoder.out_shape[2])
    return flat(
        vk.DiagonalGaussian(vk.Chained(spectrogram, encoder), 3),
        likelihood=vk.LogSpectral(decoder, spectrogram),
    )


MODELS: dict[str, Callable[[], Model]] = {
    "diagonal": flat,
    "full": lambda: flat(vk.FullGaussian(vk.MLP(SHAPE, 16), 3)),
    "planar": lambda: flat(vk.FlowPosterior(vk.MLP(SHAPE, 16), 3, "planar")),
    "map": lambda: flat(
        vk.DiagonalGaussian(vk.MLP(SHAPE, 16), (2, 2, 2)),
        vk.StandardNormal((2, 2, 2)),
        vk.Bernoulli(vk.MLP((2, 2, 2), 16), SHAPE),
    ),
    "deterministic": lambda: flat(vk.Deterministic(vk.MLP(SHAPE, 16), 3)),
    "sphere": lambda: flat(vk.VonMisesFisher(vk.MLP(SHAPE, 16), 3), vk.SphereUniform(3)),
    "ball": lambda: flat(
        vk.WrappedNormal(vk.MLP(SHAPE, 16), 3),
        vk.WrappedNormalPrior(3),
        vk.Bernoulli(vk.Chained(vk.LogMap(3), vk.MLP(3, 16)), SHAPE),
    ),
    "conditional": conditional,
    "class prior": class_prior,
    "vamp": vamp,
    "mixture": lambda: flat(prior=vk.MixturePrior(3, 4)),
    "fitted": lambda: flat(prior=vk.MixturePrior(3, 4, covariance="full")),
    "two-stage": two_stage,
    "hierarchy": hierarchy,
    "ladder": ladder,
    "codebook": lambda: quantized(vk.Codebook(6, 4)),
    "residual codebook": lambda: quantized(vk.ResidualCodebook(6, 4, 3)),
    "hierarchical codebook": lambda: quantized(vk.HierarchicalCodebook(3, 4, 2)),
    "scalar codebook": lambda: quantized(vk.ScalarCodebook((5, 3))),
    "categories": lambda: flat(
        vk.GumbelSoftmax(vk.MLP(SHAPE, 16), 4, 5),
        vk.UniformCategorical(4, 5),
        vk.Bernoulli(vk.MLP((4, 5), 16), SHAPE),
    ),
    "bits": lambda: flat(
        vk.RelaxedBernoulli(vk.MLP(SHAPE, 16), 6), vk.UniformBinary(6), vk.Bernoulli(vk.MLP(6, 16), SHAPE)
    ),
    "partly labelled": partly_labelled,
    "table": table,
    "sound": sound,
}
SCHEMAS = {"table": TABLE, "sound": SOUND}


def build(name: str) -> tuple[Model, Tensor]:
    """A model in evaluation mode, its weights spread out, and 6 examples."""
    torch.manual_seed(0)
    model = MODELS[name]()
    model.schema = SCHEMAS.get(name, IMAGES)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    if name == "sound":
        return model.eval(), (0.3 * torch.randn(6, *SOUND.shape)).clamp(-1, 1)
    if name == "table":
        rows = [
            [-1.5, 0, -4],
            [0.3, 2, -3.2],
            [float("nan"), 1, 2],
            [2.0, float("nan"), -4],
            [0.1, 0, 1.7],
            [-0.4, 1, -4],
        ]
        return model.eval(), torch.tensor(rows)
    x = torch.rand(6, *SHAPE).mul(255).round() / 255
    if "codebook" in name:
        model.train()(x)  # codebooks begin at what they first see
    return model.eval(), x
