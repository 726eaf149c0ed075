"""UniformCategorical and UniformBinary: every discrete code equally likely."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.conditional import Prior
from vaekit.distributions.relaxed import Bits, OneHot, Uniform
from vaekit.errors import UserError
from vaekit.nets.net import as_shape


class UniformCategorical(Prior):
    """p(z): D categorical latents, each category equally likely. Jang et al., 2017.

    Args:
        latent: number of latents D; z has shape (D, num_categories), one-hot rows.
        num_categories: categories of each.

    Raises:
        UserError: fewer than 2 categories.
    """

    support = "categories"
    logits: Tensor

    def __init__(self, latent: int, num_categories: int = 10) -> None:
        super().__init__()
        if num_categories < 2:
            raise UserError(f"UniformCategorical takes num_categories of at least 2; {num_categories} came.")
        self.event_shape = as_shape((latent, num_categories))
        self.register_buffer("logits", torch.zeros(self.event_shape), persistent=False)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Uniform:
        return Uniform(OneHot(self.logits), 1, validate_args=False)


class UniformBinary(Prior):
    """p(z): D binary latents, 0 and 1 equally likely. Maddison et al., 2017.

    Args:
        latent: number of latents D.

    Raises:
        UserError: a latent size below 1.
    """

    support = "bits"
    logits: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.event_shape = as_shape(latent)
        self.register_buffer("logits", torch.zeros(self.event_shape), persistent=False)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Uniform:
        return Uniform(Bits(self.logits), len(self.event_shape), validate_args=False)
