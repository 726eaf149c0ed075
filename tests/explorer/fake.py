"""Pages with small made-up runs, for tests of the page alone, in the format of explorer/CONTRACT.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx

from vaekit.explorer.blobs import Blob, Blobs
from vaekit.explorer.page import tag

sys.path.insert(0, str(Path(__file__).parent))
import graphs  # its neighbour; tests are no package

PAGE = Path(__file__).parents[2] / "src/vaekit/explorer/page"
MARK = "<!--vaekit:data-->"
KINDS = ("image", "points", "autoencoder", "conditional", "layers", "codes", "audio", "table")


def graph(blobs: Blobs, name: str, model: onnx.ModelProto) -> dict[str, Any]:
    """Hold a network as an exported one is held."""
    inputs, outputs = ([v.name for v in part] for part in (model.graph.input, model.graph.output))
    return blobs.graph(name, SimpleNamespace(onnx=model.SerializeToString(), inputs=inputs, outputs=outputs))


def _run(kind: str, index: int, num_points: int, blobs: Blobs) -> dict[str, Any]:
    rng = np.random.default_rng(7 + index + 10 * KINDS.index(kind))
    size = {"conditional": 6, "layers": 8, "audio": 5, "table": 4}.get(kind, 2)
    shape = {"audio": [1, 24, 32], "table": [4]}.get(kind, [1, 12, 12])
    classes = ["0", "1", "2", "3", "4"]
    deterministic = kind == "autoencoder"
    latent: dict[str, Any] = {
        "size": size,
        "layers": [{"name": "z", "start": 0, "size": size, "shape": [size]}],
        "rate": None
        if deterministic
        else [2.0 / (d + 1) for d in range(size - 1)] + [0.001]
        if size > 2
        else [1.5, 1.2],
        "codebook": None,
        "grid": None,
    }
    run: dict[str, Any] = {
        "name": f"{kind}-{index}",
        "recipe": "fake",
        "likelihood": "Bernoulli",
        "family": "flat",
        "deterministic": deterministic,
        "kind": kind if kind in ("audio", "table") else "image",
        "shape": shape,
        "low": 0.0,
        "high": 1.0,
        "classes": classes,
        "conditional": kind == "conditional",
        "latent": latent,
        "audio": None,
        "table": None,
    }
    examples = rng.random((12, *shape)) * 255
    if kind == "codes":
        run["family"] = "codes"
        latent.update(size=36, rate=None, codebook=16, grid=[6, 6], layers=[])
        encoder, decoder = graphs.codes_graphs([6, 6], 16, shape, rng)
        run["encoder"], run["decoder"] = graph(blobs, "encoder", encoder), graph(blobs, "decoder", decoder)
        run["points"] = None
        run["prior"] = {
            "name": "uniform-codes-prior",
            "samples": blobs.array("samples", rng.integers(0, 16, (20, 6, 6)), "int32"),
            "label": None,
        }
        latent["usage"] = blobs.array("usage", rng.integers(0, 90, 16), "int32")
    else:
        _continuous(run, kind, size, shape, num_points, rng, blobs)
    if kind == "table":
        examples = _table(run, rng)
    as_float = kind == "table"
    index_of = np.arange(12) if run["points"] else None
    run["examples"] = {
        "x": blobs.array("examples", examples, "float32" if as_float else "uint8"),
        "index": None if index_of is None else blobs.array("index", index_of, "int32"),
        "scale": 1.0 if as_float else 255.0,
        "offset": 0.0,
    }
    if kind == "audio":
        run.update(low=-1.0, high=1.0)
        run["examples"].update(scale=127.5, offset=127.5)
        run["audio"] = {
            "rate": 8000,
            "size": 256,
            "hop": 64,
            "before": 96,
            "floor": 1e-4,
            "samples": 2048,
            "bands": 24,
            "output": shape,
        }
    run["curves"] = {
        "epoch": list(range(1, 9)),
        "series": {
            "train.elbo": [-200 + 60 * (1 - 0.6**e) for e in range(8)],
            "valid.elbo": [-205 + 58 * (1 - 0.6**e) for e in range(8)],
            "train.kl": [1.0 + e / 3 for e in range(8)],
            "valid.reconstruction": [199 - 50 * (1 - 0.6**e) for e in range(8)],
        },
    }
    replay = rng.normal(size=(1, 200, 2)) * np.linspace(0.1, 1.2, 5)[:, None, None]
    run["replay"] = (
        {
            "epoch": [1, 2, 4, 6, 8],
            "codes": blobs.array("replay-codes", replay, "float16"),
            "label": blobs.array("replay-label", rng.integers(0, 5, 200), "int32"),
            "inputs": blobs.array("replay-inputs", rng.integers(0, 256, (6, *shape)), "uint8"),
            "reconstructions": blobs.array("replay-made", rng.integers(0, 256, (5, 6, *shape)), "uint8"),
        }
        if kind not in ("table", "codes")
        else None
    )
    return run


def _continuous(
    run: dict[str, Any],
    kind: str,
    size: int,
    shape: list[int],
    count: int,
    rng: np.random.Generator,
    blobs: Blobs,
) -> None:
    """Graphs, points and prior of a run with vectors as codes."""
    flat = int(np.prod(shape))
    outputs = [12] if kind == "table" else shape
    squash = {"audio": "Tanh", "table": "Sigmoid"}.get(kind, "Sigmoid")
    log_px = kind in ("image", "conditional")
    run["decoder"] = graph(
        blobs, "decoder", graphs.decoder(size, outputs, 5 if run["conditional"] else 0, rng, log_px, squash)
    )
    run["encoder"] = graph(blobs, "encoder", graphs.encoder(size, shape, run["deterministic"], rng))
    labels = rng.integers(0, 5, count)
    centers = rng.normal(size=(5, size)) * (3.0 if run["deterministic"] else 0.9)
    mean = centers[labels] + rng.normal(size=(count, size)) * 0.35
    std = (
        None
        if run["deterministic"]
        else blobs.array("std", 0.1 + 0.15 * rng.random((count, size)), "float16")
    )
    _, _, axes = np.linalg.svd(mean - mean.mean(0), full_matrices=False)
    run["points"] = {
        "mean": blobs.array("mean", mean, "float16"),
        "std": std,
        "label": blobs.array("label", labels, "int32"),
        "metrics": {"elbo": blobs.array("elbo", rng.normal(-100, 8, count), "float32")},
        "plane": {"axes": axes[:2].tolist(), "center": mean.mean(0).tolist(), "explained": [0.5, 0.3]}
        if size > 2
        else None,
    }
    samples = rng.normal(size=(400, size))
    run["prior"] = (
        None
        if run["deterministic"]
        else {
            "name": "standard-normal",
            "samples": blobs.array("samples", samples, "float16"),
            "label": None,
            "density": None,
        }
    )
    if kind == "layers":
        run["family"] = "layers"
        sizes = [2, 3, 3]
        run["latent"]["layers"] = [
            {"name": f"z{3 - i}", "start": sum(sizes[:i]), "size": n, "shape": [n]}
            for i, n in enumerate(sizes)
        ]
        run["prior"].update(name="hierarchy", model=graph(blobs, "prior", graphs.prior(sizes, rng)))
    assert flat > 0


def _table(run: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Two numbers and two columns of categories."""
    number = {"low": 0.0, "high": 1.0, "decimals": 2, "offset": 0.5, "scale": 0.3}
    edges = np.linspace(0, 1, 13).tolist()
    counts = [int(c) for c in rng.integers(3, 60, 12)]
    run.update(low=None, high=None)
    run["table"] = {
        "columns": [
            {
                "name": "age",
                "kind": "continuous",
                **number,
                "start": 0,
                "size": 1,
                "histogram": {"edges": edges, "counts": counts},
            },
            {
                "name": "hours",
                "kind": "continuous",
                **number,
                "start": 1,
                "size": 3,
                "histogram": {"edges": edges, "counts": counts[::-1]},
            },
            {
                "name": "work",
                "kind": "categorical",
                "categories": ["private", "public", "self", "none", "other"],
                "low": 0,
                "high": 4,
                "start": 4,
                "size": 5,
                "histogram": {"counts": [40, 30, 20, 9, 1]},
            },
            {
                "name": "income",
                "kind": "binary",
                "categories": ["<=50K", ">50K", "unknown"],
                "low": 0,
                "high": 2,
                "start": 9,
                "size": 3,
                "histogram": {"counts": [70, 25, 5]},
            },
        ]
    }
    x = rng.normal(size=(12, 4))
    x[:, 2], x[:, 3] = rng.integers(0, 5, 12), rng.integers(0, 3, 12)
    x[3, 0] = np.nan
    return x


def document(kinds: list[str], *, num_points: int = 600, **changes: Any) -> str:
    """The page with one or two made-up runs; `changes` overwrite parts of the manifest."""
    runs, held = [], {}
    for i, kind in enumerate(kinds):
        blobs = Blobs(f"{i}-")
        runs.append(_run(kind, i, num_points, blobs))
        held |= blobs.held
    manifest = {"format": 1, "title": "A made-up run", "made_with": "vaekit 0.1.0", "runs": runs} | changes
    held["wasm"] = Blob((PAGE / "ort.wasm.gz").read_bytes())
    text = json.dumps(manifest).replace("<", "\\u003c")
    tags = [f'<script type="application/json" id="manifest">{text}</script>']
    tags += [tag(name, blob) for name, blob in held.items()]
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert page.count(MARK) == 1
    return page.replace(MARK, "\n".join(tags))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for each in KINDS:
        (out / f"{each}.html").write_text(document([each]), encoding="utf-8")
    (out / "pair.html").write_text(document(["autoencoder", "image"]), encoding="utf-8")
    (out / "many.html").write_text(document(["points"], num_points=50_000), encoding="utf-8")
