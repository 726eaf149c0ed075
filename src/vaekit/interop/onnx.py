"""export_onnx: the encoder and the decoder of any model as two ONNX graphs, checked against PyTorch."""

from __future__ import annotations

import copy
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.errors import UserError
from vaekit.evaluation.chunks import evaluating
from vaekit.hierarchical import HierarchicalVAE
from vaekit.interop.codes import CodesDecoder, CodesEncoder, is_discrete
from vaekit.interop.columns import layout_of
from vaekit.interop.halves import ClassDecoder, ClassEncoder, Decoder, Encoder, Half, Redraw
from vaekit.interop.operators import translations
from vaekit.interop.parity import error_of
from vaekit.ladder import LadderVAE
from vaekit.likelihoods import Columns
from vaekit.model import VAE, Model
from vaekit.schema import Schema
from vaekit.semi_supervised import SemiSupervisedVAE

__all__ = ["Exported", "Graph", "export_onnx"]

OPSET = 20
TOLERANCE = 1e-4
"""Of every output, absolute where it is below 1 and relative above."""
SMALL_TOLERANCE = 4e-5
"""Of graphs whose weights are rounded: other examples may meet more of the rounding than those compared."""
FEWEST_BITS, ALL_BITS = 10, 23
FEWEST_NUMBERS = 500
"""Smaller tensors are kept as they are: borders and special numbers are among them, and they take no room."""
NUM_COMPARED = 16


@dataclass(frozen=True)
class Graph:
    """One exported part of a model.

    Args:
        onnx: the content of an .onnx file, weights included.
        inputs, outputs: names in order.
        shapes: of each of them, without the batch, which is the first dimension.
        error: largest difference from PyTorch on the compared examples, relative where values are above 1.
    """

    onnx: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]
    error: float


@dataclass(frozen=True)
class Exported:
    """A model's graphs.

    Args:
        encoder, decoder: its halves, `Encoder` and `Decoder` and their relatives for classes and codes.
        prior: draws from the prior, `Redraw`; None where these are no map of Gaussian noise, or not asked for.
    """

    encoder: Graph
    decoder: Graph
    prior: Graph | None = None


def export_onnx(
    model: Model, x: Tensor | None = None, *, is_small: bool = False, with_prior: bool = False, seed: int = 0
) -> Exported:
    """The encoder and the decoder of `model` in ONNX's format, float32, any batch size.

    Every graph is run by onnxruntime beside PyTorch before it is returned.

    Args:
        model: any model of vaekit's.
        x: examples (N, *event) as the model sees them, to compare on; by default draws from the model.
        is_small: round the weights to as few bits as the comparison allows, so that they compress better; not of
            an encoder of discrete codes.
        with_prior: export draws from the prior, too.
        seed: of what is drawn for the comparison.

    Raises:
        UserError: a package is missing, or the model cannot be exported, and why.

    Example:
        >>> graphs = export_onnx(model)  # doctest: +SKIP
        >>> graphs.decoder.inputs, graphs.decoder.outputs  # doctest: +SKIP
        (('z', 'x'), ('mean', 'log_px'))
    """
    require_packages()
    schema = model.schema
    model = copy.deepcopy(model).to("cpu", torch.float32).eval()
    model.schema = schema
    with evaluating(model, seed):
        encoder, decoder = halves_of(model)
        x = compared_examples(model) if x is None else x[:NUM_COMPARED].to("cpu", torch.float32)
        inputs = example_inputs(encoder, x)
        # Codes are choices: the least rounding changes some, and no comparison of a few examples would tell.
        is_rounded = is_small and not isinstance(encoder, CodesEncoder)
        first, code = _export(encoder, inputs, is_rounded), encoder(*inputs)[0]
        try:
            second = _export(decoder, example_inputs(decoder, x, code), is_small)
        except UntranslatableError:
            # Some densities need functions that ONNX does not have; the mean needs none of them.
            decoder = halves_of(model, is_scored=False)[1]
            second = _export(decoder, example_inputs(decoder, x, code), is_small)
        third = None
        if with_prior and isinstance(encoder, Encoder):
            redraw = Redraw(encoder.model)  # type: ignore[arg-type]
            if redraw.is_possible:
                third = _export(redraw, example_inputs(redraw, x, code), is_small)
    return Exported(first, second, third)


class UntranslatableError(UserError):
    """A graph that cannot be written in ONNX."""


def require_packages() -> None:
    """Refuse, in one sentence, where what exports is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"Exporting a model needs {error.name}; install what belongs to it with pip install 'vaekit[export]'."
        ) from None


def halves_of(model: Model, *, is_scored: bool = True) -> tuple[Half, Half]:
    """The encoder and the decoder of a model; without `is_scored` the decoder gives no log p(x|z)."""
    if isinstance(model, SemiSupervisedVAE):
        return ClassEncoder(model), ClassDecoder(model, is_scored=is_scored)
    if isinstance(model, VAE) and is_discrete(model):
        return CodesEncoder(model), CodesDecoder(model, is_scored=is_scored)
    if not isinstance(model, VAE | HierarchicalVAE | LadderVAE):
        raise UserError(
            f"A {type(model).__name__} cannot be exported: vaekit exports its own kinds of models."
        )
    is_row = isinstance(model.likelihood, Columns) and model.schema is not None
    layout = layout_of(cast(Schema, model.schema)) if is_row else None
    return Encoder(model), Decoder(model, layout=layout, is_scored=is_scored)


def compared_examples(model: Model) -> Tensor:
    """Examples to compare on: noise for sound, whose means cost much and are no test, else draws from the model."""
    if model.schema is not None and model.schema.kind == "audio":
        return 0.1 * torch.randn(NUM_COMPARED, *model.likelihood.event_shape)
    return model.sample(NUM_COMPARED, mean=False)


def example_inputs(half: Half, x: Tensor, code: Tensor | None = None) -> tuple[Tensor, ...]:
    """Inputs of a half for examples x; `code` is what the encoder made of them."""
    model, num = half.model, len(x)
    classes, size = model.condition, math.prod(model.latent_shape)
    if isinstance(model, SemiSupervisedVAE):
        classes, size = model.num_classes, size - model.num_classes

    def made(name: str) -> Tensor:
        if name == "y":
            return torch.eye(classes)[torch.arange(num) % classes]
        if name == "eps":
            return torch.randn(num, size)
        if name == "keep":
            return (torch.rand(num, size) < 0.5).float()
        if name == "x":
            return x
        assert code is not None
        return code

    return tuple(made(name) for name in half.inputs)


def _export(half: Half, inputs: tuple[Tensor, ...], is_small: bool) -> Graph:
    """One half, written and compared, for a single example too."""
    expected = [out.numpy() for out in half(*inputs)]
    whole = _written(half, inputs)
    feeds = {name: value.numpy() for name, value in zip(half.inputs, inputs, strict=True)}
    shapes = dict(zip((*half.inputs, *half.outputs), (tuple(v.shape[1:]) for v in (*inputs, *expected))))
    for bits in range(FEWEST_BITS, ALL_BITS) if is_small else ():
        content = _content(whole, half, bits)
        error = error_of(content, half.outputs, feeds, expected, with_log_variance=True)
        if error <= SMALL_TOLERANCE:
            return Graph(content, half.inputs, half.outputs, shapes, error)
    content = _content(whole, half, ALL_BITS)
    error = error_of(content, half.outputs, feeds, expected)
    if error > TOLERANCE:
        raise UserError(
            f"The exported {type(half.model).__name__} differs from PyTorch by {error:.2g}, more than {TOLERANCE:g}; "
            "nothing was written."
        )
    return Graph(content, half.inputs, half.outputs, shapes, error)


def _written(half: Half, inputs: tuple[Tensor, ...]) -> Any:
    """The graph of a half as an onnx ModelProto.

    Raises:
        UntranslatableError: the exporter knows no ONNX for something in it.
    """
    batch = torch.export.Dim("batch")  # the same for all inputs
    try:
        with _tracing():
            program = torch.export.export(
                half, inputs, dynamic_shapes=(({0: batch},) * len(inputs),), strict=False
            )
            written = torch.onnx.export(
                program,
                custom_translation_table=translations(),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter raises what its many parts raise
        raise UntranslatableError(
            f"This {type(half.model).__name__} cannot be exported, because torch cannot write its "
            f"{type(half).__name__.lower()} as an ONNX graph: {_reason(error)}."
        ) from error
    assert written is not None
    return written.model_proto


def _reason(error: BaseException) -> str:
    """What the exporter stumbled over: the first line of the innermost exception."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")


@contextmanager
def _tracing() -> Iterator[None]:
    """The exporter speaks of packages that it does without and of graphs that it gives up; none of that is for the
    user. Distributions must not look at the values of what is traced."""
    was_validating = Distribution.__dict__["_validate_args"]
    logging.disable(logging.CRITICAL)
    Distribution.set_default_validate_args(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Distribution.set_default_validate_args(was_validating)
        logging.disable(logging.NOTSET)


def _content(proto: Any, half: Half, mantissa_bits: int) -> bytes:
    """The bytes of a ModelProto without its exporter's notes, its weights rounded; equal models, equal bytes."""
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(proto)
    made.doc_string, made.graph.doc_string = "", ""
    del made.metadata_props[:], made.graph.metadata_props[:], made.graph.value_info[:]
    _rename(made.graph, half)
    for node in made.graph.node:
        node.doc_string = node.name = ""
        del node.metadata_props[:]
    for value in (*made.graph.input, *made.graph.output):
        del value.metadata_props[:]
    for weight in made.graph.initializer:
        weight.doc_string = ""
        del weight.metadata_props[:]
        is_weight = weight.data_type == onnx.TensorProto.FLOAT and math.prod(weight.dims) >= FEWEST_NUMBERS
        if is_weight and weight.raw_data and mantissa_bits < ALL_BITS:
            weight.raw_data = rounded(np.frombuffer(weight.raw_data, "<f4"), mantissa_bits).tobytes()
    return made.SerializeToString(deterministic=True)


def _rename(graph: Any, half: Half) -> None:
    """Inputs and outputs by the half's names, everything between by numbers: the exporter lets names collide."""
    names = {"": ""}
    names |= {value.name: name for value, name in zip(graph.input, half.inputs, strict=True)}
    names |= {value.name: name for value, name in zip(graph.output, half.outputs, strict=True)}
    own = [weight.name for weight in graph.initializer] + [
        name for node in graph.node for name in node.output
    ]
    for name in own:
        names.setdefault(name, f"v{len(names)}")
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    for node in graph.node:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]


def rounded(values: np.ndarray, mantissa_bits: int) -> np.ndarray:
    """float32 with the mantissa rounded to so many bits, ties to even; the rest is zeros.

    Example:
        >>> rounded(np.array([1.0 + 2**-10], "<f4"), 8).tolist()
        [1.0]
    """
    drop = ALL_BITS - mantissa_bits
    bits = values.astype("<f4").view(np.uint32).astype(np.uint64)
    half = (1 << (drop - 1)) - 1 + ((bits >> np.uint64(drop)) & np.uint64(1))
    near = ((bits + half) >> np.uint64(drop)) << np.uint64(drop)
    made = near.astype(np.uint32).view("<f4")
    return np.where(np.isfinite(made), made, values).astype("<f4")
