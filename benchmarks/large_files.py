"""Files larger than memory should be: a recording of three hours and tables of gigabytes, through the command line.

    python benchmarks/large_files.py [--hours 0.5 3] [--rows 17 170] [--limit 3] [--folder /tmp]

For each verb the largest resident memory of its process and its processor time, at two sizes. The recordings are stereo
at 44.1 kHz; examples are kept as 16-bit integers at 16 kHz, 0.115 GB an hour, twice while they are split; `reconstruct`
keeps nothing. The tables, of 10 mixed columns and so many million rows, are read by a process that may take --limit GB
of addresses (as `ulimit -v` sets it), of which the libraries alone take about one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from log import logged

RATE = 44_100
BLOCK_ROWS = 250_000
SMALL_SOUND = [
    "--recipe",
    "audio",
    "--latent",
    "4",
    "--width",
    "16",
    "--epochs",
    "1",
    "--limit",
    "200",
    "--quiet",
]
SMALL_TABLE = [
    "--hidden",
    "32",
    "--latent",
    "2",
    "--num-components",
    "2",
    "--epochs",
    "1",
    "--limit",
    "20000",
    "--quiet",
]


def measured(*arguments: str, limit: float | None = None) -> dict:
    """What the verb answered, and the memory and time that its process took."""

    def narrow() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (int(limit * 1e9),) * 2)

    command = [sys.executable, "-m", "vaekit", *arguments, "--json"]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, preexec_fn=narrow)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        facts = json.loads(out.read() or "{}")
    seconds = used.ru_utime + used.ru_stime
    return {
        "code": process.returncode,
        "gigabytes": used.ru_maxrss * 1024 / 1e9,
        "seconds": seconds,
        "facts": facts,
    }


def line(what: str, found: dict, more: str = "") -> None:
    """One line of figures."""
    print(
        f"{what:<28} exit {found['code']}  {found['gigabytes']:>6.2f} GB  {found['seconds']:>6.0f} CPU s  {more}"
    )


def write_recording(path: Path, hours: float) -> None:
    """Tones that wander, with some noise, in stereo."""
    import soundfile

    random, t = np.random.default_rng(0), np.arange(10 * RATE) / RATE
    with soundfile.SoundFile(path, "w", RATE, 2, subtype="PCM_16") as file:
        for part in range(round(hours * 360)):
            tone = 0.3 * np.sin(2 * np.pi * (200 + 37 * (part % 40)) * t)
            noise = 0.01 * random.standard_normal(len(t))
            file.write(np.stack([tone + noise, tone - noise], 1))


def write_table(path: Path, millions: float) -> None:
    """Rows of numbers, counts, categories and dates; a block of them, again and again."""
    random, n = np.random.default_rng(0), BLOCK_ROWS
    height = random.normal(170, 9, n)
    dates = [f"2024-{m:02}-{d:02}" for m, d in zip(random.integers(1, 13, n), random.integers(1, 29, n))]
    columns = {
        "height": np.char.mod("%.2f", height),
        "weight": np.char.mod("%.3f", 0.4 * height + random.normal(0, 5, n)),
        "age": np.char.mod("%d", random.integers(18, 90, n)),
        "children": np.char.mod("%d", random.poisson(1.2, n)),
        "city": random.choice(["Bonn", "Ulm", "Rom", "Paris", "Oslo"], n),
        "level": random.choice(["low", "medium", "high"], n),
        "smokes": random.choice(["yes", "no"], n),
        "income": np.char.mod("%.2f", np.exp(random.normal(9, 1, n))),
        "seen": dates,
        "score": np.char.mod("%.4f", random.normal(size=n)),
    }
    block = "".join(",".join(cells) + "\n" for cells in zip(*columns.values())).encode()
    with path.open("wb") as file:
        file.write((",".join(columns) + "\n").encode())
        for _ in range(round(millions * 1e6 / n)):
            file.write(block)


def sounds(folder: Path, hours: float) -> None:
    """One recording through check, train and reconstruct."""
    path, run, again = folder / "long.wav", folder / f"run-{hours:g}", folder / "again.wav"
    write_recording(path, hours)
    print(f"\n{hours:g} hours of sound, a file of {path.stat().st_size / 1e9:.2f} GB")
    found = measured("check", str(path))
    parts = sum(found["facts"].get("parts", {}).values())
    line("check", found, f"{parts:,} segments of {found['facts'].get('seconds', 0):.3f} s")
    line("train, 200 of the segments", measured("train", str(path), *SMALL_SOUND, "--out", str(run)))
    found = measured("reconstruct", str(run), str(path), "-o", str(again))
    line("reconstruct", found, f"{found['facts'].get('seconds', 0) / 3600:.3f} hours written")
    for file in (path, again):
        file.unlink(missing_ok=True)


def tables(folder: Path, millions: float, limit: float) -> None:
    """One table through check and train."""
    path = folder / "large.csv"
    write_table(path, millions)
    size = path.stat().st_size / 1e9
    print(
        f"\n{millions:g} million rows of 10 columns, a file of {size:.2f} GB, at most {limit:g} GB of addresses"
    )
    found = measured("check", str(path), limit=limit)
    line("check", found, " ".join(n for n in found["facts"].get("notes", []) if "rows" in n))
    arguments = ["train", str(path), *SMALL_TABLE, "--out", str(folder / f"table-{millions:g}")]
    line("train, 20,000 of the rows", measured(*arguments, limit=limit))
    path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", nargs="*", type=float, default=[0.5, 3])
    parser.add_argument("--rows", nargs="*", type=float, default=[17, 170], help="millions")
    parser.add_argument("--limit", type=float, default=3.0, help="GB of addresses for tables")
    parser.add_argument("--folder", help="where the files are made, and removed again")
    arguments = parser.parse_args()
    with logged("large_files"), tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for hours in arguments.hours:
            sounds(Path(folder), hours)
        for millions in arguments.rows:
            tables(Path(folder), millions, arguments.limit)


if __name__ == "__main__":
    main()
