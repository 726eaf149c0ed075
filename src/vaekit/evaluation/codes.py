"""Codes of a whole part: what every figure of the latent space starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from vaekit.distributions.shaped import center
from vaekit.evaluation.chunks import batches_of, evaluating

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model


def codes_of(
    model: Model, part: Part, seed: int = 0, *, batch_size: int = 500
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of q(z|x), or centres where a mean is unknown or no possible code, and one draw of each example, (N, D);
    twice the code of an autoencoder."""
    means, draws = [], []
    with evaluating(model, seed):
        for x, y in batches_of(part, model, batch_size):
            qz = model.encode(x, y)
            means.append(center(qz).flatten(1).cpu().double())
            draws.append((qz.sample() if model.is_density else center(qz)).flatten(1).cpu().double())
    return torch.cat(means).numpy(), torch.cat(draws).numpy()
