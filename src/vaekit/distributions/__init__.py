"""Distributions that torch.distributions lacks."""

from vaekit.distributions.delta import Delta as Delta
