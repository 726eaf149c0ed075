"""Time to quality: from the start of the process until the test loss that the article's script has after 20 epochs.

    python benchmarks/speed/quality.py [--rounds 3] [--target 103.85] [--no-script]

Same network, 784-400-20, and the same loss, grey values, one draw of z an image; ours chooses its rate, batch,
precision and averaging. Both processes are timed from before they start: imports, data, training and test are in it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from log import logged

HERE = Path(__file__).parent
OURS = """
import tempfile, torch, vaekit
import vaekit.api
vaekit.api.finish = lambda *args, **options: None  # no pictures
data = vaekit.open_data("mnist", valid=0)
with tempfile.TemporaryDirectory() as folder:
    run = vaekit.train(data, recipe="vae", out=folder + "/run", quiet=True, {options})
    model = run.load_model()
    torch.manual_seed(0)
    with torch.no_grad():
        elbo = torch.cat([model.elbo(x) for x, _ in data.test.batches(1000)])
    print("loss", -float(elbo.mean()))
"""
OPTIONS = (
    'epochs=6, batch_size=240, learning_rate=2e-2, schedule="linear", warmup_steps=300, adam_beta2=0.99'
)


def ours() -> tuple[float, float]:
    """Test loss, and seconds of the whole process."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", OURS.replace("{options}", OPTIONS)], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split("loss")[-1]), time.perf_counter() - started


def script(target: float) -> float:
    """Seconds of the script until its test loss is the target, shown as it comes."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "script.py", "--until", str(target)], cwd=HERE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(f"  script: {line.strip()}", flush=True)
    process.wait()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--target", type=float, default=103.85)
    parser.add_argument("--no-script", action="store_true")
    arguments = parser.parse_args()
    with logged("quality"):
        print(f"ours: {OPTIONS}")
        found = []
        for _ in range(arguments.rounds):
            loss, seconds = ours()
            found.append(seconds)
            reached = "reached" if loss <= arguments.target else "NOT reached"
            print(f"  ours: test loss {loss:.2f} after {seconds:.1f} s, {reached}", flush=True)
        if not arguments.no_script:
            theirs, mine = script(arguments.target), statistics.median(found)
            print(f"script {theirs:.1f} s, ours {mine:.1f} s: {theirs / mine:.1f} times")


if __name__ == "__main__":
    main()
