"""Recordings become examples: rates, channels, lengths, loudness, labels, and everything that a file may have wrong."""

from __future__ import annotations

import struct
import sys
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import UserError
from vaekit.data import open_data

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")


def tone(seconds: float, rate: int, hertz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write(path: Path, x: np.ndarray, rate: int, **how: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, x, rate, **how)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten tones of 0.3 s at 8 kHz, two classes by their folders."""
    for i in range(10):
        write(tmp_path / "tones" / f"{'ab'[i % 2]}" / f"{i}.wav", tone(0.3, 8000, 300 + 40 * i), 8000)
    return tmp_path / "tones"


def test_a_folder_of_clips(folder: Path) -> None:
    data = open_data(folder)
    assert (data.schema.kind, data.schema.rate, data.schema.clips) == ("audio", 8000, "whole")
    assert data.schema.shape == (1, 3072)  # 0.3 s are 2,400 samples; the next multiple of 1,024
    assert data.schema.label_names == ("a", "b")
    x, _ = data.train.batch(torch.tensor([0]))
    assert float(x.abs().max()) == pytest.approx(0.5, abs=1e-3)
    assert not x[0, 0, 2400:].any()
    assert any("padded with silence" in note for note in data.notes)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "opus"])
def test_every_format_gives_the_same_tone(tmp_path: Path, kind: str) -> None:
    how = {"opus": {"format": "OGG", "subtype": "OPUS"}}.get(kind, {})
    for i in range(4):
        write(tmp_path / "in" / f"{i}.{kind}", tone(0.5, 48000, 500), 48000, **how)
    data = open_data(tmp_path / "in", rate=16000, length=0.5)
    x = data.train.raw[0, 0, :8000].float().numpy()
    spectrum = np.abs(np.fft.rfft(x[2000:6000] * np.hanning(4000)))
    assert spectrum.argmax() == 125  # 500 Hz in steps of 4 Hz
    assert np.sqrt(np.mean(x[2000:6000] ** 2)) / 32768 == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_resampling_keeps_what_both_rates_can_carry(tmp_path: Path) -> None:
    for i in range(4):
        both = tone(0.5, 44100, 1000, 0.3) + tone(0.5, 44100, 15000, 0.3)
        write(tmp_path / "in" / f"{i}.wav", both, 44100, subtype="FLOAT")
    data = open_data(tmp_path / "in", rate=8000, length=0.5)
    x = data.train.raw[0, 0, 800:3200].numpy() / 32768
    np.testing.assert_allclose(x, tone(0.5, 8000, 1000, 0.3)[800:3200], atol=2e-3)  # 15 kHz is gone
    assert any("44,100 Hz were resampled to 8,000 Hz" in note for note in data.notes)


def test_mono_and_stereo_mixed(folder: Path) -> None:
    left, right = tone(0.3, 8000, 440), -tone(0.3, 8000, 440)
    write(folder / "a" / "stereo.wav", np.stack([left, right], 1), 8000)
    write(folder / "b" / "stereo.wav", np.stack([left, left], 1), 8000)
    data = open_data(folder)
    assert any("2 of 12 recordings have several channels, mixed to mono" in note for note in data.notes)
    assert any("1 of 12 clips is silent" in note for note in data.notes)  # the mean of left and its opposite


def test_loudness(folder: Path) -> None:
    write(folder / "a" / "quiet.wav", tone(0.3, 8000, level=0.01), 8000)
    data = open_data(folder, loudness=-20)
    for part in data.parts.values():
        x = part.raw[:, 0, :2400].double() / 32768
        assert (20 * x.square().mean(-1).sqrt().log10() + 20).abs().max() < 0.1
    assert data.schema.loudness == -20


def test_labels_from_a_pattern_and_a_table(folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    for i in range(12):
        write(flat / f"{i % 3}_{'xy'[i % 2]}_{i}.wav", tone(0.2, 8000), 8000)
    data = open_data(flat, pattern="{digit}_{speaker}_{take}")
    assert data.schema.label_names == ("0", "1", "2")
    assert data.factor_names == ("digit", "speaker")
    rows = "".join(f"{i % 3}_{'xy'[i % 2]}_{i}.wav,{'even' if i % 2 == 0 else 'odd'}\n" for i in range(12))
    (tmp_path / "labels.csv").write_text("file,label\n" + rows)
    data = open_data(flat, labels=tmp_path / "labels.csv")
    assert data.schema.label_names == ("even", "odd")
    for name, label in zip(data.train.names, data.train.y.tolist()):
        assert label == ("x" not in name)
    with pytest.raises(UserError, match="does not fit the pattern"):
        open_data(flat, pattern="{a}-{b}")
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(rows.splitlines(True)[:6]))
    with pytest.raises(UserError, match="has no label for"):
        open_data(flat, labels=tmp_path / "labels.csv")


def test_segments_of_long_recordings_are_split_in_stretches(tmp_path: Path) -> None:
    rate, ramp = 8000, np.linspace(0, 0.9, 8000 * 120)
    write(tmp_path / "long.wav", ramp, rate)
    data = open_data(tmp_path / "long.wav", length=1.0)
    assert data.schema.clips == "segments"
    assert data.schema.shape == (1, 8192)
    total = sum(len(part) for part in data.parts.values())
    assert total == round(120 * 8000 / 8192)
    # Every sample is in exactly one segment, in order within it.
    starts = sorted(float(n.split("@")[1][:-1]) for part in data.parts.values() for n in part.names)
    np.testing.assert_allclose(starts, np.arange(total) * 1.024, atol=2e-3)
    # Stretches stay whole: a held-out segment's neighbour is mostly held out as well.
    held = np.array(sorted(round(float(n.split("@")[1][:-1]) / 1.024) for n in data.test.names))
    assert (np.diff(held) == 1).mean() > 0.6


def test_three_hours_are_streamed_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding never holds more than a block, whatever the length: 4 minutes here, 3 hours elsewhere."""
    import tracemalloc

    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 48000, 2, subtype="PCM_16") as file:
        for second in range(240):
            file.write(np.stack([tone(1, 48000, 200 + second)] * 2, 1))
    tracemalloc.start()
    data = open_data(path, rate=8000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    samples = 2 * 8000 * 240
    assert sum(p.raw.numel() * 2 for p in data.parts.values()) == pytest.approx(samples, rel=0.02)
    block = 10 * 48000 * 2 * 4  # ten seconds of float32 in stereo
    assert peak < 3.5 * samples + 3 * block < 2 * 48000 * 240 * 4  # the whole file as float32
    monkeypatch.setattr("vaekit.data.sounds.MEMORY_SHARE", 1e-6)
    with pytest.raises(UserError, match=r"hours of sound at 8,000 Hz need .* give a lower rate"):
        open_data(path, rate=8000)


def header(rate: int, samples: bytes = b"\0\0" * 800) -> bytes:
    """A 16-bit mono WAV file that states `rate`."""
    form = struct.pack("<HHIIHH", 1, 1, rate, (2 * rate) % 2**32, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


BAD = {
    "empty.wav": (b"", "."),
    "noise.wav": (b"not a sound at all", "."),
    "header.wav": (header(8000, b""), "holds no samples"),
    "rate.wav": (header(2**31 - 1), "2,147,483,647 samples a second"),
    "zero-rate.wav": (header(0), "."),
    "cut.flac": (b"fLaC\0\0\0\x22" + b"\1" * 20, "."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_file_is_named_and_can_be_skipped(folder: Path, name: str) -> None:
    content, reason = BAD[name]
    (folder / "a" / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name} cannot be used \(.*{reason}.*\); repair or remove it"):
        open_data(folder)
    data = open_data(folder, skip_bad=True)
    assert any(f"1 file skipped as unreadable: a/{name}." in note for note in data.notes)
    assert sum(len(part) for part in data.parts.values()) == 10


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers(folder: Path, value: float) -> None:
    x = tone(0.3, 8000).astype(np.float32)
    x[100] = value
    write(folder / "b" / "nan.wav", x, 8000, subtype="FLOAT")
    with pytest.raises(
        UserError, match=r"nan.wav cannot be used \(it has samples that are NaN or infinite\)"
    ):
        open_data(folder)
    assert sum(len(part) for part in open_data(folder, skip_bad=True).parts.values()) == 10


def test_silence_only(tmp_path: Path) -> None:
    for i in range(5):
        write(tmp_path / "in" / f"{i}.wav", np.zeros(2000), 8000)
    with pytest.raises(UserError, match="All 5 clips are silent"):
        open_data(tmp_path / "in")


def test_options_that_make_no_sense(folder: Path) -> None:
    for option in ({"rate": 5}, {"length": -1.0}, {"loudness": 3.0}):
        with pytest.raises(UserError, match=f"{next(iter(option))} is"):
            open_data(folder, **option)
    with pytest.raises(UserError, match="rate is about sound"):
        open_data("digits", rate=8000)
    with pytest.raises(UserError, match="holds sounds"):
        open_data(folder, size=32)


def test_without_the_extra_one_sentence_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UserError, match=r"need soundfile, .* pip install 'vaekit\[audio\]'"):
        open_data(folder)


def test_it_opens_again(folder: Path) -> None:
    data = open_data(folder, rate=4000, length=0.3, loudness=-25.0, seed=3)
    again = open_data(**data.source)
    assert again.schema == data.schema
    assert again.train.raw.equal(data.train.raw)


def test_spoken_digits_keep_their_official_split(data_folder: Path) -> None:
    data = open_data("fsdd")
    assert (len(data.train) + len(data.valid), len(data.test)) == (2700, 300)
    assert data.schema.rate == 8000
    assert data.factor_names == ("digit", "speaker")
    for part in data.parts.values():
        for name, label in zip(part.names, part.y.tolist()):
            digit, _, take = name.removesuffix(".wav").split("_")
            assert int(digit) == label
            assert (int(take) < 5) == (part is data.test)
    name = data.test.names[7]
    archive = data_folder / "fsdd" / "recordings.zip"
    with zipfile.ZipFile(archive) as files, wave.open(files.open(f"recordings/{name}")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:8192]
    np.testing.assert_array_equal(data.test.raw[7, 0, : len(samples)].numpy(), samples)
