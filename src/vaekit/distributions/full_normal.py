"""The KL between Gaussians of which one has a full covariance and the other a diagonal one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal
from torch.distributions.kl import register_kl


@register_kl(MultivariateNormal, Independent)
def _kl_full_diagonal(q: MultivariateNormal, p: Independent) -> Tensor:
    """1/2 [tr(S_p^-1 S_q) + (m_q - m_p)^T S_p^-1 (m_q - m_p) - D + log det S_p - log det S_q]."""
    base = p.base_dist
    if not isinstance(base, Normal) or len(p.event_shape) != 1:
        raise NotImplementedError
    tril = q.scale_tril
    variance = tril.square().sum(-1)  # the diagonal of L L^T
    log_det_q = 2 * tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    inner = (variance + (q.loc - base.loc).square()) / base.scale.square() - 1 + 2 * base.scale.log()
    return 0.5 * (inner.sum(-1) - log_det_q)


@register_kl(Independent, MultivariateNormal)
def _kl_diagonal_full(q: Independent, p: MultivariateNormal) -> Tensor:
    base = q.base_dist
    if not isinstance(base, Normal) or len(q.event_shape) != 1:
        raise NotImplementedError
    root = torch.diag_embed(base.scale.expand(base.loc.shape))
    tril = p.scale_tril
    whitened = torch.linalg.solve_triangular(tril, root, upper=False)
    apart = torch.linalg.solve_triangular(tril, (base.loc - p.loc).unsqueeze(-1), upper=False)
    log_det_p = 2 * tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    inner = whitened.square().sum((-2, -1)) + apart.square().sum((-2, -1)) - base.loc.shape[-1]
    return 0.5 * (inner + log_det_p - 2 * base.scale.log().sum(-1))
