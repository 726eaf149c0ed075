"""Which likelihood for grey images: held-out squared error a pixel and rate of one small residual VAE under each.

python benchmarks/grey_likelihoods.py [digits mnist] [--steps 1000]
"""

from __future__ import annotations

import argparse
import time

import torch
from log import logged

import vaekit as vk
from vaekit.training.optimizer import learning_rate
from vaekit.training.settings import Settings

LIKELIHOODS = {
    "Bernoulli on grey values": lambda net, s: vk.Bernoulli(net, s.shape),
    "discretized logistic, one spread": lambda net, s: vk.DiscretizedLogistic(
        net, s.shape, levels=s.levels, scale="learned"
    ),
    "discretized logistic, a spread a pixel": lambda net, s: vk.DiscretizedLogistic(
        net, s.shape, levels=s.levels, scale="per_dimension"
    ),
    "discretized logistic, from the network": lambda net, s: vk.DiscretizedLogistic(
        net, s.shape, levels=s.levels, scale="network"
    ),
    "Gaussian, optimal sigma": lambda net, s: vk.Gaussian(net, s.shape, scale="optimal"),
    "continuous Bernoulli": lambda net, s: vk.ContinuousBernoulli(net, s.shape),
}


def train(data: vk.Dataset, make, steps: int) -> vk.VAE:
    """A residual VAE, 16 channels, z of 16."""
    schema = data.schema
    widths = (16, 32) if schema.shape[1] < 16 else (16, 32, 64)
    torch.manual_seed(0)
    encoder = vk.ResNetEncoder(schema.shape, widths)
    decoder = vk.ResNetDecoder(16, schema.shape[1:], widths[::-1], half=True)
    model = vk.VAE(vk.DiagonalGaussian(encoder, 16), vk.StandardNormal(16), make(decoder, schema))
    settings = Settings(learning_rate=2e-3, schedule="cosine", warmup_steps=50)
    optimizer, objective = torch.optim.Adam(model.parameters(), fused=True), vk.ELBO()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, step, steps)
        x, _ = data.train.batch(torch.randint(len(data.train), (128,)))
        optimizer.zero_grad()
        objective(model(x)).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 50.0)
        optimizer.step()
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="*", default=["digits", "mnist"])
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    with logged("grey_likelihoods"):
        print(f"{'data':8}{'likelihood':42}{'mse':>8}{'rate':>8}{'seconds':>9}")
        for name in arguments.data:
            data = vk.open_data(name)
            for words, make in LIKELIHOODS.items():
                started = time.perf_counter()
                model = train(data, make, arguments.steps)
                seconds = time.perf_counter() - started
                results = vk.evaluate(model, data.test, num_samples=0, limit=1000)
                print(f"{name:8}{words:42}{results['mse']:8.4f}{results['rate']:8.2f}{seconds:9.0f}")


if __name__ == "__main__":
    main()
