"""FlowPosterior: a Gaussian posterior bent by a normalizing flow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Distribution

from vaekit.conditional import Posterior
from vaekit.distributions.diagonal import diagonal
from vaekit.distributions.flow import Bijection, Chained, Flow
from vaekit.distributions.planar import Planar
from vaekit.distributions.shaped import shaped
from vaekit.errors import UserError, did_you_mean
from vaekit.nets.flow import flow_network
from vaekit.nets.net import Head, Net, as_shape

FLOWS = ("iaf", "maf", "spline", "planar")


class FlowPosterior(Posterior):
    """q(z|x): z = f(mu + sigma * eps; x), f invertible, scored at its own draws as it makes them.

    "iaf": inverse autoregressive flow, quick to draw (Kingma et al., "Improved Variational Inference with Inverse
    Autoregressive Flow", 2016); "maf": masked autoregressive, drawn in D passes (Papamakarios et al., 2017);
    "spline": rational-quadratic couplings, quick both ways (Durkan et al., 2019); "planar": Rezende and Mohamed,
    "Variational Inference with Normalizing Flows", 2015, whose parameters the encoder puts out.

    Args:
        net: the encoder network, taking x.
        latent: number of latent dimensions D, or the shape of z.
        flow: "iaf", "maf", "spline" or "planar".
        num_transforms: number of invertible layers.
        hidden: widths of the hidden layers of each; planar layers have none.
        context: number of features that the encoder gives the flow, beside mu and sigma.

    Raises:
        UserError: an unknown flow, or a size below 1.

    Example:
        >>> import torch
        >>> from vaekit.nets import MLP
        >>> qz = FlowPosterior(MLP(784, 400), 20)(torch.zeros(8, 784))
        >>> z = qz.rsample((3,))
        >>> qz.log_prob(z).shape
        torch.Size([3, 8])
    """

    def __init__(
        self,
        net: Net,
        latent: int | Sequence[int],
        flow: str = "iaf",
        *,
        num_transforms: int = 3,
        hidden: int | Sequence[int] = 128,
        context: int = 32,
    ) -> None:
        super().__init__()
        if flow not in FLOWS:
            raise UserError(f'FlowPosterior has no flow "{flow}". {did_you_mean(flow, FLOWS)}')
        if num_transforms < 1:
            raise UserError(f"FlowPosterior takes num_transforms of at least 1; {num_transforms} came.")
        self.net, self.kind, self.num_transforms = net, flow, num_transforms
        self.event_shape, self.condition = as_shape(latent), net.condition
        D = math.prod(self.event_shape)
        self.head = Head(net.out_shape, (D,), 2)
        if flow == "planar":
            self.features = Head(net.out_shape, (2 * D + 1,), num_transforms)
        else:
            self.features = Head(net.out_shape, as_shape(context), 1)
            self.flow = flow_network(
                "maf" if flow == "iaf" else flow,
                D,
                context=context,
                num_transforms=num_transforms,
                hidden=as_shape(hidden),
                owner="FlowPosterior",
            )

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        features = self.net(context, condition)
        loc, logvar = self.head(features)
        return shaped(Flow(diagonal(loc, logvar), self._transform(self.features(features))), self.event_shape)

    def _transform(self, features: Tensor) -> Bijection:
        """The map from the Gaussian to z that these features (num, B, F) ask for."""
        if self.kind == "planar":
            D = math.prod(self.event_shape)
            parts = [params.split([D, D, 1], -1) for params in features]
            return Chained(*(Planar(u, w, b.squeeze(-1)) for u, w, b in parts))
        # zuko's transforms lead from z to the Gaussian; run the other way, the autoregressive one is the IAF.
        transform = self.flow(features[0])
        return transform if self.kind == "iaf" else transform.inv
