"""Schedules: the weight at every point of the training clock."""

from __future__ import annotations

import pytest
import torch

from vaekit import ELBO, Cyclical, Linear, UserError
from vaekit.component import from_config, to_config


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (Linear(epochs=4), {0: 0.0, 1: 0.25, 4: 1.0, 100: 1.0}),
        (Linear(epochs=2, start=3.0, end=1.0), {0: 3.0, 1: 2.0, 2: 1.0, 3: 1.0}),
        (Cyclical(period=10, rise=0.5), {0: 0.0, 2.5: 0.5, 5: 1.0, 9.9: 1.0, 10: 0.0, 12.5: 0.5}),
        (Linear(steps=200, end=25.0), {0: 0.0, 100: 12.5, 1000: 25.0}),
        (Cyclical(period=40, unit="steps"), {10: 0.5, 20: 1.0, 50: 0.5}),
        (Cyclical(period=4, rise=1.0, start=1.0, end=2.0), {0: 1.0, 2: 1.5, 3: 1.75, 4: 1.0}),
    ],
    ids=repr,
)
def test_values(schedule: Linear | Cyclical, points: dict[float, float]) -> None:
    again = from_config(to_config(schedule))
    for epoch, value in points.items():
        for each in (schedule, again):
            assert float(each(torch.tensor(float(epoch)))) == pytest.approx(value, abs=1e-6)


def test_each_schedule_reads_its_own_clock() -> None:
    objective = ELBO()
    objective.epoch.fill_(2.0)
    objective.step.fill_(30.0)
    assert float(objective.weight(Linear(epochs=8))) == 0.25
    assert float(objective.weight(Linear(steps=60))) == 0.5
    assert float(objective.weight(Cyclical(period=80, unit="steps"))) == 0.75
    assert objective.weight(3.0) == 3.0


def test_a_schedule_without_a_length_is_refused() -> None:
    for wrong in ({}, {"epochs": 1, "steps": 1}, {"epochs": 0}):
        with pytest.raises(UserError, match="epochs or steps"):
            Linear(**wrong)
    with pytest.raises(UserError, match="unit"):
        Cyclical(period=1, unit="days")
