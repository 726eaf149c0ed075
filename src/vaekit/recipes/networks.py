"""The networks and likelihoods that several papers share."""

from __future__ import annotations

from collections.abc import Callable

import vaekit as vk
from vaekit.schema import Schema


def encoder_and_decoder(schema: Schema, latent: int) -> tuple[vk.Net, vk.Net]:
    """Four convolutions of stride 2 and their mirror, as in beta-VAE (Higgins et al., 2017); without images, MLPs."""
    if schema.kind == "image":
        return (
            vk.ConvEncoder(schema.shape, (32, 32, 64, 64)),
            vk.ConvDecoder(latent, schema.shape[1:], (64, 64, 32, 32)),
        )
    return vk.MLP(schema.shape, (400, 400)), vk.MLP(latent, (400, 400))


def usual_likelihood(net: vk.Net, schema: Schema) -> vk.Likelihood:
    """Bernoulli for values in [0, 1], where most papers report the cross-entropy; a Gaussian elsewhere."""
    if schema.is_unit:
        return vk.Bernoulli(net, schema.shape)
    return vk.Gaussian(net, schema.shape, scale="learned")


def bernoulli_or_natural(net: vk.Net, schema: Schema) -> vk.Likelihood:
    """Bernoulli for values in [0, 1], as in papers that measured on binary digits; else what fits the data."""
    return vk.Bernoulli(net, schema.shape) if schema.is_unit else vk.natural_likelihood(net, schema)


def squared_error(net: vk.Net, schema: Schema) -> vk.Likelihood:
    """The Gaussian whose -log p(x|z) is |x - mu(z)|^2 and a constant."""
    return vk.Gaussian(net, schema.shape, scale=0.5**0.5)


def gaussian_vae(schema: Schema, latent: int) -> vk.VAE:
    """q(z|x) and p(z) Gaussian with independent dimensions, the usual likelihood."""
    encoder, decoder = encoder_and_decoder(schema, latent)
    return vk.VAE(
        vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), usual_likelihood(decoder, schema)
    )


def autoencoder(schema: Schema, latent: int) -> vk.VAE:
    """One code for each x, squared error."""
    encoder, decoder = encoder_and_decoder(schema, latent)
    return vk.VAE(
        vk.Deterministic(encoder, latent), vk.StandardNormal(latent), squared_error(decoder, schema)
    )


def quantized_vae(schema: Schema, width: int, make_codebook: Callable[[], vk.Quantizer]) -> vk.VAE:
    """A grid of codes, a quarter of the image's height and width, each equally likely; residual networks both ways.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled once.
        make_codebook: called after the encoder is made and before the decoder is: a seed's weights depend on the order.
    """
    encoder = vk.ResNetEncoder(schema.shape, (width, 2 * width))
    grid = encoder.out_shape[1:]
    codebook = make_codebook()
    decoder = vk.ResNetDecoder((codebook.dim, *grid), schema.shape[1:], (2 * width, width))
    return vk.VAE(
        vk.VectorQuantized(encoder, codebook, grid),
        vk.UniformCodesPrior(codebook, grid),
        vk.natural_likelihood(decoder, schema),
    )
