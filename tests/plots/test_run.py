"""draw_run: the right pictures for each kind of model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vaekit import (
    MLP,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    Model,
    Schema,
    StandardNormal,
)
from vaekit.data.dataset import Dataset, Part
from vaekit.plots import comparison, draw_run, panel_of, save
from vaekit.recipes.hvae import hvae
from vaekit.recipes.vqvae import vqvae

SCHEMA = Schema(
    "image",
    (1, 8, 8),
    0.0,
    1.0,
    levels=256,
    scale=255.0,
    dtype="uint8",
    label_names=("a", "b", "c"),
    name="tiny",
)
METRICS = [{"epoch": e, "train": {"elbo": -90.0 / e}, "valid": {"elbo": -95.0 / e}} for e in (1, 2)]
ALWAYS = {"data", "curves", "reconstructions", "samples", "latent", "interpolations"}


def dataset(labels: bool = True) -> Dataset:
    def part(num: int) -> Part:
        raw = torch.randint(0, 256, (num, 1, 8, 8), dtype=torch.uint8)
        return Part(raw, torch.arange(num) % 3 if labels else None, None, SCHEMA)

    return Dataset(SCHEMA, part(120), None, part(40), {}, [])


def flat(latent: int, posterior: type = DiagonalGaussian, condition: int = 0) -> VAE:
    encoder, decoder = MLP((1, 8, 8), 16, condition=condition), MLP(latent, 16, condition=condition)
    return VAE(posterior(encoder, latent), StandardNormal(latent), Bernoulli(decoder, (1, 8, 8)))


MODELS = {
    "plane": (lambda: flat(2), {"kl", "traversals", "latent_grid"}),
    "flat": (lambda: flat(5), {"kl", "traversals"}),
    "line": (lambda: flat(1), {"kl", "traversals"}),
    "wide": (lambda: flat(300), {"kl"}),
    "autoencoder": (lambda: flat(2, Deterministic), {"traversals", "latent_grid"}),
    "conditional": (lambda: flat(2, condition=3), {"kl", "traversals"}),
    "hierarchical": (lambda: hvae(SCHEMA, hidden=8, latent=3).model, {"kl", "traversals"}),
    "quantized": (lambda: vqvae(SCHEMA, width=4, num_codes=8, code_dim=2).model, set()),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_model_gets_the_pictures_that_it_can_fill(name: str, tmp_path: Path) -> None:
    make, own = MODELS[name]
    model, data = make().train(), dataset()
    before = torch.get_rng_state()
    written = draw_run(model, data, METRICS, tmp_path / "plots")
    assert {p.stem for p in written} == ALWAYS | own
    assert {p.name for p in (tmp_path / "plots").iterdir()} == {p.name for p in written}
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in written)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())


def test_the_same_seed_draws_the_same_files(tmp_path: Path) -> None:
    model, data = flat(2), dataset()
    first, again = (draw_run(model, data, METRICS, tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    other = draw_run(model, data, METRICS, tmp_path / "c", seed=1)
    assert [p.read_bytes() for p in first] != [p.read_bytes() for p in other]


def test_few_examples_without_labels_or_metrics_are_enough(tmp_path: Path) -> None:
    data = dataset(labels=False)
    data.train, data.test = data.train.take(torch.arange(3)), None
    written = draw_run(flat(2), data, [], tmp_path, results={"mse": 0.25})
    assert {p.stem for p in written} == ALWAYS - {"curves"} | {"kl", "traversals", "latent_grid"}


def test_points_in_the_plane_are_drawn_as_points(tmp_path: Path) -> None:
    schema = Schema("array", (2,), name="moons")
    part = Part(torch.randn(300, 2), None, None, schema)
    model = VAE(DiagonalGaussian(MLP(2, 8), 2), StandardNormal(2), Gaussian(MLP(2, 8), 2))
    written = draw_run(model, Dataset(schema, part, None, None, {}, []), [], tmp_path)
    assert {p.stem for p in written} == {"data", "reconstructions", "samples", "latent", "kl"}


def test_comparison_shows_every_run_the_same_examples(tmp_path: Path) -> None:
    part = dataset().test
    assert part is not None
    models: dict[str, Model] = {"autoencoder": flat(2, Deterministic), "VAE": flat(5)}
    panels = [panel_of(n, m, part, results={"mse": 0.5, "elbo": None}) for n, m in models.items()]
    assert torch.equal(panels[0].x, panels[1].x)
    assert panels[0].facts == {"reconstruction: mean squared error per value": "0.5"}
    decoded = models["VAE"].decode(panels[1].draws).mean
    torch.testing.assert_close(panels[1].samples, decoded)
    save(comparison(panels, SCHEMA), tmp_path / "comparison.png")
