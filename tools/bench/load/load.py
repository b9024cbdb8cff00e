"""`run load`: reading an epoch of pictures, ours against torchvision's.

Each picture is decoded from its file, varied as DeepCluster does (a random part resized, flipped)
or cut to its centre view, and normalized into batches, by as many workers as there are threads.
torchvision does so by Pillow and on tensors. One line of JSON a case on standard output; times
are seconds of one epoch. `cached` is ours when the decoded pictures are kept in memory, which a
run does as far as its memory allows.
"""

import argparse
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rounds import Contender, alternate, held_to, report, several  # noqa: E402

WAYS = ["pillow", "tensors"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="run load", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("images", type=pathlib.Path, help="a folder of .jpg and .png files")
    parser.add_argument("--size", type=int, default=224, help="the side of the views")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tasks", type=several(str), default=["crops", "center"])
    parser.add_argument("--threads", type=several(int), default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="at most so many")
    options = parser.parse_args()
    for task in options.tasks:
        for threads in options.threads:
            print(json.dumps(case(task, threads, options)), flush=True)


def case(task: str, threads: int, options: argparse.Namespace) -> dict:
    report(f"{task}, {options.size} pixels, {threads} threads")
    held = held_to(threads)
    rest = [str(options.images), "--size", str(options.size), "--batch", str(options.batch),
            "--threads", str(threads), *(["--center"] if task == "center" else [])]
    program = os.path.join(os.environ["BENCH_PROGRAMS"], "load-bench")
    contenders = [
        Contender("ours", [*held, program, *rest], os.environ),
        Contender("cached", [*held, program, *rest, "--cached"], os.environ),
    ] + [
        Contender(way, [*held, sys.executable, str(HERE / "serve.py"), *rest, "--way", way],
                  os.environ)
        for way in WAYS
    ]
    try:
        first = [contender.answer() for contender in contenders]
        if len(counts := {answer["pictures"] for answer in first}) > 1:
            raise SystemExit(f"run load: not all see the same pictures: {counts}")
        for contender in contenders:
            contender.ask("run 1")
        rounds = alternate(contenders, 0, options.rounds, least=3, calls=1)
    finally:
        for contender in contenders:
            contender.close()
    times = {c.name: round(c.median, 4) for c in contenders}
    ours, cached = times.pop("ours"), times.pop("cached")
    peers = {f"torchvision {way}": time for way, time in times.items()}
    best = min(peers, key=peers.get)
    report(f"  ours {ours} s, cached {cached}, "
           + ", ".join(f"{peer} {time}" for peer, time in peers.items()))
    return {
        "case": f"{task}, {options.size} pixels", "threads": threads, "unit": "s", "ours": ours,
        "peers": peers, "best": best, "ratio": round(peers[best] / ours, 3), "limit": None,
        "isa": None, "pictures": first[0]["pictures"], "cached": cached,
        "pictures_per_second": round(first[0]["pictures"] / ours), "rounds": rounds,
        "versions": {"torchvision": first[-1]["version"]},
    }


if __name__ == "__main__":
    main()
