"""Dimension reduction beside PCA and UMAP (where `umap-learn` is installed): MNIST and Fashion-MNIST to 2 and 16.

    python benchmarks/embedding.py [--sets mnist fashion-mnist] [--sizes 2 16] [--recipes vae embedding] [--epochs N]

Fitted without labels to the training part, measured on the test part, which no method saw. Codes are the means of
q(z|x). Two figures: trustworthiness of a random, seeded 5,000 test images with 5 neighbours (scikit-learn's
definition: 1 where every neighbour in the embedding is one among the pixels), and the accuracy of a 5-nearest-neighbour
classifier from the training codes to all test codes. Of a published study, to 2 dimensions: PCA .743 and .420, VAE .951
and .765, UMAP .960 and .954; its protocol differs in details that it does not state.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np
from log import logged
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

import vaekit

Codes = tuple[np.ndarray, np.ndarray]


def pca(data: vaekit.Dataset, size: int) -> Codes:
    fitted = PCA(size, random_state=0).fit(pixels(data.train))
    return fitted.transform(pixels(data.train)), fitted.transform(pixels(data.test))


def umap(data: vaekit.Dataset, size: int) -> Codes:
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that a fixed seed takes one thread
        fitted = UMAP(n_components=size, random_state=0).fit(pixels(data.train))
        return fitted.embedding_, fitted.transform(pixels(data.test))


def ours(recipe: str, epochs: int | None) -> Callable[[vaekit.Dataset, int], Codes]:
    def codes(data: vaekit.Dataset, size: int) -> Codes:
        options = {} if epochs is None else {"epochs": epochs}
        with tempfile.TemporaryDirectory() as folder:
            run = vaekit.train(
                data, recipe=recipe, latent=size, out=f"{folder}/run", quiet=True, precision="auto", **options
            )
            return codes_of(run.load_model(), data)

    return codes


def codes_of(model: vaekit.Model, data: vaekit.Dataset) -> Codes:
    """Means of q(z|x) of the training and the test part."""
    parts = (data.train, data.test)
    found = [np.concatenate([model.embed(x).numpy() for x, _ in part.batches(1000)]) for part in parts]
    return found[0], found[1]


def pixels(part: vaekit.Part) -> np.ndarray:
    return part.raw.numpy().reshape(len(part), -1).astype(np.float32) / 255


def figures(data: vaekit.Dataset, codes: Codes) -> tuple[float, float]:
    """Trustworthiness and accuracy."""
    train, test = codes
    rows = np.random.default_rng(0).permutation(len(test))[:5000]
    trust = trustworthiness(pixels(data.test)[rows], test[rows], n_neighbors=5)
    neighbours = KNeighborsClassifier(5).fit(train, data.train.y.numpy())
    return float(trust), float(neighbours.score(test, data.test.y.numpy()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[2, 16])
    parser.add_argument("--recipes", nargs="*", default=["vae", "embedding"])
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    methods: dict[str, Callable[[vaekit.Dataset, int], Codes]] = {}
    if not arguments.no_peers:
        methods["PCA"] = pca
        try:
            import umap as installed

            methods[f"UMAP {installed.__version__}"] = umap
        except ImportError:
            print("UMAP is left out: pip install umap-learn")
    methods |= {f"vaekit {recipe}": ours(recipe, arguments.epochs) for recipe in arguments.recipes}
    with logged("embedding"):
        print(f"{'set':15} {'size':>4} {'method':16} {'trustworthiness':>15} {'5-NN':>6} {'CPU s':>6}")
        for name in arguments.sets:
            data = vaekit.open_data(name)
            for size in arguments.sizes:
                for method, find in methods.items():
                    started = time.process_time()
                    codes = find(data, size)
                    spent = time.process_time() - started
                    trust, accuracy = figures(data, codes)
                    print(
                        f"{name:15} {size:4} {method:16} {trust:15.3f} {accuracy:6.3f} {spent:6.0f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
