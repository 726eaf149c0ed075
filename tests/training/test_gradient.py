"""Batches in pieces, blocks computed again, generated code: other ways to the same gradient."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vaekit
import vaekit as vk
from vaekit import api
from vaekit.errors import UserError
from vaekit.training.compiled import Compiled, distance, own
from vaekit.training.distributed import Score
from vaekit.training.gradient import Gradient
from vaekit.training.recompute import blocks, recompute

SHAPE = (1, 8, 8)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "finish", lambda *args: None)


class Alone:
    """What a Gradient asks of a team."""

    def __init__(self, score: nn.Module) -> None:
        self.score = score

    def holding_back(self, is_more: bool):
        import contextlib

        return contextlib.nullcontext()


def images(number: int = 12) -> Tensor:
    return torch.rand(number, *SHAPE, generator=torch.Generator().manual_seed(0))


def autoencoder() -> vk.VAE:
    """One that draws nothing, so that pieces see the same noise as the whole: none."""
    torch.manual_seed(0)
    body = vk.ResNetEncoder(SHAPE, widths=(8, 8), num_blocks=1)
    decoder = vk.ResNetDecoder(3, SHAPE, widths=(8, 8), num_blocks=1)
    return vk.VAE(vk.Deterministic(body, 3), vk.StandardNormal(3), vk.Gaussian(decoder, SHAPE, scale="learned"))


def gradient_of(model: vk.VAE, micro: int | None, score: nn.Module | None = None) -> tuple[Tensor, dict, list[Tensor]]:
    objective = vk.Reconstruction()
    score = score or Score(model, objective, torch.float32)
    model.zero_grad()
    total, terms = Gradient(Alone(score), objective, micro)(images(), None, None)  # type: ignore[arg-type]
    return total, terms, [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("micro", [1, 5, 6, 100])
def test_gradients_of_pieces_add_up_to_that_of_the_batch(micro: int) -> None:
    model = autoencoder()
    total, terms, whole = gradient_of(model, None)
    same_total, same_terms, added = gradient_of(model, micro)
    torch.testing.assert_close(same_total, total)
    assert same_terms.keys() == terms.keys()
    for name in terms:
        torch.testing.assert_close(same_terms[name], terms[name])
    for a, b in zip(added, whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


class Narrow(Score):
    """A device on which four examples fit."""

    def forward(self, x: Tensor, y: Tensor | None):
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(x, y)


def test_a_batch_that_does_not_fit_is_halved_and_the_run_says_so() -> None:
    model, objective = autoencoder(), vk.Reconstruction()
    _, _, whole = gradient_of(model, None)
    model.zero_grad()
    gradient = Gradient(Alone(Narrow(model, objective, torch.float32)), objective, None)  # type: ignore[arg-type]
    gradient(images(), None, None)
    assert gradient.micro == 3
    assert [note.split(" do not fit")[0] for note in gradient.notes] == ["12 examples at once", "6 examples at once"]
    for a, b in zip([p.grad for p in model.parameters() if p.grad is not None], whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


class Part:
    """What `choose_compiled` asks of a training part."""

    def __len__(self) -> int:
        return len(images())

    def batch(self, index: Tensor) -> tuple[Tensor, None]:
        return images()[index], None


def test_code_that_was_asked_for_is_made_for_as_many_examples_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda forward, **kwargs: forward)
    model, objective = autoencoder(), vk.Reconstruction()
    _, _, whole = gradient_of(model, None)
    model.zero_grad()
    gradient = Gradient(Alone(Narrow(model, objective, torch.float32)), objective, None)  # type: ignore[arg-type]
    settings = vk.Settings(batch_size=12, compile="always")
    assert gradient.generate(Part(), settings, 100).endswith("asked for")  # type: ignore[arg-type]
    assert gradient.compiled is not None
    assert (gradient.compiled.size, gradient.micro) == (3, 3)
    assert gradient.kept == {"micro_batch": 3, "is_plain": False}
    assert [note.split(" from now on")[0] for note in gradient.notes] == [
        "12 examples at once do not fit in memory: batches are worked off in pieces of 3"
    ]
    gradient(images(), None, None)
    for a, b in zip([p.grad for p in model.parameters() if p.grad is not None], whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


def test_a_batch_whose_examples_are_compared_is_not_cut_for_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda forward, **kwargs: forward)
    objective = vk.Reconstruction()
    objective.is_coupled = True
    gradient = Gradient(Alone(Narrow(autoencoder(), objective, torch.float32)), objective, None)  # type: ignore[arg-type]
    with pytest.raises(torch.OutOfMemoryError):
        gradient.generate(Part(), vk.Settings(batch_size=12, compile="always"), 100)  # type: ignore[arg-type]


def test_pieces_that_are_smaller_than_the_code_are_done_without_it() -> None:
    objective = vk.Reconstruction()
    gradient = Gradient(Alone(Narrow(autoencoder(), objective, torch.float32)), objective, None)  # type: ignore[arg-type]
    gradient.compiled = Compiled(gradient.team.score, 12, is_whole=False)
    gradient.compiled.quick = gradient.compiled.score  # type: ignore[assignment]  # code that meets a full memory
    gradient(images(), None, None)
    assert gradient.kept == {"micro_batch": 3, "is_plain": True}


def test_what_is_no_lack_of_memory_is_not_retried() -> None:
    class Broken(Score):
        def forward(self, x: Tensor, y: Tensor | None):
            raise RuntimeError("shapes differ")

    objective = vk.Reconstruction()
    with pytest.raises(RuntimeError, match="shapes differ"):
        Gradient(Alone(Broken(autoencoder(), objective, torch.float32)), objective, None)(images(), None, None)  # type: ignore[arg-type]


def test_recomputed_blocks_give_the_same_gradient_and_keep_less() -> None:
    kept = []

    def run(is_on: bool) -> list[Tensor]:
        model = autoencoder()
        if is_on:
            assert recompute(model) == len(blocks(autoencoder())) >= 4
        sizes = 0

        def pack(tensor: Tensor) -> Tensor:
            nonlocal sizes
            sizes += tensor.numel()
            return tensor

        objective = vk.Reconstruction()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            total, _ = Score(model, objective, torch.float32)(images(), None)
        kept.append(sizes)
        return list(torch.autograd.grad(total, list(model.parameters())))

    for a, b in zip(run(False), run(True), strict=True):
        torch.testing.assert_close(a, b)
    assert kept[1] < 0.7 * kept[0]


def test_recomputing_draws_the_same_noise(tmp_path: Path) -> None:
    def weights(name: str, **options) -> list[Tensor]:
        run = vaekit.train("digits", recipe="hvae", epochs=1, limit=200, out=tmp_path / name, quiet=True, **options)
        return list(run.load_model().parameters())

    for a, b in zip(weights("a"), weights("b", recompute=True), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_pieces_train_and_resume(tmp_path: Path) -> None:
    options = {"recipe": "vae", "limit": 200, "hidden": 16, "latent": 2, "batch_size": 64, "quiet": True}
    run = vaekit.train("digits", epochs=3, micro_batch=20, out=tmp_path / "a", **options)
    elbos = [row["train"]["elbo"] for row in run.metrics()]
    assert elbos == sorted(elbos)


def test_pieces_are_refused_where_examples_are_compared(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="compares the examples of a batch"):
        vaekit.train("digits", recipe="tcvae", micro_batch=10, epochs=1, out=tmp_path / "a", quiet=True)
    assert not (tmp_path / "a").exists()


def test_the_batch_size_is_measured_and_written_down(tmp_path: Path) -> None:
    options = {"recipe": "vae", "hidden": 16, "latent": 2, "epochs": 1, "quiet": True}
    run = vaekit.train("digits", batch_size="auto", out=tmp_path / "a", **options)
    size = run.config["training"]["batch_size"]
    assert size in (32, 64)  # 20 steps an epoch at least, of some 1,300 examples
    given = vaekit.train("digits", batch_size="auto", learning_rate=0.02, out=tmp_path / "b", **options)
    assert given.config["training"]["learning_rate"] == 0.02


def test_what_was_chosen_is_written_down(tmp_path: Path) -> None:
    run = vaekit.train("digits", recipe="vae", epochs=1, limit=100, out=tmp_path / "a", quiet=True)
    choices = json.loads((run.path / "env.json").read_text())["choices"]
    assert choices["step"] == "step not compiled: 4 steps would not repay it"
    assert choices["precision"].startswith("float32: ")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU; none is here")
def test_generated_code_draws_the_same_noise_and_gives_the_same_gradient() -> None:
    torch.manual_seed(0)
    model = vk.VAE(
        vk.DiagonalGaussian(vk.MLP(SHAPE, 16), 3), vk.StandardNormal(3), vk.Bernoulli(vk.MLP(3, 16), SHAPE)
    )
    score = Score(model, vk.ELBO(), torch.float32).train()
    x = images()
    torch.manual_seed(3)
    total, terms = score(x, None)
    expected = torch.autograd.grad(total, list(model.parameters()))
    for is_whole in (True, False):
        torch.manual_seed(3)
        found, parts, gradients = Compiled(score, 12, is_whole=is_whole)(x, None)
        torch.testing.assert_close(found, total.detach(), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(parts["rate"], terms["rate"], rtol=1e-4, atol=1e-5)
        for a, b in zip(gradients, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_gradients_that_share_memory_or_lie_otherwise_are_told_from_those_that_may_be_written_on() -> None:
    weights = [nn.Parameter(torch.zeros(2, 3)) for _ in range(5)]
    shared = torch.ones(2, 3)
    found = (shared, shared, torch.ones(3, 2).t(), torch.ones(2, 3), None)
    assert own(found, weights) == [False, False, False, True, True]


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU; none is here")
@pytest.mark.parametrize("options", [{}, {"micro_batch": 16}, {"clip_norm": 1.0}])
def test_training_by_generated_code_ends_where_training_without_it_does(tmp_path: Path, options: dict) -> None:
    options = {"recipe": "vae", "hidden": 16, "latent": 2, "limit": 100, "batch_size": 32, "epochs": 2, **options}
    a = vaekit.train("digits", compile="always", out=tmp_path / "a", quiet=True, **options)
    b = vaekit.train("digits", compile="never", out=tmp_path / "b", quiet=True, **options)
    assert json.loads((a.path / "env.json").read_text())["choices"]["step"] == "step compiled: asked for"
    for p, q in zip(a.load_model().parameters(), b.load_model().parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-4)


class Counting(vk.ELBO):
    """Changes a Python number at every call."""

    calls = 0

    def forward(self, trace: vk.Trace) -> vk.Loss:
        self.calls += 1
        loss = super().forward(trace)
        return vk.Loss(loss.total + 0.0 * self.calls, loss.terms)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU; none is here")
def test_code_that_fits_no_longer_is_done_without(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = {"recipe": "vae", "objective": Counting(), "hidden": 16, "limit": 100, "batch_size": 16, "epochs": 3}
    runs = [vaekit.train("digits", compile=how, out=tmp_path / how, **options) for how in ("always", "never")]
    assert "goes on without it" in "".join(capsys.readouterr())
    for p, q in zip(*(run.load_model().parameters() for run in runs), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-4)


def test_a_gap_counts_for_each_weight() -> None:
    large, small = torch.randn(400, 784), torch.ones(10) * 20
    assert distance([large, small], [large, torch.zeros(10)]) > 0.5
    assert distance([large, None], [large, small]) == math.inf


def test_code_with_a_wrong_gradient_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(forward, **kwargs):
        def call(x, y):
            total, terms, *gradient = forward(x, y)
            return (total * 2, terms, *[tuple(g * 2 for g in gs) for gs in gradient])

        return call

    monkeypatch.setattr(torch, "compile", wrong)
    with pytest.raises(UserError, match="its loss is 1 of the right one's size away"):
        vaekit.train("digits", recipe="vae", limit=100, compile="always", out=tmp_path / "a", quiet=True)


def test_only_a_run_with_steps_left_generates_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(torch, "compile", lambda forward, **kwargs: made.append(forward) or forward)
    options = {"recipe": "vae", "hidden": 16, "limit": 100, "epochs": 2, "compile": "always", "quiet": True}
    with monkeypatch.context() as patch:
        patch.setattr("vaekit.training.watch.Watch.look", lambda *args: 1 / 0)  # after the first epoch's checkpoint
        with pytest.raises(ZeroDivisionError):
            vaekit.train("digits", out=tmp_path / "a", **options)
    assert len(made) == 1
    run = vaekit.resume(tmp_path / "a", quiet=True)
    assert len(made) == 2
    assert len(vaekit.resume(run.path, quiet=True).metrics()) == 2
    assert len(made) == 2


def test_code_that_cannot_be_generated_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args, **kwargs):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda *args, **kwargs: broken)
    monkeypatch.setattr("vaekit.training.compiled.REPAID", 1)
    options = {"recipe": "vae", "limit": 100, "epochs": 1, "quiet": True}
    run = vaekit.train("digits", out=tmp_path / "a", **options)
    choices = json.loads((run.path / "env.json").read_text())["choices"]
    assert choices["step"] == "step not compiled: it does not work here (no compiler)"
    with pytest.raises(UserError, match="cannot be compiled here"):
        vaekit.train("digits", compile="always", out=tmp_path / "b", **options)


def test_trying_the_code_changes_no_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on which the code is tried, here without any, ends in the bits of one on which it is not."""
    monkeypatch.setattr(torch, "compile", lambda forward, **kwargs: forward)
    options = {"recipe": "vqvae", "limit": 100, "epochs": 1, "quiet": True}
    a = vaekit.train("digits", compile="always", out=tmp_path / "a", **options).load_model()
    b = vaekit.train("digits", compile="never", out=tmp_path / "b", **options).load_model()
    for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert np.array_equal(p.numpy(), q.numpy())
