"""Recipes of flows, spheres, codes and pseudo-inputs: a few steps with finite gradients lower the loss."""

from __future__ import annotations

import pytest
import torch

from vaekit import Schema
from vaekit.recipes import find_recipe

IMAGES = Schema("image", (1, 12, 9), low=0.0, high=1.0, levels=256, scale=255.0)
SMALL = {
    "iaf": {"hidden": 32, "latent": 4, "flow_hidden": 16},
    "nf": {"hidden": 32, "latent": 4},
    "hamiltonian": {"hidden": 16, "latent": 4},
    "poincare": {"hidden": 32, "latent": 2},
    "svae": {"latent": 4},
    "vampprior": {"hidden": 32, "latent": 4, "num_components": 10},
    "hvampprior": {"hidden": 32, "latent": 4, "num_components": 10},
    "fsq": {"width": 8},
    "hrqvae": {"width": 8, "num_codes": 4, "code_dim": 4},
    "twostage": {"hidden": 32, "latent": 4},
    "rqvae": {"width": 8, "num_codes": 8, "code_dim": 4},
}


@pytest.mark.parametrize("name", list(SMALL))
def test_steps_lower_the_loss(name: str) -> None:
    torch.manual_seed(0)
    recipe = find_recipe(name)(IMAGES, **SMALL[name])
    recipe.objective.check(recipe.model)
    recipe.model.likelihood.check(IMAGES)
    x = (torch.rand(32, 1, 12, 9) * 20).round() / 255
    optimizer = torch.optim.Adam(recipe.model.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        loss = recipe.objective(recipe.model(x)).total
        optimizer.zero_grad()
        loss.backward()
        grads = [w.grad for w in recipe.model.parameters() if w.grad is not None]
        assert all(bool(torch.isfinite(g).all()) for g in grads)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
