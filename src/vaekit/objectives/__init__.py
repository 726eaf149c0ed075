"""Objectives: Trace to Loss."""

from vaekit.objectives.elbo import ELBO as ELBO
from vaekit.objectives.objective import Loss as Loss
from vaekit.objectives.objective import Objective as Objective
from vaekit.objectives.reconstruction import Reconstruction as Reconstruction
from vaekit.objectives.schedules import Cyclical as Cyclical
from vaekit.objectives.schedules import Linear as Linear
