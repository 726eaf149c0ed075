"""Exported graphs give PyTorch's numbers, in onnxruntime; what cannot be exported is one sentence."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import families as models

import vaekit as vk
from vaekit.errors import UserError
from vaekit.interop import export_onnx, parity
from vaekit.interop import onnx as module
from vaekit.interop.halves import Decoder, Half
from vaekit.recipes import find_recipe

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")


def run(graph: module.Graph, **inputs: torch.Tensor) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(graph.onnx, providers=["CPUExecutionProvider"])
    found = session.run(list(graph.outputs), {k: inputs[k].numpy() for k in graph.inputs})
    return dict(zip(graph.outputs, found, strict=True))


@pytest.fixture(scope="module")
def exported() -> tuple[vk.VAE, torch.Tensor, module.Exported]:
    model, x = models.build("conditional")
    return model, x, export_onnx(model, x, with_prior=True)


def test_a_conditional_model_from_end_to_end(exported) -> None:
    model, x, graphs = exported
    y = torch.arange(6) % 3
    hot, eps = torch.eye(3)[y], torch.randn(6, 3)
    code = run(graphs.encoder, x=x, eps=eps, y=hot)
    with torch.no_grad():
        qz = model.encode(x, y)
    np.testing.assert_allclose(code["mean"], qz.mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(code["z"], (qz.mean + qz.stddev * eps).numpy(), atol=1e-5)
    z = torch.from_numpy(code["mean"])
    made = run(graphs.decoder, z=z, x=x, y=hot)
    np.testing.assert_allclose(made["mean"], model.reconstruct(x, y).numpy(), atol=1e-5)
    np.testing.assert_allclose(made["log_px"], model.decode(z, y).log_prob(x).detach().numpy(), rtol=1e-5)
    elbo = model.elbo(x, y, num_samples=400).detach().numpy()
    draws = [run(graphs.encoder, x=x, eps=torch.randn(6, 3), y=hot) for _ in range(200)]
    scores = [run(graphs.decoder, z=torch.from_numpy(d["z"]), x=x, y=hot)["log_px"] for d in draws]
    np.testing.assert_allclose(np.mean(scores, 0) - draws[0]["kl"].sum(-1), elbo, atol=0.5)


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_any_batch_is_taken(exported, batch: int) -> None:
    _, _, graphs = exported
    z, hot = torch.randn(batch, 3), torch.eye(3)[torch.zeros(batch, dtype=torch.long)]
    assert run(graphs.decoder, z=z, x=torch.zeros(batch, *models.SHAPE), y=hot)["mean"].shape == (
        batch,
        1,
        8,
        8,
    )


def test_the_prior_of_a_class(exported) -> None:
    model, _, graphs = exported
    assert graphs.prior is not None
    eps, keep = torch.randn(5, 3), torch.zeros(5, 3)
    hot = torch.eye(3)[torch.tensor([2] * 5)]
    found = run(graphs.prior, z=torch.zeros(5, 3), eps=eps, keep=keep, y=hot)["redrawn"]
    with torch.no_grad():
        pz = model.prior(hot, None)
        np.testing.assert_allclose(found, (pz.mean + pz.stddev * eps).numpy(), atol=1e-5)


def test_a_graph_holds_its_weights_once_and_no_notes(exported) -> None:
    model, _, graphs = exported
    proto = onnx.load_from_string(graphs.decoder.onnx)
    onnx.checker.check_model(proto, full_check=True)
    held = sum(math.prod(w.dims) for w in proto.graph.initializer)
    weights = sum(p.numel() for p in model.likelihood.parameters())
    assert weights <= held <= weights + 200
    assert len(graphs.decoder.onnx) < 4 * held + 6000
    assert not proto.graph.value_info
    assert not any(node.doc_string or node.metadata_props for node in proto.graph.node)
    assert {d.domain for d in proto.opset_import} <= {"", "ai.onnx"}
    assert [i.name for i in proto.graph.input] == ["z", "y", "x"]


def test_equal_models_give_equal_bytes(exported) -> None:
    model, x, graphs = exported
    half = Decoder(model)
    with torch.no_grad():
        again = module._export(half, module.example_inputs(half, x, torch.zeros(6, 3)), False)
    assert again.onnx == graphs.decoder.onnx


@pytest.mark.parametrize("name", ["residual codebook", "table", "sound", "ladder", "partly labelled", "fitted"])
def test_other_families(name: str) -> None:
    model, x = models.build(name)
    graphs = export_onnx(model, x, is_small=name == "residual codebook")
    assert max(graphs.encoder.error, graphs.decoder.error) <= module.TOLERANCE
    if name == "residual codebook":
        shown = onnx.load_from_string(graphs.decoder.onnx).graph.initializer
        large = max(shown, key=lambda w: math.prod(w.dims))
        values = np.frombuffer(large.raw_data, np.uint32)
        assert not (values & 0x7F).any(), "rounded weights end in zeros"
        assert module._export(module.halves_of(model)[0], (x,), False).onnx == graphs.encoder.onnx, "codes are choices"
    encoder, decoder = module.halves_of(model)
    assert (encoder.outputs, decoder.outputs) == (graphs.encoder.outputs, graphs.decoder.outputs)
    for batch in (1, 2, 5, 11):  # none of them is the batch that was traced
        rows = x[torch.arange(batch) % len(x)]
        with torch.no_grad():
            inputs = module.example_inputs(encoder, rows)
            code = agrees(graphs.encoder, encoder, inputs)
            agrees(graphs.decoder, decoder, module.example_inputs(decoder, rows, code))


def agrees(graph: module.Graph, half: Half, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """PyTorch's first output, after all were compared with the graph's."""
    expected = half(*inputs)
    found = run(graph, **dict(zip(half.inputs, inputs, strict=True)))
    for name, value in zip(half.outputs, expected, strict=True):
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value.numpy(), rtol=module.TOLERANCE, atol=module.TOLERANCE)
    return expected[0]


class Half2(Half):
    """What no family has: operators that need a translation of ours, and one that has none."""

    outputs = ("out",)

    def __init__(self, operation) -> None:
        super().__init__(models.build("diagonal")[0], "x")
        self.operation = operation

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.operation(tensors[0]),)


def own_operators(x: torch.Tensor) -> torch.Tensor:
    borders = torch.tensor([-1.0, 0.0, 0.5, 2.0])
    left = torch.searchsorted(borders, x.clone())
    right = torch.searchsorted(borders, x.clone(), right=True)
    wide = 60 * x
    tril = torch.tensor([[2.0, 0, 0, 0], [0.7, 0.5, 0, 0], [-3, 1, 1.5, 0], [0.2, -0.4, 0.9, 3]])
    solved = torch.linalg.solve_triangular(tril, x.mT.clone(), upper=False).mT
    return torch.stack(
        [torch.lgamma(x.exp() * 5), left.float(), right.float(), torch.nn.functional.logsigmoid(wide), solved]
    )


def test_operators_of_our_own() -> None:
    x = torch.tensor([[-3.0, -1.0, 0.0, 0.4], [0.5, 1.9, 2.0, 7.0]])
    with torch.no_grad():
        graph = module._export(Half2(lambda v: own_operators(v).movedim(0, 1)), (x,), False)
    assert graph.error < 1e-5


def test_what_cannot_be_written_is_one_sentence() -> None:
    half = Half2(lambda x: torch.linalg.eigvals(x @ x.mT).real)
    with (
        torch.no_grad(),
        pytest.raises(UserError, match="cannot be exported, because torch cannot write") as caught,
    ):
        module._export(half, (torch.randn(4, 1, 3, 3),), False)
    assert "\n" not in str(caught.value)


def test_a_graph_that_differs_is_not_returned(monkeypatch) -> None:
    monkeypatch.setattr(parity, "_difference", lambda *args: 0.5)
    half = Half2(lambda x: x + 1)
    with torch.no_grad(), pytest.raises(UserError, match=r"differs from PyTorch by 0\.5"):
        module._export(half, (torch.randn(4, 2),), False)


def test_rounded_weights_keep_the_logarithm_of_small_spreads() -> None:
    torch.manual_seed(3)
    schema = vk.Schema("image", (1, 28, 28), 0.0, 1.0)
    model = find_recipe("vae")(schema, hidden=64, latent=2).model.eval()
    model.schema = schema
    with torch.no_grad():
        model.posterior.head.layer.bias[2:] -= 6.0  # spreads of a twentieth
    x = torch.rand(16, 1, 28, 28)
    encoder = export_onnx(model, x, is_small=True).encoder
    found = run(encoder, x=x, eps=torch.zeros(16, 2))
    qz = model.encode(x)
    std = qz.base_dist.scale.detach().numpy()
    assert std.max() < 0.2
    assert np.abs(2 * np.log(found["std"]) - 2 * np.log(std)).max() < 1e-4
    np.testing.assert_allclose(found["mean"], qz.mean.detach().numpy(), atol=1e-4)


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"needs onnxscript.*vaekit\[export\]"):
        export_onnx(models.build("diagonal")[0])


def test_importing_the_room_imports_no_exporter() -> None:
    program = (
        "import sys, vaekit.interop; assert not {'onnx', 'onnxscript', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
