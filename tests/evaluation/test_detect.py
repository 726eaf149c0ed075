"""detect: what likelihoods overlook, and examples without labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import vaekit as vk
from vaekit.evaluation.strangeness import features

D = 6


def part(x: torch.Tensor, y: torch.Tensor | None = None) -> vk.Part:
    return vk.Part(x, y, None, vk.Schema("array", tuple(x.shape[1:]), label_names=("a", "b", "c")))


def plain(condition: int = 0) -> vk.VAE:
    """A small untrained model."""
    torch.manual_seed(0)
    return vk.VAE(
        vk.DiagonalGaussian(vk.MLP(D, 16, condition=condition), 2),
        vk.StandardNormal(2),
        vk.Gaussian(vk.MLP(2, 16, condition=condition), D, scale=1.0),
    )


def test_values_that_go_together_wrongly_are_strange_though_they_are_likely() -> None:
    """Values of the reference rise together; small ones that do not are likelier than most under a model of
    independent noise."""
    torch.manual_seed(0)
    known = torch.randn(400, 1) + 0.1 * torch.randn(400, D)
    odd = 0.5 * torch.tensor([1.0, -1.0]).repeat(20, D // 2)
    usual = torch.randn(200, 1) + 0.1 * torch.randn(200, D)
    found = vk.detect(plain(), part(torch.cat([usual, odd])), part(known))
    assert found.surprise[200:].mean() < found.surprise[:200].mean()
    assert found.strangeness[200:].min() > np.quantile(found.strangeness[:200], 0.99)
    assert found.score[200:].min() > 0.99
    assert found.score[:200].mean() == pytest.approx(0.5, abs=0.1)


def test_held_out_examples_set_the_units() -> None:
    torch.manual_seed(1)
    known, new = torch.randn(300, D), 2 * torch.randn(300, D)
    asked = part(new[:150])
    by_reference = vk.detect(plain(), asked, part(known)).score
    by_held = vk.detect(plain(), asked, part(known), held=part(new[150:])).score
    too_few = vk.detect(plain(), asked, part(known), held=part(new[150:160])).score
    assert by_reference.mean() > 0.8
    assert by_held.mean() == pytest.approx(0.5, abs=0.1)
    assert np.array_equal(too_few, by_reference)


def test_without_labels_the_classes_are_averaged() -> None:
    model, x = plain(condition=3).double().eval(), torch.randn(5, D, dtype=torch.float64)
    with torch.no_grad():
        (found,) = features(model, part(x), 4000, labelled=False)
        every = [model.log_prob(x, torch.full((5,), c), num_samples=20_000) for c in range(3)]
    expected = math.log(3) - torch.stack(every).logsumexp(0)
    assert found.cost.tolist() == pytest.approx(expected.tolist(), abs=0.05)


def test_a_prior_of_each_class_is_averaged_in_one_pass() -> None:
    torch.manual_seed(0)
    prior = vk.GaussianPrior(vk.MLP(3, 8), 2)
    model = vk.VAE(vk.DiagonalGaussian(vk.MLP(D, 16), 2), prior, vk.Gaussian(vk.MLP(2, 16), D, scale=1.0))
    with torch.no_grad():
        for weight in prior.parameters():
            weight.mul_(3)
    model, x = model.double().eval(), torch.randn(5, D, dtype=torch.float64)
    assert not model.needs_labels
    with torch.no_grad():
        (found,) = features(model, part(x), 4000, labelled=False)
        every = [model.log_prob(x, torch.full((5,), c), num_samples=20_000) for c in range(3)]
    expected = math.log(3) - torch.stack(every).logsumexp(0)
    assert found.cost.tolist() == pytest.approx(expected.tolist(), abs=0.1)


def test_labelled_examples_are_judged_by_their_class() -> None:
    model, x = plain(condition=3), torch.randn(150, D)
    y = torch.arange(150) % 3
    with_labels, without = (vk.detect(model, part(x, given), part(x, y)) for given in (y, None))
    assert not np.allclose(with_labels.surprise, without.surprise)


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(vk.UserError, match="no examples"):
        vk.detect(plain(), part(torch.zeros(0, D)), part(torch.zeros(3, D)))
