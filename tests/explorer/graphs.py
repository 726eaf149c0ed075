"""Small random networks in ONNX, for the made-up runs of fake.py."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """A small ONNX graph, node by node."""

    def __init__(self) -> None:
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        self.count += 1
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{self.count}"))
        return f"c{self.count}"

    def add(self, op: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        self.count += 1
        out = out or f"t{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def mlp(
        self, x: str, sizes: list[int], rng: np.random.Generator, out: str | None = None, gain: float = 1.6
    ) -> str:
        for i, (m, n) in enumerate(pairwise(sizes)):
            w, b = rng.normal(0, gain / m**0.5, (m, n)), rng.normal(0, 0.3, n)
            last = i == len(sizes) - 2
            x = self.add("Gemm", x, self.constant(w), self.constant(b), out=out if last else None)
            x = x if last else self.add("Tanh", x)
        return x

    def build(self, inputs: dict[str, tuple[int, list]], outputs: list[str]) -> onnx.ModelProto:
        ins = [helper.make_tensor_value_info(n, t, ["B", *s]) for n, (t, s) in inputs.items()]
        outs = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT if n != "codes" else TensorProto.INT64, None)
            for n in outputs
        ]
        graph = helper.make_graph(self.nodes, "fake", ins, outs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


F = TensorProto.FLOAT


def decoder(
    size: int, shape: list[int], classes: int, rng: np.random.Generator, log_px: bool, squash: str
) -> onnx.ModelProto:
    g, flat = Graph(), int(np.prod(shape))
    inputs: dict[str, tuple[int, list]] = {"z": (F, [size])}
    z = "z"
    if classes:
        inputs["y"] = (F, [classes])
        z = g.add("Concat", "z", "y", axis=-1)
    h = g.mlp(z, [size + classes, 32, flat], rng)
    h = g.add(squash, h)
    g.add("Reshape", h, g.constant([0, *shape] if shape != [flat] else [0, flat], np.int64), out="mean")
    outputs = ["mean"]
    if log_px:
        inputs["x"] = (F, shape)
        error = g.add("Sub", "x", "mean")
        square = g.add("Reshape", g.add("Mul", error, error), g.constant([0, flat], np.int64))
        g.add("Neg", g.add("ReduceSum", square, g.constant([1], np.int64), keepdims=0), out="log_px")
        outputs.append("log_px")
    return g.build(inputs, outputs)


def encoder(size: int, shape: list[int], deterministic: bool, rng: np.random.Generator) -> onnx.ModelProto:
    g, flat = Graph(), int(np.prod(shape))
    x = g.add("Reshape", "x", g.constant([0, flat], np.int64))
    if len(shape) == 1:  # a table row may have missing cells
        x = g.add("Where", g.add("IsNaN", x), g.constant(0.0), x)
    if deterministic:
        g.mlp(x, [flat, 16, size], rng, out="mean")
        g.add("Identity", "mean", out="z")
        return g.build({"x": (F, shape)}, ["z", "mean"])
    g.mlp(x, [flat, 16, size], rng, out="mean")
    g.add("Exp", g.add("Mul", g.mlp(x, [flat, 4, size], rng, gain=0.4), g.constant(-0.5)), out="std0")
    g.add("Mul", "std0", g.constant(0.3), out="std")
    g.add("Add", "mean", g.add("Mul", "std", "eps"), out="z")
    return g.build({"x": (F, shape), "eps": (F, [size])}, ["z", "mean", "std"])


def codes_graphs(
    grid: list[int], book: int, shape: list[int], rng: np.random.Generator
) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    g, cells, flat = Graph(), int(np.prod(grid)), int(np.prod(shape))
    table = g.constant(rng.normal(size=(book, 6)))
    h = g.add("Reshape", g.add("Gather", table, "codes"), g.constant([0, cells * 6], np.int64))
    h = g.add("Sigmoid", g.mlp(h, [cells * 6, flat], rng))
    g.add("Reshape", h, g.constant([0, *shape], np.int64), out="mean")
    made = g.build({"codes": (TensorProto.INT64, grid)}, ["mean"])
    e = Graph()
    x = e.add("Reshape", "x", e.constant([0, flat], np.int64))
    h = e.add("Reshape", e.mlp(x, [flat, cells * book], rng), e.constant([0, *grid, book], np.int64))
    e.add("ArgMax", h, axis=-1, keepdims=0, out="codes")
    return e.build({"x": (F, shape)}, ["codes"]), made


def prior(sizes: list[int], rng: np.random.Generator) -> onnx.ModelProto:
    """Each layer's mean is a linear map of the layer above; its spread is 0.5."""
    g, above, made = Graph(), None, []
    for i, size in enumerate(sizes):
        start = sum(sizes[:i])
        cut = [g.constant([start], np.int64), g.constant([start + size], np.int64), g.constant([1], np.int64)]
        z, eps, keep = (g.add("Slice", name, *cut) for name in ("z", "eps", "keep"))
        drawn = eps
        if above is not None:
            loc = g.mlp(above, [sizes[i - 1], size], rng)
            drawn = g.add("Add", loc, g.add("Mul", eps, g.constant(0.5)))
        rest = g.add("Sub", g.constant(1.0), keep)
        above = g.add("Add", g.add("Mul", keep, z), g.add("Mul", rest, drawn))
        made.append(above)
    g.add("Concat", *made, axis=-1, out="redrawn")
    total = sum(sizes)
    return g.build({n: (F, [total]) for n in ("z", "eps", "keep")}, ["redrawn"])
