"""Synthetic tables beside real ones and beside a peer: Adult (official split) and RAND HIE (of statsmodels).

    python benchmarks/tables.py [--sets adult randhie] [--epochs N] [--peer] [--peer-epochs 300]

As many new rows are drawn as the real training part has. Figures:

- shape and trend error against the real training part, in percent, by the definitions of SDMetrics (KSComplement and
  TVComplement a column; CorrelationSimilarity and ContingencySimilarity a pair), and those of the real test part;
- F1 (and accuracy) of the positive class by scikit-learn's histogram gradient boosting, trained on the new rows, tested
  on the real test part; the same trained on the real training part;
- distance to the closest record: the share of new rows that are nearer to the training part than to an equally large
  held-out part (50 % where nothing is copied), the median distance, and the share of exact copies, also of test rows.
  A category that differs counts 1, a number its difference in standard deviations, at most 1.

--peer adds SDV's TVAE (package `ctgan`), installed into a folder of its own without its dependencies.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from log import logged

import vaekit
from vaekit.data.table_text import to_frame
from vaekit.data.tables import read_rows
from vaekit.schema import Schema

TARGETS = {"adult": "income", "randhie": "idp"}
PEER = """
import sys, warnings; warnings.simplefilter("ignore")
import pandas as pd
from ctgan import TVAE
table = pd.read_csv(sys.argv[1], keep_default_na=False)
discrete = sys.argv[3].split("|")
model = TVAE(epochs=int(sys.argv[4]), enable_gpu=False) if len(sys.argv) > 4 else TVAE()
model.fit(table, discrete)
model.sample(len(table)).to_csv(sys.argv[2], index=False)
"""


def opened(name: str) -> vaekit.Dataset:
    """The data set; the validation part is small."""
    if name == "adult":
        return vaekit.open_data("adult")
    import statsmodels.api as sm

    return vaekit.open_data(sm.datasets.randhie.load_pandas().data)


def whole_train(dataset: vaekit.Dataset) -> np.ndarray:
    """Training and validation part together: all that a model may see."""
    parts = [dataset.train, *([dataset.valid] if dataset.valid is not None else [])]
    return np.concatenate([part.raw.numpy() for part in parts])


def boosted(train: np.ndarray, test: np.ndarray, schema: Schema, target: str) -> tuple[float, float]:
    """F1 of the positive class and accuracy."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import accuracy_score, f1_score

    names = [column.name for column in schema.columns]
    place = names.index(target)
    others = [j for j in range(len(names)) if j != place]
    is_category = [schema.columns[j].is_category for j in others]
    train = train[~np.isnan(train[:, place])]
    model = HistGradientBoostingClassifier(categorical_features=is_category, random_state=0)
    model.fit(train[:, others], train[:, place])
    found = model.predict(test[:, others])
    return float(f1_score(test[:, place], found)), float(accuracy_score(test[:, place], found))


def nearest(rows: np.ndarray, records: np.ndarray, schema: Schema, scale: np.ndarray) -> np.ndarray:
    """Distance of each row to its nearest record."""
    out = np.empty(len(rows))
    for i, row in enumerate(rows):
        total = np.zeros(len(records))
        for j, column in enumerate(schema.columns):
            gap = np.abs(records[:, j] - row[j])
            unequal = np.isnan(records[:, j]) != np.isnan(row[j])
            part = (gap > 0).astype(float) if column.is_category else np.minimum(gap / scale[j], 1)
            total += np.where(np.isnan(gap), unequal, part)
        out[i] = total.min()
    return out


def report(who: str, new: np.ndarray, dataset: vaekit.Dataset, target: str, seconds: float) -> None:
    """One line of figures."""
    schema, real, test = dataset.schema, whole_train(dataset), dataset.test.raw.numpy()
    found = vaekit.table_similarity(real, new, schema.columns)
    f1, accuracy = boosted(new, test, schema, target)
    random = np.random.default_rng(0)
    size = min(len(real), len(test), 8000)
    near, far = (side[random.permutation(len(side))[:size]] for side in (real, test))
    probe = new[random.permutation(len(new))[:400]]
    scale = np.nanstd(real, 0)
    to_train, to_test = nearest(probe, near, schema, scale), nearest(probe, far, schema, scale)
    closer = (
        f"{(to_train < to_test).mean() + 0.5 * (to_train == to_test).mean():.1%}"
        if who != "real test"
        else ""
    )
    whole = nearest(probe, real, schema, scale)
    print(
        f"{who:<14} {100 * found.shape_error:>8.2f} {100 * found.trend_error:>8.2f} {f1:>7.3f} {accuracy:>9.3f} "
        f"{closer:>9} {np.median(whole):>8.3f} {(whole == 0).mean():>7.1%} {seconds:>7.0f}"
    )


def peer(dataset: vaekit.Dataset, epochs: int | None) -> np.ndarray:
    """New rows of TVAE, trained on the same rows, "?" for missing cells as in the published protocol."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        packages = ["ctgan", "rdt", "faker", "tqdm", "tzdata"]
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(place / "peer"),
            *packages,
        ]
        subprocess.run(command, check=True, capture_output=True)
        schema = dataset.schema
        frame = to_frame(whole_train(dataset), schema)
        discrete = [column.name for column in schema.columns if column.is_category]
        frame.with_columns(frame[name].fill_null("?") for name in discrete).write_csv(place / "real.csv")
        arguments = [str(place / "real.csv"), str(place / "new.csv"), "|".join(discrete), str(epochs or 300)]
        environment = {**os.environ, "PYTHONPATH": str(place / "peer")}
        subprocess.run([sys.executable, "-c", PEER, *arguments], check=True, env=environment)
        return read_rows(place / "new.csv", schema)[0]


def measure(name: str, epochs: int | None, with_peer: bool, peer_epochs: int) -> None:
    """One data set, ours and the peer's."""
    dataset, target = opened(name), TARGETS[name]
    real, test = whole_train(dataset), dataset.test.raw.numpy()
    print(
        f"\n{name}: {len(real):,} training and {len(test):,} test rows, {real.shape[1]} columns; F1 of {target}"
    )
    print(f"{'':<14} {'shape %':>8} {'trend %':>8} {'F1':>7} {'accuracy':>9} {'closer':>9} {'distance':>8} "
          f"{'copies':>7} {'CPU s':>7}")  # fmt: skip
    f1, accuracy = boosted(real, test, dataset.schema, target)
    print(f"{'real train':<14} {'':>8} {'':>8} {f1:>7.3f} {accuracy:>9.3f}")
    report("real test", test, dataset, target, 0)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        options = {} if epochs is None else {"epochs": epochs}
        run = vaekit.train(dataset, recipe="table", out=f"{folder}/run", quiet=True, **options)
        model = run.load_model()
    seconds = time.process_time() - started
    report("vaekit table", vaekit.synthesize(model, len(real)), dataset, target, seconds)
    if with_peer:
        before = os.times()
        try:
            new = peer(dataset, peer_epochs)
        except subprocess.CalledProcessError as error:
            print(f"TVAE           not measured: {' '.join(map(str, error.cmd[:4]))} ... failed")
            return
        after = os.times()
        report("TVAE (ctgan)", new, dataset, target, after.children_user - before.children_user)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument("--peer", action="store_true", help="train SDV's TVAE too")
    parser.add_argument("--peer-epochs", type=int, default=300)
    arguments = parser.parse_args()
    with logged("tables" if len(arguments.sets) > 1 else f"tables-{arguments.sets[0]}"):
        for name in arguments.sets:
            measure(name, arguments.epochs, arguments.peer, arguments.peer_epochs)


if __name__ == "__main__":
    main()
