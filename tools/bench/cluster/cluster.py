"""`run cluster`: our k-means and PCA against Faiss, scikit-learn and PyTorch, on the same numbers,
from the same first centroids, on the same processors, in turns.

One line of JSON a case on standard output; times are seconds of one run. `quality` is what each
one's result is worth: for k-means the sum of squared distances, for PCA the share of the variance
that is kept.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rounds import Contender, alternate, held_to, report, several  # noqa: E402

PEERS = ["faiss", "scikit-learn", "pytorch"]


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        for task in options.tasks:
            files = TASKS[task].write(pathlib.Path(folder), options.quick)
            for threads in options.threads:
                print(json.dumps(case(TASKS[task], files, threads, options)), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run cluster", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=several(str), default=list(TASKS))
    parser.add_argument("--threads", type=several(int), default=[1, 2])
    parser.add_argument("--peers", type=several(str), default=PEERS)
    parser.add_argument("--rounds", type=int, default=5, help="at most so many")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to try it out")
    return parser.parse_args()


class KMeans:
    """100,000 points of 256 dimensions, 1,000 clusters, 20 iterations and a last assignment."""

    name, dimension = "kmeans", 256
    options = ["--dimension", "256", "--iterations", "20"]

    @staticmethod
    def write(folder: pathlib.Path, is_quick: bool) -> list[pathlib.Path]:
        random = numpy.random.default_rng(1807)
        count, clusters = (10_000, 100) if is_quick else (100_000, 1_000)
        # Unit vectors in overlapping groups, as embeddings are.
        centres = random.normal(size=(clusters, 256))
        points = centres[random.integers(clusters, size=count)] + 2 * random.normal(size=(count, 256))
        points = (points / numpy.linalg.norm(points, axis=1, keepdims=True)).astype(numpy.float32)
        files = [folder / "points", folder / "initial"]
        points.tofile(files[0])
        points[random.permutation(count)[:clusters]].tofile(files[1])
        return files

    @staticmethod
    def quality(files: list[pathlib.Path], result: numpy.ndarray) -> float:
        points = numpy.fromfile(files[0], numpy.float32).reshape(-1, 256)
        squares = (result ** 2).sum(1)
        nearest = [(squares - 2 * part @ result.T).min(1)
                   for part in numpy.array_split(points, 50)]
        return float(numpy.concatenate(nearest).sum(dtype=numpy.float64)
                     + (points.astype(numpy.float64) ** 2).sum())


class PCA:
    """10,000 features of 4,096 dimensions, as fc7 gives them, to 256."""

    name, dimension = "pca", 4096
    options = ["--dimension", "4096", "--components", "256"]

    @staticmethod
    def write(folder: pathlib.Path, is_quick: bool) -> list[pathlib.Path]:
        random = numpy.random.default_rng(1807)
        count = 5_000 if is_quick else 10_000
        # A spectrum that falls as a power, and a mean.
        scales = numpy.arange(1, 513) ** -0.7
        factors = random.normal(size=(count, 512)).astype(numpy.float32) * scales
        mixing = random.normal(size=(512, 4096)).astype(numpy.float32)
        noise = random.normal(size=(count, 4096)).astype(numpy.float32)
        features = factors.astype(numpy.float32) @ mixing + 0.3 * noise + 1
        files = [folder / "features"]
        features.astype(numpy.float32).tofile(files[0])
        return files

    @staticmethod
    def quality(files: list[pathlib.Path], result: numpy.ndarray) -> float:
        features = numpy.fromfile(files[0], numpy.float32).reshape(-1, 4096)
        centred = features - features.mean(0, dtype=numpy.float64).astype(numpy.float32)
        kept = ((centred @ result.T) ** 2).sum(dtype=numpy.float64)
        return float(kept / (centred ** 2).sum(dtype=numpy.float64))


TASKS = {"kmeans": KMeans, "pca": PCA}


def case(task, files: list[pathlib.Path], threads: int, options: argparse.Namespace) -> dict:
    report(f"{task.name}, {threads} threads")
    held = held_to(threads)
    environment = os.environ | {
        name: str(threads)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    program = os.path.join(os.environ["BENCH_PROGRAMS"], "cluster-bench")
    rest = [*map(str, files), *task.options]
    contenders = [Contender("ours", [*held, program, task.name, *rest], environment)] + [
        Contender(
            peer, [*held, sys.executable, str(HERE / "serve.py"), task.name, peer, *rest],
            environment)
        for peer in options.peers
    ]
    try:
        versions = [contender.answer().get("version") for contender in contenders]
        rounds = alternate(contenders, 0, options.rounds, least=3, calls=1)
        quality = {c.name: task.quality(files, result(c, task.dimension)) for c in contenders}
    finally:
        for contender in contenders:
            contender.close()
    times = {c.name: round(c.median, 4) for c in contenders}
    ours = times.pop("ours")
    best = min(times, key=times.get) if times else None
    report(f"  ours {ours} s, " + ", ".join(f"{peer} {time}" for peer, time in times.items()))
    return {
        "case": task.name + (", quick" if options.quick else ""), "threads": threads, "unit": "s",
        "ours": ours, "peers": times, "best": best,
        "ratio": round(times[best] / ours, 3) if best else None, "limit": None, "isa": None,
        "quality": quality, "rounds": rounds,
        "versions": dict(zip(options.peers, versions[1:])),
    }


def result(contender: Contender, columns: int) -> numpy.ndarray:
    with tempfile.NamedTemporaryFile() as file:
        contender.ask(f"result {file.name}")
        return numpy.fromfile(file.name, numpy.float32).reshape(-1, columns)


if __name__ == "__main__":
    main()
