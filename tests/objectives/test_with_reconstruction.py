"""MSSSIM, PerceptualFeatures and WithReconstruction: against the formulas written out, and by composition."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    MSSSIM,
    VAE,
    WAE,
    Bernoulli,
    BetaTCVAE,
    DiagonalGaussian,
    Linear,
    PerceptualFeatures,
    Reconstruction,
    StandardNormal,
    UserError,
    WithReconstruction,
)

F64 = torch.float64


def images(num: int = 3, size: int = 24, channels: int = 2) -> torch.Tensor:
    return torch.rand(num, channels, size, size, dtype=F64)


def model_of(shape: tuple[int, ...] = (1, 14, 14)) -> VAE:
    return VAE(
        DiagonalGaussian(MLP(shape, 6), 2), StandardNormal(2), Bernoulli(MLP(2, 6), event_shape=shape)
    ).double()


def ssim_by_hand(
    a: torch.Tensor, b: torch.Tensor, row: int, column: int, window: int = 11
) -> tuple[float, float]:
    """Luminance and contrast-structure of one window of one channel, from weighted moments."""
    offsets = torch.arange(window, dtype=F64) - window // 2
    one = torch.exp(-(offsets**2) / (2 * 1.5**2))
    weights = torch.outer(one, one)
    weights /= weights.sum()
    a, b = (t[row : row + window, column : column + window] for t in (a, b))
    mu_a, mu_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = (weights * (a - mu_a) ** 2).sum(), (weights * (b - mu_b) ** 2).sum()
    cov = (weights * (a - mu_a) * (b - mu_b)).sum()
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1)
    return float(luminance), float((2 * cov + c2) / (var_a + var_b + c2))


def test_ssim_at_a_window_is_the_formula() -> None:
    a, b = images(), images()
    luminance, contrast = MSSSIM().ssim(a, b)
    assert luminance.shape == (3, 2, 14, 14)
    for n, c, row, column in ((0, 0, 0, 0), (1, 1, 13, 5), (2, 0, 7, 13)):
        expected = ssim_by_hand(a[n, c], b[n, c], row, column)
        assert float(luminance[n, c, row, column]) == pytest.approx(expected[0], rel=1e-9)
        assert float(contrast[n, c, row, column]) == pytest.approx(expected[1], rel=1e-7)


def test_the_scales_are_multiplied_with_their_exponents() -> None:
    a = images(size=28)
    b = (a + 0.2 * images(size=28)).clamp(0, 1)
    measure = MSSSIM(num_scales=2, window=7)
    fine = measure.ssim(a, b)[1].flatten(1).mean(-1)
    halves = [torch.nn.functional.avg_pool2d(t, 2) for t in (a, b)]
    coarse = torch.mul(*measure.ssim(*halves)).flatten(1).mean(-1)
    share = 0.0448 / (0.0448 + 0.2856)
    torch.testing.assert_close(measure(a, b[None])[0], 1 - fine**share * coarse ** (1 - share))


def test_constant_images_differ_by_luminance_alone() -> None:
    a, b = (torch.full((1, 1, 22, 22), v, dtype=F64) for v in (0.25, 0.75))
    luminance = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert float(MSSSIM(num_scales=1)(a, b[None])) == pytest.approx(1 - luminance, rel=1e-6)


def test_likeness_falls_with_noise_and_equal_images_are_at_zero() -> None:
    a = torch.nn.functional.avg_pool2d(images(size=56), 2)
    measure = MSSSIM(num_scales=2, window=7)
    values = [float(measure(a, (a + s * torch.randn_like(a))[None]).mean()) for s in (0.0, 0.05, 0.2, 1.0)]
    assert values[0] == pytest.approx(0.0, abs=1e-12)
    assert values == sorted(values)
    assert values[-1] > 0.5
    noisy = (a + 5 * torch.randn_like(a)).requires_grad_()  # negative correlations included
    measure(a, noisy[None]).sum().backward()
    assert noisy.grad is not None
    assert bool(torch.isfinite(noisy.grad).all())


def test_small_images_are_refused() -> None:
    with pytest.raises(UserError, match="176 x 176 pixels"):
        WithReconstruction(ELBO(), MSSSIM()).check(model_of())
    WithReconstruction(ELBO(), MSSSIM(num_scales=2, window=7)).check(model_of())
    with pytest.raises(UserError, match="odd window"):
        MSSSIM(window=4)


def test_features_are_compared_and_stay_as_they_are() -> None:
    net = MLP((1, 14, 14), 5, activation="tanh").double()
    measure, x, mean = PerceptualFeatures(net), images(3, 14, 1), images(3, 14, 1)[None].requires_grad_()
    value = measure(x, mean)
    torch.testing.assert_close(value[0], (net(x) - net(mean[0])).square().sum(-1))
    value.sum().backward()
    assert mean.grad is not None
    assert not any(p.requires_grad for p in measure.parameters())
    with pytest.raises(UserError, match=r"x has shape \(1, 12, 12\)"):
        measure.check(model_of((1, 12, 12)))


def seeded(objective, model: VAE, x: torch.Tensor):
    torch.manual_seed(7)
    return objective(model(x))


def test_the_measure_takes_the_likelihoods_place_and_the_log_stays_true() -> None:
    model, x = model_of(), images(5, 14, 1)
    measure = MSSSIM(num_scales=2, window=7)
    plain = seeded(ELBO(beta=2.0), model, x)
    torch.manual_seed(7)
    trace = model(x)
    unlike = measure(x, trace.px.mean).mean()
    loss = seeded(WithReconstruction(ELBO(beta=2.0), measure, weight=30.0), model, x)
    torch.testing.assert_close(loss.total, 30 * unlike + 2 * trace.kl.mean())
    for name in ("elbo", "distortion", "rate"):
        torch.testing.assert_close(loss.terms[name], plain.terms[name])
    both = seeded(WithReconstruction(ELBO(beta=2.0), measure, weight=30.0, likelihood=1.0), model, x)
    torch.testing.assert_close(both.total, plain.total + 30 * unlike)


@pytest.mark.parametrize("inner", [WAE(), BetaTCVAE(), Reconstruction()], ids=repr)
def test_any_objective_can_be_wrapped(inner: WAE | BetaTCVAE | Reconstruction) -> None:
    """With the likelihood kept and the measure's weight 0, wrapping changes nothing."""
    model, x = model_of(), images(5, 14, 1)
    wrapped = WithReconstruction(inner, MSSSIM(num_scales=1), weight=0.0, likelihood=1.0)
    torch.testing.assert_close(seeded(wrapped, model, x).total, seeded(inner, model, x).total)


def test_the_clock_and_the_model_reach_the_wrapped_objective() -> None:
    inner = BetaTCVAE(beta=Linear(steps=10))
    wrapped, model = WithReconstruction(inner, MSSSIM(num_scales=1)), model_of()
    wrapped.num_examples = 99
    wrapped.step.fill_(5)
    wrapped.bind(model)
    wrapped(model(images(4, 14, 1)))
    assert float(inner.step) == 5
    assert inner.num_examples == 99
    assert inner.model is model
    with pytest.raises(UserError, match="at least 0"):
        WithReconstruction(ELBO(), MSSSIM(), weight=-1.0)
    assert math.isclose(sum(MSSSIM(num_scales=3).exponents), 1.0)
