"""Networks: Tensor to Tensor, no probability."""

from vaekit.nets.mlp import MLP as MLP
from vaekit.nets.net import Net as Net
