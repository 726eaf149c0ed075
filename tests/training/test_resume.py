"""A killed training resumes to the bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import killing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signal")

OPTIONS = {
    "recipe": "vae",
    "hidden": 32,
    "latent": 4,
    "epochs": 4,
    "ema": 0.9,
    "binarize": "dynamic",
    "batch_size": 64,
}


@pytest.fixture(scope="module")
def processes():
    """Children are forked from a process that has imported vaekit once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vaekit.api", "vaekit.data", "sklearn.datasets"])
    return context


@pytest.fixture(scope="module")
def reference(processes, tmp_path_factory):
    """Hashes and duration of the uninterrupted run."""
    out = tmp_path_factory.mktemp("reference") / "run"
    assert finish(processes, killing.train_or_resume, out) == 0
    started = time.perf_counter()
    again = tmp_path_factory.mktemp("again") / "run"
    assert finish(processes, killing.train_or_resume, again) == 0
    seconds = time.perf_counter() - started
    assert killing.hashes(out) == killing.hashes(again)
    return killing.hashes(out), seconds


def finish(processes, target, out, *args, options=OPTIONS):
    child = processes.Process(target=target, args=(str(out), options, *args))
    child.start()
    child.join(120)
    return child.exitcode


def kill_after(processes, out, seconds):
    """Start or continue a run, kill it after a while, return the exit code."""
    child = processes.Process(target=killing.train_or_resume, args=(str(out), OPTIONS))
    child.start()
    child.join(seconds)
    if child.is_alive():
        os.kill(child.pid, signal.SIGKILL)
    child.join(30)
    return child.exitcode


def terminate(child):
    """Ask a child to stop; return its exit code and how long it took to leave."""
    sent = time.perf_counter()
    os.kill(child.pid, signal.SIGTERM)
    child.join(30)
    return child.exitcode, time.perf_counter() - sent


def test_kills_at_random_moments(processes, reference, tmp_path):
    expected, seconds = reference
    random.seed(0)
    num_kills = 0
    while num_kills < 10:
        out = tmp_path / f"run-{num_kills}"
        for _ in range(2):  # a run may be killed twice
            code = kill_after(processes, out, random.uniform(0.02, seconds))
            num_kills += code == -signal.SIGKILL
        assert finish(processes, killing.train_or_resume, out) == 0
        assert killing.hashes(out) == expected


def test_kills_at_every_file_operation(processes, reference, tmp_path):
    expected, _ = reference
    options = OPTIONS
    operation, died = 0, 0
    while True:
        operation += 1
        if operation > 40 and operation % 5:  # the later epochs repeat the first one's operations
            continue
        out = tmp_path / f"at-{operation}"
        code = finish(processes, killing.train_and_die, out, operation, options=options)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        died += 1
        assert finish(processes, killing.train_or_resume, out) == 0
        assert killing.hashes(out) == expected, f"killed at file operation {operation}"
    assert died > 30


def test_sigterm_saves_and_leaves_within_two_seconds(processes, tmp_path):
    options = {**OPTIONS, "epochs": 60, "hidden": 256}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert finish(processes, killing.train_or_resume, whole, options=options) == 0
    child = processes.Process(target=killing.train_or_resume, args=(str(cut), options))
    child.start()
    while not (cut / "metrics.jsonl").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    code, seconds = terminate(child)
    assert code != 0
    assert seconds < 2
    assert (cut / "checkpoints" / "last.safetensors").exists()
    assert finish(processes, killing.train_or_resume, cut, options=options) == 0
    assert killing.hashes(cut) == killing.hashes(whole)


def test_control_without_random_state_fails(processes, reference, tmp_path):
    """The test above would notice a resume that forgets the random state."""
    expected, _ = reference
    out = tmp_path / "run"
    assert finish(processes, killing.train_and_die, out, 60) == -signal.SIGKILL  # in a later epoch
    assert finish(processes, killing.resume_without_random_state, out) == 0
    assert killing.hashes(out) != expected


@pytest.mark.parametrize("place", ["last step", "before validation", "after validation", "averaging"])
def test_a_signal_between_training_and_validation_loses_nothing(processes, tmp_path, place):
    """Where the learning rate changes by the step and the weights are swapped for their average."""
    options = {**OPTIONS, "schedule": "cosine", "warmup_steps": 5}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert finish(processes, killing.train_or_resume, whole, options=options) == 0
    assert finish(processes, killing.train_and_signal, cut, place, options=options) != 0
    assert finish(processes, killing.train_or_resume, cut, options=options) == 0
    assert killing.hashes(cut) == killing.hashes(whole)
