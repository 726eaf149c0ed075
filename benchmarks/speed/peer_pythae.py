"""The same network under pythae's own trainer, timed by its `train_step`, which is one epoch.

PYTHON-WITH-PYTHAE peer_pythae.py [--batch-size 128]
"""

from __future__ import annotations

import argparse
import logging
import tempfile

import torch
from images import mnist
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import nn
from worker import serve


class Encoder(BaseEncoder):
    def __init__(self) -> None:
        BaseEncoder.__init__(self)
        self.latent_dim = 20
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
        self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        h = self.hidden(x)
        return ModelOutput(embedding=self.mean(h), log_covariance=self.logvar(h))


class Decoder(BaseDecoder):
    def __init__(self) -> None:
        BaseDecoder.__init__(self)
        self.layers = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z).reshape(-1, 1, 28, 28))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=128)
    batch = parser.parse_args().batch_size
    logging.disable(logging.INFO)
    torch.manual_seed(0)
    images = torch.from_numpy(mnist()[0].copy()).unsqueeze(1).float() / 255
    with tempfile.TemporaryDirectory() as folder:
        trainer = BaseTrainer(
            model=VAE(
                VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce"),
                encoder=Encoder(),
                decoder=Decoder(),
            ),
            train_dataset=BaseDataset(images, torch.zeros(len(images))),
            training_config=BaseTrainerConfig(
                output_dir=folder,
                num_epochs=1000,
                learning_rate=1e-3,
                per_device_train_batch_size=batch,
                optimizer_cls="Adam",
                no_cuda=True,
            ),
        )
        trainer.prepare_training()
        trainer.callback_handler.callbacks = []  # its progress bar is not what is measured
        serve(lambda: trainer.train_step(1))


if __name__ == "__main__":
    main()
