"""Ranking: which of several models is best in a figure, if their figures were measured alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vaekit.evaluation.protocol import differences


@dataclass(frozen=True)
class Ranking:
    """The places of the best, and what of the protocols forbids a ranking.

    Args:
        best: places of the best figure and of those that are not told apart from it; empty where nothing is ranked.
        differing: names of what differs between the protocols; empty where the figures compare.
    """

    best: tuple[int, ...] = ()
    differing: tuple[str, ...] = field(default=())


def rank(results: Sequence[Mapping[str, Any]], figure: str, *, higher: bool) -> Ranking:
    """Find the best of several models in one figure.

    Figures of different protocols are not ranked. Those whose 95 % intervals overlap the best one's share its place.

    Args:
        results: what `evaluate`, `sample_figures` and the like returned for each model, with their `protocol`.
        figure: its name in the results.
        higher: whether a higher figure is the better one.

    Example:
        >>> alike = {"protocol": {"n": 100, "num_samples": 5}}
        >>> rank([{"nll": 90.0, **alike}, {"nll": 80.0, **alike}], "nll", higher=False).best
        (1,)
        >>> rank([{"nll": 90.0, **alike}, {"nll": 80.0, "protocol": {"n": 50}}], "nll", higher=False).differing
        ('n', 'num_samples')
    """
    there = [i for i, r in enumerate(results) if r.get(figure) is not None]
    if len(there) < 2:
        return Ranking()
    first = results[there[0]].get("protocol", {})
    differing = dict.fromkeys(
        name for i in there[1:] for name in differences(first, results[i].get("protocol", {}), figure)
    )
    if differing:
        return Ranking(differing=tuple(differing))
    sign = 1 if higher else -1
    top = max(there, key=lambda i: sign * results[i][figure])
    return Ranking(tuple(i for i in there if i == top or _overlap(results[i], results[top], figure)))


def _overlap(a: Mapping[str, Any], b: Mapping[str, Any], figure: str) -> bool:
    """Whether two intervals have a value in common; equal figures do without intervals."""
    one, two = a.get(f"{figure}_interval"), b.get(f"{figure}_interval")
    if not one or not two:
        return bool(a[figure] == b[figure])
    return bool(one[0] <= two[1] and two[0] <= one[1])
