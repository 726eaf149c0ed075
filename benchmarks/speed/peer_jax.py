"""The same model in JAX, the whole epoch compiled: images resident as uint8, a scan over batches, Adam from optax.

python peer_jax.py [--batch-size 128]
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from images import mnist
from worker import serve

WIDTHS = {"fc1": (784, 400), "fc2": (400, 40), "fc3": (20, 400), "fc4": (400, 784)}


def initial(key: Any) -> dict[str, tuple[Any, Any]]:
    """Uniform in +-1/sqrt(inputs), as torch starts."""
    weights = {}
    for name, (n, m) in WIDTHS.items():
        key, a, b = jax.random.split(key, 3)
        bound = 1 / np.sqrt(n)
        weights[name] = (
            jax.random.uniform(a, (n, m), minval=-bound, maxval=bound),
            jax.random.uniform(b, (m,), minval=-bound, maxval=bound),
        )
    return weights


def loss_of(weights: Any, x: Any, key: Any) -> Any:
    def layer(name: str, h: Any) -> Any:
        return h @ weights[name][0] + weights[name][1]

    mean, logvar = jnp.split(layer("fc2", jax.nn.relu(layer("fc1", x))), 2, axis=1)
    z = mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape)
    logits = layer("fc4", jax.nn.relu(layer("fc3", z)))
    bce = jnp.sum(jax.nn.softplus(logits) - x * logits)
    kl = -0.5 * jnp.sum(1 + logvar - mean**2 - jnp.exp(logvar))
    return (bce + kl) / x.shape[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=128)
    batch = parser.parse_args().batch_size
    images = jnp.asarray(mnist()[0].reshape(-1, 784))
    optimizer = optax.adam(1e-3)
    weights = initial(jax.random.PRNGKey(0))
    state = optimizer.init(weights)
    num = len(images) // batch

    @partial(jax.jit, donate_argnums=(0, 1))
    def run(weights: Any, state: Any, key: Any) -> Any:
        key, order_key = jax.random.split(key)
        order = jax.random.permutation(order_key, len(images))[: num * batch].reshape(num, batch)

        def step(carry: Any, index: Any) -> Any:
            weights, state, key = carry
            key, noise = jax.random.split(key)
            x = images[index].astype(jnp.float32) / 255
            loss, slope = jax.value_and_grad(loss_of)(weights, x, noise)
            updates, state = optimizer.update(slope, state)
            return (optax.apply_updates(weights, updates), state, key), loss

        (weights, state, key), losses = jax.lax.scan(step, (weights, state, key), order)
        return weights, state, key, losses.mean()

    held = [weights, state, jax.random.PRNGKey(1)]

    def epoch() -> None:
        held[0], held[1], held[2], loss = run(*held)
        loss.block_until_ready()

    serve(epoch)


if __name__ == "__main__":
    main()
