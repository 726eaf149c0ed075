"""What an epoch comes to, and by which figure the best one is chosen."""

from __future__ import annotations

import torch
from torch import Tensor


def means(sums: dict[str, Tensor], count: int) -> dict[str, float]:
    """Sums over examples to means, read from the device in one go."""
    if not sums:
        return {}
    values = (torch.stack(list(sums.values())) / count).tolist()
    return dict(zip(sums, values, strict=True))


def selection_score(valid: dict[str, float], is_steady: bool = False) -> float | None:
    """What the best epoch is chosen by, lower is better: the bound where there is one, else the distortion; the loss
    itself where it is another than the ELBO's and the same in every epoch."""
    if is_steady and "loss" in valid:
        return valid["loss"]
    if "bound" in valid:  # that of several samples, which the objective raises in place of the ELBO
        return -valid["bound"]
    if "elbo" in valid:
        return -valid["elbo"]
    return valid.get("distortion", valid.get("loss"))
