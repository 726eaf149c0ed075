"""The explorer's page of real runs in Chromium, as a visitor: every tool, from a file and from the server.

    python benchmarks/explorer_tour.py RUN=page.html ...        # pages of `vaekit explore RUN --html page.html`

A line for each visit. What is decoded is compared with PyTorch, and so are mean, logarithm of the variance and
reconstruction of one's own inputs (of codes, the reconstruction from them, and how near another one would have been);
a difference above 1e-4, a complaint in the console, a request to anything but the page, or a control that changes
nothing ends the tour with exit code 1.

The log's runs had few epochs: vae 5 (--latent 2 --batch-size 128 --learning-rate 1e-3), conv 2 (--limit 15000), hvae 3,
vqvae 3 (--limit 16000, no prior fitted), speech 8 (--conditional), table 6; of hvae and vqvae --points 10000.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from explorer_visit import Visit, tour
from log import logged

from vaekit.evaluation.chunks import evaluating
from vaekit.explorer.server import Explorer, listen, make_server
from vaekit.interop.codes import grid_of
from vaekit.interop.onnx import example_inputs, halves_of
from vaekit.run import Run

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MANY = "decodes.slice(-20).map(d => ({code: [...d.code], label: d.label, output: [...d.output]}))"
READ = """encodes.map(d => Object.fromEntries(Object.entries(d).map(
  ([name, v]) => [name, v && typeof v === "object" ? [...v] : v])))"""


def halves(run: Run) -> tuple[Any, Any, Any]:
    """The model, and its two halves as the page has them."""
    model = run.load_model("cpu").eval()
    return model, *halves_of(model)


def of_encoder(run: Run, encodes: list[dict[str, Any]]) -> float:
    """How far mean, logarithm of the variance, and reconstruction of the page's own inputs are from PyTorch."""
    model, encoder, decoder = halves(run)
    gaps = []
    for found in encodes:
        x = torch.tensor(found["x"]).reshape(1, *model.schema.shape)
        given = {"x": x}
        with evaluating(model, 0):
            if "eps" in encoder.inputs:
                given["eps"] = torch.zeros(1, encoder.num_dims)
            if "y" in encoder.inputs:
                given["y"] = torch.eye(len(model.schema.label_names))[[found["label"]]]
            made = dict(zip(encoder.outputs, encoder(*(given[name] for name in encoder.inputs)), strict=True))
            code = torch.tensor(found["codes"]).long() if "codes" in made else made["mean"]
            code = code.reshape(made["codes"].shape) if "codes" in made else code
            output = decoder(*(code if n in ("z", "codes") else given.get(n, x) for n in decoder.inputs))[0]
        pairs = [(found["output"], output)]
        if "codes" in made:
            gaps.append(10 * undecided(model, x, code, made["codes"]))
        else:
            pairs += [(found["mean"], made["mean"])]
            pairs += [(torch.tensor(found["std"]).log() * 2, made["std"].log() * 2)] if "std" in made else []
        gaps += [gap(torch.as_tensor(a), b) for a, b in pairs]
    return max(gaps)


def undecided(model: Any, x: torch.Tensor, found: torch.Tensor, expected: torch.Tensor) -> float:
    """How far an input's vectors lie at most from where the page's codes would be the nearest; 0 where all agree.

    Two programs of equal weights may settle it otherwise where two entries are equally near: 1e-5 is allowed.
    """
    differ = (found != expected).flatten()
    if not differ.any():
        return 0.0
    posterior, vectors = model.posterior, model.posterior.codebook.vectors.double()
    with evaluating(model, 0):
        (features,) = posterior.head(posterior.net(x, None))
    here = features.flatten(2).mT[0].double()[differ]
    page, torchs = vectors[found.flatten()[differ]], vectors[expected.flatten()[differ]]
    excess = (here - page).square().sum(-1) - (here - torchs).square().sum(-1)
    return float((excess / (2 * (page - torchs).norm(dim=-1))).max())


def gap(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference, relative where values are above 1."""
    expected = expected.flatten().double()
    return float(((found.flatten().double() - expected).abs() / expected.abs().clamp(min=1)).max())


def of_decoder(run: Run, decodes: list[dict[str, Any]]) -> float:
    """How far what the page decoded is from PyTorch."""
    model, _, half = halves(run)
    code = torch.tensor([decoded["code"] for decoded in decodes])
    if half.inputs[0] == "codes":
        symbols, height, width, _ = grid_of(model)
        code = code.long().reshape(-1, symbols * height, width)
    with evaluating(model, 0):
        inputs = list(example_inputs(half, torch.zeros(len(code), *model.schema.shape), code))
        if "y" in half.inputs:
            place = half.inputs.index("y")
            inputs[place] = torch.eye(inputs[place].shape[1])[[decoded["label"] for decoded in decodes]]
        expected = half(*inputs)[0].flatten(1)
    return gap(torch.tensor([decoded["output"] for decoded in decodes], dtype=torch.float64), expected)


@contextlib.contextmanager
def served(page: bytes) -> Iterator[str]:
    """The address of the explorer's own server."""
    listening = listen(0)
    listening.listen(128)
    app = Explorer(page, listening.getsockname()[1], "tour" * 8)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield app.address
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def walk(browser: Any, run: Run, path: Path, folder: Path) -> bool:
    """Two visits to one page; whether all went well."""
    kind = {"array": "table"}.get(run.load_model("cpu").schema.kind, run.load_model("cpu").schema.kind)
    well = True
    with served(path.read_bytes()) as address:
        for way, there in (("file", path.resolve().as_uri()), ("server", address)):
            context = browser.new_context(
                viewport={"width": 1280, "height": 860}, offline=way == "file", locale="en-GB"
            )
            visit = Visit(context, there)
            done = tour(visit, kind, folder)
            visit.settle()
            decodes = visit.page.evaluate(MANY)
            encodes = visit.page.evaluate(READ)
            errors = of_decoder(run, decodes), of_encoder(run, encodes)
            well = well and not visit.complaints and not visit.outside and max(errors) < 1e-4
            print(
                f"{path.stem:12} {path.stat().st_size / 1e6:4.1f} MB {way:7} {', '.join(done)}; differ from PyTorch: "
                f"{len(decodes)} decodes by {errors[0]:.1e}, {len(encodes)} own inputs by {errors[1]:.1e}; "
                f"{len(visit.complaints)} complaints, {len(visit.outside)} requests outside"
            )
            for line in (*visit.complaints, *visit.outside):
                print(f"    {line}")
            context.close()
    return well


def main() -> None:
    from playwright.sync_api import sync_playwright

    pairs = [argument.split("=", 1) for argument in sys.argv[1:]]
    with logged("explorer-tour"), tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        print(f"# Chromium {browser.version}")
        well = [walk(browser, Run.open(run), Path(page), Path(folder)) for run, page in pairs]
        browser.close()
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
