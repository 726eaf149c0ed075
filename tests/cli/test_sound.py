"""The verbs on sound: files that one can listen to come out, as long as they should be, and sound like what went in."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaekit.cli import main

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")

RATE = 8000


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.4 * np.sin(2 * np.pi * hertz * t) * np.minimum(1, 40 * np.minimum(t, seconds - t))


def read(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def pitch(x: np.ndarray) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    return float(spectrum.argmax() * RATE / len(x))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of both recipes on 60 tones of two classes, trained for seconds."""
    folder = tmp_path_factory.mktemp("sound")
    random = np.random.default_rng(0)
    for i in range(60):
        name = f"{('low', 'high')[i % 2]}_{i}.wav"
        hertz = random.uniform(300, 500) if i % 2 == 0 else random.uniform(1200, 1800)
        (folder / "tones").mkdir(exist_ok=True)
        soundfile.write(folder / "tones" / name, tone(0.4, hertz), RATE)
    common = ["train", str(folder / "tones"), "--pattern", "{pitch}_{take}", "--quiet", "--json", "--batch-size", "11"]
    small = ["--latent", "4", "--width", "16", "--epochs", "60", "--ema", "0", "--learning-rate", "0.005"]
    clip = ["--conditional", "--num-components", "2"]
    assert main([*common, *small, *clip, "--out", str(folder / "clip")]) == 0
    assert main([*common, *small, "--recipe", "audio", "--out", str(folder / "sequence")]) == 0
    return folder


def test_the_default_recipe_for_short_clips_is_speech(sound: Path) -> None:
    assert 'name = "speech"' in (sound / "clip" / "config.toml").read_text()
    pictures = {path.stem for path in (sound / "clip" / "plots").glob("*.png")}
    assert {"data", "curves", "reconstructions", "samples", "traversals", "interpolations"} <= pictures


def test_samples_as_one_file_and_as_a_folder(sound: Path, here: Path, vaekit: Callable[..., Any]) -> None:
    assert vaekit("sample", sound / "clip", "-n", 4, "-o", "out.wav").code == 0
    length, gap = 4096, RATE // 4
    x = read(here / "out.wav")
    assert len(x) == 4 * length + 3 * gap
    assert not x[length : length + gap].any()
    done = vaekit("sample", sound / "clip", "-n", 4, "-o", "clips/", "--label", "low", "--json")
    assert done.facts["output"] == "clips"
    assert sorted(p.name for p in (here / "clips").iterdir()) == [f"{i}-low.wav" for i in range(4)]
    np.testing.assert_array_equal(read(here / "out.wav")[:length].shape, read(here / "clips" / "0-low.wav").shape)


def test_a_class_is_heard(sound: Path, here: Path, vaekit: Callable[..., Any]) -> None:
    for label, low, high in (("low", 200, 700), ("high", 900, 2200)):
        assert vaekit("sample", sound / "clip", "-n", 8, "-o", f"{label}/", "--label", label).code == 0
        pitches = [pitch(read(path)) for path in (here / label).iterdir()]
        assert sum(low < p < high for p in pitches) >= 7, pitches


def test_a_recording_goes_through_whatever_its_length(
    sound: Path, here: Path, vaekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it takes several chunks, another rate and two channels; the tones stay where they were."""
    x = np.concatenate([tone(1.0, 400, 16000), tone(1.3, 1500, 16000), tone(0.9, 350, 16000)])
    soundfile.write(here / "long.wav", np.stack([x, x], 1), 16000)
    run = sound / "sequence"
    one = vaekit("reconstruct", run, "long.wav", "-o", "one.wav", "--json").facts
    assert one["seconds"] == pytest.approx(3.2)
    assert 0 < one["log_mel_error_db"] < 12
    monkeypatch.setattr("vaekit.cli.sound.CHUNK_SECONDS", 1.024)
    monkeypatch.setattr("vaekit.cli.sound.OVERLAP_SECONDS", 0.256)
    assert vaekit("reconstruct", run, "long.wav", "-o", "many.wav").code == 0
    for name in ("one.wav", "many.wav"):
        y = read(here / name)
        assert len(y) == round(3.2 * RATE)
        found = [pitch(y[round(a * RATE) : round(b * RATE)]) for a, b in ((0.1, 0.9), (1.1, 2.2), (2.4, 3.1))]
        assert max(found[0], found[2]) < 700 < 1000 < found[1], (name, found)
    assert [p.name for p in here.iterdir() if p.name.startswith(".")] == []


def test_other_verbs(sound: Path, here: Path, vaekit: Callable[..., Any]) -> None:
    run = sound / "sequence"
    a, b = sound / "tones" / "low_0.wav", sound / "tones" / "high_1.wav"
    assert vaekit("interpolate", run, a, b, "-o", "morph.wav", "--steps", 5).code == 0
    x, step = read(here / "morph.wav"), 4096 + RATE // 4
    assert len(x) == 5 * 4096 + 4 * RATE // 4
    assert pitch(x[:3000]) < 700 < 1000 < pitch(x[4 * step : 4 * step + 3000])
    assert vaekit("interpolate", run, a, b, "-o", "morph.png").code == 0
    assert vaekit("traverse", sound / "clip", "--dims", 2, "--steps", 3, "-o", "walk.wav").code == 0
    assert len(read(here / "walk.wav")) == 6 * 4096 + 5 * RATE // 4
    codes = vaekit("embed", run, sound / "tones", "-o", "codes.npy", "--json").facts
    assert codes["shape"] == [60, 4, 1, 16]
    assert vaekit("reconstruct", run, sound / "tones", "-o", "again/", "--limit", 3).code == 0
    assert len(list((here / "again").glob("*.wav"))) == 3
    assert vaekit("sample", run, "-n", 2, "-o", "out.flac").code == 0
    assert len(soundfile.read(here / "out.flac")[0]) == 2 * 4096 + RATE // 4
    facts = vaekit("check", sound / "tones", "--json").facts
    assert facts["rate"] == RATE
    assert any("padded with silence" in note for note in facts["notes"])


def test_what_cannot_be_done_is_said(sound: Path, here: Path, refused: Callable[..., str], runs: Path) -> None:
    run = sound / "sequence"
    assert "does not exist" in refused("reconstruct", run, "none.wav", "-o", "out.wav")
    (here / "bad.wav").write_bytes(b"RIFF")
    assert "bad.wav cannot be used" in refused("reconstruct", run, "bad.wav", "-o", "out.wav")
    x = tone(0.5, 400)
    x[7] = np.nan
    soundfile.write(here / "nan.wav", x, RATE, subtype="FLOAT")
    assert "NaN" in refused("reconstruct", run, "nan.wav", "-o", "out.wav")
    assert sorted(p.name for p in here.iterdir()) == ["bad.wav", "nan.wav"]
    assert '".wav" came' in refused("sample", runs / "vae", "-o", "out.wav")
    (here / "full").mkdir()
    (here / "full" / "file").write_text("mine")
    assert "name a new folder" in refused("sample", run, "-o", "full")


def test_a_long_recording_gets_a_sequence_of_codes(sound: Path) -> None:
    from vaekit.data import open_data
    from vaekit.plan import default_recipe

    soundfile.write(sound / "talk.wav", np.concatenate([tone(0.5, 300 + 10 * i) for i in range(60)]), RATE)
    assert default_recipe(open_data(sound / "talk.wav").schema) == "audio"
    assert default_recipe(open_data(sound / "tones").schema) == "speech"
