"""Facts about a Dataset, for `vaekit check`: JSON-ready, computed from the raw values."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any

import torch

from vaekit.data.dataset import Dataset, Part
from vaekit.data.describe_table import describe_columns

_TINY = 10  # examples in the training part below which a class is hardly learned
_LOOKED_AT = 10_000
_HASH_LIMIT = 2_000_000_000  # bytes; a few seconds of hashing


def describe(dataset: Dataset) -> dict[str, Any]:
    """Counts, ranges, labels, the split and oddities of `dataset`.

    Args:
        dataset: the data.

    Returns:
        name, kind, shape, parts (name -> count), split (a sentence), dtype, raw_range, model_range, levels, binarize,
        label_counts (part -> class -> count), factors (names),
        columns (of a table), memory_bytes, oddities (sentences), notes, source.
    """
    schema, parts = dataset.schema, dataset.parts
    looked_at, sentences = held(dataset)
    columns = describe_columns(looked_at) if schema.columns else []
    # Columns of a table have no range in common.
    ranges = [part.raw.aminmax() for part in looked_at.parts.values() if len(part) and not columns]
    model_range = [schema.low, schema.high]
    return {
        "name": schema.name,
        "kind": schema.kind,
        "shape": list(schema.shape),
        "parts": {name: len(part) for name, part in parts.items()},
        "split": dataset.split,
        "dtype": schema.dtype,
        "raw_range": [min(r.min.item() for r in ranges), max(r.max.item() for r in ranges)] if ranges else None,
        "model_range": [bound if math.isfinite(bound) else None for bound in model_range],
        "levels": schema.levels,
        **({"rate": schema.rate, "seconds": schema.shape[-1] / schema.rate} if schema.rate else {}),
        "binarize": dataset.source.get("binarize", "none"),
        "label_counts": {name: counts for name, part in parts.items() if (counts := _label_counts(part))},
        "factors": list(dataset.factor_names),
        "columns": columns,
        "memory_bytes": sum(part.nbytes for part in parts.values()),
        "streamed": not dataset.train.is_held,
        "oddities": [*sentences, *_oddities(looked_at)],
        "notes": list(dataset.notes),
        "source": dict(dataset.source),
    }


def held(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """The data itself, or of data in files a random sample of each part, and a sentence that says so."""
    parts = dataset.parts
    few: dict[str, Any] = {name: part.in_memory(_LOOKED_AT) for name, part in parts.items()}
    if all(len(few[name]) == len(part) for name, part in parts.items()):
        return dataclasses.replace(dataset, **few), []
    counts = " / ".join(f"{len(part):,} {name}" for name, part in few.items())
    return dataclasses.replace(dataset, **few), [f"Ranges and oddities are those of a random sample: {counts}."]


def _label_counts(part: Part) -> dict[str, int]:
    """Examples of each class."""
    if part.y is None:
        return {}
    counts = torch.bincount(part.y[part.y >= 0].cpu(), minlength=part.schema.num_classes).tolist()
    return dict(zip(part.schema.label_names, counts))


def _oddities(dataset: Dataset) -> list[str]:
    """Sentences about what may surprise the data's owner."""
    found = []
    train = dataset.train.raw
    constant = int((train.amax(0) == train.amin(0)).sum()) if len(train) else 0
    if constant:
        total = dataset.schema.num_features
        found.append(
            f"{constant:,} of {total:,} values ({constant / total:.0%}) are constant over the training part."
        )
    for name, count in _label_counts(dataset.train).items():
        if count < _TINY:
            found.append(f'Class "{name}" has {count} training {"example" if count == 1 else "examples"}.')
    return found + _duplicates(dataset)


def _duplicates(dataset: Dataset) -> list[str]:
    """Repeated examples inside the training part, and examples that other parts share with it."""
    parts = dataset.parts
    if sum(part.raw.numel() * part.raw.element_size() for part in parts.values()) > _HASH_LIMIT:
        return ["Repeated examples were not looked for: the data is too large to do so quickly."]
    digests = {name: _digests(part) for name, part in parts.items()}
    seen = set(digests["train"])
    found = []
    repeats = len(digests["train"]) - len(seen)
    if repeats:
        found.append(
            f"{repeats:,} training {'example repeats' if repeats == 1 else 'examples repeat'} another one."
        )
    for name in ("valid", "test"):
        shared = sum(digest in seen for digest in digests.get(name, []))
        if shared:
            found.append(
                f"{shared:,} {name} {'example is' if shared == 1 else 'examples are'} in the training part too."
            )
    return found


def _digests(part: Part) -> list[bytes]:
    rows = part.raw.cpu().contiguous().numpy().reshape(len(part), -1)
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]
