"""Plots: one picture a file, each a function of plain arrays and a schema, and `draw_run`, which draws them all."""

from vaekit.plots.bound import bound as bound
from vaekit.plots.comparison import Panel as Panel
from vaekit.plots.comparison import comparison as comparison
from vaekit.plots.comparison import panel_of as panel_of
from vaekit.plots.curves import curves as curves
from vaekit.plots.data_grid import data_grid as data_grid
from vaekit.plots.dependence import dependence as dependence
from vaekit.plots.interpolations import interpolations as interpolations
from vaekit.plots.kl import kl_per_dimension as kl_per_dimension
from vaekit.plots.latent_grid import latent_grid as latent_grid
from vaekit.plots.latent_map import latent_map as latent_map
from vaekit.plots.marginals import marginals as marginals
from vaekit.plots.neighbours import neighbour_panel as neighbour_panel
from vaekit.plots.neighbours import neighbours as neighbours
from vaekit.plots.reconstructions import reconstructions as reconstructions
from vaekit.plots.run import draw_run as draw_run
from vaekit.plots.samples import samples as samples
from vaekit.plots.sounds import sounds as sounds
from vaekit.plots.style import save as save
from vaekit.plots.traversals import traversals as traversals
