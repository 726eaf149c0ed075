"""Schedules: the weight at every point of the training clock."""

from __future__ import annotations

import pytest
import torch

from vaekit import Cyclical, Linear
from vaekit.component import from_config, to_config


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (Linear(epochs=4), {0: 0.0, 1: 0.25, 4: 1.0, 100: 1.0}),
        (Linear(epochs=2, start=3.0, end=1.0), {0: 3.0, 1: 2.0, 2: 1.0, 3: 1.0}),
        (Cyclical(period=10, rise=0.5), {0: 0.0, 2.5: 0.5, 5: 1.0, 9.9: 1.0, 10: 0.0, 12.5: 0.5}),
        (Cyclical(period=4, rise=1.0, start=1.0, end=2.0), {0: 1.0, 2: 1.5, 3: 1.75, 4: 1.0}),
    ],
    ids=repr,
)
def test_values(schedule: Linear | Cyclical, points: dict[float, float]) -> None:
    again = from_config(to_config(schedule))
    for epoch, value in points.items():
        for each in (schedule, again):
            assert float(each(torch.tensor(float(epoch)))) == pytest.approx(value, abs=1e-6)
