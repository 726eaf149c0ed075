"""Kernel distance, precision and recall, similarity and copies: known answers on constructed sets."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from matplotlib.text import Text

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, Schema, StandardNormal, UserError
from vaekit.data.dataset import Part
from vaekit.evaluation import (
    feature_network,
    frechet_distance,
    kernel_distance,
    memorization,
    nearest,
    prdc,
    sample_figures,
    ssim,
)
from vaekit.evaluation.features import Features
from vaekit.evaluation.frechet import frechet_error
from vaekit.evaluation.neighbours import nearest_in
from vaekit.plots import neighbours

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import part_of

GREY = Schema("image", (1, 8, 8), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8", name="bars")


def bars(num: int, *, labels: bool = True, seed: int = 0) -> Part:
    """Images of one bright row or column each; the class is which."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (num,), generator=generator)
    raw = torch.randint(0, 60, (num, 1, 8, 8), generator=generator)
    for i, c in enumerate(y.tolist()):
        (raw[i, 0, 2 * c] if c % 2 else raw[i, 0, :, 2 * c]).add_(150)
    return Part(raw.to(torch.uint8), y if labels else None, None, GREY)


def vae() -> VAE:
    return VAE(DiagonalGaussian(MLP((1, 8, 8), 8), 2), StandardNormal(2), Bernoulli(MLP(2, 8), (1, 8, 8)))


# Kernel distance.


def test_kid_of_one_distribution_is_zero_on_average_and_may_be_negative() -> None:
    values = [kernel_distance(*torch.randn(2, 40, 6, dtype=torch.float64)).value for _ in range(300)]
    found = torch.tensor(values)
    assert abs(float(found.mean())) < 3 * float(found.std()) / 300**0.5
    assert float((found < 0).double().mean()) > 0.3


def test_kid_does_not_depend_on_the_number_of_samples_and_fid_does() -> None:
    kids, fids = {}, {}
    for num in (20, 400):
        pairs = [(torch.randn(num, 4), torch.randn(num, 4) * 1.5 + 0.5) for _ in range(8000 // num)]
        kids[num] = torch.tensor([kernel_distance(a, b).value for a, b in pairs])
        fids[num] = torch.tensor([frechet_distance(a, b) for a, b in pairs])
    noise = sum(float(k.var() / len(k)) for k in kids.values()) ** 0.5
    assert abs(float(kids[20].mean() - kids[400].mean())) < 3 * noise
    assert float(fids[20].mean()) > float(fids[400].mean()) + 0.3


def test_kid_is_the_kernel_of_the_moments() -> None:
    """E k(x, y) for independent x, y is known: with F = 1 and zero mean, 1 + 3 E[x^2] E[y^2]; the rest is odd."""
    a, b = torch.randn(20000, 1, dtype=torch.float64), 2 * torch.randn(20000, 1, dtype=torch.float64)
    exact = (1 + 3 * 1) + (1 + 3 * 16) - 2 * (1 + 3 * 4)
    found = kernel_distance(a, b)
    assert found.num_blocks == 20
    assert abs(found.value - exact) < 4 * found.standard_error


def test_the_error_of_a_frechet_distance_is_its_spread() -> None:
    errors, values = [], []
    for _ in range(60):
        a, b = torch.randn(200, 2, dtype=torch.float64), torch.randn(200, 2, dtype=torch.float64) + 1
        errors.append(frechet_error(a, b))
        values.append(frechet_distance(a, b))
    assert sum(errors) / 60 == pytest.approx(float(torch.tensor(values).std()), rel=0.25)
    assert math.isnan(frechet_error(torch.randn(3, 2), torch.randn(3, 2)))


# Precision, recall, density, coverage.


def test_samples_that_are_the_data_have_all_and_far_ones_nothing() -> None:
    data = torch.randn(200, 3)
    same, far = prdc(data, data.clone()), prdc(data, data + 100)
    for name in ("precision", "recall", "coverage"):
        assert getattr(same, name).mean() == 1
        assert getattr(far, name).mean() == 0
    # Each example lies in its own ball and in those of k others on average.
    assert float(same.density.mean()) == pytest.approx((5 + 1) / 5)
    assert far.density.mean() == 0


def test_a_model_of_one_mode_is_precise_and_misses_the_other() -> None:
    modes = torch.cat([torch.randn(300, 2), torch.randn(300, 2) + 50])
    found = prdc(modes, torch.randn(300, 2))
    assert float(found.precision.mean()) > 0.9
    assert float(found.recall[300:].mean()) == 0
    assert float(found.coverage[300:].mean()) == 0
    assert float(found.coverage[:300].mean()) > 0.8


def test_an_outlier_of_the_data_widens_precision_and_not_density() -> None:
    """The case of Naeem et al., figure 1: samples around one outlier count as precise, and density tells them off."""
    data = torch.cat([torch.randn(100, 2) * 0.1, torch.tensor([[10.0, 10.0]])])
    samples = torch.randn(100, 2) * 0.1 + 8
    found = prdc(data, samples)
    assert found.precision.mean() == 1
    assert float(found.density.mean()) == pytest.approx(1 / 5)


def test_prdc_on_a_line_by_hand_whatever_the_chunks() -> None:
    data, samples = torch.tensor([[0.0], [1.0], [2.0], [10.0]]), torch.tensor([[0.5], [1.5], [30.0], [31.0]])
    for rows in (1, 3, 100):
        found = prdc(data, samples, k=1, rows=rows)  # radii 1, 1, 1, 8 and 1, 1, 1, 1
        assert found.precision.tolist() == [1, 1, 0, 0]
        assert found.density.tolist() == [2, 2, 0, 0]
        assert found.recall.tolist() == [1, 1, 1, 0]
        assert found.coverage.tolist() == [1, 1, 1, 0]
    with pytest.raises(UserError, match="more than"):
        prdc(data, samples, k=4)


# Similarity.


def test_ssim_of_flat_images_is_the_brightness_term() -> None:
    a, b = torch.full((1, 1, 20, 20), 0.3), torch.full((1, 1, 20, 20), 0.6)
    expected = (2 * 0.3 * 0.6 + 1e-4) / (0.3**2 + 0.6**2 + 1e-4)
    assert ssim(a, b).item() == pytest.approx(expected, rel=1e-5)
    assert ssim(255 * a, 255 * b, data_range=255.0).item() == pytest.approx(expected, rel=1e-5)


def test_ssim_of_one_window_by_hand() -> None:
    a, b = torch.rand(2, 1, 1, 11, 11, dtype=torch.float64)
    line = torch.tensor([math.exp(-0.5 * (i / 1.5) ** 2) for i in range(-5, 6)], dtype=torch.float64)
    window = torch.outer(line, line) / line.sum() ** 2
    mean_a, mean_b = (window * a[0, 0]).sum(), (window * b[0, 0]).sum()
    var_a = (window * (a[0, 0] - mean_a) ** 2).sum()
    var_b = (window * (b[0, 0] - mean_b) ** 2).sum()
    cov = (window * (a[0, 0] - mean_a) * (b[0, 0] - mean_b)).sum()
    expected = (2 * mean_a * mean_b + 1e-4) * (2 * cov + 9e-4)
    expected = expected / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4))
    assert ssim(a, b).item() == pytest.approx(float(expected), rel=1e-9)


def test_ssim_of_opposites_is_negative_and_of_small_images_defined() -> None:
    x = (torch.rand(4, 3, 16, 16) > 0.5).float()
    assert float(ssim(x, 1 - x).max()) < -0.5
    torch.testing.assert_close(ssim(x[..., :8, :8], x[..., :8, :8]), torch.ones(4, dtype=torch.float64))
    with pytest.raises(UserError, match="one shape"):
        ssim(x, x[:2])


# Neighbours.


def test_neighbours_are_those_of_the_whole_distance_matrix() -> None:
    points, queries = torch.randn(500, 4), torch.randn(20, 4)
    distances, places = nearest(queries, points, k=3, rows=64)
    whole = torch.cdist(queries, points).topk(3, largest=False)
    assert torch.equal(places, whole.indices)
    torch.testing.assert_close(distances, whole.values)


def test_copies_are_found_out() -> None:
    train = part_of(torch.randn(3000, 3), name="points")
    held_out = torch.randn(500, 3)
    honest = memorization(torch.randn(500, 3), held_out, train)
    low, high = honest["nearest_ratio_interval"]  # type: ignore[misc]
    assert low < 1.1
    assert high > 0.9
    copied = memorization(train.raw[:500] + 1e-3, held_out, train)
    assert copied["nearest_ratio"] < 0.1  # type: ignore[operator]
    assert copied["nearest_copies"] > 0.95  # type: ignore[operator]
    assert honest["nearest_copies"] < 0.05  # type: ignore[operator]
    distances, places = nearest_in(train.raw[100:103].float(), train, k=2)
    assert places[:, 0].tolist() == [100, 101, 102]
    torch.testing.assert_close(distances[:, 0], torch.zeros(3), atol=2e-3, rtol=0)


def test_the_picture_puts_neighbours_below_their_sample() -> None:
    x, near = torch.rand(3, 1, 8, 8), torch.rand(3, 2, 1, 8, 8)
    figure = neighbours(x, near, GREY, torch.rand(3, 2), dark_ink=False)
    pixels = figure.axes[0].images[0].get_array() / 255
    assert pixels[0, 0, 0] == pytest.approx(float(x[0, 0, 0, 0]), abs=1 / 255)
    assert pixels[83, 0, 0] == pytest.approx(float(near[0, 0, 0, 0, 0]), abs=1 / 255)
    assert pixels[166, 88, 0] == pytest.approx(float(near[1, 1, 0, 0, 0]), abs=1 / 255)
    shown = [t.get_text() for t in figure.findobj(Text)]
    assert {"sample", "nearest", "second nearest"} <= set(shown)


# Feature networks and all figures together.


def test_a_feature_network_learns_repeats_and_is_named_by_its_weights(tmp_path: Path) -> None:
    train = bars(400)
    first, again = (feature_network("auto", train, cache=tmp_path / str(i)) for i in range(2))
    other = feature_network("classifier", train, seed=1, cache=tmp_path)
    assert first.name == "classifier"
    assert first.sha256 == again.sha256 != other.sha256
    held = bars(200, seed=1)
    x = torch.cat([x for x, _ in held.batches(100)])
    y = held.y
    codes = first(x)
    centres = torch.stack([codes[y == c].mean(0) for c in range(4)])
    assert float((torch.cdist(codes, centres).argmin(-1) == y).double().mean()) > 0.95


def test_the_cache_is_read_and_a_damaged_one_is_trained_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = bars(100)
    first = feature_network("classifier", train, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(
            "vaekit.evaluation.features._fit", lambda *a, **k: pytest.fail("the cache was not read")
        )
        assert feature_network("classifier", train, cache=tmp_path).sha256 == first.sha256
    path.write_bytes(b"damaged")
    assert feature_network("classifier", train, cache=tmp_path).sha256 == first.sha256
    train.raw[0] = 0
    feature_network("classifier", train, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "other data, other network"


def test_without_labels_the_code_of_an_autoencoder_is_taken(tmp_path: Path) -> None:
    found = feature_network("auto", bars(100, labels=False), cache=tmp_path)
    assert found.name == "autoencoder"
    assert found(torch.rand(3, 1, 8, 8)).shape == (3, 64)
    with pytest.raises(UserError, match="no labels"):
        feature_network("classifier", bars(10, labels=False))
    with pytest.raises(UserError, match="Did you mean"):
        feature_network("clasifier", bars(10))  # type: ignore[arg-type]


def test_sample_figures_are_json_repeat_and_carry_their_protocol(tmp_path: Path) -> None:
    train, held = bars(300), bars(120, seed=1)
    network = feature_network("classifier", train, cache=tmp_path)
    model = vae()
    first, again = (sample_figures(model, held, train, features=network, num_samples=150) for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == again
    low, high = first["fid_interval"]
    assert low < first["fid"] < high
    assert first["fid_data"] < first["fid"]
    assert 0 <= first["precision"] <= 1
    protocol = first["protocol"]
    assert protocol["features"] == "classifier"
    assert protocol["features_sha256"] == network.sha256
    assert protocol["num_samples"] == 150
    assert protocol["n"] == 120


def test_a_perfect_model_of_points_is_at_the_floor() -> None:
    """Samples that come from the data's own distribution: distances at those of training data, shares near one."""

    class Truth(VAE):
        def sample(self, num_samples: int = 1, *args: object, **options: object) -> torch.Tensor:
            return torch.randn(num_samples, 3)

    model = Truth(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 3))
    identity = Features("x", "", lambda x: x)
    train, held = part_of(torch.randn(2500, 3)), part_of(torch.randn(2500, 3))
    found = sample_figures(model, held, train, features=identity, num_samples=2000)
    assert found["fid"] < 0.02
    assert abs(found["kid"]) < 4 * found["kid_se"]
    assert found["precision"] > 0.9
    assert found["recall"] > 0.9
    assert found["density"] == pytest.approx(1, abs=0.08)
    # The expected coverage of a perfect model with N = M: 1 - (N-1)...(N-k) / ((2N-1)...(2N-k)), about 1 - 2^-k.
    assert found["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
    assert found["ssim"] is None
