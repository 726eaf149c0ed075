"""Information and aggregate posterior against closed forms; probes, neighbours and trustworthiness on known codes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal, kl_divergence

from vaekit import (
    MLP,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    FlowPosterior,
    GaussianPrior,
    HamiltonianPosterior,
    HierarchicalVAE,
    Schema,
    StandardNormal,
    UserError,
)
from vaekit.conditional import Posterior
from vaekit.data.dataset import Part
from vaekit.evaluation import (
    aggregate_posterior,
    dequantized_bpd,
    knn,
    latent_figures,
    linear_probe,
    nll,
    trustworthiness,
)
from vaekit.evaluation.aggregate import log_mixture, log_probs
from vaekit.evaluation.codes import codes_of
from vaekit.evaluation.dequantize import dequantize

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, TruePosterior, evidence, model_with, part_of

from vaekit.conditional import Likelihood


class Apart(Posterior):
    """Posteriors that do not overlap: z = 100 x + noise."""

    def __init__(self) -> None:
        super().__init__()
        self.event_shape = (2,)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        return Independent(Normal(100 * context[:, :2], 1.0), 1)


class Collapsed(Posterior):
    """q(z|x) = p(z)."""

    def __init__(self) -> None:
        super().__init__()
        self.event_shape = (2,)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        zeros = torch.zeros(len(context), 2, dtype=torch.float64)
        return Independent(Normal(zeros, 1.0), 1)


def test_codes_that_do_not_overlap_tell_which_example_it_was() -> None:
    found = aggregate_posterior(model_with(Apart()), part_of(evidence().sample((300,)) * 10))
    assert found["mutual_information"] == pytest.approx(math.log(300), abs=1e-3)
    assert found["mutual_information_limit"] == pytest.approx(math.log(300))


def test_a_collapsed_posterior_tells_nothing_and_is_the_prior() -> None:
    found = aggregate_posterior(model_with(Collapsed()), part_of(evidence().sample((50,))))
    assert found["mutual_information"] == pytest.approx(0, abs=1e-9)
    assert found["aggregate_kl"] == pytest.approx(0, abs=1e-9)


def test_information_and_distance_add_up_to_the_rate() -> None:
    model, x = model_with(LinearPosterior(spread=0.7)), evidence().sample((400,)) * 1.3
    found = aggregate_posterior(model, part_of(x))
    rate = float(kl_divergence(model.encode(x).base_dist, Normal(0.0, 1.0)).sum(-1).mean())
    assert found["mutual_information"] + found["aggregate_kl"] == pytest.approx(found["rate_sampled"])
    assert found["rate_sampled"] == pytest.approx(rate, abs=0.15)
    low, high = found["mutual_information_interval"]
    assert low < found["mutual_information"] < high


def test_the_information_of_the_true_posterior_is_that_of_the_channel() -> None:
    """With the model's own data q(z) = p(z), and I(x; z) = 1/2 log det(I + W^T W / s^2)."""
    found = aggregate_posterior(model_with(TruePosterior()), part_of(evidence().sample((4000,))))
    from linear_gaussian import PRECISION

    exact = 0.5 * float(torch.logdet(PRECISION))
    assert found["mutual_information"] == pytest.approx(exact, abs=4 * found["mutual_information_se"])
    assert found["aggregate_kl"] == pytest.approx(0, abs=0.05)


def test_the_mixture_is_the_same_by_pairs_by_matrices_and_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    loc, scale = torch.randn(30, 4), torch.rand(30, 4) + 0.01
    qz, z = Independent(Normal(loc, scale), 1), torch.randn(20, 4)
    pairs = qz.log_prob(z[:, None].expand(-1, 30, -1)).double()
    torch.testing.assert_close(log_probs(qz, z), pairs, rtol=1e-4, atol=1e-3)
    full = MultivariateNormal(loc, torch.diag_embed(scale.square()))
    torch.testing.assert_close(log_probs(full, z), pairs, rtol=1e-3, atol=1e-2)
    halves = [Independent(Normal(a, b), 1) for a, b in zip(loc.split(10), scale.split(10))]
    expected = pairs.logsumexp(-1) - math.log(30)
    torch.testing.assert_close(log_mixture(z, halves), expected, rtol=1e-4, atol=1e-3)
    monkeypatch.setattr("vaekit.evaluation.aggregate.BUDGET", 1)
    torch.testing.assert_close(log_mixture(z, [qz]), expected, rtol=1e-4, atol=1e-3)


SCHEMA = Schema("array", (6,), 0.0, 1.0, levels=2, dtype="uint8", label_names=("a", "b"), name="bits")


def bits(num: int = 80) -> Part:
    raw = torch.randint(0, 2, (num, 6), dtype=torch.uint8)
    return Part(raw, raw[:, 0].long(), None, SCHEMA)


def test_a_hierarchy_and_an_autoencoder_are_measured_as_well() -> None:
    hierarchy = HierarchicalVAE(
        [DiagonalGaussian(MLP(6, 8), 2), DiagonalGaussian(MLP(6, 8, condition=2), 2)],
        [StandardNormal(2), GaussianPrior(MLP(2, 8), 2)],
        Bernoulli(MLP(4, 8), 6),
    )
    found = latent_figures(hierarchy, bits(), bits())
    assert 0 <= found["mutual_information"] <= found["mutual_information_limit"] + 1e-6
    assert found["rate_sampled"] == pytest.approx(found["mutual_information"] + found["aggregate_kl"])
    autoencoder = VAE(Deterministic(MLP(6, 8), 2), StandardNormal(2), Bernoulli(MLP(2, 8), 6))
    found = latent_figures(autoencoder, bits(), bits())
    assert found["mutual_information"] is None
    assert 0.4 < found["knn"] <= 1
    with pytest.raises(UserError, match="autoencoder"):
        aggregate_posterior(autoencoder, bits())


def test_figures_are_json_repeat_and_carry_their_protocol() -> None:
    model = VAE(DiagonalGaussian(MLP(6, 8), 3), StandardNormal(3), Bernoulli(MLP(3, 8), 6))
    train, held = bits(200), bits(100)
    first, again = (latent_figures(model, held, train, limit=90, name="test") for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == again
    assert first["linear_probe_interval"][0] <= first["linear_probe"] <= first["linear_probe_interval"][1]
    assert first["protocol"]["n"] == 90
    assert first["protocol"]["num_train"] == 90
    unlabelled = Part(held.raw, None, None, SCHEMA)
    assert latent_figures(model, unlabelled, train)["linear_probe"] is None


def test_probes_tell_what_is_linear_from_what_is_near() -> None:
    """Rings: a linear probe cannot part them, neighbours can."""
    rng = np.random.default_rng(0)
    angle, y = rng.uniform(0, 2 * np.pi, 600), np.arange(600) % 2
    z = np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + 2 * y)[:, None]
    halves = z[:400], y[:400], z[400:], y[400:]
    assert linear_probe(*halves).mean() < 0.65
    assert knn(*halves).mean() == 1
    radius = np.linalg.norm(z, axis=1, keepdims=True)
    assert linear_probe(radius[:400], y[:400], radius[400:], y[400:]).mean() == 1


def test_trustworthiness_of_a_copy_is_one_and_of_noise_a_half() -> None:
    x = np.random.default_rng(0).normal(size=(300, 5))
    assert trustworthiness(x, 3 * x) == 1
    assert trustworthiness(x, np.random.default_rng(1).normal(size=(300, 2))) == pytest.approx(0.5, abs=0.05)
    with pytest.raises(UserError, match="more than"):
        trustworthiness(x[:8], x[:8])


# Dequantization.

GREY = Schema("array", (3,), 0.0, 1.0, levels=4, scale=3.0, dtype="uint8", name="levels")


class Fixed(Likelihood):
    """p(x|z) = N(1/2, s^2) whatever z is: its probability of a bin is known."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.event_shape, self.context_shape = (3,), (2,)
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        return Independent(Normal(torch.full((*context.shape[:-1], 3), 0.5), self.scale), 1)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return schema.levels is None


def test_dequantized_bits_bound_the_probability_of_the_bins_and_meet_it_where_the_density_is_flat() -> None:
    raw = torch.randint(0, 4, (4000, 3), dtype=torch.uint8)
    part = Part(raw, None, None, GREY)
    for scale, gap in ((0.3, 0.2), (5.0, 1e-3)):
        model = VAE(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), Fixed(scale))
        with torch.no_grad():
            for p in model.posterior.parameters():
                p.zero_()  # the code's mean is the prior's; its spread is close to it
        edges = (torch.arange(5) - 0.5) / 3
        mass = Normal(0.5, scale).cdf(edges).diff()
        exact = float(-mass[raw.long()].log2().mean())
        found = dequantized_bpd(model, part, num_samples=50)
        assert exact - 3 * found["bits_per_dim_se"] - 1e-3 < found["bits_per_dim"] < exact + gap
        assert "upper bound" in found["bits_per_dim_how"]


def test_dequantized_values_fill_their_bins_and_no_others() -> None:
    part = Part(torch.randint(0, 4, (500, 3), dtype=torch.uint8), None, None, GREY)
    centred, inside = dequantize(part, bounded=False), dequantize(part, bounded=True)
    assert torch.equal((centred.raw * 3).round(), part.raw.float())
    assert torch.equal((inside.raw * 4).floor(), part.raw.float())
    assert 0 <= float(inside.raw.min()) < 0.02
    assert 0.98 < float(inside.raw.max()) <= 1
    x, _ = inside.batch(torch.arange(5))
    assert torch.equal(x, inside.raw[:5])


def test_dequantization_is_for_densities_on_a_grid() -> None:
    model = VAE(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 3))
    with pytest.raises(UserError, match="no density"):
        dequantized_bpd(model, Part(torch.zeros(2, 3, dtype=torch.uint8), None, None, GREY))
    assert nll(model, Part(torch.zeros(2, 3, dtype=torch.uint8), None, None, GREY), num_samples=2).mean > 0


def test_figures_of_posteriors_that_have_no_mean_or_know_their_density_at_one_draw_alone() -> None:
    """A flow has a centre in place of the mean; a Hamiltonian posterior gives no information in nats."""
    shared = StandardNormal(2), Bernoulli(MLP(2, 6), 4)
    flow = FlowPosterior(MLP(4, 6), 2, hidden=8)
    raw = torch.rand(60, 4).round()
    schema = Schema("array", (4,), 0.0, 1.0, levels=2, label_names=("a", "b"))
    part = Part(raw, (raw[:, 0] > 0.5).long(), None, schema)
    moved = HamiltonianPosterior(DiagonalGaussian(MLP(4, 6), 2), *shared)
    for posterior, is_informed in ((flow, True), (moved, False)):
        model = VAE(posterior, *shared).eval()
        found = latent_figures(model, part, part)
        assert (found["mutual_information"] is not None) == is_informed
        assert found["linear_probe"] is not None
        codes = codes_of(model, part)[0]
        np.testing.assert_allclose(codes, model.embed(part.batch(torch.arange(60))[0]).double().numpy(), atol=1e-6)
    with pytest.raises(UserError, match="needs log q"):
        aggregate_posterior(model, part)
