"""Pictures: what they show is what they were given."""

from __future__ import annotations

import warnings
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text
from PIL import Image

from vaekit.plots import (
    Panel,
    comparison,
    curves,
    data_grid,
    interpolations,
    kl_per_dimension,
    latent_grid,
    latent_map,
    reconstructions,
    samples,
    save,
    traversals,
)
from vaekit.plots.curves import series_of
from vaekit.plots.latent_map import principal_plane
from vaekit.plots.style import PALETTE, Page, class_colours
from vaekit.plots.tiles import Tiles, has_dark_ink, look_of, to_grid, to_rgb
from vaekit.schema import Schema

GREY = Schema("image", (1, 8, 8), 0.0, 1.0, levels=256, scale=255.0, label_names=("cat", "dog"), name="pets")
COLOUR = Schema("image", (3, 8, 8), 0.0, 1.0, name="colours")
LINE = Schema("array", (50,), name="waves")
HEAT = Schema("array", (12, 20), name="spectra")
POINTS = Schema("array", (2,), name="moons")
SOUND = Schema("audio", (1, 300), -1.0, 1.0, name="sound")
TABLE = Schema("table", (5,), name="houses")
SCHEMAS = (GREY, COLOUR, LINE, HEAT, POINTS, SOUND, TABLE)


def texts(fig: Figure) -> str:
    return "\n".join(t.get_text() for t in fig.findobj(Text))


def canvas(fig: Figure) -> np.ndarray:
    (image,) = fig.findobj(AxesImage)
    return np.asarray(image.get_array())[..., :3] / 255


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_every_kind_of_data_is_drawn(schema: Schema, tmp_path: Any) -> None:
    x = torch.rand(20, *schema.shape)
    labels = torch.arange(20) % 2
    walk = x.reshape(4, 5, *schema.shape)
    figures = [
        data_grid(x, schema, labels),
        reconstructions(x, x * 0.9, schema),
        samples(x, schema),
        traversals(walk, schema, torch.rand(4)),
        interpolations(walk, schema),
        latent_grid(x[:16].reshape(4, 4, *schema.shape), schema),
        comparison([Panel(n, x, x, x, torch.randn(50, 3), draws=torch.randn(20, 3)) for n in "ab"], schema),
    ]
    for i, fig in enumerate(figures):
        assert schema.name in texts(fig)
        with Image.open(save(fig, tmp_path / f"{i}.png")) as picture:
            assert picture.size == tuple(round(s * 150) for s in fig.get_size_inches())


def test_pixels_of_the_canvas_are_pixels_of_the_file(tmp_path: Any) -> None:
    fig = reconstructions(torch.rand(30, 1, 8, 8), torch.rand(30, 1, 8, 8), GREY, dark_ink=False)
    with Image.open(save(fig, tmp_path / "a.png")) as picture:
        file = np.asarray(picture.convert("RGB"))
    for image in fig.findobj(AxesImage):
        box, pixels = image.axes.get_window_extent(), np.asarray(image.get_array())
        left, top = round(box.x0), len(file) - round(box.y1)
        part = file[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        np.testing.assert_allclose(part, pixels[..., :3], atol=1.01)


def test_pixels_are_sharp_and_true() -> None:
    x = torch.rand(4, 1, 8, 8)
    x[0, 0, 0, 0], x[0, 0, 0, 1] = 2.0, -1.0  # clipped, not rescaled
    tiles = Tiles(to_grid(x, 2, 2), GREY, dark_ink=False, target=84, gap=8)
    assert (tiles.tile_height, tiles.tile_width) == (80, 80)  # a whole factor of ten
    fig = data_grid(x, GREY, dark_ink=False)
    pixels = canvas(fig)
    first = pixels[:80, :80].reshape(8, 10, 8, 10, 3)
    assert first.std((1, 3)).max() < 1e-5
    np.testing.assert_allclose(first[:, 0, :, 0, 0], x[0, 0].clamp(0, 1), atol=1 / 255)


def test_reconstructions_stand_below_their_originals() -> None:
    x = torch.rand(3, 1, 8, 8)
    pixels = canvas(reconstructions(x, 1 - x, GREY, dark_ink=False))
    np.testing.assert_allclose(pixels[:80, :80], 1 - pixels[83:163, :80], atol=1e-6)


def test_channels() -> None:
    pixel = np.array([0.2, 0.4, 0.6, 0.5], np.float32)
    for channels, expected in ((1, [0.2] * 3), (2, [0.2] * 3), (3, [0.2, 0.4, 0.6]), (4, [0.6, 0.7, 0.8])):
        schema = Schema("image", (channels, 1, 1), 0.0, 1.0)
        rgb = to_rgb(pixel[None, :channels, None, None], schema, dark_ink=False)
        np.testing.assert_allclose(rgb[0, 0, 0], expected, atol=1e-6)
    ink = to_rgb(np.array([[[[0.0, 1.0]]]], np.float32), Schema("image", (1, 1, 2), 0.0, 1.0), dark_ink=True)
    assert ink[0, 0, 0].min() == 1.0
    assert ink[0, 0, 1].max() < 0.2


def test_ink_is_dark_where_the_background_is_zero() -> None:
    digits = torch.zeros(5, 1, 8, 8)
    digits[:, :, 2:6, 3:5] = 1
    assert has_dark_ink(digits, GREY)
    assert not has_dark_ink(1 - digits, GREY)
    assert not has_dark_ink(torch.rand(5, 1, 8, 8), GREY)
    assert not has_dark_ink(torch.zeros(5, 3, 8, 8), COLOUR)


def test_looks() -> None:
    assert [look_of(s) for s in SCHEMAS] == ["image", "image", "line", "heat", "line", "line", "line"]


def test_lines_are_drawn_to_scale() -> None:
    x = torch.linspace(0, 1, 50).repeat(1, 1)
    fig = data_grid(x, LINE)
    (lines,) = fig.findobj(LineCollection)
    (path,) = lines.get_segments()
    assert len(path) == 50
    assert np.all(np.diff(path[:, 1]) <= 0), "a rising profile rises in the picture"


def test_traversals_are_ordered_by_kl() -> None:
    images = torch.arange(3.0).view(3, 1, 1, 1, 1).expand(3, 4, 1, 8, 8) / 4
    fig = traversals(images, GREY, torch.tensor([0.01, 2.0, 0.5]), dims=[7, 8, 9], dark_ink=False)
    rows = canvas(fig)[:, 0, 0]
    assert rows[0] == pytest.approx(0.25, abs=1 / 255)
    assert rows[-1] == pytest.approx(0.0)
    names = [t.get_text() for t in fig.findobj(Text) if t.get_text().startswith("z")]
    assert names == ["z9", "z10", "z8"]


def test_latent_grid_rises_upwards() -> None:
    images = torch.linspace(0, 1, 4).view(4, 1, 1, 1, 1).expand(4, 4, 1, 8, 8)
    column = canvas(latent_grid(images, GREY, dark_ink=False))[:, 0, 0]
    assert column[0] == pytest.approx(1.0)
    assert column[-1] == pytest.approx(0.0)


def test_latent_map_names_its_classes_and_draws_the_prior() -> None:
    z = torch.cat([torch.randn(200, 2) - 3, torch.randn(200, 2) + 3])
    fig = latent_map(z, torch.arange(400) // 200, GREY)
    ax = fig.axes[0]
    assert sorted(c.radius for c in ax.findobj(Circle)) == [1, 2, 3]
    assert ax.get_aspect() == 1
    (points,) = ax.findobj(PathCollection)
    assert len(points.get_offsets()) == 400
    labels = {t.get_text(): t.get_position() for t in ax.texts if t.get_text() in GREY.label_names}
    assert labels["cat"] == pytest.approx(tuple(np.median(z[:200], 0)))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["cat", "dog"]


def test_latent_map_projects_along_the_widest_directions() -> None:
    z = torch.randn(2000, 6, dtype=torch.float64) * torch.tensor([0.1, 3.0, 0.1, 1.0, 0.1, 0.1])
    fig = latent_map(z, None, GREY)
    plane, shares = principal_plane(z.numpy())
    assert f"principal component 1 ({shares[0]:.0%} of the variance)" in texts(fig)
    np.testing.assert_allclose(plane.T @ plane, np.eye(2), atol=1e-12)
    assert shares[0] == pytest.approx(9 / 10.04, abs=0.02)
    np.testing.assert_array_equal(plane, principal_plane(z.numpy())[0])


def test_latent_map_of_one_dimension_and_of_many_points() -> None:
    assert latent_map(torch.randn(60, 1), torch.arange(60) % 2, GREY).findobj(PathCollection)
    (points,) = latent_map(torch.randn(50_000, 2), None, GREY).findobj(PathCollection)
    assert len(points.get_offsets()) == 50_000


def test_kl_bars_are_sorted_and_tell_the_living_from_the_dead() -> None:
    fig = kl_per_dimension(torch.tensor([0.01, 1.5, 0.3]), name="pets")
    heights = [
        r.get_height()
        for r in fig.axes[0].findobj(Rectangle)
        if 0 < r.get_width() < 1 and r.get_height() < 1.6
    ]
    assert heights[:3] == pytest.approx([1.5, 0.3, 0.01])
    assert "2 of 3 latent dimensions carry information" in texts(fig)
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["2", "3", "1"]
    assert len(kl_per_dimension([torch.rand(3), torch.rand(60)]).axes) == 2


def test_curves_have_a_panel_for_each_term() -> None:
    rows = [
        {
            "epoch": e, "step": 10 * e, "learning_rate": 1e-3,
            "train": {"loss": 90.0 / e, "elbo": -90.0 / e, "rate": 3.0 * e},
            "valid": {"loss": 99.0 / e, "elbo": -99.0 / e, "rate": float("nan")},
        }
        for e in (1, 2, 3)
    ]  # fmt: skip
    series = series_of(rows)
    assert list(series) == ["elbo", "rate"], "a loss that is -elbo has no panel, bookkeeping has none"
    assert series["elbo"]["valid"] == [(1.0, -99.0), (2.0, -49.5), (3.0, -33.0)]
    assert list(series["rate"]) == ["train"]
    flat = [{"epoch": r["epoch"], "train_elbo": r["train"]["elbo"]} for r in rows]
    assert series_of(flat)["elbo"]["train"] == series["elbo"]["train"]
    fig = curves(rows, name="pets")
    assert len(fig.axes) == 2
    assert fig.axes[0].lines[0].get_ydata().tolist() == [-90.0, -45.0, -30.0]
    assert "nats" in texts(fig)
    assert len(curves(rows[:1]).axes) == 2


def test_nothing_global_changes_and_no_window_system_is_touched() -> None:
    before = dict(matplotlib.rcParams)
    data_grid(torch.rand(4, 1, 8, 8), GREY)
    latent_map(torch.randn(20, 2), None, GREY)
    assert dict(matplotlib.rcParams) == before


def test_long_titles_and_unknown_scripts_are_drawn(tmp_path: Any) -> None:
    schema = Schema("image", (1, 8, 8), 0.0, 1.0, name="한글 " + "a long name " * 12, label_names=("고양이",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(data_grid(torch.rand(3, 1, 8, 8), schema, torch.zeros(3)), tmp_path / "a.png")


def test_text_stays_on_the_page() -> None:
    page = Page(4.0, 1.0, "A title of many words that needs more than one line to be read", "And more " * 30)
    fig = page.finish()
    renderer = fig.canvas.get_renderer()  # type: ignore[attr-defined]
    for text in fig.texts:
        box = text.get_window_extent(renderer)
        assert box.x1 <= fig.bbox.x1
        assert box.y0 >= 1.0 * 150


def test_saving_is_atomic(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Figure((1, 1)), tmp_path / "sub" / "a.png")
    old = path.read_bytes()

    def broken(self: Figure, name: str, **options: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", broken)
    with pytest.raises(OSError, match="disk full"):
        save(Figure((2, 2)), path)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


@pytest.mark.parametrize(("vision", "distance"), [("normal", 34), ("protanopia", 23), ("deuteranopia", 23)])
def test_class_colours_stay_apart(vision: str, distance: float) -> None:
    colours = [lab(VISION[vision] @ linear(c)) for c in PALETTE]
    closest = min(np.linalg.norm(a - b) for i, a in enumerate(colours) for b in colours[:i])
    assert closest > distance
    assert len(set(class_colours(40))) == 40


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, white point D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
