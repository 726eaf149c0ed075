"""The replay of a training: small, exact under resume, unnoticed by the training itself."""

from __future__ import annotations

import pytest
import torch

import vaekit as vk
from vaekit.data import Part
from vaekit.errors import UserError
from vaekit.schema import Schema
from vaekit.training import replay as module
from vaekit.training.replay import MAX_FRAMES, NUM_CODES, NUM_PICTURES, Replay, first_of_each, read_replay


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


def test_nothing_is_kept_where_it_makes_no_sense(tmp_path) -> None:
    schema = Schema("array", (4,))
    part = Part(torch.zeros(20, 4), None, None, schema)
    book = vk.Codebook(4, 2)
    codes = vk.VAE(
        vk.VectorQuantized(vk.MLP(4, 8), book, (1, 1)),
        vk.UniformCodesPrior(book, (1, 1)),
        vk.Gaussian(vk.MLP((2, 1, 1), 8), 4),
    )
    codes.schema = schema
    Replay(tmp_path / "replay.safetensors", codes, part).note(codes, 1)
    assert read_replay(tmp_path / "replay.safetensors") is None


def test_large_codes_are_left_out_and_pictures_stay(tmp_path) -> None:
    part = images()
    wide = model(part, latent=module.MAX_DIMENSIONS + 1)
    Replay(tmp_path / "replay.safetensors", wide, part).note(wide, 1)
    frames = read_replay(tmp_path / "replay.safetensors")
    assert frames is not None
    assert frames.codes is None
    assert frames.reconstructions is not None


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
