"""Feature networks: what samples and data are compared by, trained on the data set itself and named by their hash."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.errors import UserError, did_you_mean
from vaekit.evaluation.frechet import NUM_FIT, PrincipalComponents, gather
from vaekit.evaluation.protocol import fingerprint
from vaekit.files import write_atomic

if TYPE_CHECKING:
    from vaekit.data.dataset import Part

FeatureName = Literal["auto", "classifier", "autoencoder", "pca"]
NAMES = ("auto", "classifier", "autoencoder", "pca")
WIDTH = 64
"""Features of an example."""
BATCH, RATE, EPOCHS = 128, 1e-3, 3
STEPS = (300, 1400)
"""Fewest and most steps of the training: small data get more epochs, large data stop in time."""
VERSION = 1
"""Part of the cache's key; to be raised with every change of the network or its training."""


@dataclass(frozen=True)
class Features:
    """x (N, *event) to features (N, F), float64 on the CPU.

    Args:
        name: what the network is.
        sha256: of its weights, the first 16 hexadecimal digits.
        function: the network.
        about: how it was made.
    """

    name: str
    sha256: str
    function: Callable[[Tensor], Tensor]
    about: str = ""

    @torch.no_grad()
    def __call__(self, x: Tensor, batch_size: int = 500) -> Tensor:
        x = x.cpu().float()
        return torch.cat([self.function(rows) for rows in x.split(batch_size)]).double()

    @property
    def protocol(self) -> dict[str, Any]:
        """What a figure over these features states, JSON-ready."""
        return {"features": self.name, "features_sha256": self.sha256, "features_about": self.about}


class FeatureNet(nn.Module):
    """A small network to 64 features: strided convolutions for images, two dense layers for the rest.

    Args:
        shape: of one example.
        num_out: classes, or values of x for an autoencoder's decoder.
    """

    def __init__(self, shape: tuple[int, ...], num_out: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        num = math.prod(shape)
        if len(shape) == 3:
            channels, (height, width), maps = shape[0], shape[1:], 16
            while min(height, width) > 3 and maps <= 64:
                layers += [nn.Conv2d(channels, maps, 3, 2, 1), nn.ReLU()]
                channels, maps, height, width = maps, 2 * maps, (height + 1) // 2, (width + 1) // 2
            num = channels * height * width
            layers += [nn.Flatten()]
        else:
            layers += [nn.Flatten(), nn.Linear(num, 128), nn.ReLU()]
            num = 128
        self.body = nn.Sequential(*layers, nn.Linear(num, WIDTH), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(WIDTH, 128), nn.ReLU(), nn.Linear(128, num_out))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def feature_network(
    name: FeatureName, train: Part, *, seed: int = 0, cache: Path | None = None, keep: bool = True
) -> Features:
    """The feature network of that name for a data set, trained on its training part, or found in the cache.

    Args:
        name: "classifier" (of the labels; its last hidden layer), "autoencoder" (its code), "pca" (64 principal
            components), or "auto": the classifier where there are labels, else the autoencoder.
        train: the training part.
        seed: of the weights and the order; with the data and the code's version it is the cache's key.
        cache: the folder of trained networks; `vaekit/features` in the user's cache when None.
        keep: write the network into the cache.

    Raises:
        UserError: an unknown name, or a classifier of data without labels.
    """
    if name not in NAMES:
        raise UserError(f'There is no feature network "{name}". {did_you_mean(name, NAMES)}')
    classes = 0 if train.y is None else int(train.y.max()) + 1
    if name == "auto":
        name = "classifier" if classes > 1 else "autoencoder"
    if name == "classifier" and classes < 2:
        raise UserError(
            f"{train.schema.name} has no labels to train a classifier on; use --features autoencoder or pca."
        )
    if name == "pca":
        fitted = PrincipalComponents.fit(gather(train, NUM_FIT, seed), seed=seed)
        digest = sha256_of({"mean": fitted.mean, "components": fitted.components.abs()})
        return Features("pca", digest, fitted, f"{fitted.components.shape[1]} principal components")
    targets = classes if name == "classifier" else train.schema.num_features
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = FeatureNet(train.schema.shape, targets)
        path = (cache or cache_folder()) / f"{key_of(name, train, seed)}.safetensors"
        if not _restore(net, path):
            _fit(net, train, classifies=name == "classifier")
            if keep:
                _store(net, path)
    net.eval()
    what = f"{classes} classes" if name == "classifier" else "the values of x"
    about = f"{sum(p.numel() for p in net.parameters()):,} weights, trained on {what}, version {VERSION}"
    return Features(name, sha256_of(net.state_dict()), net.body, about)


def cache_folder() -> Path:
    """Where trained feature networks are kept."""
    from vaekit.data.named import cache_folder as data_folder

    return data_folder().parent / "features"


def key_of(name: str, train: Part, seed: int) -> str:
    """Of the data, the labels, the kind of network, the seed and the code's version."""
    labels = b"" if train.y is None else train.y.cpu().numpy().tobytes()
    stated = f"{VERSION} {name} {seed} {train.binarize} {train.schema.offset} {train.schema.scale} {fingerprint(train)}"
    return f"{name}-{hashlib.sha256(stated.encode() + labels).hexdigest()[:24]}"


def sha256_of(weights: dict[str, Tensor]) -> str:
    """First 16 hexadecimal digits of the sha256 of named tensors."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _fit(net: FeatureNet, train: Part, *, classifies: bool) -> None:
    """Adam with a cosine decay over a number of steps that the data's size decides."""
    train = train.in_memory(STEPS[1] * BATCH).to("cpu")
    generator = torch.Generator().manual_seed(torch.initial_seed() % 2**63)
    steps = min(max(EPOCHS * len(train) // BATCH, STEPS[0]), STEPS[1])
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    net.train()
    with torch.enable_grad():
        order = torch.randperm(len(train), generator=generator)
        for _ in range(steps):
            while len(order) < BATCH:
                order = torch.cat([order, torch.randperm(len(train), generator=generator)])
            index, order = order[:BATCH], order[BATCH:]
            x, y = train.batch(index, generator)
            out = net(x)
            if classifies:
                assert y is not None
                loss = F.cross_entropy(out, y)
            else:
                loss = F.mse_loss(out, x.flatten(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _restore(net: FeatureNet, path: Path) -> bool:
    """Weights from the cache; False where there are none, or damaged ones."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        net.load_state_dict(load(path.read_bytes()))
    except (OSError, SafetensorError, RuntimeError, KeyError):
        return False
    return True


def _store(net: FeatureNet, path: Path) -> None:
    """Weights into the cache; a cache that cannot be written is only slower."""
    from safetensors.torch import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, save(net.state_dict()))
    except (OSError, UserError):
        return
