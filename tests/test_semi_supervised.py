"""SemiSupervisedVAE: its bound written out class by class, what labels do, and that unlabelled examples help."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from vaekit import (
    ELBO,
    IWAE,
    MLP,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    GaussianPrior,
    SemiSupervisedVAE,
    SphereUniform,
    StandardNormal,
    UserError,
    load_model,
    natural_likelihood,
    save_model,
)
from vaekit.data import open_data

C, D = 3, 2


def made(alpha: float = 0.1) -> SemiSupervisedVAE:
    return SemiSupervisedVAE(
        MLP(5, 6),
        DiagonalGaussian(MLP(5, 6, condition=C), D),
        StandardNormal(D),
        Gaussian(MLP(D, 6, condition=C), 5, scale=0.8),
        alpha=alpha,
    ).double()


def bound_given(model: SemiSupervisedVAE, x: Tensor, label: int, noise: Tensor) -> Tensor:
    """log p(x|y, z) + log p(y) - KL(q(z|x, y) || p(z)), with this noise (K, B, D), averaged over K."""
    y = torch.nn.functional.one_hot(torch.full((len(x),), label), C).double()
    qz = model.posterior(x, y)
    z = qz.base_dist.loc + qz.base_dist.scale * noise
    kl = torch.distributions.kl_divergence(qz.base_dist, torch.distributions.Normal(0.0, 1.0)).sum(-1)
    return model.likelihood(z, y).log_prob(x).mean(0) - math.log(C) - kl


def test_the_bounds_are_the_papers() -> None:
    """Labelled: -L(x, y). Unlabelled: sum_y q(y|x) (-L(x, y)) + H(q(y|x))."""
    model, x, num_samples = made(), torch.randn(4, 5, dtype=torch.float64), 2
    y = torch.tensor([2, -1, 0, -1])
    torch.manual_seed(1)
    trace = model(x, y, num_samples)
    torch.manual_seed(1)
    noise = torch.randn(num_samples, C * 4, D, dtype=torch.float64).unflatten(1, (C, 4))
    bounds = torch.stack([bound_given(model, x, label, noise[:, label]) for label in range(C)])  # (C, B)
    q = model.log_class_probabilities(x).exp().T
    summed = (q * bounds - q * q.log()).sum(0)
    expected = torch.where(y >= 0, bounds.gather(0, y.clamp(min=0)[None])[0], summed)
    torch.testing.assert_close(trace.log_px.mean(0) - trace.kl, expected)
    torch.testing.assert_close(ELBO()(trace).terms["elbo"], expected)


def test_labelled_examples_teach_the_classifier() -> None:
    """The penalty's mean over the data is alpha times the mean cross-entropy of the labelled examples."""
    model, x = made(alpha=0.3), torch.randn(8, 5, dtype=torch.float64)
    y = torch.tensor([1, -1, -1, 0, -1, -1, -1, -1])
    trace = model(x, y)
    entropy = torch.nn.functional.nll_loss(model.log_class_probabilities(x)[[0, 3]], y[[0, 3]])
    assert trace.penalty is not None
    torch.testing.assert_close(trace.penalty.mean(), 0.3 * entropy)
    assert not trace.penalty[y < 0].any()
    torch.testing.assert_close(ELBO()(trace).total, (-ELBO()(trace).terms["elbo"]).mean() + 0.3 * entropy)
    ELBO()(trace).total.backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())


def test_importance_weights_reach_log_p() -> None:
    """Unlabelled weights estimate log p(x) = log sum_y p(y) p(x|y), labelled ones log p(x, y): by quadrature over z."""
    model, x = made(), torch.randn(3, 5, dtype=torch.float64)
    axis = torch.linspace(-6, 6, 201, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + 2 * math.log(12 / 200)
    joint = []
    for label in range(C):
        y = torch.nn.functional.one_hot(torch.tensor([label]), C).double().expand(len(z), -1)
        log_px = model.likelihood(z[:, None], y[:, None]).log_prob(x)  # (Z, B)
        joint.append((log_px + log_prior[:, None]).logsumexp(0) - math.log(C))
    with torch.no_grad():
        unlabelled = model(x, None, 4000).log_w.logsumexp(0) - math.log(4000)
        labelled = model(x, torch.tensor([0, 1, 2]), 4000).log_w.logsumexp(0) - math.log(4000)
        torch.testing.assert_close(unlabelled, torch.stack(joint).logsumexp(0), atol=0.05, rtol=0)
        torch.testing.assert_close(labelled, torch.stack(joint)[range(3), range(3)], atol=0.05, rtol=0)
        bound = IWAE(50)(model(x, None, 50)).terms["bound"]
        assert bool((bound < unlabelled + 0.1).all())


def test_evaluation_never_looks_at_labels() -> None:
    model, x = made().eval(), torch.randn(6, 5, dtype=torch.float64)
    values = []
    for y in (None, torch.arange(6) % C):
        torch.manual_seed(0)
        trace = model(x, y, 3)
        values.append(trace.log_w)
        assert trace.penalty is None
    assert torch.equal(*values)
    assert float(model.seen) == 0.0


def test_codes_hold_the_class_and_z(tmp_path) -> None:
    model, x = made().eval(), torch.randn(6, 5, dtype=torch.float64)
    code = model.embed(x)
    torch.testing.assert_close(code[:, :C], model.log_class_probabilities(x).exp().detach())
    assert torch.equal(model.predict(x), code[:, :C].argmax(-1))
    drawn = model.draw_prior(60)
    assert torch.equal(drawn[:, :C].sum(-1), torch.ones(60, dtype=torch.float64))
    assert set(drawn[:, :C].argmax(-1).tolist()) == {0, 1, 2}
    assert torch.equal(model.draw_prior(5, torch.full((5,), 2))[:, :C].argmax(-1), torch.full((5,), 2))
    y = torch.nn.functional.one_hot(torch.full((5,), 1), C).double()
    z = torch.randn(5, D, dtype=torch.float64)
    torch.testing.assert_close(model.decode(torch.cat([y, z], -1)).mean, model.likelihood(z, y).mean)
    model.float()
    save_model(model, tmp_path)
    torch.testing.assert_close(load_model(tmp_path).reconstruct(x.float()), model.reconstruct(x.float()))


def test_parts_that_do_not_fit_are_refused() -> None:
    posterior, likelihood = DiagonalGaussian(MLP(5, 6, condition=C), D), Bernoulli(MLP(D, 6, condition=C), 5)
    with pytest.raises(UserError, match="same classes"):
        SemiSupervisedVAE(MLP(5, 6), DiagonalGaussian(MLP(5, 6), D), StandardNormal(D), likelihood)
    with pytest.raises(UserError, match="one latent vector"):
        SemiSupervisedVAE(MLP(5, 6), posterior, StandardNormal(3), likelihood)
    with pytest.raises(UserError, match="density"):
        SemiSupervisedVAE(MLP(5, 6), Deterministic(MLP(5, 6, condition=C), D), StandardNormal(D), likelihood)
    with pytest.raises(UserError, match="draws real numbers"):
        SemiSupervisedVAE(MLP(5, 6), posterior, SphereUniform(D), likelihood)
    with pytest.raises(UserError, match="on nothing"):
        SemiSupervisedVAE(MLP(5, 6), posterior, GaussianPrior(MLP(C, 6), D), likelihood)
    with pytest.raises(UserError, match="alpha"):
        SemiSupervisedVAE(MLP(5, 6), posterior, StandardNormal(D), likelihood, alpha=-1.0)


def fitted(parameters, loss, num_steps: int) -> None:
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(num_steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def test_unlabelled_digits_help() -> None:
    """With 100 labels of 1,294 digits, M2 is more often right than its own classifier trained on the 100 alone."""
    dataset, width = open_data("digits", labelled=10), 128
    schema = dataset.schema
    (x, y), (test_x, test_y) = (p.batch(torch.arange(len(p))) for p in (dataset.train, dataset.test))
    model = SemiSupervisedVAE(
        MLP(schema.shape, width),
        DiagonalGaussian(MLP(schema.shape, width, condition=10), 2),
        StandardNormal(2),
        natural_likelihood(MLP(2, width, condition=10), schema),
        alpha=5.0,
    )
    alone = copy.deepcopy(model)

    def of_a_batch() -> Tensor:
        index = torch.randint(len(x), (100,))
        return ELBO()(model(x[index], y[index])).total

    def of_the_labelled() -> Tensor:
        return torch.nn.functional.nll_loss(alone.log_class_probabilities(x[y >= 0]), y[y >= 0])

    fitted(model.parameters(), of_a_batch, 600)
    fitted([*alone.classifier.parameters(), *alone.head.parameters()], of_the_labelled, 500)
    accuracy, baseline = (float((m.predict(test_x) == test_y).float().mean()) for m in (model, alone))
    assert baseline > 0.85
    assert accuracy > baseline + 0.005
