"""Pictures of sound: what is drawn is where its seconds and hertz say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import Schema
from vaekit.plots import data_grid, interpolations, reconstructions, samples, save, traversals
from vaekit.plots.sounds import sounds, spectrograms

RATE, T = 8000, 4096
SCHEMA = Schema("audio", (1, T), -1.0, 1.0, rate=RATE, label_names=("low", "high"), name="tones")


def beep(hertz: float, start: float, end: float) -> torch.Tensor:
    t = torch.arange(T) / RATE
    return (torch.sin(2 * math.pi * hertz * t) * ((t >= start) & (t < end)))[None]


def test_a_beep_is_drawn_at_its_time_and_frequency() -> None:
    x = torch.stack([beep(1500, 0.1, 0.3)])
    decibels = spectrograms(x.numpy(), RATE)[0]
    row = int(decibels.max(1).argmax())
    assert row * RATE / 256 == pytest.approx(1500, abs=20)
    loud = np.flatnonzero(decibels.max(0) > -20) * T / RATE / decibels.shape[1]
    assert loud[0] == pytest.approx(0.1, abs=0.03)
    assert loud[-1] == pytest.approx(0.3, abs=0.03)
    figure = sounds(x[None], SCHEMA, "a title")
    wave, picture = figure.axes
    assert picture.get_images()[0].get_extent() == [0, T / RATE, 0, RATE / 2]
    assert picture.get_xlabel() == "time, s"
    assert picture.get_ylabel() == "frequency, Hz"
    assert picture.get_xlim() == wave.get_xlim() == (0, T / RATE)
    assert [t.get_text() for t in picture.get_yticklabels()] == ["0", "2,000", "4,000"]


def test_every_picture_of_a_run_knows_sound(tmp_path: Path) -> None:
    x = torch.stack([beep(200 + 100 * i, 0.05, 0.4) for i in range(12)])
    y = torch.arange(12) % 2
    walk = torch.stack([x[:6], x[6:]])
    figures = {
        "data": data_grid(x, SCHEMA, y),
        "samples": samples(x, SCHEMA, y),
        "reconstructions": reconstructions(x, 0.5 * x, SCHEMA),
        "interpolations": interpolations(walk, SCHEMA),
        "traversals": traversals(walk, SCHEMA, torch.tensor([0.1, 2.0]), dims=[4, 7]),
    }
    for name, figure in figures.items():
        labels = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
        assert {"time, s", "frequency, Hz"} <= labels, name
    # Rows of the traversal are ordered by what they carry.
    texts = [t.get_text() for ax in figures["traversals"].axes for t in ax.texts]
    assert texts == ["z8, 2.00 nats", "z5, 0.10 nats"]
    assert save(figures["reconstructions"], tmp_path / "r.png").stat().st_size > 10_000


def test_a_place_without_a_sound_stays_empty() -> None:
    grid = torch.full((2, 2, 1, T), math.nan)
    grid[0, 0], grid[0, 1], grid[1, 0] = beep(500, 0, 0.5), beep(600, 0, 0.5), torch.zeros(1, T)
    figure = sounds(grid, SCHEMA, "three")
    assert len(figure.axes) == 6
    assert sum(ax.get_xlabel() == "time, s" for ax in figure.axes) == 2
