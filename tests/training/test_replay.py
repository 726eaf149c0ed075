"""The replay of a training: small, exact under resume, unnoticed by the training itself."""

from __future__ import annotations

import math

import pytest
import torch

import vaekit as vk
from vaekit.data import Part
from vaekit.errors import UserError
from vaekit.recipes import find_recipe
from vaekit.schema import Schema
from vaekit.training import replay as module
from vaekit.training.replay import (
    MAX_FRAMES,
    NUM_CODES,
    NUM_PICTURES,
    Replay,
    first_of_each,
    folded,
    read_replay,
)
from vaekit.weights import pack_tensors, read_tensors


def images(num: int = 600, binarize: str = "none") -> Part:
    schema = Schema(
        "image", (1, 4, 4), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8", label_names=("a", "b", "c")
    )
    generator = torch.Generator().manual_seed(1)
    raw = torch.randint(0, 256, (num, 1, 4, 4), generator=generator, dtype=torch.uint8)
    return Part(raw, torch.arange(num) % 3, None, schema, binarize=binarize)  # type: ignore[arg-type]


def model(part: Part, latent: int = 3) -> vk.VAE:
    torch.manual_seed(0)
    made = vk.VAE(
        vk.DiagonalGaussian(vk.MLP((1, 4, 4), 8), latent),
        vk.StandardNormal(latent),
        vk.Bernoulli(vk.MLP(latent, 8), (1, 4, 4)),
    )
    made.schema = part.schema
    return made


def noted(path, epochs, part=None, start=None) -> Replay:
    part = part or images()
    made = Replay(path, model(part), part)
    if start is not None:
        made.restore(start)
    trained = model(part)
    for epoch in epochs:
        with torch.no_grad():
            for p in trained.parameters():
                p.fill_(0.01 * epoch)
        made.note(trained, epoch)
    return made


def test_what_is_kept(tmp_path) -> None:
    path, part = tmp_path / "replay.safetensors", images()
    noted(path, [1, 2], part)
    frames = read_replay(path)
    assert frames is not None
    assert frames.epochs == (1, 2)
    assert frames.codes is not None
    assert frames.codes.shape == (2, NUM_CODES, 3)
    assert frames.reconstructions is not None
    assert frames.reconstructions.shape == (2, NUM_PICTURES, 1, 4, 4)
    assert frames.label is not None
    assert frames.inputs is not None
    generator = torch.Generator().manual_seed(0)
    index = torch.randperm(len(part), generator=generator)[:NUM_CODES]
    assert torch.equal(frames.label, part.y[index].int())
    assert torch.equal(frames.inputs, part.raw[index][first_of_each(part.y[index], NUM_CODES)])
    last = model(part)
    with torch.no_grad():
        for p in last.parameters():
            p.fill_(0.02)
    x = part.batch(index)[0]
    assert torch.allclose(frames.codes[1].float(), last.embed(x), atol=1e-2)


@pytest.mark.parametrize("last", [1, 5, 22, 23, 60, 500])
def test_frames_are_few_and_follow_from_the_last_epoch_alone(tmp_path, last) -> None:
    whole, cut = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    noted(whole, range(1, last + 1))
    stop = max(1, last // 2)
    noted(cut, range(1, min(stop + 3, last) + 1))  # killed some epochs behind its last checkpoint
    noted(cut, range(stop + 1, last + 1), start=stop)
    assert whole.read_bytes() == cut.read_bytes()
    frames = read_replay(whole)
    assert frames is not None
    assert len(frames.epochs) <= MAX_FRAMES
    assert frames.epochs[0] == 1
    assert frames.epochs[-1] == last


def test_the_training_does_not_notice(tmp_path) -> None:
    part = images(binarize="dynamic")
    trained = model(part).train()
    before = torch.get_rng_state()
    made = Replay(tmp_path / "replay.safetensors", trained, part)
    made.note(trained, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert trained.training


def quantized(part: Part) -> vk.VAE:
    """Discrete codes: four vectors of 30 numbers on a grid of 2 x 2."""
    torch.manual_seed(0)
    book = vk.Codebook(4, 30)
    made = vk.VAE(
        vk.VectorQuantized(vk.ResNetEncoder((1, 4, 4), (8,)), book, (2, 2)),
        vk.UniformCodesPrior(book, (2, 2)),
        vk.Bernoulli(vk.ResNetDecoder((30, 2, 2), (4, 4), (8,)), (1, 4, 4)),
    )
    made.schema = part.schema
    return made


@pytest.mark.parametrize("make", [quantized, lambda part: model(part, latent=3 * module.MAX_DIMENSIONS)])
def test_discrete_and_large_codes_are_folded(tmp_path, make) -> None:
    part = images()
    made = make(part).eval()
    replay = Replay(tmp_path / "replay.safetensors", made, part)
    replay.note(made, 1)
    frames = read_replay(tmp_path / "replay.safetensors")
    assert frames is not None
    assert frames.is_folded
    assert frames.codes is not None
    z = made.embed(replay.x).flatten(1)
    # As a matrix the fold has one entry of size 1 in every row, so that lengths are right on average.
    matrix = folded(torch.eye(z.shape[1]), module.MAX_DIMENSIONS)
    assert torch.equal(matrix.abs().sum(1), torch.ones(z.shape[1]))
    assert torch.allclose(frames.codes[0].float(), z @ matrix, rtol=2e-3, atol=2e-3)
    # No two examples whose codes differ become one: classes stay where they can be told apart.
    assert len(torch.unique(frames.codes[0], dim=0)) == len(torch.unique(z.half(), dim=0))


def test_lengths_of_folded_codes_are_right_on_average() -> None:
    z = torch.randn(400, 5000, generator=torch.Generator().manual_seed(3))
    ratio = folded(z, 64).square().sum(1) / z.square().sum(1)
    # The variance of the ratio is about 2/64; the mean of 400 lies within four of its standard errors.
    assert float(ratio.mean()) == pytest.approx(1.0, abs=4 * math.sqrt(2 / 64 / 400))
    assert float(ratio.std()) == pytest.approx(math.sqrt(2 / 64), rel=0.2)


def test_rows_of_a_table_are_kept_as_they_are(tmp_path) -> None:
    schema = Schema("array", (4,))
    part = Part(torch.randn(20, 4), None, None, schema)
    torch.manual_seed(0)
    made = vk.VAE(
        vk.DiagonalGaussian(vk.MLP(4, 8), 2), vk.StandardNormal(2), vk.Gaussian(vk.MLP(2, 8), 4)
    ).eval()
    made.schema = schema
    replay = Replay(tmp_path / "replay.safetensors", made, part)
    replay.note(made, 1)
    frames = read_replay(tmp_path / "replay.safetensors")
    assert frames is not None
    assert torch.equal(frames.inputs, replay.x[:NUM_PICTURES])
    assert torch.equal(frames.reconstructions[0], made.reconstruct(replay.x[:NUM_PICTURES]))


def test_of_sound_spectrograms_are_kept(tmp_path) -> None:
    schema = Schema("audio", (1, 2048), -1.0, 1.0, rate=8000)
    part = Part(0.1 * torch.randn(12, 1, 2048), None, None, schema)
    torch.manual_seed(0)
    made = find_recipe("speech")(schema, width=16, latent=4, bands=16).model.eval()
    made.schema = schema
    replay = Replay(tmp_path / "replay.safetensors", made, part)
    replay.note(made, 1)
    frames = read_replay(tmp_path / "replay.safetensors")
    assert frames is not None
    seen = made.likelihood.spectrogram(replay.x[:NUM_PICTURES])
    assert frames.inputs.shape == seen.shape
    assert torch.allclose(frames.inputs.float() / 127.5 - 1, seen.clamp(-1, 1), atol=0.004)
    expected = made.decode(made.embed(replay.x[:NUM_PICTURES])).base.mean
    assert torch.allclose(frames.reconstructions[0].float() / 127.5 - 1, expected.clamp(-1, 1), atol=0.004)


@pytest.mark.parametrize("latent", [3, 200])
def test_a_replay_stays_below_2_mb(tmp_path, latent) -> None:
    schema = Schema("image", (3, 64, 64), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8")
    part = Part(torch.zeros(400, 3, 64, 64, dtype=torch.uint8), None, None, schema)
    made = vk.VAE(
        vk.DiagonalGaussian(vk.MLP((3, 64, 64), 2), latent),
        vk.StandardNormal(latent),
        vk.Bernoulli(vk.MLP(latent, 2), (3, 64, 64)),
    )
    made.schema = schema
    replay = Replay(tmp_path / "replay.safetensors", made, part)
    for epoch in range(1, MAX_FRAMES - 1):
        replay.note(made, epoch)
    frames = read_replay(tmp_path / "replay.safetensors")
    assert frames is not None
    assert len(frames.inputs) >= 2
    assert (tmp_path / "replay.safetensors").stat().st_size < 2_000_000


def test_what_an_older_vaekit_kept_is_begun_anew(tmp_path) -> None:
    """A file without codes cannot be continued by one that has them."""
    path, part = tmp_path / "replay.safetensors", images()
    noted(path, [1, 2], part)
    tensors, metadata = read_tensors(path)
    del tensors["codes"], metadata["folded"]
    path.write_bytes(pack_tensors(tensors, metadata))
    noted(path, [3], part, start=2)
    frames = read_replay(path)
    assert frames is not None
    assert frames.epochs == (3,)


def test_a_damaged_file_is_refused_and_begun_anew(tmp_path) -> None:
    path = tmp_path / "replay.safetensors"
    noted(path, [1, 2])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="digest"):
        read_replay(path)
    noted(path, [3], start=2)
    frames = read_replay(path)
    assert frames is not None
    assert frames.epochs == (3,)


def test_pictures_are_of_as_many_classes_as_there_are() -> None:
    y = torch.tensor([2, 2, 0, 2, 1, 0, 2, 2, 2, 2, 2])
    assert y[first_of_each(y, len(y))].tolist() == [0, 0, 1, 2, 2, 2, 2, 2]
    assert first_of_each(None, 3).tolist() == [0, 1, 2]
    assert sorted(y[first_of_each(y, len(y), 3)].tolist()) == [0, 1, 2]
    assert first_of_each(None, 3, 0).tolist() == []
