"""Downloads: public mirrors of the named data sets, checked by sha256 and written whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import numpy as np

from vaekit.errors import UserError

_TIMEOUT = 20.0  # seconds without a byte


@dataclass(frozen=True)
class Mirror:
    """Where a data set is public.

    Args:
        bases: addresses, tried in order, under which every file lies.
        files: file name -> sha256 of its content. Content is what `content` makes of the bytes that came, so that a
            gzip wrapper with another time stamp or level is the same file.
        content: bytes from the mirror -> bytes that are checked.
        keep: what is written; None writes the files as they came.
    """

    bases: tuple[str, ...]
    files: dict[str, str]
    content: Callable[[bytes], bytes]
    keep: Callable[[dict[str, bytes]], dict[str, bytes]] | None = None


def pixels_of_mat(data: bytes) -> bytes:
    """The frames of frey_rawface.mat, (1965, 28, 20) uint8; its columns are the frames."""
    from scipy.io import loadmat

    return np.ascontiguousarray(loadmat(io.BytesIO(data))["ff"].T).tobytes()


def keep_freyfaces(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The frames as one .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(contents["frey_rawface.mat"], np.uint8).reshape(-1, 28, 20))
    return {"freyfaces.npy": buffer.getvalue()}


def keep_binarized(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The three text files "0 1 0 ...", one image a line, as one .npz file with eight pixels to the byte."""
    packed = {}
    for part in ("train", "valid", "test"):
        text = np.frombuffer(contents[f"binarized_mnist_{part}.amat"], np.uint8).reshape(-1, 2 * 784)
        packed[part] = np.packbits(text[:, ::2] == ord("1"), axis=1)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **packed)
    return {"binarized_mnist.npz": buffer.getvalue()}


ADULT_HEADER = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,capital-gain,"
    "capital-loss,hours-per-week,native-country,income,split"
)


def keep_adult(contents: dict[str, bytes]) -> dict[str, bytes]:
    """adult.data and adult.test as one CSV with a header and a column `split`."""
    lines = [ADULT_HEADER]
    for part, file in (("train", "adult.data"), ("test", "adult.test")):
        for line in contents[file].decode().splitlines():
            if line.count(",") == 14:
                lines.append(f"{line.replace(', ', ',').rstrip().rstrip('.')},{part}")
    return {"adult.csv.gz": gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)}


def recordings_of_archive(data: bytes) -> bytes:
    """The recordings in GitHub's archive of the repository, as a zip that holds them alone, without compression."""
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as kept:
            names = {f"recordings/{n.rsplit('/', 1)[1]}": n for n in archive.namelist() if n.endswith(".wav")}
            for name in sorted(names):
                member = zipfile.ZipInfo(name)
                member.create_system = 3  # the same bytes on every system
                kept.writestr(member, archive.read(names[name]))
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from None
    return buffer.getvalue()


MIRRORS = {
    "adult": Mirror(
        ("https://archive.ics.uci.edu/ml/machine-learning-databases/adult",),
        {
            "adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            "adult.test": "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        },
        bytes,
        keep_adult,
    ),
    "mnist": Mirror(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        {
            "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        gzip.decompress,
    ),
    "fashion-mnist": Mirror(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        {
            "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        gzip.decompress,
    ),
    "binarized-mnist": Mirror(
        ("http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist",),
        {
            "binarized_mnist_train.amat": "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
            "binarized_mnist_valid.amat": "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
            "binarized_mnist_test.amat": "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
        },
        bytes,
        keep_binarized,
    ),
    "fsdd": Mirror(
        ("https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/zip/refs/tags",),
        {"v1.0.10": "9e70fdbb613fe2d8b39479901e06ffee5b09198a587a179b8994a63ef65d87d9"},
        recordings_of_archive,
        lambda contents: {"recordings.zip": contents["v1.0.10"]},
    ),
    "freyfaces": Mirror(
        ("https://cs.nyu.edu/~roweis/data",),
        {"frey_rawface.mat": "2438ba4f0d2a6bd8bac43de756141eaa33c8d248dd613d464bdb1210d9b7af78"},
        pixels_of_mat,
        keep_freyfaces,
    ),
}


def fetch(name: str, folder: Path, wanted: tuple[str, ...]) -> None:
    """Download the data set `name` into `folder`, every file checked before the first is written.

    `$VAEKIT_MIRROR`, where set, is the only address asked: `$VAEKIT_MIRROR/<name>/<file>`.

    Args:
        name: the data set.
        folder: where its files go.
        wanted: the files that a user would put there by hand; named in the error.

    Raises:
        UserError: no mirror gave the right content; says which file to put where.
    """
    by_hand = (
        f"Put {' and '.join(wanted) if len(wanted) < 3 else ', '.join(wanted)} into {folder}, "
        f"or set VAEKIT_DATA to a folder with {name}/ in it."
    )
    mirror = MIRRORS[name]
    override = os.environ.get("VAEKIT_MIRROR")
    bases = (f"{override.rstrip('/')}/{name}",) if override else mirror.bases
    came, contents = {}, {}
    for file, sha256 in mirror.files.items():
        reasons = []
        for base in bases:
            try:
                came[file] = download(f"{base}/{file}", f"{name}: {file}")
                contents[file] = mirror.content(came[file])
                if hashlib.sha256(contents[file]).hexdigest() == sha256:
                    break
                reasons.append(f"{base}: the content's sha256 is not the published one")
            except (OSError, EOFError, ValueError, HTTPException, zlib.error) as error:
                reasons.append(f"{base}: {getattr(error, 'reason', None) or error}")
        else:
            raise UserError(f"{name} could not be downloaded ({file} from {'; '.join(reasons)}). {by_hand}")
    kept = mirror.keep(contents) if mirror.keep else came
    for file, data in kept.items():
        write(folder / file, data)


def download(url: str, title: str) -> bytes:
    """The bytes at `url`, with a progress bar on a terminal.

    Raises:
        OSError: unreachable, refused, or cut off.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    request = urllib.request.Request(url, headers={"User-Agent": "vaekit"})
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        urllib.request.urlopen(request, timeout=_TIMEOUT) as response,
        Progress(
            *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as bar,
    ):
        length = response.headers.get("Content-Length")
        task = bar.add_task(title, total=int(length) if length else None)
        chunks = []
        while chunk := response.read(1 << 16):
            chunks.append(chunk)
            bar.advance(task, len(chunk))
    data = b"".join(chunks)
    # Reading in chunks, http.client does not complain about a connection that closes early.
    if length and len(data) != int(length):
        raise OSError(f"cut off after {len(data):,} of {int(length):,} bytes")
    return data


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, so that a reader never meets half of it; makes its folder.

    Raises:
        UserError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}); make room or set XDG_CACHE_HOME."
        ) from None
