"""vaekit's own loop on MNIST, one epoch at a time, without validation and files.

    python ours.py [--batch-size 128] [--precision float32] [--recipe vae] [--compile always]

Without options, what `vaekit train mnist --recipe vae --epochs 50` chooses: a run that repays generated code. The
learning rate is that of its first epochs.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import torch
from worker import serve

from vaekit.api import make_plan
from vaekit.run import Run
from vaekit.training.loop import FINITE_CHECK_EVERY, Training


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--precision")
    parser.add_argument("--recipe", default="vae")
    parser.add_argument("--compile")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    options: dict[str, Any] = {"valid": 0, "epochs": 50, **given}
    recipe = options.pop("recipe")
    plan = make_plan("mnist", recipe, None, options, 0)
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(f"{folder}/run", plan.data.schema.name, plan.config)
        training = Training(
            run, plan.model, plan.objective, plan.data, plan.settings, seed=0, device=torch.device("cpu")
        )
        training.model.train()

        def epoch() -> None:
            for index in training.order_of_epoch().split(training.settings.batch_size):
                training.step(index)
                if training.progress.step % FINITE_CHECK_EVERY == 0:
                    training.require_finite(training.sums)
            training.require_finite(training.sums)
            training.progress.epoch, training.progress.step = training.progress.epoch + 1, 0
            training.sums.clear()

        serve(epoch)


if __name__ == "__main__":
    main()
