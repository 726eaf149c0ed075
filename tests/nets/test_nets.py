"""Networks keep their contract: shapes stated are shapes given, for any leading dimensions, sizes and conditions."""

from __future__ import annotations

import pytest
import torch

from vaekit import MLP, Codebook, ConvDecoder, ConvEncoder, ResNetDecoder, ResNetEncoder, UserError
from vaekit.nets.conv import Halving

NETS = {
    "mlp": lambda c: MLP((1, 6, 5), (16, 8), condition=c),
    "conv-encoder": lambda c: ConvEncoder((3, 13, 10), (4, 6), condition=c),
    "conv-decoder": lambda c: ConvDecoder(5, (13, 10), (6, 4), condition=c),
    "conv-decoder-map": lambda c: ConvDecoder((2, 4, 3), (13, 10), (6, 4), condition=c),
    "resnet-encoder": lambda c: ResNetEncoder((4, 9, 17), (4, 6), num_blocks=2, condition=c),
    "resnet-decoder-half": lambda c: ResNetDecoder((7,), (9, 17), (6, 4), half=True, condition=c),
    "resnet-decoder": lambda c: ResNetDecoder((7,), (9, 17), (6, 4), condition=c),
}


@pytest.mark.parametrize("condition", [0, 3])
@pytest.mark.parametrize("name", NETS)
def test_leading_dimensions_and_condition(name, condition):
    net = NETS[name](condition).double()
    x = torch.randn(2, 5, *net.in_shape, dtype=torch.float64)
    c = torch.randn(5, condition, dtype=torch.float64) if condition else None
    out = net(x, c)
    assert out.shape == (2, 5, *net.out_shape)
    one = net(x[1, 3:4], c[3:4] if c is not None else None)
    torch.testing.assert_close(one[0], out[1, 3])
    if condition:
        assert not torch.allclose(net(x, c + 1), out)
        with pytest.raises(UserError, match="condition of 3"):
            net(x)


@pytest.mark.parametrize("name", NETS)
def test_another_shape_is_refused(name):
    net = NETS[name](0)
    with pytest.raises(UserError, match="takes inputs of shape"):
        net(torch.zeros(2, 99))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 8), (28, 28), (33, 20)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_image_size(size, channels):
    for encoder_class, decoder_class in ((ConvEncoder, ConvDecoder), (ResNetEncoder, ResNetDecoder)):
        encoder = encoder_class((channels, *size), (4, 8))
        decoder = decoder_class(encoder.out_shape, size, (8, 4))
        assert decoder(encoder(torch.zeros(2, channels, *size))).shape == (2, 4, *size)


def test_residual_stack_starts_as_identity():
    """Every block's last convolution is zero, so at the start only strides and activations act."""
    shallow, deep = ResNetEncoder((1, 8, 8), (4,), num_blocks=0), ResNetEncoder((1, 8, 8), (4,), num_blocks=6)
    deep.layers[0].load_state_dict(shallow.layers[0].state_dict())
    x = torch.randn(3, 1, 8, 8)
    torch.testing.assert_close(deep(x), shallow(x))


def test_codebook_learns_its_clusters():
    """Inputs from four tight clusters: the four codes move onto the clusters' means."""
    torch.manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [5.0, 5.0]])
    book = Codebook(4, 2, decay=0.8)
    for _ in range(60):
        book((centres[torch.randint(4, (64,))] + 0.1 * torch.randn(64, 2)).unsqueeze(0))
    distances = torch.cdist(centres, book.vectors).min(1).values
    assert distances.max() < 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(4, 0), "at least 1"),
        (lambda: MLP(4, 8, activation="rellu"), 'Did you mean "relu"'),
        (lambda: ConvEncoder((1, 8, 8), activation="rellu"), 'Did you mean "relu"'),
        (lambda: ResNetDecoder(4, (8, 8), activation="rellu"), 'Did you mean "relu"'),
        (lambda: ConvEncoder((28, 28)), "use MLP|Use MLP"),
        (lambda: ConvDecoder((2, 3, 3), (28, 28), (8, 4)), "starts from maps"),
        (lambda: Codebook(1, 4), "at least 2 codes"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (5, 1), (1, 2), (5, 4)])
def test_halving_is_the_convolution_and_its_gradient_in_bfloat16_too(size: tuple[int, int]) -> None:
    """On maps one pixel wide oneDNN leaves part of the weights' gradient unwritten in bfloat16."""
    ours, plain = Halving(16, 32), torch.nn.Conv2d(16, 32, 3, stride=2, padding=1)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(14, 16, *size)
    expected = plain(x)
    torch.testing.assert_close(ours(x), expected)
    (slope,) = torch.autograd.grad(expected.square().sum(), plain.weight)
    for _ in range(4):
        with torch.autocast("cpu", torch.bfloat16):
            found = ours(x)
        (rounded,) = torch.autograd.grad(found.float().square().sum(), ours.weight)
        assert float((rounded - slope).norm()) < 0.02 * float(slope.norm())
