"""Imputation beside scikit-learn's: cells missing completely at random, on Adult and on breast cancer.

    python benchmarks/imputation.py [--sets adult breast-cancer] [--shares 0.1 0.3 0.5] [--rows 1000] [--learn 4000]
                                    [--epochs N] [--run FOLDER]

Trained on the whole training part; filled are test rows with holes (of Adult a random subset of --rows, the same for
all methods). Breast cancer has 569 rows: its figures are means over three splits into training, validation and test
rows. Figures: for numbers the root mean squared error divided by the column's standard deviation, mean over columns;
for categories the share filled right, mean over columns; and how often the true number lies in the 90 % interval of the
draws, as they are ("raw") and stretched by what the validation rows tell ("coverage", what `vaekit impute` gives).
The other imputers see categories one-hot and scaled numbers, of --learn random training rows, whose number bounds what
KNN has to search and IterativeImputer to regress on. IterativeImputer sees these rows with holes too, since from whole
rows alone it learns one round of its regressions and fills with that; numbers are kept within these rows' ranges for
it, as ours are; of Adult's 107 columns each regression takes the 20 most correlated ones.
--run takes a run of the recipe `table` that is there already, trained on Adult with seed 0, in place of a new training.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
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


def other(method: str, train: np.ndarray, holed: np.ndarray, columns: tuple[Column, ...], share: float) -> np.ndarray:
    """Rows filled by scikit-learn."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer

    wide = Wide(train, columns)
    known = learned = wide.widen(train)
    imputer = KNNImputer()
    if method == "iterative":
        known = np.concatenate([learned, wide.widen(holes(train, share, seed=2))])
        imputer = IterativeImputer(
            n_nearest_features=20 if learned.shape[1] > 50 else None,
            min_value=np.nanmin(learned, 0),
            max_value=np.nanmax(learned, 0) + 1e-6,  # of a category that no row has, above the least
            random_state=0,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wide.narrow(imputer.fit(known).transform(wide.widen(holed)))


def measure(
    data: object, shares: list[float], sizes: tuple[int, int], epochs: int | None, seed: int, folder: str | None
) -> dict[tuple[float, str], Row]:
    """Error, accuracy, coverage as drawn and stretched, and CPU seconds of each share and method, on one split."""
    dataset = vaekit.open_data(data, seed=seed)
    with tempfile.TemporaryDirectory() as new:
        options = {} if epochs is None else {"epochs": epochs}
        if folder is None:
            vaekit.train(dataset, recipe="table", out=f"{new}/run", quiet=True, seed=seed, **options)
        model = vaekit.load(folder or f"{new}/run")
    train, test, columns = dataset.train.raw.numpy(), dataset.test.raw.numpy(), dataset.schema.columns
    random, (num_rows, num_learned) = np.random.default_rng(0), sizes
    test = test[random.permutation(len(test))[:num_rows]]
    learned = train[random.permutation(len(train))[:num_learned]]
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
                filled = other(method, learned, holed, columns, share)
            seconds = time.process_time() - started
            found[share, method] = (*figures(test, holed, filled, columns), *covered, seconds)
            print(f"{share:.0%} {method}: {seconds:.0f} CPU s", file=sys.stderr)
    return found


def report(
    name: str, shares: list[float], sizes: tuple[int, int], epochs: int | None, splits: int, folder: str | None
) -> None:
    """The table of one data set: means over splits."""
    from sklearn.datasets import load_breast_cancer

    data = "adult" if name == "adult" else load_breast_cancer(as_frame=True).frame
    started = time.process_time()
    every = [measure(data, shares, sizes, epochs, seed, folder) for seed in range(splits)]
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
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--learn", type=int, default=4000, help="training rows of the other imputers")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--run", help="of the recipe table on Adult, in place of a training")
    arguments = parser.parse_args()
    with logged("imputation" if len(arguments.sets) > 1 else f"imputation-{arguments.sets[0]}"):
        for name in arguments.sets:
            splits, run = (1, arguments.run) if name == "adult" else (3, None)
            report(name, arguments.shares, (arguments.rows, arguments.learn), arguments.epochs, splits, run)


if __name__ == "__main__":
    main()
