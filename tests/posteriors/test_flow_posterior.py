"""FlowPosterior: every flow is a density, is scored at its own draws, and learns what a Gaussian cannot."""

from __future__ import annotations

import pytest
import torch

from vaekit import ELBO, MLP, VAE, Bernoulli, FlowPosterior, StandardNormal, UserError
from vaekit.distributions.planar import Planar
from vaekit.nets.flow import last_layers
from vaekit.posteriors.flow_posterior import FLOWS

DOUBLE = torch.float64
every = pytest.mark.parametrize("flow", FLOWS)


def posterior(flow: str, latent: int = 2) -> FlowPosterior:
    torch.manual_seed(0)
    made = FlowPosterior(MLP(4, 8), latent, flow, num_transforms=3, hidden=8, context=5).double()
    with torch.no_grad():
        if flow == "planar":
            made.features.layer.weight.mul_(4)
        else:
            for last in last_layers(made.flow):
                last.weight.mul_(100)
                last.bias.normal_(0, 0.2)
    return made


@every
def test_the_density_integrates_to_1_and_draws_follow_it(flow: str) -> None:
    qz = posterior(flow)(torch.randn(1, 4, dtype=DOUBLE))
    axis = torch.linspace(-10, 10, 301, dtype=DOUBLE)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        mass = qz.log_prob(grid[:, None]).exp()[:, 0] * (20 / 300) ** 2
        draws = qz.sample((20_000,))[:, 0]
    assert float(mass.sum()) == pytest.approx(1, abs=2e-3)
    mean = mass @ grid
    variance = mass @ (grid - mean).square()
    assert bool(((draws.mean(0) - mean).abs() <= 5 * (variance / 20_000).sqrt() + 1e-3).all())
    torch.testing.assert_close(draws.var(0), variance, rtol=0.1, atol=0)


@every
def test_a_draw_is_scored_as_it_is_made_and_gradients_agree(flow: str) -> None:
    """The density kept from drawing is that of inverting the flow, and so is the gradient of the KL's estimate."""
    made, x = posterior(flow, 3), torch.randn(5, 4, dtype=DOUBLE)
    gradients = []
    for again in (False, True):
        torch.manual_seed(1)
        made.zero_grad()
        qz = made(x)
        z = qz.rsample((4,))
        log_q = qz.log_prob(z.clone() if again else z)
        (log_q + z.square().sum(-1)).mean().backward()
        gradients.append([log_q.detach(), *(w.grad.clone() for w in made.parameters())])
    for kept, inverted in zip(*gradients, strict=True):
        torch.testing.assert_close(inverted, kept, rtol=1e-5, atol=1e-7)


def test_planar_layers_invert_and_their_determinant_is_autograds() -> None:
    torch.manual_seed(0)
    u, w, b = (
        torch.randn(7, 3, dtype=DOUBLE) * 3,
        torch.randn(7, 3, dtype=DOUBLE),
        torch.randn(7, dtype=DOUBLE),
    )
    f = Planar(u, w, b)
    z = torch.randn(7, 3, dtype=DOUBLE)
    image, ladj = f.call_and_ladj(z)
    back, inverse_ladj = f.inv.call_and_ladj(image)
    torch.testing.assert_close(back, z, rtol=0, atol=1e-10)
    torch.testing.assert_close(inverse_ladj, -ladj, rtol=0, atol=1e-9)
    for i in range(7):
        one = Planar(u[i], w[i], b[i])
        jacobian = torch.autograd.functional.jacobian(lambda z, one=one: one.call_and_ladj(z)[0], z[i])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, ladj[i])


@every
def test_a_model_trains_and_embeds(flow: str) -> None:
    torch.manual_seed(0)
    made = FlowPosterior(MLP(4, 8), 3, flow, num_transforms=2, hidden=8, context=5)
    model = VAE(made, StandardNormal(3), Bernoulli(MLP(3, 8), 4))
    x = (torch.rand(64, 4) > 0.5).float()
    loss = ELBO()(model(x, num_samples=2))
    loss.total.backward()
    assert bool(torch.isfinite(loss.total.detach()))
    assert torch.equal(model.embed(x), model.embed(x))
    assert bool(torch.isfinite(model.log_prob(x, num_samples=10)).all())


def test_iaf_finds_a_banana_that_no_gaussian_fits() -> None:
    """The target exp(-z1^2 / 2 - (z2 - z1^2 / 2)^2 / 0.08); the flow's KL to it goes far below the best Gaussian's."""
    torch.manual_seed(0)
    made = FlowPosterior(MLP(1, ()), 2, "iaf", num_transforms=3, hidden=16, context=2).double()
    x = torch.zeros(128, 1, dtype=DOUBLE)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.02)
    for _ in range(300):
        qz = made(x)
        z = qz.rsample()
        log_p = -0.5 * z[:, 0].square() - (z[:, 1] - z[:, 0].square() / 2).square() / 0.08
        log_p = log_p - torch.tensor(2 * torch.pi * 0.2, dtype=DOUBLE).log()
        kl = (qz.log_prob(z) - log_p).mean()
        optimizer.zero_grad()
        kl.backward()
        optimizer.step()
    assert float(kl.detach()) < 0.4  # the best diagonal Gaussian, of variances 0.18 and 0.04, has 0.65


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match=r'no flow "ifa"\. Did you mean "iaf"'):
        FlowPosterior(MLP(4, 8), 2, "ifa")
    with pytest.raises(UserError, match="num_transforms of at least 1"):
        FlowPosterior(MLP(4, 8), 2, num_transforms=0)
