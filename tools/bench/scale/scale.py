"""`run scale`: PCA and k-means on as many points as ImageNet has pictures, and how their time grows.

Every case is a process of its own that may have so much memory and no more. One line of JSON a
case on standard output; times are seconds. PCA keeps all dimensions and projects all points;
`assignment` is k-means by the number of times that it assigns all points.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from rounds import report, several  # noqa: E402

IMAGENET = 1_281_167


def main() -> None:
    options = parse()
    program = os.path.join(os.environ["BENCH_PROGRAMS"], "cluster-bench")
    for points in options.points:
        for clusters in options.clusters:
            print(json.dumps(case(program, points, clusters, options)), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--points", type=several(int), default=[IMAGENET])
    parser.add_argument("--clusters", type=several(int), default=[10_000])
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--memory", type=float, default=8, help="GiB, of data and stacks")
    return parser.parse_args()


def case(program: str, points: int, clusters: int, options: argparse.Namespace) -> dict:
    report(f"{points} points, {clusters} clusters, {options.iterations} updates")
    limit = int(options.memory * 2**30)
    answer = json.loads(subprocess.run(
        [program, "scale", "--points", str(points), "--clusters", str(clusters),
         "--iterations", str(options.iterations)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        stdout=subprocess.PIPE, check=True).stdout)
    assignment = answer["kMeans"] / (answer["updates"] + 1)
    report(f"  PCA {answer['pca']:.1f} s, k-means {answer['kMeans']:.1f} s, "
           f"{answer['peakBytes'] / 2**30:.2f} GiB")
    return {
        "case": f"{points} points, {clusters} clusters", "threads": len(os.sched_getaffinity(0)),
        "unit": "s", "memory_limit_gib": options.memory, "assignment": assignment,
        "gflops": 2 * points * clusters * 256 / assignment / 1e9, **answer,
    }


if __name__ == "__main__":
    main()
