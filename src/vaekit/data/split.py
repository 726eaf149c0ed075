"""The split: which examples train, validate and test, fixed by the seed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from vaekit.data.source import Block
from vaekit.errors import UserError

Amount = float | int | None
PERMUTED, DRAWN = 2**24, 2**20
"""A permutation takes 8 bytes a row: of more rows, some are drawn until there are as many different ones as wanted."""


def split(
    blocks: dict[str, Block], valid: Amount, test: Amount, limit: int | None, seed: int
) -> tuple[dict[str, Block], str]:
    """Train, valid and test parts, and a sentence that says how they were made.

    A part that the source itself separates is kept. Otherwise test is 20 % of everything, then validation is 10 % of
    the rest, at most 1000; both are drawn by `seed`.

    Args:
        blocks: {"all": ...} or {"train": ..., "valid"?: ..., "test"?: ...}.
        valid, test: a number of examples (int), a share (float below 1) of everything for test and of what is left
            for validation, 0 for none, None for the default.
        limit: at most so many examples in each part, drawn by seed.
        seed: the seed.
    """
    said = {}
    # RandomState's stream is frozen for good by numpy (NEP 19); default_rng's may change with a version.
    random = np.random.RandomState(seed % 2**32)
    if "all" in blocks:
        rest, out = blocks["all"], {}
        number = _count("test", test, len(rest), max(1, round(0.2 * len(rest))))
        _enough(len(rest), number, valid)
        if number:
            rest, out["test"] = _draw(rest, number, random)
            said["test"] = "drawn"
    else:
        rest, out = blocks["train"], {}
        for name, amount in (("test", test), ("valid", valid)):
            if name in blocks:
                if amount not in (None, 0):
                    raise UserError(
                        f"The source has its own {name} part of {len(blocks[name]):,} examples; "
                        f"leave {name} out to use it, or give {name}=0 to go without."
                    )
                if amount is None:
                    out[name], said[name] = blocks[name], "by the source"
    if "valid" not in out and not ("valid" in blocks and valid == 0):
        number = _count("valid", valid, len(rest), min(max(1, round(0.1 * len(rest))), 1000))
        if number:
            if number >= len(rest):
                raise UserError(_too_few(len(rest), f"{number:,} for validation"))
            rest, out["valid"] = _draw(rest, number, random)
            said["valid"] = "drawn"
    out["train"] = rest
    if limit is not None:
        if limit < 1:
            raise UserError(f"limit is a number of examples, at least 1; {limit} came.")
        out = {
            k: _draw(dataclasses.replace(b, groups=None), limit, random)[1] if len(b) > limit else b
            for k, b in out.items()
        }
    order: list[str] = [name for name in ("train", "valid", "test") if name in out]
    return {name: out[name] for name in order}, _sentence(out, order, said, seed)


def _count(name: str, amount: Amount, total: int, default: int) -> int:
    """The number of examples that `amount` asks for."""
    if amount is None:
        return default
    good = not isinstance(amount, bool) and amount >= 0 and (amount < 1 or float(amount).is_integer())
    if not good:
        raise UserError(f"{name} is a share below 1 or a whole number of examples; {amount!r} came.")
    return int(amount) if amount == 0 or amount >= 1 else max(1, round(amount * total))


def _enough(total: int, for_test: int, valid: Any) -> None:
    needed = 1 + (for_test > 0 or total < 2) + (valid is None or valid > 0)
    if total < max(2, needed) or for_test >= total:
        raise UserError(
            _too_few(total, f"{for_test:,} for test" if total >= 3 else "at least 3 for the three parts")
        )


def _too_few(total: int, wanted: str) -> str:
    rows = "1 example" if total == 1 else f"{total:,} examples"
    return f"The data has {rows}, too few to leave some for training: {wanted}. Give more data, or smaller parts."


def _draw(block: Block, number: int, random: np.random.RandomState) -> tuple[Block, Block]:
    """What is left, and `number` examples drawn; both keep the source's order. Whole groups, where there are groups."""
    chosen = np.zeros(len(block), bool)
    if block.groups is None and len(block) <= PERMUTED:
        chosen[random.permutation(len(block))[:number]] = True
    elif block.groups is None:
        while missing := number - int(np.count_nonzero(chosen)):
            chosen[random.randint(0, len(block), min(missing, DRAWN))] = True
    else:
        for name in random.permutation(np.unique(block.groups)):
            chosen |= block.groups == name
            if chosen.sum() >= number:
                break
    return block.take(~chosen), block.take(chosen)


def _sentence(parts: dict[str, Block], order: list[str], said: dict[str, str], seed: int) -> str:
    counts = " / ".join(f"{len(parts[name]):,} {name}" for name in order)
    by_source = [name for name in order if said.get(name) == "by the source"]
    drawn = [name for name in order if said.get(name) == "drawn"]
    how = []
    if by_source:
        how.append(f"{' and '.join(by_source)} by the source")
    if drawn:
        how.append(f"{' and '.join(drawn)} drawn with seed {seed}")
    return f"Split: {counts}" + (f"; {', '.join(how)}." if how else ".")
