"""The watch speaks about what is wrong, once, and about nothing else."""

from __future__ import annotations

import torch

from vaekit import MLP, VAE, DiagonalGaussian, Gaussian, Schema, StandardNormal
from vaekit.data import Part
from vaekit.training.watch import Watch, collapse, floors, holes


def vae(scale="learned"):
    return VAE(DiagonalGaussian(MLP(4, ()), 2), StandardNormal(2), Gaussian(MLP(2, ()), 4, scale=scale))


def test_collapse_is_named():
    assert "Posterior collapse" in collapse({"rate": 0.01})["rate"]
    (sentence,) = collapse({"rate": 9.0, "rate_1": 0.0, "rate_2": 9.0}).values()
    assert sentence.startswith("Latent layer 1 of 2")
    assert not collapse({"rate": 9.0, "rate_1": 4.0, "rate_2": 5.0})
    assert not collapse({"distortion": 3.0})


def test_the_floor_is_noticed():
    model = vae()
    assert not floors(model)
    with torch.no_grad():
        model.likelihood.scale.weight.fill_(-50.0)
    assert "floor" in floors(model)["floor"]
    fitted = vae("optimal")
    assert not floors(fitted)
    fitted.likelihood.scale.fit(torch.full((10,), 1e-9))
    assert "floor" in floors(fitted)["floor"]


def test_each_thing_is_said_once_and_not_too_early():
    watch, model = Watch(), vae()
    record = {"epoch": 1, "train": {}, "valid": {"rate": 0.0}}
    assert watch.look(model, record, 100) == []
    assert len(watch.look(model, {**record, "epoch": 50}, 100)) == 1
    assert watch.look(model, {**record, "epoch": 51}, 100) == []


def test_holes_are_found_where_codes_leave_the_prior():
    """The encoder is set by hand: codes that are standard normal, and codes in two far clusters."""
    schema = Schema(kind="array", shape=(4,))
    model = vae().eval()
    with torch.no_grad():
        model.posterior.head.layer.weight.zero_()
        model.posterior.head.layer.bias.zero_()
        model.posterior.head.layer.bias[2:] = -20.0  # a narrow posterior at mu(x) = x[:2]
        model.posterior.head.layer.weight[0, 0] = model.posterior.head.layer.weight[1, 1] = 1.0
    x = torch.randn(4000, 4)
    good, sentence = holes(model, Part(x, None, None, schema))
    assert sentence is None
    assert good < 0.05
    clustered = torch.where(x[:, :1] > 0, 4.0, -4.0) + 0.1 * x
    bad, sentence = holes(model, Part(clustered, None, None, schema))
    assert bad > 0.9
    assert "fit-prior" in sentence
