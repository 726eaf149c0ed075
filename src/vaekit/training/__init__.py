"""Training: one loop, its settings, checkpoints and exact resume."""

from vaekit.training.settings import Settings as Settings
