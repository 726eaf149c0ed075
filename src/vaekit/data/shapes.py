"""shapes: binary images of one shape for every combination of five factors, drawn here because no mirror has them.

In the spirit of dSprites (Matthey et al., 2017), which measures disentanglement, but drawn anew.
"""

from __future__ import annotations

import io

import numpy as np

SIZE = 64  # canvas, in pixels
_SUB = 8  # sample points per pixel and axis
FACTORS = {"shape": 3, "scale": 6, "orientation": 20, "posX": 16, "posY": 16}
SHAPES = ("square", "ellipse", "heart")
RADII = np.linspace(7.0, 14.0, 6)  # of the circle around the shape, in pixels
# Steps of 360/21 degrees, so that square (90) and ellipse (180) never repeat an angle.
ANGLES = np.arange(20) * (2.0 * np.pi / 21.0)
CENTRES = np.linspace(15.0, 49.0, 16)  # in pixels, on both axes


def draw(shape: int, radius: float, angle: float, heart: tuple[float, float]) -> np.ndarray:
    """One shape at every position: bool (posX, posY, SIZE, SIZE), a pixel set when at least half covered.

    Args:
        shape: position in SHAPES.
        radius: of the circle around the shape, in pixels.
        angle: counter-clockwise, in radians.
        heart: what `measure_heart` returns.
    """
    images = np.zeros((len(CENTRES), len(CENTRES), SIZE, SIZE), bool)
    width = int(np.ceil(2 * radius)) + 2  # of the patch around one shape, in pixels
    points = (np.arange(width * _SUB) + 0.5) / _SUB
    cos, sin = np.cos(angle), np.sin(angle)
    for i, x in enumerate(CENTRES):
        left = int(np.floor(x - radius))
        dx = ((left + points - x) / radius)[None, :]
        for j, y in enumerate(CENTRES):
            top = int(np.floor(y - radius))
            dy = ((y - top - points) / radius)[:, None]
            inside = _inside(shape, cos * dx + sin * dy, cos * dy - sin * dx, heart)
            count = inside.reshape(width, _SUB, width, _SUB).sum(axis=(1, 3))
            patch = images[i, j, top : top + width, left : left + width]
            patch |= (2 * count >= _SUB * _SUB)[: patch.shape[0], : patch.shape[1]]
    return images


def _inside(shape: int, u: np.ndarray, v: np.ndarray, heart: tuple[float, float]) -> np.ndarray:
    """Which points (u to the right, v up) lie in a shape of radius one."""
    if shape == 0:
        half = np.sqrt(0.5)
        return (np.abs(u) <= half) & (np.abs(v) <= half)
    if shape == 1:
        return u * u + 4.0 * v * v <= 1.0
    offset, radius = heart
    return _heart(u * radius, v * radius + offset)


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x^2 + y^2 - 1)^3 <= x^2 y^3."""
    xx, yy = x * x, y * y
    q = xx + yy - 1.0
    return q * q * q <= xx * yy * y


def measure_heart(steps: int = 2001) -> tuple[float, float]:
    """Height of the heart's area centroid and its radius about it, by which it is centred and shrunk to radius one."""
    axis = np.linspace(-1.3, 1.3, steps)
    x, y = np.meshgrid(axis, axis)
    inside = _heart(x, y)
    offset = y[inside].mean()
    return float(offset), float(np.sqrt(x[inside] ** 2 + (y[inside] - offset) ** 2).max())


def make() -> bytes:
    """The whole set as the content of shapes.npz, about twenty seconds of work.

    Returns:
        A .npz with images (92160, 512), eight pixels to the byte, and the factors, in row-major order of the factors.
    """
    from rich.console import Console
    from rich.progress import track

    sizes = tuple(FACTORS.values())
    heart = measure_heart()
    console = Console(stderr=True)
    rows = track(
        list(np.ndindex(sizes[:3])), "Drawing shapes, once", console=console, disable=not console.is_terminal
    )
    images = [
        np.packbits(draw(s, float(RADII[k]), float(ANGLES[o]), heart).reshape(-1, SIZE * SIZE), axis=1)
        for s, k, o in rows
    ]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        images=np.concatenate(images),
        factors=np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1).astype(np.uint8),
        factor_names=np.array(list(FACTORS)),
        factor_sizes=np.array(sizes, dtype=np.int64),
        shape_names=np.array(SHAPES),
        scale_values=RADII,
        orientation_values=ANGLES,
        position_values=CENTRES,
    )
    return buffer.getvalue()
