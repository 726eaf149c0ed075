"""Evaluation: one metric a file, and `evaluate`, which states them all."""

from vaekit.evaluation.active_units import ActiveUnits as ActiveUnits
from vaekit.evaluation.ais import Ais as Ais
from vaekit.evaluation.ais import ais as ais
from vaekit.evaluation.bootstrap import bootstrap_interval as bootstrap_interval
from vaekit.evaluation.bound import BoundCurve as BoundCurve
from vaekit.evaluation.bound import bound_vs_samples as bound_vs_samples
from vaekit.evaluation.evaluate import evaluate as evaluate
from vaekit.evaluation.frechet import PrincipalComponents as PrincipalComponents
from vaekit.evaluation.frechet import frechet_distance as frechet_distance
from vaekit.evaluation.frechet import frechet_pca64 as frechet_pca64
from vaekit.evaluation.likelihood import ImportanceSum as ImportanceSum
from vaekit.evaluation.likelihood import Nll as Nll
from vaekit.evaluation.likelihood import nll as nll
from vaekit.evaluation.protocol import differences as differences
from vaekit.evaluation.protocol import protocol_of as protocol_of
from vaekit.evaluation.rate_distortion import RateDistortion as RateDistortion
from vaekit.evaluation.reconstruction import mse as mse
from vaekit.evaluation.reconstruction import psnr as psnr
from vaekit.evaluation.reconstruction import squared_error as squared_error
