"""Likelihoods p(x|z)."""

from vaekit.likelihoods.bernoulli import Bernoulli as Bernoulli
