"""Objectives: Trace to Loss."""

from vaekit.objectives.ciwae import CIWAE as CIWAE
from vaekit.objectives.elbo import ELBO as ELBO
from vaekit.objectives.iwae import IWAE as IWAE
from vaekit.objectives.miwae import MIWAE as MIWAE
from vaekit.objectives.objective import Loss as Loss
from vaekit.objectives.objective import Objective as Objective
from vaekit.objectives.piwae import PIWAE as PIWAE
from vaekit.objectives.reconstruction import Reconstruction as Reconstruction
from vaekit.objectives.renyi import Renyi as Renyi
from vaekit.objectives.schedules import Cyclical as Cyclical
from vaekit.objectives.schedules import Linear as Linear
