"""Imputation beside scikit-learn's: cells missing completely at random, on Adult and on breast cancer.

    python benchmarks/imputation.py [--sets adult breast-cancer] [--shares 0.1 0.3 0.5] [--rows 4000] [--epochs N]

Trained on the whole training part; filled are test rows with holes (Adult: a random subset of --rows). Breast cancer
has 569 rows: its figures are means over three splits into training, validation and test rows. Figures: for
numbers the root mean squared error divided by the column's standard deviation, mean over columns; for categories the
share filled right, mean over columns; and how often the true number lies in the 90 % interval of the draws, as they
are ("raw") and stretched by what the validation rows tell ("coverage", what `vaekit impute` gives).
The other imputers see categories one-hot and scaled numbers, and are fitted to 4,000 training rows without holes;
IterativeImputer to the same rows with holes too, since from whole rows alone it learns one round of its regressions
and fills with that. Numbers are kept within the training rows' ranges for it, as ours are.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
import warnings

import numpy as np
from log import logged

import vaekit
from vaekit.schema import Column

METHODS = ("mean/mode", "KNN", "iterative", "vaekit")


def holes(rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Rows with a share of their cells gone."""
    return np.where(np.random.default_rng(seed).random(rows.shape) < share, np.nan, rows)


def figures(
    truth: np.ndarray, holed: np.ndarray, filled: np.ndarray, columns: tuple[Column, ...]
) -> tuple[float, float]:
    """Normalized error of numbers and accuracy of categories, over the cells that were taken away."""
    errors, right = [], []
    for j, column in enumerate(columns):
        at = np.isnan(holed[:, j]) & ~np.isnan(truth[:, j])
        if not at.any():
            continue
        if column.is_category:
            right.append(float((truth[at, j] == filled[at, j]).mean()))
        else:
            error = np.sqrt(((truth[at, j] - filled[at, j]) ** 2).mean())
            errors.append(float(error / np.nanstd(truth[:, j])))
    return float(np.mean(errors)), float(np.mean(right)) if right else float("nan")


def coverage(
    truth: np.ndarray, holed: np.ndarray, low: np.ndarray, high: np.ndarray, columns: tuple[Column, ...]
) -> float:
    """Share of the taken numbers that lie in their interval."""
    numbers = np.array([not c.is_category for c in columns])
    at = np.isnan(holed) & ~np.isnan(truth) & numbers
    return float(((truth >= low) & (truth <= high))[at].mean())


class Wide:
    """Rows as scaled numbers and one-hot categories, and back."""

    def __init__(self, train: np.ndarray, columns: tuple[Column, ...]) -> None:
        self.columns, self.mean, self.std = columns, np.nanmean(train, 0), np.nanstd(train, 0)

    def widen(self, rows: np.ndarray) -> np.ndarray:
        made = []
        for j, column in enumerate(self.columns):
            cells = rows[:, j : j + 1]
            if column.is_category:
                hot = (cells == np.arange(len(column.categories))).astype(float)
                made.append(np.where(np.isnan(cells), np.nan, hot))
            else:
                made.append((cells - self.mean[j]) / self.std[j])
        return np.concatenate(made, 1)

    def narrow(self, wide: np.ndarray) -> np.ndarray:
        made, start = [], 0
        for j, column in enumerate(self.columns):
            width = len(column.categories) if column.is_category else 1
            block = wide[:, start : start + width]
            made.append(block.argmax(1) if column.is_category else block[:, 0] * self.std[j] + self.mean[j])
            start += width
        return np.stack(made, 1)


def simple(train: np.ndarray, rows: np.ndarray, columns: tuple[Column, ...]) -> np.ndarray:
    """Means and commonest categories."""
    out = rows.copy()
    for j, column in enumerate(columns):
        known = train[~np.isnan(train[:, j]), j]
        value = np.bincount(known.astype(int)).argmax() if column.is_category else known.mean()
        out[np.isnan(out[:, j]), j] = value
    return out


Row = tuple[float, float, float, float, float]


def measure(
    data: object, shares: list[float], num_rows: int, epochs: int | None, seed: int
) -> dict[tuple[float, str], Row]:
    """Error, accuracy, coverage as drawn and stretched, and CPU seconds of each share and method, on one split."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer

    dataset = vaekit.open_data(data, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        options = {} if epochs is None else {"epochs": epochs}
        run = vaekit.train(dataset, recipe="table", out=f"{folder}/run", quiet=True, seed=seed, **options)
        model = run.load_model()
    train, test, columns = dataset.train.raw.numpy(), dataset.test.raw.numpy(), dataset.schema.columns
    random = np.random.default_rng(0)
    test = test[random.permutation(len(test))[:num_rows]]
    wide = Wide(train, columns)
    learnable = train[random.permutation(len(train))[:4000]]
    learned = wide.widen(learnable)
    found: dict[tuple[float, str], Row] = {}
    for share in shares:
        holed = holes(test, share, seed=1)
        for method in METHODS:
            started, covered = time.process_time(), (float("nan"), float("nan"))
            if method == "vaekit":
                made = vaekit.impute(model, holed, calibration=dataset.valid.raw.numpy())
                filled = made.filled
                ends = [dataclasses.replace(made, held=held).interval(0.9) for held in (None, made.held)]
                covered = coverage(test, holed, *ends[0], columns), coverage(test, holed, *ends[1], columns)
            elif method == "mean/mode":
                filled = simple(train, holed, columns)
            else:
                imputer, known = KNNImputer(), learned
                if method == "iterative":
                    known = np.concatenate([learned, wide.widen(holes(learnable, share, seed=2))])
                    imputer = IterativeImputer(
                        max_iter=5 if learned.shape[1] > 50 else 10,
                        n_nearest_features=20 if learned.shape[1] > 50 else None,
                        min_value=np.nanmin(learned, 0),
                        max_value=np.nanmax(learned, 0) + 1e-6,  # of a category that no row has, above the least
                        random_state=0,
                    )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    filled = wide.narrow(imputer.fit(known).transform(wide.widen(holed)))
            seconds = time.process_time() - started
            found[share, method] = (*figures(test, holed, filled, columns), *covered, seconds)
    return found


def report(name: str, shares: list[float], num_rows: int, epochs: int | None, splits: int) -> None:
    """The table of one data set: means over splits."""
    from sklearn.datasets import load_breast_cancer

    data = "adult" if name == "adult" else load_breast_cancer(as_frame=True).frame
    started = time.process_time()
    every = [measure(data, shares, num_rows, epochs, seed) for seed in range(splits)]
    seconds = time.process_time() - started
    print(f"\n{name}: {splits} split{'s' * (splits > 1)}, {seconds:.0f} CPU seconds in all")
    print(
        f"{'missing':>8} {'method':<12} {'error':>7} {'accuracy':>9} {'raw':>9} {'coverage':>9} {'CPU s':>6}"
    )
    for share, method in every[0]:
        error, *middle, took = np.mean([found[share, method] for found in every], 0)
        shown = " ".join(f"{v:>9.1%}" if np.isfinite(v) else f"{'':>9}" for v in middle)
        print(f"{share:>8.0%} {method:<12} {error:>7.3f} {shown} {took:>6.0f}")
        if len(every) > 1 and method != "mean/mode":
            print(f"{'':>21} {' '.join(f'{found[share, method][0]:.3f}' for found in every)} in each split")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--sets", nargs="+", default=["adult", "breast-cancer"], choices=["adult", "breast-cancer"]
    )
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.3, 0.5])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    with logged("imputation" if len(arguments.sets) > 1 else f"imputation-{arguments.sets[0]}"):
        for name in arguments.sets:
            splits = 1 if name == "adult" else 3
            report(name, arguments.shares, arguments.rows, arguments.epochs, splits)


if __name__ == "__main__":
    main()
