"""VAE: what fits together, what is refused, and what a model answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit import (
    MLP,
    VAE,
    Bernoulli,
    Categorical,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    GaussianPrior,
    Schema,
    StandardNormal,
    UserError,
)


def vae(latent: int = 3, likelihood: type = Bernoulli) -> VAE:
    return VAE(
        DiagonalGaussian(MLP(8, 6), latent), StandardNormal(latent), likelihood(MLP(latent, 6), 8)
    ).eval()


def conditional_vae(classes: int = 4, *, learned_prior: bool = False) -> VAE:
    prior = GaussianPrior(MLP(classes, 6), 3) if learned_prior else StandardNormal(3)
    return VAE(
        DiagonalGaussian(MLP(8, 6, condition=classes), 3), prior, Bernoulli(MLP(3, 6, condition=classes), 8)
    ).eval()


# What is refused at construction.


def test_latent_sizes_must_agree() -> None:
    with pytest.raises(UserError, match=r"latent shapes differ: .*\(3,\).*\(2,\).*\(4,\)"):
        VAE(DiagonalGaussian(MLP(8, 6), 3), StandardNormal(2), Bernoulli(MLP(4, 6), 8))


@pytest.mark.parametrize("role", ["posterior", "prior", "likelihood"])
def test_a_part_in_the_wrong_place_is_refused(role: str) -> None:
    parts = {
        "posterior": DiagonalGaussian(MLP(8, 6), 3),
        "prior": StandardNormal(3),
        "likelihood": Bernoulli(MLP(3, 6), 8),
    }
    parts[role] = parts["prior"] if role != "prior" else parts["posterior"]
    came = type(parts[role]).__name__
    with pytest.raises(UserError, match=f"The {role} must be a vaekit {role.title()}; a {came} came"):
        VAE(**parts)


def test_condition_widths_must_agree() -> None:
    with pytest.raises(UserError, match="different widths: DiagonalGaussian takes 4, Bernoulli takes 5"):
        VAE(
            DiagonalGaussian(MLP(8, 6, condition=4), 3),
            StandardNormal(3),
            Bernoulli(MLP(3, 6, condition=5), 8),
        )
    with pytest.raises(UserError, match=r"GaussianPrior \(its context\) takes 6"):
        VAE(
            DiagonalGaussian(MLP(8, 6, condition=4), 3),
            GaussianPrior(MLP(6, 6), 3),
            Bernoulli(MLP(3, 6, condition=4), 8),
        )


# What a model answers.


@pytest.mark.parametrize("posterior", [DiagonalGaussian, Deterministic])
@pytest.mark.parametrize("likelihood", [Bernoulli, Gaussian, Categorical])
def test_every_question_has_an_answer_of_the_stated_shape(posterior: type, likelihood: type) -> None:
    model = VAE(posterior(MLP((1, 2, 4), 6), 3), StandardNormal(3), likelihood(MLP(3, 6), (1, 2, 4))).eval()
    x = torch.rand(5, 1, 2, 4)
    assert model.embed(x).shape == (5, 3)
    assert model.reconstruct(x).shape == x.shape
    assert model.sample(7).shape == (7, 1, 2, 4)
    assert model.sample(7, mean=False).shape == (7, 1, 2, 4)
    path = model.interpolate(x[:2], x[2:4], num_steps=4)
    assert path.shape == (2, 4, 1, 2, 4)
    torch.testing.assert_close(path[:, 0], model.reconstruct(x[:2]))
    torch.testing.assert_close(path[:, -1], model.reconstruct(x[2:4]))
    if posterior is DiagonalGaussian:
        assert model.elbo(x).shape == model.log_prob(x, num_samples=3).shape == (5,)


def test_temperature_scales_the_priors_spread() -> None:
    model = vae()
    torch.manual_seed(0)
    warm = model.draw_prior(5)
    torch.manual_seed(0)
    cold = model.draw_prior(5, temperature=0.5)
    torch.testing.assert_close(cold, 0.5 * warm)
    assert not model.draw_prior(5, temperature=0.0).any()


def test_more_draws_raise_the_likelihoods_bound() -> None:
    model, x = vae(), torch.rand(64, 8)
    with torch.no_grad():
        model.posterior.head.layer.bias[:3] += 2.0  # a posterior far from the true one
        elbo = model.elbo(x, num_samples=500).mean()
    few, many = model.log_prob(x, num_samples=5).mean(), model.log_prob(x, num_samples=500).mean()
    assert elbo + 0.1 < few
    assert few + 0.1 < many
    with pytest.raises(UserError, match="num_samples must be at least 1; 0 came"):
        model.log_prob(x, num_samples=0)


def test_questions_leave_no_gradients_but_the_elbo_does() -> None:
    model, x = vae(), torch.rand(5, 8)
    assert model.elbo(x).requires_grad
    for answer in (model.log_prob(x, num_samples=2), model.embed(x), model.reconstruct(x), model.sample(2)):
        assert not answer.requires_grad


# Class-conditional models.


@pytest.mark.parametrize("learned_prior", [False, True])
def test_labels_reach_every_conditioned_part(learned_prior: bool) -> None:
    model, x = conditional_vae(learned_prior=learned_prior), torch.rand(4, 8)
    y = torch.arange(4)
    same = torch.zeros(4, 8)
    assert len({tuple(code.tolist()) for code in model.embed(same, y)}) == 4
    z = torch.zeros(4, 3)
    assert len({tuple(mean.tolist()) for mean in model.decode(z, y).mean}) == 4
    torch.testing.assert_close(model.embed(x, y), model.embed(x, torch.eye(4)))  # labels, or their features
    means = model.draw_prior(4, y, temperature=0.0)
    assert len({tuple(mean.tolist()) for mean in means}) == (4 if learned_prior else 1)


def test_classes_come_in_turn_or_as_asked() -> None:
    model = conditional_vae()
    seen: list[torch.Tensor] = []
    model.likelihood.net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1].argmax(-1)))
    model.sample(6)
    model.sample(3, 2)
    model.sample(2, torch.tensor([3, 1]))
    assert [labels.tolist() for labels in seen] == [[0, 1, 2, 3, 0, 1], [2, 2, 2], [3, 1]]


def test_missing_and_impossible_labels_are_refused() -> None:
    model, x = conditional_vae(), torch.rand(4, 8)
    with pytest.raises(UserError, match="conditioned on 4 classes; pass the labels y"):
        model.elbo(x)
    with pytest.raises(UserError, match="Labels are 0 to 3; 0 to 4 came"):
        model.elbo(x, torch.tensor([0, 1, 2, 4]))


# What comes in.


def test_raw_integers_are_scaled_by_the_schema() -> None:
    model = vae()
    model.schema = Schema("array", (8,), low=0.0, high=1.0, levels=256, scale=255.0, dtype="uint8")
    raw = np.arange(16, dtype=np.uint8).reshape(2, 8) * 16
    torch.testing.assert_close(model.embed(raw), model.embed(torch.from_numpy(raw).float() / 255))


def test_wrong_inputs_are_refused_in_a_sentence() -> None:
    model = vae()
    model.schema = Schema("array", (8,), low=0.0, high=1.0)
    with pytest.raises(UserError, match=r"takes x of shape \(B, 8\); \(2, 9\) came"):
        model.embed(torch.rand(2, 9))
    with pytest.raises(UserError, match=r"values in \[0, 255\].*trained on \[0, 1\]"):
        model.embed(np.array([[0.0] * 7 + [255.0]]))
    with pytest.raises(UserError, match="NaN"):
        model.embed(np.full((1, 8), np.nan))
    with pytest.raises(UserError, match=r"codes of shape \(\.\.\., 3\); \(2, 4\) came"):
        model.decode(torch.zeros(2, 4))


def test_decode_takes_any_leading_dimensions() -> None:
    model, z = vae(), torch.randn(2, 5, 3)
    mean = model.decode(z).mean
    assert mean.shape == (2, 5, 8)
    torch.testing.assert_close(mean[1, 4], model.decode(z[1, 4]).mean)


def test_raw_values_of_any_kind_are_mapped_by_the_schema():
    """Integers and numpy floats are data, float tensors are what the model sees; all three embed alike."""
    from vaekit import MLP, VAE, DiagonalGaussian, Gaussian, Schema, StandardNormal

    offset, scale = tuple(range(6)), tuple(range(1, 7))
    model = VAE(DiagonalGaussian(MLP((2, 3), 4), 2), StandardNormal(2), Gaussian(MLP(2, 4), (2, 3)))
    seen = torch.randint(-3, 4, (5, 2, 3)).float()
    raw = seen * torch.tensor(scale).view(2, 3) + torch.tensor(offset).view(2, 3)
    model.schema = Schema(kind="array", shape=(2, 3), offset=offset, scale=scale, dtype="float32")
    expected = model.embed(seen)
    torch.testing.assert_close(model.embed(raw.numpy()), expected)
    torch.testing.assert_close(model.embed(raw.long()), expected)
    torch.testing.assert_close(model.embed(raw.long().numpy()), expected)


@pytest.mark.parametrize("value", [255.0, -1.0, float("nan"), float("inf")])
def test_tensors_outside_the_schema_are_refused(value):
    from vaekit import Schema, UserError
    from vaekit.recipes import find_recipe

    schema = Schema(kind="image", shape=(1, 8, 8), low=0.0, high=1.0, levels=256, scale=255.0, dtype="uint8")
    model = find_recipe("vae")(schema, hidden=8, latent=2).model
    model.schema = schema
    x = torch.rand(3, 1, 8, 8)
    x[1, 0, 2, 2] = value
    with pytest.raises(UserError):
        model.elbo(x)
