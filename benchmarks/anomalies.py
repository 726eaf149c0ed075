"""Anomalies beside scikit-learn's detectors and PyOD's VAE (where it is installed): ROC AUC, higher is better.

    python benchmarks/anomalies.py [--sets NAME ...] [--classes 3]

A log for each set, and one of their means.

Trained on normal examples only, scored on held-out normal ones and on as many anomalies at most. Of sets with classes
one class is normal and the others are anomalies, averaged over the first --classes classes; of breast cancer the
benign cases are normal; of Adult a row is an anomaly when three of its cells come from another row.

Ours is what `vaekit train` makes with the default recipe (images: 500 steps, 1000 for digits) and the strangeness of
`vaekit detect`, one rule for all sets. It was chosen on class 3 of digits, MNIST and Fashion-MNIST, class 4 of digits,
and breast cancer; the other figures come from classes and sets that had no part in it. The other detectors see tables
scaled to unit variance, and grey values as they are, which is better for them on those classes; PyOD scales all itself.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from log import LOGS, logged

import vaekit

SETS = ["breast-cancer", "wine", "digits", "adult", "mnist", "fashion-mnist"]
MAX_TRAIN, MAX_TEST = 1000, 500
STEPS_SMALL, STEPS = 1000, 500


def one_against_rest(
    x: np.ndarray, y: np.ndarray, classes: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Training rows of one class, test rows, and 1 where a test row is of another class."""
    random = np.random.default_rng(0)
    for label in np.unique(y)[:classes]:
        normal = random.permutation(np.flatnonzero(y == label))
        held = min(len(normal) // 4, MAX_TEST)
        odd = random.permutation(np.flatnonzero(y != label))[:held]
        test = np.concatenate([normal[:held], odd])
        yield x[normal[held:][:MAX_TRAIN]], x[test], np.repeat([0, 1], [held, len(odd)])


def cases(name: str, classes: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Raw arrays of one data set; images keep their shape (N, 1, H, W)."""
    from sklearn import datasets

    if name == "breast-cancer":
        x, y = datasets.load_breast_cancer(return_X_y=True)
        yield next(one_against_rest(x, 1 - y, 1))
    elif name == "wine":
        yield from one_against_rest(*datasets.load_wine(return_X_y=True), classes)
    elif name == "adult":
        data = vaekit.open_data("adult", valid=0, limit=4 * MAX_TRAIN)
        x, test = data.train.raw.numpy(), data.test.raw.numpy()[: 2 * MAX_TEST]
        random, changed = np.random.default_rng(0), test[MAX_TEST:].copy()
        for row in range(len(changed)):
            for j in random.permutation(x.shape[1])[:3]:
                changed[row, j] = x[random.integers(len(x)), j]
        yield x, np.concatenate([test[:MAX_TEST], changed]), np.repeat([0, 1], [MAX_TEST, len(changed)])
    else:
        data = vaekit.open_data(name, valid=0)
        assert data.train.y is not None
        yield from one_against_rest(data.train.raw.numpy(), data.train.y.numpy(), classes)


def ours(name: str, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Strangeness of the test rows."""
    import polars

    from vaekit.data.table_text import to_frame

    is_image = train.ndim == 4
    data: Any = train
    if name == "adult":
        data = to_frame(train, vaekit.open_data("adult", valid=0, limit=4 * MAX_TRAIN).schema)
    elif not is_image:
        data = polars.DataFrame({f"x{j}": train[:, j] for j in range(train.shape[1])})
    dataset = vaekit.open_data(data, test=0, valid=0.1)
    options: dict[str, Any] = {}
    if is_image:
        steps = STEPS_SMALL if train.shape[-1] < 20 else STEPS
        options = {
            "epochs": math.ceil(steps * min(128, max(32, len(dataset.train) // 8)) / len(dataset.train))
        }
    with tempfile.TemporaryDirectory() as folder:
        recipe = "conv" if is_image else "table"
        run = vaekit.train(dataset, recipe=recipe, out=f"{folder}/run", quiet=True, **options)
        model = run.load_model()
    import torch

    schema = dataset.schema
    if name == "adult":
        from vaekit.data.tables import read_rows

        raw, _, _ = read_rows(
            to_frame(test, vaekit.open_data("adult", valid=0, limit=4 * MAX_TRAIN).schema), schema
        )
    elif is_image:
        raw = test
    else:
        kept = [int(column.name[1:]) for column in schema.columns]
        raw = test[:, kept]
    part = vaekit.Part(torch.from_numpy(raw), None, None, schema)
    return vaekit.detect(model, part, dataset.train, held=dataset.valid).strangeness


def others(train: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of the other detectors, on values with missing ones at the mean."""
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.preprocessing import StandardScaler

    is_image = train.ndim == 4
    a, b = (v.reshape(len(v), -1).astype(float) for v in (train, test))
    scaler = StandardScaler(with_mean=not is_image, with_std=not is_image).fit(a)
    a, b = (np.nan_to_num(scaler.transform(v)) for v in (a, b))
    found = {
        "IsolationForest": -IsolationForest(random_state=0).fit(a).score_samples(b),
        "LocalOutlier": -LocalOutlierFactor(novelty=True).fit(a).score_samples(b),
    }
    try:
        from pyod.models.vae import VAE
    except ImportError:
        print("PyOD is left out: pip install pyod, into an environment of its own since it may replace torch")
        return found
    return found | {"PyOD VAE": VAE(verbose=0).fit(a).decision_function(b)}


def auc(name: str, classes: int) -> dict[str, float]:
    """Mean over the classes of one data set, for each detector."""
    from sklearn.metrics import roc_auc_score

    scores: dict[str, list[float]] = {}
    for train, test, is_odd in cases(name, classes):
        for who, values in {**others(train, test), "vaekit": ours(name, train, test)}.items():
            scores.setdefault(who, []).append(float(roc_auc_score(is_odd, values)))
    return {who: float(np.mean(values)) for who, values in scores.items()}


def together() -> None:
    """The figures of all logs of single sets, and their means."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted(LOGS.glob("anomalies-*.log")):
        for line in path.read_text().splitlines():
            name, *found = re.split(r"  +", line)
            if name in SETS and found:
                rows[name] = dict(part.rsplit(" ", 1) for part in found if not part.startswith("("))
    # A log that was made without PyOD has no figure of it: then none has one.
    detectors = [who for who in next(iter(rows.values())) if all(who in row for row in rows.values())]
    print(f"{'':<14} {' '.join(f'{who:>16}' for who in detectors)}")
    for name, row in rows.items():
        print(f"{name:<14} {' '.join(f'{row[who]:>16}' for who in detectors)}")
    means = [np.mean([float(row[who]) for row in rows.values()]) for who in detectors]
    print(f"{f'mean of {len(rows)}':<14} {' '.join(f'{value:>16.3f}' for value in means)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--together", action="store_true", help="only the means of the logs that are there")
    arguments = parser.parse_args()
    for name in [] if arguments.together else arguments.sets:
        with logged(f"anomalies-{name}"):
            started = time.process_time()
            found = auc(name, arguments.classes)
            shown = "  ".join(f"{who} {value:.3f}" for who, value in found.items())
            print(f"{name}  {shown}  ({time.process_time() - started:.0f} CPU s)")
    with logged("anomalies"):
        together()


if __name__ == "__main__":
    main()
