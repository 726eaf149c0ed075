"""Folders of images: modes, sizes, depths, labels, and files that are not what they seem."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.data import open_data
from vaekit.errors import UserError

random = np.random.default_rng(0)


def picture(path, height=8, width=6, mode="L", **options):
    channels = {"L": (), "RGB": (3,), "RGBA": (4,), "CMYK": (4,), "LA": (2,)}[mode]
    values = random.integers(0, 256, (height, width, *channels)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes(mode, (width, height), values.tobytes()).save(path, **options)
    return values


def everything(folder, **options):
    return open_data(folder, valid=0, test=0, **options)


@pytest.mark.parametrize("suffix", ["png", "tiff", "tif", "webp", "PNG"])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix):
    mode = "RGB" if suffix == "webp" else "L"  # WebP has no grey
    options = {"lossless": True} if suffix == "webp" else {}
    x = np.stack([picture(tmp_path / f"{i}.{suffix}", mode=mode, **options) for i in range(4)])
    d = everything(tmp_path)
    x = x[:, None] if mode == "L" else x.transpose(0, 3, 1, 2)
    assert d.train.raw.dtype == torch.uint8
    assert np.array_equal(d.train.raw.numpy(), x)
    assert d.train.names == [f"{i}.{suffix}" for i in range(4)]
    assert d.schema.levels == 256


def test_jpeg_is_close(tmp_path):
    smooth = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint8) * 4
    for i in range(3):
        Image.fromarray(smooth).save(tmp_path / f"{i}.jpg", quality=95)
    d = everything(tmp_path)
    assert d.schema.shape == (1, 32, 32)
    assert np.abs(d.train.raw[0, 0].numpy().astype(int) - smooth).max() < 8


@pytest.mark.parametrize(("modes", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 4), ("CMYK", 3), ("LA", 4)])
def test_channels_of_one_mode(tmp_path, modes, channels):
    suffix = "tif" if modes == "CMYK" else "png"
    for i in range(3):
        picture(tmp_path / f"{i}.{suffix}", mode=modes)
    assert everything(tmp_path).schema.shape == (channels, 8, 6)


def test_palette_and_bilevel(tmp_path):
    values = picture(tmp_path / "0.png", mode="RGB")
    few = Image.fromarray(values).quantize(16)
    for i in range(2):
        few.save(tmp_path / f"{i}.png")
    d = everything(tmp_path)
    assert np.array_equal(d.train.raw[0].numpy(), np.asarray(few.convert("RGB")).transpose(2, 0, 1))
    (tmp_path / "bits").mkdir()
    for i in range(2):
        Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "bits" / f"{i}.png")
    assert everything(tmp_path / "bits").train.raw[0, 0].tolist() == (np.eye(4) * 255).tolist()


def test_mixed_modes_take_the_widest(tmp_path):
    grey = picture(tmp_path / "a.png")
    rgb = picture(tmp_path / "b.png", mode="RGB")
    rgba = picture(tmp_path / "c.png", mode="RGBA")
    d = everything(tmp_path)
    a, b, c = d.train.raw.numpy()
    assert np.array_equal(a, np.stack([grey, grey, grey, np.full_like(grey, 255)]))
    assert np.array_equal(b[:3], rgb.transpose(2, 0, 1))
    assert (b[3] == 255).all()
    assert np.array_equal(c, rgba.transpose(2, 0, 1))
    assert "several kinds were brought to 4 channels" in d.notes[0]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_their_range(tmp_path, suffix):
    x = random.integers(0, 65536, (2, 8, 6)).astype(np.uint16)
    x[0, 0, :2] = 0, 65535
    for i in range(2):
        Image.fromarray(x[i]).save(tmp_path / f"{i}.{suffix}")
    d = everything(tmp_path)
    assert (d.schema.levels, d.schema.dtype) == (65536, "uint16")
    assert np.array_equal(d.train.raw.numpy()[:, 0], x)
    eight = picture(tmp_path / f"2.{suffix}")
    d = everything(tmp_path)
    assert np.array_equal(d.train.raw.numpy()[2, 0], eight.astype(int) * 257)
    d = everything(tmp_path, size=4)
    assert d.train.raw.max() > 30000


def test_sixteen_bit_colour_is_noted(tmp_path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + struct.pack(">12H", *range(0, 60000, 5000))
    png = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 2, 16, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(row * 2)
    )
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png + chunk(b"IEND", b""))
    d = everything(tmp_path)
    assert d.schema.shape == (3, 2, 4)
    assert "3 colour files have 16 bits a channel" in d.notes[0]


@pytest.mark.parametrize("kind", ["grey", "colour", "deep", "jpeg"])
def test_resizing_averages_and_does_not_pick(tmp_path, kind):
    board = np.indices((64, 64)).sum(0) % 2  # picking pixels would give all 0 or all 1
    for i in range(2):
        if kind == "deep":
            Image.fromarray((board * 65535).astype(np.uint16)).save(tmp_path / f"{i}.png")
        else:
            image = Image.fromarray((board * 255).astype(np.uint8))
            image = image.convert("RGB") if kind == "colour" else image
            image.save(tmp_path / f"{i}.{'jpg' if kind == 'jpeg' else 'png'}")
    d = everything(tmp_path, size=8)
    x, _ = d.train.batch(torch.arange(2))
    assert x.shape[-2:] == (8, 8)
    assert (x - 0.5).abs().max() < 0.03


def test_sizes(tmp_path):
    picture(tmp_path / "a.png", 10, 20)
    picture(tmp_path / "b.png", 10, 20)
    assert everything(tmp_path).schema.shape == (1, 10, 20)
    picture(tmp_path / "c.png", 30, 20)
    d = everything(tmp_path)
    assert d.schema.shape == (1, 64, 64)
    assert "2 sizes, 10x20 to 30x20, were resized to 64x64" in d.notes[0]
    assert everything(tmp_path, size=16).schema.shape == (1, 16, 16)
    d = everything(tmp_path, size=(8, 12))
    assert d.schema.shape == (1, 8, 12)
    assert open_data(**d.source).schema == d.schema
    for nonsense in (0, -3, (4,), "big"):
        with pytest.raises(UserError, match="size is a height and a width"):
            everything(tmp_path, size=nonsense)


def test_exif_orientation_is_honoured(tmp_path):
    values = np.zeros((4, 6), np.uint8)
    values[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise
    for i in range(2):
        Image.fromarray(values).save(tmp_path / f"{i}.png", exif=exif)
    d = everything(tmp_path)
    assert d.schema.shape == (1, 6, 4)
    assert np.array_equal(d.train.raw[0, 0].numpy(), np.rot90(values, -1))


def test_sub_folders_are_labels(tmp_path):
    for name in ("cat", "dog"):
        for i in range(3):
            picture(tmp_path / name / "deep" / f"{i}.png")
    d = everything(tmp_path)
    assert d.schema.label_names == ("cat", "dog")
    assert d.train.y.tolist() == [0, 0, 0, 1, 1, 1]
    picture(tmp_path / "loose.png")
    d = everything(tmp_path)
    assert d.train.y is None
    assert "1 image outside the sub-folders" in d.notes[0]


def test_one_sub_folder_is_no_label(tmp_path):
    for i in range(3):
        picture(tmp_path / "images" / f"{i}.png")
    picture(tmp_path / ".hidden" / "x.png")
    d = everything(tmp_path)
    assert d.train.y is None
    assert len(d.train) == 3


def test_sub_folders_train_and_test_are_the_parts(tmp_path):
    for part, n in (("train", 6), ("val", 2), ("test", 3)):
        for label in ("a", "b"):
            for i in range(n):
                picture(tmp_path / part / label / f"{i}.png")
    d = open_data(tmp_path)
    assert {k: len(p) for k, p in d.parts.items()} == {"train": 12, "valid": 4, "test": 6}
    assert d.schema.label_names == ("a", "b")
    assert all(name.startswith("test/") for name in d.test.names)


def test_a_folder_of_idx_files(data_folder):
    d = open_data(data_folder / "fashion-mnist")
    assert (len(d.train), len(d.test), d.schema.num_classes) == (59000, 10000, 10)


def test_corrupt_files_are_named_or_skipped(tmp_path):
    for i in range(5):
        picture(tmp_path / f"{i}.png", 40, 40)
    good = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(good[: len(good) // 2])
    with pytest.raises(UserError, match=r"3\.png cannot be used .*skip_bad"):
        everything(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no image at all")
    (tmp_path / "2.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"2 of 5 images cannot be used, the first .*1\.png"):
        everything(tmp_path)
    d = everything(tmp_path, skip_bad=True)
    assert d.train.names == ["0.png", "4.png"]
    text = " ".join(d.notes)
    assert "2 files skipped as unreadable: 1.png, 2.png." in text
    assert "1 file skipped as unreadable: 3.png." in text
    assert (tmp_path / "1.png").read_bytes() == b"no image at all"
    for i in (0, 4):
        (tmp_path / f"{i}.png").write_bytes(b"")
    with pytest.raises(UserError, match="None of the"):
        everything(tmp_path, skip_bad=True)


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_a_decompression_bomb_is_not_decoded(tmp_path, side, monkeypatch):
    picture(tmp_path / "a.png")
    row_bytes = (side + 7) // 8 + 1

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(b"\0" * row_bytes) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    monkeypatch.setattr("vaekit.data.images.pixels", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UserError, match=r"bomb\.png cannot be used \(more than 89 megapixels"):
        everything(tmp_path)


def test_folders_without_images(tmp_path):
    with pytest.raises(UserError, match="holds no images, but nothing"):
        open_data(tmp_path)
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(UserError, match="holds no images, but 1 other file"):
        open_data(tmp_path)


def test_a_single_image_is_refused(tmp_path):
    picture(tmp_path / "a.png")
    with pytest.raises(UserError, match="a single image; give the folder"):
        open_data(tmp_path / "a.png")
    with pytest.raises(UserError, match="1 example, too few"):
        open_data(tmp_path)


def test_float_pixels_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match="32-bit floats"):
        open_data(tmp_path)


def test_more_than_the_memory_is_refused(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    from vaekit.data.images import Form, _fits

    with pytest.raises(UserError, match="size=64"):
        _fits(10_000_000, Form(1000, 1000, 3, 8))


def test_no_torchvision_and_no_sklearn_until_needed(tmp_path):
    for i in range(3):
        picture(tmp_path / f"{i}.png")
    code = (
        "import sys; from vaekit.data import open_data; open_data(sys.argv[1]);"
        "assert not {'torchvision', 'sklearn', 'scipy', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
