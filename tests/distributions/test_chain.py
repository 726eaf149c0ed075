"""Chain: the joint of a Gaussian and a Gaussian around it is a Gaussian that is known in closed form."""

from __future__ import annotations

import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from vaekit.distributions import Chain

COEFFICIENTS = torch.tensor([[0.5, -1.0]], dtype=torch.float64)  # z_2 = z_1 A^T + 0.1 + noise


def chain() -> Chain:
    """z_1 in two dimensions, then z_2 in one, three of them in the batch."""

    def first(before: list[torch.Tensor]) -> Independent:
        loc = torch.tensor([[0.0, 0.0], [1.0, -1.0], [5.0, 2.0]], dtype=torch.float64)
        return Independent(Normal(loc, torch.tensor([1.0, 0.5], dtype=torch.float64)), 1)

    def second(before: list[torch.Tensor]) -> Independent:
        return Independent(
            Normal(before[0] @ COEFFICIENTS.T + 0.1, torch.tensor([0.3], dtype=torch.float64)), 1
        )

    return Chain([first, second], [2, 1], torch.Size([3]))


def joint() -> MultivariateNormal:
    A = COEFFICIENTS
    first = torch.tensor([[0.0, 0.0], [1.0, -1.0], [5.0, 2.0]], dtype=torch.float64)
    S = torch.diag(torch.tensor([1.0, 0.25], dtype=torch.float64))
    covariance = torch.cat([torch.cat([S, S @ A.T], 1), torch.cat([A @ S, A @ S @ A.T + 0.09], 1)])
    return MultivariateNormal(torch.cat([first, first @ A.T + 0.1], 1), covariance)


def test_density_and_mean_are_the_joints() -> None:
    z = torch.randn(4, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(chain().log_prob(z), joint().log_prob(z))
    torch.testing.assert_close(chain().mean, joint().mean)


def test_draws_follow_the_joint() -> None:
    draws = chain().rsample((40_000,))
    assert draws.shape == (40_000, 3, 3)
    torch.testing.assert_close(draws.mean(0), joint().mean, rtol=0, atol=0.05)
    for b in range(3):
        torch.testing.assert_close(torch.cov(draws[:, b].T), joint().covariance_matrix[b], rtol=0, atol=0.05)
