"""at_length: a convolutional model of sound for clips of another length than it was trained on."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from vaekit.component import from_config, to_config
from vaekit.errors import UserError
from vaekit.model import Model
from vaekit.nets import LogMel

__all__ = ["at_length"]


def at_length(model: Model, num_samples: int) -> Model:
    """The same weights in a model of longer or shorter clips, (1, T): T is `num_samples` rounded up to whole latents.

    Args:
        model: one whose networks convolve over time, as those of recipe `audio` do.
        num_samples: samples of one clip.

    Raises:
        UserError: the model's weights depend on the length.
    """
    before = model.likelihood.event_shape
    is_sequence = len(before) == 2 and len(model.latent_shape) == 3 and model.latent_shape[1] == 1
    if not is_sequence:
        raise UserError(
            "This model has one code for a clip of one length; a model of recipe audio takes sound of any length."
        )
    hop = before[1] // model.latent_shape[2]  # samples of one latent
    count = max(2, math.ceil(num_samples / hop))
    shapes: dict[tuple[int, ...], list[int]] = {
        before: [before[0], count * hop],
        model.latent_shape: [*model.latent_shape[:2], count],
    }
    for part in model.modules():
        if isinstance(part, LogMel):
            _, bands, frames = part.out_shape
            shapes[part.out_shape] = [1, bands, frames * count // model.latent_shape[2]]

    def stretched(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: stretched(v) for k, v in value.items()}
        if isinstance(value, list):
            if all(isinstance(v, int) for v in value):
                return shapes.get(tuple(value), value)
            return [stretched(v) for v in value]
        return value

    made = from_config(stretched(to_config(model)))
    assert isinstance(made, Model)
    weights = model.state_dict()
    fitting = {k: v.shape for k, v in made.state_dict().items()} == {k: v.shape for k, v in weights.items()}
    if not fitting:
        raise UserError(
            "This model's weights depend on the length of a clip, so it takes clips of that length only."
        )
    made.load_state_dict(weights)
    if model.schema is not None:
        made.schema = dataclasses.replace(model.schema, shape=made.likelihood.event_shape)
    return made.to(model.device, model.dtype).train(model.training)
