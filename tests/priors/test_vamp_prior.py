"""VampPrior: the mixture of the model's own posterior, its start from data, its saving and its cache."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    DiagonalGaussian,
    HierarchicalVAE,
    UserError,
    VampPrior,
    load_model,
    save_model,
    train,
)
from vaekit.recipes import find_recipe
from vaekit.schema import Schema

DOUBLE = torch.float64


def model(**arguments) -> VAE:
    torch.manual_seed(0)
    posterior = DiagonalGaussian(MLP(4, 6), 2)
    prior = VampPrior(posterior, 5, in_shape=4, low=0.0, high=1.0, **arguments)
    return VAE(posterior, prior, Bernoulli(MLP(2, 6), 4)).double()


def test_the_density_is_the_mean_of_the_posteriors_at_the_pseudo_inputs() -> None:
    vae = model()
    z = torch.randn(3, 7, 2, dtype=DOUBLE)
    qs = [vae.posterior(u[None]) for u in vae.prior.pseudo_inputs]
    expected = torch.stack([q.log_prob(z) for q in qs]).logsumexp(0) - math.log(5)
    torch.testing.assert_close(vae.prior(None).log_prob(z), expected)
    draws = vae.prior(None).sample((20_000,))
    mean = torch.stack([q.mean[0] for q in qs]).mean(0)
    torch.testing.assert_close(draws.mean(0), mean, rtol=0, atol=0.05)


def test_classes_have_pseudo_inputs_seen_through_the_class() -> None:
    torch.manual_seed(0)
    posterior = DiagonalGaussian(MLP(4, 6, condition=3), 2).double()
    prior = VampPrior(posterior, 5, in_shape=4).double()
    y, z = torch.eye(3, dtype=DOUBLE)[[2, 0]], torch.randn(6, 2, 2, dtype=DOUBLE)
    each = torch.stack([posterior(u.expand(2, 4), y).log_prob(z) for u in prior.pseudo_inputs])
    torch.testing.assert_close(prior(None, y).log_prob(z), each.logsumexp(0) - math.log(5))
    assert prior(None, y).sample().shape == (2, 2)


def test_the_kl_is_positive_and_trains_the_pseudo_inputs() -> None:
    vae = model()
    x = torch.rand(16, 4, dtype=DOUBLE)
    assert float(vae(x, num_samples=2000).kl.mean().detach()) > 0
    ELBO()(vae(x)).total.backward()
    assert bool(vae.prior.inputs.grad.any())


def test_it_starts_from_data_inside_the_range() -> None:
    vae = model()
    x = torch.randint(2, (3, 4)).double()
    vae.prior.initialize(x)
    u = vae.prior.pseudo_inputs
    assert bool((torch.cdist(u, x).min(-1).values < 0.05).all())
    assert 0.005 < float(u.detach().min()) <= float(u.detach().max()) < 0.995
    noise = model(start="noise")
    before = noise.prior.inputs.clone()
    noise.prior.initialize(x)
    assert torch.equal(noise.prior.inputs, before)


def test_a_changed_weight_is_never_answered_from_the_cache() -> None:
    vae = model().eval()
    z = torch.randn(7, 2, dtype=DOUBLE)
    with torch.no_grad():
        first = vae.prior(None)
        assert vae.prior(None) is first
        vae.posterior.head.layer.bias += 1.0
        second = vae.prior(None)
        assert second is not first
        torch.testing.assert_close(second.log_prob(z), vae.prior._mixture(None).log_prob(z), rtol=0, atol=0)


def test_model_and_prior_share_one_posterior_after_loading(tmp_path) -> None:
    for name in ("vampprior", "hvampprior"):
        schema = Schema("image", (1, 4, 4), low=0.0, high=1.0, levels=2)
        made = find_recipe(name)(schema, hidden=8, latent=3, num_components=6).model
        save_model(made, tmp_path / name)
        again = load_model(tmp_path / name)
        posterior = again.posteriors[0] if isinstance(again, HierarchicalVAE) else again.posterior
        prior = again.priors[0] if isinstance(again, HierarchicalVAE) else again.prior
        assert prior.posterior is posterior


def test_a_foreign_posterior_is_refused() -> None:
    prior = VampPrior(DiagonalGaussian(MLP(4, 6), 2), 5, in_shape=4)
    with pytest.raises(UserError, match="model's own posterior"):
        VAE(DiagonalGaussian(MLP(4, 6), 2), prior, Bernoulli(MLP(2, 6), 4))


def test_training_starts_the_pseudo_inputs_from_the_training_part(tmp_path) -> None:
    x = np.zeros((60, 1, 6, 6), np.uint8)
    x[:30, :, :3], x[30:, :, 3:] = 255, 255
    run = train(
        x, recipe="vampprior", hidden=8, latent=2, num_components=10, epochs=1, batch_size=16, ema=0.5,
        learning_rate=1e-6, out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    pseudo = run.load_model().prior.pseudo_inputs.detach().flatten(1)
    pictures = torch.from_numpy(x.reshape(60, -1) / 255.0).float()
    assert bool((torch.cdist(pseudo, pictures).min(-1).values < 0.2).all())
