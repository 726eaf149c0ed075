"""The Hamiltonian VAE: Caterini et al., "Hamiltonian Variational Auto-Encoder", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def hamiltonian(
    schema: Schema,
    *,
    hidden: int = 300,
    latent: int = 40,
    num_leapfrog: int = 3,
    step_size: float = 0.05,
    tempering: float = 0.9,
) -> Recipe:
    """The classic VAE whose draws follow a few tempered leapfrog steps along log p(x, z); KL warm-up.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of latent dimensions.
        num_leapfrog: steps of a trajectory.
        step_size: at the start of training.
        tempering: beta_0 at the start of training.
    """
    wide = (hidden, hidden)
    # Smooth units: between its kinks ReLU has no curvature, which the gradient through a trajectory lives on.
    prior = vk.StandardNormal(latent)
    likelihood = usual_likelihood(vk.MLP(latent, wide, activation="silu"), schema)
    start = vk.DiagonalGaussian(vk.MLP(schema.shape, wide, activation="silu"), latent)
    posterior = vk.HamiltonianPosterior(
        start, prior, likelihood, num_leapfrog=num_leapfrog, step_size=step_size, tempering=tempering
    )
    return Recipe(
        model=vk.VAE(posterior, prior, likelihood),
        objective=vk.ELBO(beta=vk.Linear(epochs=10)),
        settings=Settings(epochs=50, batch_size=100, learning_rate=1e-3, clip_norm=100.0),
        min_steps=3000,
    )
