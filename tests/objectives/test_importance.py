"""IWAE, MIWAE, PIWAE, CIWAE, Renyi: values from the formulas, gradients from plain differentiation of the bounds."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaekit import (
    CIWAE,
    ELBO,
    IWAE,
    MIWAE,
    MLP,
    PIWAE,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    GaussianPrior,
    HierarchicalVAE,
    Renyi,
    StandardNormal,
    UserError,
)
from vaekit.objectives import Objective

sys.path.insert(0, str(Path(__file__).parent))

from small_models import gradients, small_model, trace_at

B, D = 3, 2
M, K = 2, 5


def drawn(num: int) -> tuple[Tensor, Tensor]:
    return torch.randn(B, 4, dtype=torch.float64), torch.randn(num, B, D, dtype=torch.float64)


def bound_of(log_w: Tensor, groups: list[range]) -> Tensor:
    """Mean over the groups of log mean w, written out sample by sample."""
    means = [sum(log_w[i].exp() for i in group) / len(group) for group in groups]
    return sum(m.log() for m in means) / len(groups)  # type: ignore[return-value]


ONE_GROUP = [range(M * K)]
M_GROUPS = [range(m * K, (m + 1) * K) for m in range(M)]


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_values_are_those_of_the_formulas() -> None:
    model, (x, noise) = small_model(), drawn(M * K)
    trace = trace_at(model, x, noise)
    log_w = trace.log_w
    elbo = log_w.mean(0)
    iwae, miwae = bound_of(log_w, ONE_GROUP), bound_of(log_w, M_GROUPS)
    expected = {
        IWAE(M * K): iwae,
        IWAE(M * K, estimator="dreg"): iwae,
        MIWAE(M, K): miwae,
        PIWAE(M, K): iwae,
        CIWAE(M * K, beta=0.3): 0.3 * elbo + 0.7 * iwae,
        Renyi(0.4, num_samples=M * K): (0.6 * log_w).exp().mean(0).log() / 0.6,
        Renyi(1.0, num_samples=M * K): elbo,
        Renyi(0.0, num_samples=M * K): iwae,
    }
    for objective, bound in expected.items():
        loss = objective(trace_at(model, x, noise))
        close(loss.terms["bound"], bound)
        close(loss.total, -bound.mean())
        close(loss.terms["elbo"], trace.log_px.mean(0) - trace.kl)
        assert objective.num_samples == M * K
    close(PIWAE(M, K)(trace_at(model, x, noise)).terms["bound_q"], miwae)
    assert bool((iwae > miwae).all())
    assert bool((miwae > elbo).all())


def test_miwae_with_m_and_k_exchanged_is_another_bound() -> None:
    model, (x, noise) = small_model(), drawn(M * K)
    values = [float(o(trace_at(model, x, noise)).total.detach()) for o in (MIWAE(M, K), MIWAE(K, M))]
    assert values[0] < values[1], "fewer, larger groups bound more tightly"
    with pytest.raises(UserError, match="M=2 bounds of K=4 samples need 8 draws; the trace has 10"):
        MIWAE(2, 4)(trace_at(model, x, noise))


@pytest.mark.parametrize(
    ("objective", "groups"),
    [(IWAE(M * K), ONE_GROUP), (MIWAE(M, K), M_GROUPS), (Renyi(0.0, num_samples=M * K), ONE_GROUP)],
    ids=repr,
)
def test_plain_gradients(objective: Objective, groups: list[range]) -> None:
    model, (x, noise) = small_model(), drawn(M * K)
    wanted = gradients(model, -bound_of(trace_at(model, x, noise).log_w, groups).mean())
    found = gradients(model, objective(trace_at(model, x, noise)).total)
    for part in ("p", "q"):
        close(found[part], wanted[part])


@pytest.mark.parametrize(("m", "k"), [(2, 5), (5, 2), (1, 10), (10, 1)])
def test_piwae_gives_each_side_its_own_bound(m: int, k: int) -> None:
    """p's weights: the gradient of IWAE with m * k samples; q's weights: that of MIWAE(m, k), on the same draws."""
    model, (x, noise) = small_model(), drawn(m * k)
    log_w = trace_at(model, x, noise).log_w
    groups = [range(i * k, (i + 1) * k) for i in range(m)]
    for_p = gradients(model, -bound_of(log_w, [range(m * k)]).mean())
    for_q = gradients(model, -bound_of(log_w, groups).mean())
    found = gradients(model, PIWAE(m, k)(trace_at(model, x, noise)).total)
    close(found["p"], for_p["p"])
    close(found["q"], for_q["q"])
    if m > 1:  # and the two bounds pull differently, so that an exchange would be seen
        assert float((for_p["q"] - for_q["q"]).norm() / for_q["q"].norm()) > 1e-3
        assert float((for_p["p"] - for_q["p"]).norm() / for_q["p"].norm()) > 1e-3


def test_piwae_survives_weights_that_differ_by_hundreds_of_nats() -> None:
    """Most groups' shares of the whole underflow in float32; each still teaches the posterior its Mth part."""
    model, (x, noise) = small_model(scale=0.03), drawn(5 * 2)
    log_w = trace_at(model, x, noise).log_w.unflatten(0, (5, 2)).logsumexp(1)
    assert float((log_w.amax(0) - log_w.amin(0)).detach().min()) > 200
    wanted = gradients(model, -(log_w - math.log(2)).mean())
    weighed = log_w.softmax(0).float().detach()
    assert bool((weighed == 0).any()), "a share that float32 cannot hold"
    found = gradients(model.float(), PIWAE(5, 2)(trace_at(model, x.float(), noise.float())).total)
    torch.testing.assert_close(
        found["q"].double(), wanted["q"], rtol=1e-3, atol=1e-4 * float(wanted["q"].norm())
    )


def test_dreg_to_p_is_the_standard_gradient() -> None:
    model, (x, noise) = small_model(), drawn(K)
    wanted = gradients(model, IWAE(K)(trace_at(model, x, noise)).total)
    found = gradients(model, IWAE(K, estimator="dreg")(trace_at(model, x, noise)).total)
    close(found["p"], wanted["p"])
    assert float((found["q"] - wanted["q"]).norm()) > 1e-3


def test_dreg_is_unbiased_and_less_noisy() -> None:
    """The same mean gradient to q as the standard estimator over 4,000 passes, at less variance, more so as K grows."""
    model, x = small_model(), torch.randn(1, 4, dtype=torch.float64)
    ratios = []
    for num_samples in (2, 32):
        grads: dict[str, list[Tensor]] = {"standard": [], "dreg": []}
        qz = model.posterior(x)
        for estimator, found in grads.items():
            objective = IWAE(num_samples, estimator=estimator)  # type: ignore[arg-type]
            # Many independent passes at once: as a batch of copies of x, whose q has parameters of its own for each.
            copies = 4000
            loc = qz.base_dist.loc.detach().expand(copies, D).clone().requires_grad_()
            scale = qz.base_dist.scale.detach().expand(copies, D).clone().requires_grad_()
            trace = trace_with(model, x.expand(copies, -1), loc, scale, num_samples)
            total = objective(trace).total * copies
            found.append(torch.cat(torch.autograd.grad(total, [loc, scale]), -1))
        means = {name: found[0].mean(0) for name, found in grads.items()}
        error = {name: found[0].std(0) / math.sqrt(len(found[0])) for name, found in grads.items()}
        gap = (means["standard"] - means["dreg"]) / (error["standard"] ** 2 + error["dreg"] ** 2).sqrt()
        assert float(gap.abs().max()) < 4.0
        ratios.append(float((error["dreg"] / error["standard"]).square().mean()))
    assert ratios[1] < ratios[0] < 1.0
    assert ratios[1] < 0.25


def trace_with(model: VAE, x: Tensor, loc: Tensor, scale: Tensor, num_samples: int):
    from torch.distributions import Independent, Normal

    from vaekit import Layer, Trace

    qz = Independent(Normal(loc, scale), 1)
    z = qz.rsample((num_samples,))
    return Trace(x, [Layer(z, qz, model.prior(None))], model.likelihood(z))


def test_bounds_meet_log_p_of_a_linear_gaussian_model() -> None:
    """p(x) is known in closed form: ELBO < IWAE(5) < IWAE(50) < log p(x), and IWAE(5000) reaches it."""
    torch.manual_seed(2)
    model = VAE(
        DiagonalGaussian(MLP(4, ()), D), StandardNormal(D), Gaussian(MLP(D, ()), 4, scale=0.6)
    ).double()
    x = torch.randn(200, 4, dtype=torch.float64)
    decoder = model.likelihood.head.layer
    covariance = decoder.weight @ decoder.weight.T + 0.36 * torch.eye(4, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(decoder.bias, covariance).log_prob(x).mean()
    with torch.no_grad():
        values = [float(IWAE(k)(model(x, None, k)).terms["bound"].mean()) for k in (1, 5, 50, 5000)]
    assert values[0] < values[1] < values[2] < values[3] + 0.01
    assert values[3] == pytest.approx(float(exact.detach()), abs=0.02)


def test_renyi_moves_from_iwae_to_elbo() -> None:
    model, (x, noise) = small_model(), drawn(K)
    trace = trace_at(model, x, noise)
    orders = (-1.0, 0.0, 0.5, 0.999, 1.0, 2.0)
    values = [Renyi(a, num_samples=K)(trace).terms["bound"].mean().item() for a in orders]
    assert values == sorted(values, reverse=True)
    assert values[3] == pytest.approx(values[4], abs=5e-3)


@pytest.mark.parametrize(
    "objective", [IWAE(), MIWAE(), PIWAE(), CIWAE(), Renyi(), IWAE(estimator="dreg")], ids=repr
)
def test_an_autoencoder_is_refused(objective: Objective) -> None:
    model = VAE(Deterministic(MLP(4, 5), D), StandardNormal(D), Bernoulli(MLP(D, 5), 4))
    with pytest.raises(UserError, match=r"deterministic; use DiagonalGaussian"):
        objective.check(model)
    objective.check(small_model())


def test_a_hierarchy_has_iwae_but_neither_dreg_nor_piwae() -> None:
    hierarchy = HierarchicalVAE(
        [DiagonalGaussian(MLP(4, 5), D), DiagonalGaussian(MLP(4, 5, condition=D), D)],
        [StandardNormal(D), GaussianPrior(MLP(D, 5), D)],
        Gaussian(MLP(D, 5), 4),
    )
    x = torch.randn(6, 4)
    IWAE().check(hierarchy)
    loss = IWAE(3)(hierarchy(x, None, 3))
    assert bool(torch.isfinite(loss.terms["bound"]).all())
    for objective in (IWAE(estimator="dreg"), PIWAE()):
        with pytest.raises(UserError, match="one latent layer, and this one has 2"):
            objective.check(hierarchy)


def test_wrong_counts_are_refused() -> None:
    for make in (
        lambda: IWAE(0),
        lambda: MIWAE(0, 2),
        lambda: PIWAE(2, 0),
        lambda: CIWAE(0),
        lambda: Renyi(num_samples=0),
    ):
        with pytest.raises(UserError, match="at least 1"):
            make()
    with pytest.raises(UserError, match="between 0 and 1"):
        CIWAE(beta=2.0)
    with pytest.raises(UserError, match='Did you mean "dreg"'):
        IWAE(estimator="drg")  # type: ignore[arg-type]


def test_checking_a_model_leaves_no_trace() -> None:
    model = small_model()
    state = torch.get_rng_state()
    PIWAE().check(model)
    assert torch.equal(state, torch.get_rng_state())
    assert model.training


def test_importance_bounds_train_on_the_elbos_terms() -> None:
    """With one sample IWAE is the sampled ELBO; its gradient's mean is the ELBO's."""
    model, (x, noise) = small_model(), drawn(1)
    trace = trace_at(model, x, noise)
    close(IWAE(1)(trace).terms["bound"], trace.log_w[0])
    close(IWAE(1)(trace).terms["elbo"], ELBO()(trace).terms["elbo"])
