"""Networks over time: the same frames whatever the length, and causal where asked."""

from __future__ import annotations

import pytest
import torch

from vaekit import Chained, FrameDecoder, FrameEncoder, LogMel, UserError


def awake(net: torch.nn.Module) -> torch.nn.Module:
    """The network with its zero-initialized layers drawn, so that everything has an influence."""
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return net.double()


def influence(net: torch.nn.Module, frame: int) -> list[int]:
    """The input frames that an output frame depends on."""
    x = torch.randn(1, *net.in_shape, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[..., frame].sum(), x)
    return gradient.abs().sum((0, 1, 2)).nonzero().flatten().tolist()


@pytest.mark.parametrize("strides", [(2, 2), (4,), (3, 2), (1,)])
def test_causal_networks_see_nothing_that_follows(strides: tuple[int, ...]) -> None:
    total = int(torch.tensor(strides).prod())
    encoder = awake(FrameEncoder((1, 5, 24 * total), 6, strides, causal=True))
    seen = influence(encoder, 11)
    assert seen[-1] == 12 * total - 1  # the last frame of its own stride, and none after it
    decoder = awake(FrameDecoder((4, 1, 24), 6, strides[::-1], causal=True))
    assert max(influence(decoder, 12 * total - 1)) == 11
    assert max(influence(decoder, 12 * total)) == 12


def test_others_see_both_sides() -> None:
    encoder = awake(FrameEncoder((1, 5, 96), 6, (2, 2)))
    seen = influence(encoder, 12)
    assert seen[0] < 48 < 51 < seen[-1]
    assert abs((48 - seen[0]) - (seen[-1] - 51)) <= 4


@pytest.mark.parametrize("causal", [False, True])
def test_frames_do_not_depend_on_the_length(causal: bool) -> None:
    short = awake(FrameEncoder((1, 5, 64), 6, (2, 2), causal=causal))
    long = FrameEncoder((1, 5, 256), 6, (2, 2), causal=causal).double()
    long.load_state_dict(short.state_dict())
    x = torch.zeros(1, 1, 5, 256, dtype=torch.float64)
    x[..., 100:164] = torch.randn(1, 1, 5, 64, dtype=torch.float64)
    inner = slice(12, 16) if causal else slice(6, 10)  # as far from the ends as the networks reach
    torch.testing.assert_close(long(x)[..., 25:41][..., inner], short(x[..., 100:164])[..., inner])


def test_chained_networks_must_fit() -> None:
    spectrogram = LogMel((1, 2048), 8000, num_bands=10)
    net = Chained(spectrogram, FrameEncoder(spectrogram.out_shape, 4, (2,), condition=3))
    assert (net.in_shape, net.out_shape, net.condition) == ((1, 2048), (4, 1, 16), 3)
    x, c = torch.randn(2, 1, 2048), torch.eye(3)[:2]
    torch.testing.assert_close(net(x, c), net.second(spectrogram(x), c))
    with pytest.raises(UserError, match="one must be the other"):
        Chained(spectrogram, FrameEncoder((1, 11, 32), 4, (2,)))
    with pytest.raises(UserError, match="a multiple of 4"):
        FrameEncoder((1, 10, 30), 4, (2, 2))
