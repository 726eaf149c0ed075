"""The halves of a model give what the model itself gives, for every family."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
import families as models

import vaekit as vk
from vaekit.distributions.shaped import center
from vaekit.errors import UserError
from vaekit.interop.codes import CodesEncoder, latents_of
from vaekit.interop.columns import layout_of
from vaekit.interop.halves import ClassDecoder, ClassEncoder, Decoder, Encoder, Redraw
from vaekit.interop.noise import Given
from vaekit.interop.onnx import example_inputs, halves_of
from vaekit.ladder import LadderVAE
from vaekit.likelihoods.log_spectral import OfSpectrogram
from vaekit.model import Model

CONTINUOUS = [
    n for n in models.MODELS if "codebook" not in n and n not in ("categories", "bits", "partly labelled")
]
WITHOUT_KL = ("deterministic", "class prior", "sphere", "ball", "two-stage")
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def outputs(half: torch.nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    with torch.no_grad():
        return dict(zip(half.outputs, half(*inputs), strict=True))


def labels_for(model: Model) -> Tensor | None:
    return LABELS if model.condition else None


@pytest.mark.parametrize("name", CONTINUOUS)
def test_an_encoder_gives_mean_spread_and_draws(name: str) -> None:
    model, x = models.build(name)
    half = halves_of(model)[0]
    assert isinstance(half, Encoder)
    y = None if model.condition == 0 else torch.eye(3)[LABELS]
    given = {"x": x, "eps": torch.zeros(6, math.prod(model.latent_shape)), "y": y}
    found = outputs(half, tuple(given[k] for k in half.inputs))
    with torch.no_grad():
        qz = model.encode(x, labels_for(model) if model.needs_labels else None)
        torch.testing.assert_close(found["mean"], center(qz).flatten(1))
        torch.testing.assert_close(found["z"], found["mean"])
        if "std" in found:
            spread = qz.stddev if name != "full" else qz.covariance_matrix.diagonal(dim1=-2, dim2=-1).sqrt()
            torch.testing.assert_close(found["std"], spread.flatten(1))
    if "eps" in half.inputs:
        torch.manual_seed(1)
        eps = torch.randn(4000, half.num_dims)
        many = {
            "x": x[:1].expand(4000, *x.shape[1:]),
            "eps": eps,
            "y": None if y is None else y[:1].expand(4000, -1),
        }
        z = outputs(half, tuple(many[k] for k in half.inputs))["z"]
        with torch.no_grad():
            label = LABELS[:1] if model.needs_labels else None
            drawn = model.encode(x[:1], label).sample((4000,)).flatten(1)
        torch.testing.assert_close(
            z.mean(0), drawn.mean(0), rtol=0, atol=float(6 * drawn.std(0).max() / 4000**0.5)
        )
        torch.testing.assert_close(z.std(0), drawn.std(0), rtol=0.15, atol=0.01)


@pytest.mark.parametrize("name", [n for n in CONTINUOUS if n not in WITHOUT_KL])
def test_the_kl_is_that_of_the_trace(name: str) -> None:
    model, x = models.build(name)
    half = halves_of(model)[0]
    inputs = example_inputs(half, x)
    given = half.given(inputs)
    found = outputs(half, inputs)["kl"]
    draw = Given(given.get("eps", torch.zeros(6, math.prod(model.latent_shape))))
    with torch.no_grad():
        trace = model.trace(x, given.get("y"), draw=draw)
        torch.testing.assert_close(found.sum(-1), trace.kl, rtol=1e-4, atol=1e-4)


def test_no_kl_where_the_prior_depends_on_a_class_that_nobody_tells() -> None:
    half = halves_of(models.build("class prior")[0])[0]
    assert half.inputs == ("x", "eps")
    assert "kl" not in half.outputs


def test_no_kl_on_the_sphere_whose_bessel_functions_have_no_onnx_operator() -> None:
    half = halves_of(models.build("sphere")[0])[0]
    assert "kl" not in half.outputs


def test_no_kl_where_it_is_estimated_anew_at_every_call() -> None:
    half = halves_of(models.build("two-stage")[0])[0]
    assert half.outputs == ("z", "mean", "std")


def test_a_posterior_that_follows_a_gradient_is_refused() -> None:
    shared = vk.StandardNormal(3), vk.Bernoulli(vk.MLP(3, 16), models.SHAPE)
    start = vk.DiagonalGaussian(vk.MLP(models.SHAPE, 16), 3)
    with pytest.raises(UserError, match="neither exported nor explored"):
        halves_of(vk.VAE(vk.HamiltonianPosterior(start, *shared), *shared))


def test_a_point_has_no_spread() -> None:
    half = halves_of(models.build("deterministic")[0])[0]
    assert half.inputs == ("x",)
    assert half.outputs == ("z", "mean")


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_decoder_gives_the_mean_and_log_px(name: str) -> None:
    model, x = models.build(name)
    half = halves_of(model)[1]
    assert isinstance(half, Decoder)
    torch.manual_seed(2)
    z = torch.randn(6, *model.latent_shape)
    y = torch.eye(3)[LABELS]
    given = {"z": z.flatten(1), "x": x, "y": y}
    found = outputs(half, tuple(given[k] for k in half.inputs))
    with torch.no_grad():
        px = model.decode(z, LABELS if model.needs_labels else None)
        torch.testing.assert_close(found["log_px"], px.log_prob(x))
        if isinstance(px, OfSpectrogram):
            torch.testing.assert_close(found["mean"], px.base.mean)
        elif name != "table":
            torch.testing.assert_close(found["mean"], px.mean)


@pytest.mark.parametrize("name", [n for n in models.MODELS if "codebook" in n] + ["categories", "bits"])
def test_codes_stand_for_the_same_latents(name: str) -> None:
    model, x = models.build(name)
    encoder, decoder = halves_of(model)
    assert isinstance(encoder, CodesEncoder)
    codes = outputs(encoder, (x,))["codes"]
    assert codes.ndim == 3
    with torch.no_grad():
        mean = model.encode(x).mean
        z = latents_of(model, codes)
        if name == "categories":
            mean = torch.nn.functional.one_hot(mean.argmax(-1), 5).float()
        elif name == "bits":
            mean = (mean > 0.5).float()
        torch.testing.assert_close(z, mean)
        found = outputs(decoder, (codes, x))
        torch.testing.assert_close(found["mean"], model.decode(mean).mean)
        torch.testing.assert_close(found["log_px"], model.decode(mean).log_prob(x))


def test_a_class_that_is_not_known_is_the_likeliest_one() -> None:
    model, x = models.build("partly labelled")
    encoder, decoder = halves_of(model)
    assert isinstance(encoder, ClassEncoder)
    assert isinstance(decoder, ClassDecoder)
    eps = torch.zeros(6, 2)
    unknown = outputs(encoder, (x, eps, torch.zeros(6, 3)))
    likeliest = torch.nn.functional.one_hot(unknown["class"].argmax(-1), 3).float()
    told = outputs(encoder, (x, eps, likeliest))
    torch.testing.assert_close(unknown["mean"], told["mean"])
    with torch.no_grad():
        torch.testing.assert_close(
            unknown["class"].log(), model.log_class_probabilities(x), rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(told["mean"], model.posterior(x, likeliest).mean)
        mean = outputs(decoder, (told["mean"], likeliest, x))["mean"]
        torch.testing.assert_close(mean, model.decode(torch.cat([likeliest, told["mean"]], -1)).mean)


@pytest.mark.parametrize("name", ["diagonal", "hierarchy", "ladder", "class prior"])
def test_a_redrawn_prior_keeps_what_it_is_told_to(name: str) -> None:
    model, _ = models.build(name)
    half = Redraw(model)
    assert half.is_possible
    size = math.prod(model.latent_shape)
    torch.manual_seed(3)
    z, eps = torch.randn(2000, size), torch.randn(2000, size)
    y = (torch.eye(3)[:1].expand(2000, -1),) if "y" in half.inputs else ()
    held = outputs(half, (z, eps, torch.ones(2000, size), *y))["redrawn"]
    torch.testing.assert_close(held, z)
    drawn = outputs(half, (z, eps, torch.zeros(2000, size), *y))["redrawn"]
    label = torch.zeros(2000, dtype=torch.long) if model.condition else None
    expected = model.draw_prior(2000, label).flatten(1)
    torch.testing.assert_close(
        drawn.mean(0), expected.mean(0), rtol=0, atol=0.2 * float(expected.std(0).max())
    )
    torch.testing.assert_close(drawn.std(0), expected.std(0), rtol=0.15, atol=0.01)
    if isinstance(model, LadderVAE) or name == "hierarchy":
        top = model.sizes[0]
        keep = torch.cat([torch.ones(2000, top), torch.zeros(2000, size - top)], -1)
        lower = outputs(half, (z, torch.zeros_like(z), keep))["redrawn"]
        torch.testing.assert_close(lower[:, :top], z[:, :top])
        assert not torch.allclose(lower[:, top:], z[:, top:])


@pytest.mark.parametrize("name", ["mixture", "vamp", "sphere"])
def test_a_prior_that_is_no_map_of_noise_is_not_redrawn(name: str) -> None:
    assert not Redraw(models.build(name)[0]).is_possible


def test_the_columns_of_a_decoded_row() -> None:
    model, x = models.build("table")
    layout, half = layout_of(models.TABLE), halves_of(model)[1]
    torch.manual_seed(4)
    z = torch.randn(1, 3)
    found = outputs(half, (z, x[:1]))
    with torch.no_grad():
        px = model.decode(z)
        rows = px.complete((40_000,))[:, 0]
    raw = rows.double().numpy() * np.asarray(layout.scale) + np.asarray(layout.offset)
    age, work, gain = layout.places
    assert (age.size, work.size, gain.size) == (3, 3, 3)
    mean, chance = found["mean"][0].numpy(), found["chance"][0].numpy()
    shares = np.bincount(raw[:, 1].astype(int), minlength=3) / len(raw)
    np.testing.assert_allclose(mean[work.start : work.start + 3], shares, atol=0.01)
    np.testing.assert_allclose(chance[work.chance_start : work.chance_start + 3], shares, atol=0.01)
    for j, place in ((0, age), (2, gain)):
        part = mean[place.start : place.start + 3]
        expected = px.mean[0, j].item() * layout.scale[j] + layout.offset[j]
        assert part[0] == pytest.approx(expected, rel=1e-4)
        bins = chance[place.chance_start : place.chance_start + place.chance_size]
        assert bins.sum() == pytest.approx(1, abs=1e-5)
        edges = np.asarray(place.edges)
        counts = np.bincount(np.searchsorted(edges[1:-1], raw[:, j], side="right"), minlength=len(bins))
        np.testing.assert_allclose(bins, counts / len(raw), atol=0.012)
        # A quantile of the grid: as much of the draws lies below it as should, up to one step of the grid.
        grid = np.asarray(place.grid) * layout.scale[j] + layout.offset[j]
        for q, value in zip((0.1, 0.9), part[1:]):
            k = np.abs(grid - value).argmin()
            assert (raw[:, j] < grid[max(k - 1, 0)] - 1e-6).mean() <= q + 0.02
            assert (raw[:, j] <= grid[min(k + 1, len(grid) - 1)] + 1e-6).mean() >= q - 0.02
