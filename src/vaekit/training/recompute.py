"""Recompute: blocks of networks whose activations are computed again for the gradient, to save memory."""

from __future__ import annotations

import functools

from torch import nn
from torch.utils.checkpoint import checkpoint

from vaekit.nets.net import Net


def recompute(model: nn.Module) -> int:
    """Let every block of the model's networks keep its input alone; returns the number of blocks.

    A block is a child with weights of a network's longest chain of modules, or a network that has no chain.
    The same noise is drawn again. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.

    Args:
        model: changed in place; its weights and what it computes stay.
    """
    chosen = blocks(model)
    for block in chosen:
        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)
    return len(chosen)


def blocks(model: nn.Module) -> list[nn.Module]:
    """The blocks of all chains of modules in the model, none within another."""
    found: list[nn.Module] = []
    inside: set[nn.Module] = set()
    for module in model.modules():  # from the outside in
        if module in inside:
            continue
        is_chain = isinstance(module, nn.Sequential | nn.ModuleList)
        is_small_net = isinstance(module, Net) and not any(
            isinstance(m, nn.Sequential | nn.ModuleList) for m in module.modules()
        )
        for block in [*(module.children() if is_chain else ()), *([module] if is_small_net else ())]:
            is_deep = sum(1 for m in block.modules() if next(m.parameters(recurse=False), None) is not None) > 1
            if is_deep and block not in inside:
                found.append(block)
                inside.update(block.modules())
    return found
