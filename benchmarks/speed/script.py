"""The article's script, as such scripts are written: an image at a time through PIL, DataLoader, Adam, `loss.item()`.

    python script.py [--batch-size 128] [--until 103.85]

With --until it trains until the test loss is reached, tested after each epoch, and prints the seconds since its start.
Needs torch, numpy and pillow; the images are read from $VAEKIT_DATA (or by vaekit's download) as IDX arrays.
"""

# ruff: noqa: E402  (the clock starts before the imports)
from __future__ import annotations

import argparse
import time

STARTED = time.perf_counter()

import numpy as np
import torch
import torch.nn.functional as F
from images import mnist
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from worker import serve


class Images(Dataset):
    """Images as the usual data sets hand them out: one PIL image, one transform to a float tensor."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, i: int) -> torch.Tensor:
        image = Image.fromarray(self.array[i])
        return torch.from_numpy(np.array(image, copy=True)).unsqueeze(0).to(torch.float32).div(255)


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        h = F.relu(self.fc1(x.view(-1, 784)))
        mean, logvar = self.fc21(h), self.fc22(h)
        std = torch.exp(0.5 * logvar)
        z = mean + std * torch.randn_like(std)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mean, logvar


def loss_of(x: torch.Tensor, output: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> torch.Tensor:
    decoded, mean, logvar = output
    bce = F.binary_cross_entropy(decoded, x.view(-1, 784), reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--until", type=float)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    train, test = mnist()
    loader = DataLoader(Images(train), batch_size=arguments.batch_size, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        total = 0.0
        for x in loader:
            optimizer.zero_grad()
            loss = loss_of(x, model(x))
            loss.backward()
            total += loss.item()
            optimizer.step()

    if arguments.until is None:
        serve(epoch)
        return
    tests = DataLoader(Images(test), batch_size=arguments.batch_size)
    for number in range(1, 101):
        epoch()
        with torch.no_grad():
            found = sum(loss_of(x, model(x)).item() for x in tests) / len(test)
        seconds = time.perf_counter() - STARTED
        print(f"epoch {number}: test loss {found:.2f} after {seconds:.1f} s", flush=True)
        if found <= arguments.until:
            break


if __name__ == "__main__":
    main()
