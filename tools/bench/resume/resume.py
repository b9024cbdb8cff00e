"""`run resume`: training that is killed again and again must end with the bytes of an undisturbed run.

Small runs of `dctrain fit`, with a checkpoint after every step, are ended by SIGKILL at random
moments and begun again until they reach their end; then come the next ones, until there were
as many kills as asked for. One line of JSON a recipe on standard output. Ends with 1 at the first
difference.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from rounds import report, several  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="run resume", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipes", type=several(str), default=["v1", "v2"])
    parser.add_argument("--kills", type=int, default=200, help="of each recipe")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        write_pictures(home / "pictures")
        for recipe in options.recipes:
            print(json.dumps(case(home, recipe, options)), flush=True)


def write_pictures(folder: pathlib.Path) -> None:
    """Gratings in random colours and directions, with noise."""
    folder.mkdir()
    generator = numpy.random.default_rng(7)
    y, x = numpy.mgrid[0:32, 0:32]
    for number in range(120):
        angle, period = generator.uniform(0, numpy.pi), generator.uniform(3, 12)
        wave = numpy.sin((x * numpy.cos(angle) + y * numpy.sin(angle)) * 2 * numpy.pi / period)
        colour = generator.uniform(20, 100, size=3)
        pixels = 128 + wave[..., None] * colour + generator.normal(0, 12, (32, 32, 3))
        Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8)).save(folder / f"{number:03}.png")


class Run:
    """A run of `dctrain fit` in a folder of its own, always on two threads."""

    def __init__(self, home: pathlib.Path, recipe: str, name: str):
        self.folder, self.log = home / recipe / name, home / recipe / f"{name}.log"
        self.log.parent.mkdir(exist_ok=True)
        self.command = [
            os.path.join(os.environ["BENCH_PROGRAMS"], "dctrain"), "fit", home / "pictures",
            "--run", self.folder, "--recipe", recipe, "--size", "28", "--clusters", "4",
            "--epochs", "3", "--batch", "8", "--threads", "2", "--checkpoint-every", "1"]

    def start(self) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command, stdout=log, stderr=log)

    def result(self) -> tuple[bytes, list[dict]]:
        """The model, and the log without the times and the memory that it took."""
        lines = map(json.loads, (self.folder / "metrics.jsonl").read_text().splitlines())
        log = [{k: v for k, v in line.items() if k not in ("phases", "memory")} for line in lines]
        return (self.folder / "model.safetensors").read_bytes(), log


def case(home: pathlib.Path, recipe: str, options: argparse.Namespace) -> dict:
    report(f"{recipe}, {options.kills} kills, seed {options.seed}")
    chance = random.Random(options.seed)
    undisturbed, begin = Run(home, recipe, "undisturbed"), time.monotonic()
    finished(undisturbed, undisturbed.start().wait())
    seconds, expected = time.monotonic() - begin, undisturbed.result()
    kills, ended, most, here = 0, 0, 0, 0
    run = Run(home, recipe, "0")
    while True:
        program = run.start()
        if kills < options.kills:
            # A start that goes on with a run is over sooner than a whole one.
            try:
                program.wait(timeout=chance.uniform(0, seconds))
            except subprocess.TimeoutExpired:
                program.kill()
        if (status := program.wait()) == -9:
            kills, here = kills + 1, here + 1
            continue
        finished(run, status)
        if run.result() != expected:
            raise SystemExit(
                f"run resume: {recipe} with seed {options.seed} ended otherwise after {here} kills:"
                f"\n{run.log.read_text()}")
        ended, most = ended + 1, max(most, here)
        if kills == options.kills:
            break
        run, here = Run(home, recipe, str(ended)), 0
    log = "".join(path.read_text() for path in (home / recipe).glob("*.log"))
    report(f"  {ended} runs, each with the bytes of the undisturbed one")
    return {
        "case": f"resume {recipe}", "kills": kills, "runs": ended, "most_kills_of_a_run": most,
        "seed": options.seed, "run_seconds": round(seconds, 2),
        "damaged_states": log.count("is damaged"),
    }


def finished(run: Run, status: int) -> None:
    if status:
        raise SystemExit(f"run resume: dctrain ended with {status}:\n{run.log.read_text()}")


if __name__ == "__main__":
    main()
