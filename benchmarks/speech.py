"""Spoken digits: what is understood, how varied and how new samples are, and a recording of any length and back.

    python benchmarks/speech.py [--epochs 50] [--audio-epochs 12] [--folder DIR]

The model is `vaekit train fsdd --conditional`: one code a clip, a prior for each digit; encoder and decoder are not
told the digit. Its judge is a convolutional classifier trained here on the real training recordings alone. Figures,
all on the official test part (takes 0 to 4) or against it:

- accuracy of the judge on real test clips, on their reconstructions, and on samples of each digit (is it the digit that
  was asked for?);
- STOI of reconstructions: intelligibility, the clips of each speaker put one after another, because single clips are
  shorter than the measure's window of 384 ms;
- spread: the root mean square distance of log-mel features from their class mean, samples over real test clips;
- copies: the median distance to the nearest training clip in log-mel features, samples over real test clips;
- `--recipe audio`: all test clips of one speaker as one recording, through the model and back, log-mel error in dB.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from log import logged
from torch import Tensor, nn

import vaekit

RATE, PER_DIGIT = 8000, 60


class Judge(nn.Module):
    """Log-mel features of 40 bands every 10 ms, less their mean; three convolutions over time; pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.features = vaekit.LogMel((1, 8000), RATE, num_bands=40, hop=80, size=256)
        widths = [40, 96, 128, 128]
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Conv1d(a, b, 5, padding=2), nn.BatchNorm1d(b), nn.ReLU()]
            layers += [nn.MaxPool1d(2)] if i < 2 else []
        self.body, self.last = nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.3), nn.Linear(256, 10))

    def forward(self, x: Tensor) -> Tensor:
        maps = self.features(x[..., :8000])[:, 0]
        maps = 3 * (maps - maps.mean((1, 2), keepdim=True))
        h = self.body(maps)
        return self.last(torch.cat([h.mean(-1), h.amax(-1)], -1))


def varied(x: Tensor) -> Tensor:
    """Training clips moved by up to 0.1 s, louder or softer by up to 10 dB, with some noise."""
    moved = torch.stack(
        [torch.roll(row, int(k), -1) for row, k in zip(x, torch.randint(-800, 800, (len(x),)))]
    )
    gain = 10 ** (torch.empty(len(x), 1, 1).uniform_(-10, 10) / 20)
    noise = 10 ** (-torch.empty(len(x), 1, 1).uniform_(40, 80) / 20)
    return moved * gain + noise * torch.randn_like(x)


def train_judge(x: Tensor, y: Tensor, epochs: int = 20) -> Judge:
    """The judge, trained on real clips (N, 1, T) and their digits (N,)."""
    torch.manual_seed(1)
    judge = Judge()
    steps = epochs * -(-len(x) // 64)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(judge(varied(x[index])), y[index], label_smoothing=0.05).backward()
            optimizer.step()
            schedule.step()
    return judge.eval()


@torch.no_grad()
def accuracy(judge: Judge, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Share that the judge understands, and its standard error."""
    right = (torch.cat([judge(part).argmax(1) for part in x.split(100)]) == y).double()
    return float(right.mean()), float((right.mean() * (1 - right.mean()) / len(right)).sqrt())


def intelligibility(x: Tensor, x_hat: Tensor, speakers: Tensor) -> list[float]:
    """STOI of each speaker's clips put one after another, without the silence that pads them."""
    from pystoi import stoi

    scores = []
    for speaker in speakers.unique():
        rows = (speakers == speaker).nonzero().flatten().tolist()
        ends = [int(x[i, 0].nonzero().max()) + 1 for i in rows]
        clean, heard = (
            np.concatenate([v[i, 0, :end].numpy() for i, end in zip(rows, ends)]) for v in (x, x_hat)
        )
        scores.append(float(stoi(clean, heard, RATE)))
    return scores


def spread(features: Tensor, y: Tensor) -> float:
    """Root mean square distance from the mean of the own class, averaged over classes."""
    return float(torch.stack([features[y == k].var(0).sum() for k in y.unique()]).mean().sqrt())


def command(*arguments: object) -> float:
    """Run `vaekit ...`; the seconds of processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "vaekit", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clips(folder: Path, options: list[str]) -> None:
    """Everything about the model of clips."""
    out = folder / "speech"
    words = ["train", "fsdd", "--conditional", *options]
    minutes = command(*words, "--out", out, "--quiet", "--json") / 60
    run = vaekit.Run.open(out)
    print(f"vaekit {' '.join(words)}: {minutes:.1f} CPU minutes (at most 30), {len(run.metrics())} epochs")
    model, data = run.load_model(), run.load_data()
    (x_train, y_train), (x, y) = (next(part.batches(len(part))) for part in (data.train, data.test))
    assert y_train is not None
    assert y is not None
    assert data.test is not None
    assert data.test.factors is not None
    judge = train_judge(x_train, y_train)
    real, error = accuracy(judge, x, y)
    print(f"judge on {len(x)} real test clips: {real:.1%} ± {error:.1%} (at least 95 %)")
    with torch.no_grad():
        again = torch.cat([model.reconstruct(part) for part in x.split(100)])
    share, error = accuracy(judge, again, y)
    print(
        f"judge on their reconstructions: {share:.1%} ± {error:.1%}, {100 * (real - share):.1f} points less (at most 4)"
    )
    scores = intelligibility(x, again, data.test.factors[:, 1])
    each = " ".join(f"{s:.3f}" for s in scores)
    print(f"STOI of reconstructions: {np.mean(scores):.3f} (at least 0.75); by speaker {each}")
    classes = torch.arange(10).repeat_interleave(PER_DIGIT)
    torch.manual_seed(0)
    drawn = torch.cat([model.sample(PER_DIGIT, k) for k in range(10)])
    share, error = accuracy(judge, drawn, classes)
    print(f"judge on {len(drawn)} samples of a digit asked for: {share:.1%} ± {error:.1%} (at least 90 %)")
    spectrogram = vaekit.LogMel((1, x.shape[-1]), RATE, num_bands=48)
    features = [torch.cat([spectrogram(p).flatten(1) for p in v.split(500)]) for v in (x_train, x, drawn)]
    ratio = spread(features[2], classes) / spread(features[1], y)
    print(f"spread within a class, samples over real: {ratio:.2f} (at least 0.5)")
    nearest = [torch.cdist(v, features[0]).min(1).values.median() for v in features[1:]]
    print(
        f"distance to the nearest training clip, samples over real: {nearest[1] / nearest[0]:.2f} (at least 0.8)"
    )


def recording(folder: Path, options: list[str]) -> None:
    """A recording that is longer than any training clip, through recipe audio and back."""
    out = folder / "audio"
    words = ["train", "fsdd", "--recipe", "audio", *options]
    minutes = command(*words, "--out", out, "--quiet", "--json") / 60
    print(f"vaekit {' '.join(words)}: {minutes:.1f} CPU minutes")
    data = vaekit.Run.open(out).load_data()
    assert data.test is not None
    assert data.test.factors is not None
    rows = (data.test.factors[:, 1] == 0).nonzero().flatten()
    pieces = [row[: int(row.nonzero().max()) + 1].numpy() for row in data.test.raw[rows, 0]]
    with wave.open(str(folder / "long.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate(pieces).astype("<i2").tobytes())
    words = ["reconstruct", out, folder / "long.wav", "-o", folder / "again.wav", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "vaekit", *map(str, words)], check=True, capture_output=True, text=True
    )
    facts = json.loads(done.stdout)
    length = data.schema.shape[1] / RATE
    print(
        f"vaekit reconstruct RUN long.wav -o again.wav: {facts['seconds']:.1f} s, training clips have {length:.3f} s; "
        f"log-mel error {facts['log_mel_error_db']:.2f} dB"
    )
    heard = []
    for name in ("long.wav", "again.wav"):
        with wave.open(str(folder / name)) as file:
            heard.append(np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768)
    from pystoi import stoi

    print(f"STOI of that recording: {stoi(heard[0], heard[1], RATE):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--audio-epochs", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="keep the runs there")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    with logged("speech"), tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        clips(folder, ["--epochs", str(arguments.epochs)] if arguments.epochs else [])
        recording(folder, ["--epochs", str(arguments.audio_epochs)])


if __name__ == "__main__":
    main()
