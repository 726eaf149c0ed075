"""Synthetic tables beside real ones and beside a peer: Adult (official split) and RAND HIE (of statsmodels).

    python benchmarks/tables.py [--sets adult randhie] [--epochs N] [--peer PYTHON] [--peer-epochs 300]

As many new rows are drawn as the real training part has. Figures:

- shape and trend error against the real training part, in percent, by the definitions of SDMetrics (KSComplement and
  TVComplement a column; CorrelationSimilarity and ContingencySimilarity a pair), and those of the real test part;
- F1 of the positive class and area under the ROC curve by scikit-learn's histogram gradient boosting, trained on the
  new rows, tested on the real test part; the same trained on the real training part. Targets are binary: a category's
  second value, a count above 0;
- distance to the closest record: the share of new rows that are nearer to the training part than to an equally large
  held-out part (50 % where nothing is copied), the median distance, and the share of exact copies, also of test rows.
  A category that differs counts 1, a number its difference in standard deviations, at most 1.

RAND HIE: 20,190 person-years of the RAND Health Insurance Experiment, the three indicators of self-rated health put
together again as one column; targets are a visit to a doctor, and the plan with an individual deductible, which the
other columns nearly determine. It has no official split: a fifth, drawn with seed 0, is the test part.

--peer names a Python that has SDV's `ctgan`, in an environment of its own (pip install ctgan): TVAE with its own
defaults but the epochs, on the same rows, figures by the same code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from log import logged

import vaekit
from vaekit.data.table_text import to_frame
from vaekit.data.tables import read_rows
from vaekit.schema import Schema

TARGETS = {"adult": ("income",), "randhie": ("mdvis", "idp")}
PROBED, RECORDS = 400, 8000
PEER = """
import sys, warnings; warnings.simplefilter("ignore")
import numpy, pandas, torch, ctgan
real, new, discrete, epochs = sys.argv[1:]
numpy.random.seed(0), torch.manual_seed(0), torch.set_num_threads(1)
table = pandas.read_csv(real, keep_default_na=False)
model = ctgan.TVAE(epochs=int(epochs), enable_gpu=False)
model.fit(table, discrete.split("|"))
model.sample(len(table)).to_csv(new, index=False)
print(ctgan.__version__)
"""


def opened(name: str) -> vaekit.Dataset:
    """The data set."""
    if name == "adult":
        return vaekit.open_data("adult")
    import statsmodels.api as sm

    table = sm.datasets.randhie.load_pandas().data
    levels = table.pop("hlthg") + 2 * table.pop("hlthf") + 3 * table.pop("hlthp")
    table["health"] = levels.map(dict(enumerate(("excellent", "good", "fair", "poor"))))
    return vaekit.open_data(table)


def whole_train(dataset: vaekit.Dataset) -> np.ndarray:
    """Training and validation part together: all that a model may see."""
    parts = [dataset.train, *([dataset.valid] if dataset.valid is not None else [])]
    return np.concatenate([part.raw.numpy() for part in parts])


def boosted(train: np.ndarray, test: np.ndarray, schema: Schema, target: str) -> str:
    """F1 of the positive class and area under the ROC curve of boosted trees, as text."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import f1_score, roc_auc_score

    names = [column.name for column in schema.columns]
    place = names.index(target)
    others = [j for j in range(len(names)) if j != place]
    is_category = [schema.columns[j].is_category for j in others]
    train = train[~np.isnan(train[:, place])]
    model = HistGradientBoostingClassifier(categorical_features=is_category, random_state=0)
    model.fit(train[:, others], train[:, place] > 0)
    truth, chance = test[:, place] > 0, model.predict_proba(test[:, others])[:, 1]
    return f"{f1_score(truth, chance > 0.5):>9.3f} {roc_auc_score(truth, chance):>6.3f}"


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


def privacy(new: np.ndarray, dataset: vaekit.Dataset, *, is_test: bool) -> str:
    """Share nearer to the training part, median distance to it, share of copies, as text."""
    schema, real, test = dataset.schema, whole_train(dataset), dataset.test.raw.numpy()
    random = np.random.default_rng(0)
    size = min(len(real), len(test), RECORDS)
    near, far = (side[random.permutation(len(side))[:size]] for side in (real, test))
    probe = new[random.permutation(len(new))[:PROBED]]
    scale = np.nanstd(real, 0)
    to_train, to_test = nearest(probe, near, schema, scale), nearest(probe, far, schema, scale)
    share = (to_train < to_test).mean() + 0.5 * (to_train == to_test).mean()
    whole = nearest(probe, real, schema, scale)
    return f"{'' if is_test else f'{share:.1%}':>9} {np.median(whole):>8.3f} {(whole == 0).mean():>7.1%}"


def report(who: str, new: np.ndarray, dataset: vaekit.Dataset, name: str, seconds: float | None) -> None:
    """One line of figures."""
    schema, test = dataset.schema, dataset.test.raw.numpy()
    found = vaekit.table_similarity(whole_train(dataset), new, schema.columns)
    scores = "".join(boosted(new, test, schema, target) for target in TARGETS[name])
    if seconds is None:  # the test part itself would be scored on what it was trained on
        scores = " " * len(scores)
    print(f"{who:<14} {100 * found.shape_error:>8.2f} {100 * found.trend_error:>8.2f} {scores} "
          f"{privacy(new, dataset, is_test=seconds is None)} "
          f"{'' if seconds is None else f'{seconds:.0f}':>7}")  # fmt: skip


def peer(dataset: vaekit.Dataset, python: str, epochs: int) -> tuple[str, np.ndarray]:
    """The version, and new rows of TVAE, trained on the same rows, "?" for missing categories as in the source."""
    schema = dataset.schema
    discrete = [column.name for column in schema.columns if column.is_category]
    with tempfile.TemporaryDirectory() as folder:
        real, new = Path(folder) / "real.csv", Path(folder) / "new.csv"
        frame = to_frame(whole_train(dataset), schema)
        frame.with_columns(frame[name].fill_null("?") for name in discrete).write_csv(real)
        command = [python, "-c", PEER, str(real), str(new), "|".join(discrete), str(epochs)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.split()[-1], read_rows(new, schema)[0]


def measure(name: str, epochs: int | None, python: str | None, peer_epochs: int) -> None:
    """One data set, ours and the peer's."""
    dataset = opened(name)
    real, test = whole_train(dataset), dataset.test.raw.numpy()
    kinds = ", ".join(f"{column.name} {column.kind}" for column in dataset.schema.columns)
    print(f"\n{name}: {len(real):,} training and {len(test):,} test rows, {real.shape[1]} columns: {kinds}")
    heads = "".join(f"{f'F1 {target}'[:9]:>9} {'AUC':>6}" for target in TARGETS[name])
    print(
        f"{'':<14} {'shape %':>8} {'trend %':>8} {heads} {'closer':>9} {'distance':>8} {'copies':>7} {'CPU s':>7}"
    )
    scores = "".join(boosted(real, test, dataset.schema, target) for target in TARGETS[name])
    print(f"{'real train':<14} {'':>8} {'':>8} {scores}")
    report("real test", test, dataset, name, None)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        options = {} if epochs is None else {"epochs": epochs}
        run = vaekit.train(dataset, recipe="table", out=f"{folder}/run", quiet=True, **options)
        model = run.load_model()
    seconds = time.process_time() - started
    report("vaekit table", vaekit.synthesize(model, len(real)), dataset, name, seconds)
    if python is not None:
        before = os.times().children_user
        version, new = peer(dataset, python, peer_epochs)
        report("TVAE", new, dataset, name, os.times().children_user - before)
        print(f"TVAE of ctgan {version}, {peer_epochs} epochs; seconds with reading, fitting and sampling")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument(
        "--peer", metavar="PYTHON", help="train SDV's TVAE too, with this Python, which has ctgan"
    )
    parser.add_argument("--peer-epochs", type=int, default=300)
    arguments = parser.parse_args()
    with logged("tables" if len(arguments.sets) > 1 else f"tables-{arguments.sets[0]}"):
        for name in arguments.sets:
            measure(name, arguments.epochs, arguments.peer, arguments.peer_epochs)


if __name__ == "__main__":
    main()
