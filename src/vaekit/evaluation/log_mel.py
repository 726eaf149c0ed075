"""Log-mel error: how far two sounds are apart in what one hears, in decibels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.nets import LogMel

BANDS, FLOOR_DB = 64, -80.0


@torch.no_grad()
def log_mel_error(x: Tensor, x_hat: Tensor, rate: int) -> Tensor:
    """Mean absolute difference of the log-magnitude mel spectrograms of each example, (B,), in dB.

    64 bands, windows of about 32 ms every 8 ms, magnitudes below -80 dB of full scale counted as -80 dB.

    Args:
        x, x_hat: (B, 1, T), with 1 as full scale.
        rate: Hz.

    Example:
        >>> x = 0.1 * torch.randn(2, 1, 8000)
        >>> log_mel_error(x, 0.5 * x, 8000).round().tolist()  # half the amplitude is 6 dB less
        [6.0, 6.0]
    """
    hop = LogMel.hop_of(rate)
    pad = (0, -x.shape[-1] % hop)
    net = LogMel((1, x.shape[-1] + pad[1]), rate, num_bands=BANDS, floor_db=FLOOR_DB).to(x.device)
    a, b = (net(F.pad(values.float(), pad)) for values in (x, x_hat))
    return (a - b).abs().flatten(1).mean(1) * (-FLOOR_DB / 2)
