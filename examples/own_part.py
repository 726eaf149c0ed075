"""A part of one's own: a prior that is a ring of Gaussians, used beside vaekit's parts without touching vaekit."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import vaekit
from vaekit import ELBO, MLP, VAE, Bernoulli, DiagonalGaussian
from vaekit.conditional import Prior


class Ring(Prior):
    """p(z) in two dimensions: equal Gaussians on a circle.

    Args:
        num_components: how many.
        radius: of the circle.
        scale: standard deviation of each.
    """

    def __init__(self, num_components: int = 10, *, radius: float = 3.0, scale: float = 0.5) -> None:
        super().__init__()
        self.event_shape, self.scale = (2,), scale
        angle = torch.arange(num_components) * (2 * math.pi / num_components)
        self.register_buffer("loc", radius * torch.stack([angle.cos(), angle.sin()], -1), persistent=False)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> MixtureSameFamily:
        loc = self.get_buffer("loc")
        parts = Independent(Normal(loc, torch.full_like(loc, self.scale)), 1)
        return MixtureSameFamily(Categorical(torch.ones(len(loc), device=loc.device)), parts)


vae = VAE(
    posterior=DiagonalGaussian(MLP((1, 8, 8), 128), latent=2),
    prior=Ring(10),
    likelihood=Bernoulli(MLP(2, 128), event_shape=(1, 8, 8)),
)
run = vaekit.train("digits", recipe=vae, objective=ELBO(), epochs=20, seed=0)
print("rate and distortion of the last epoch:", run.metrics()[-1])
