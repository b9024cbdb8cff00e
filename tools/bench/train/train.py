"""`run train`: our training step and feature pass against PyTorch, contiguous and channels last.

A step is forward, backward and SGD with momentum, behind 1,000 classes; features are the forward
pass in evaluation mode. Single precision, the same processors, in turns. One line of JSON a case
on standard output; times are milliseconds of one call of the whole batch.
"""

import argparse
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rounds import Contender, alternate, held_to, report, several  # noqa: E402

BATCHES = {
    "small": 256, "alexnet": 32, "vgg16": 8, "resnet18": 32, "resnet50": 32,
    "efficientnet-lite0": 32,
}
# Those that are taken as they come: their steps are measured when asked for by name.
PRETRAINED = {"resnet18", "resnet50", "efficientnet-lite0"}
LAYOUTS = ["contiguous", "channels-last"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run train", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", type=several(str), default=list(BATCHES))
    parser.add_argument("--tasks", type=several(str),
                        help="step, features; both, but of pretrained networks features alone")
    parser.add_argument("--threads", type=several(int), default=[2])
    parser.add_argument("--batch", type=int, help="pictures a call; by the network unless given")
    parser.add_argument("--rounds", type=int, default=9, help="at most so many")
    parser.add_argument("--seconds", type=float, default=2, help="of a turn")
    return parser.parse_args()


def case(network: str, task: str, threads: int, options: argparse.Namespace) -> dict:
    batch = options.batch or BATCHES[network]
    report(f"{network}, {task}, batch {batch}, {threads} threads")
    held = held_to(threads)
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    sizes = ["--batch", str(batch), "--threads", str(threads)]
    rest = [network, *sizes, *(["--features"] if task == "features" else [])]
    program = os.path.join(os.environ["BENCH_PROGRAMS"], "train-bench")
    contenders = [Contender("ours", [*held, program, *rest], environment)] + [
        Contender(
            layout, [*held, sys.executable, str(HERE / "serve.py"), *rest, "--layout", layout],
            environment)
        for layout in LAYOUTS
    ]
    try:
        first = [contender.answer() for contender in contenders]
        rounds = alternate(contenders, options.seconds, options.rounds, least=3)
    finally:
        for contender in contenders:
            contender.close()
    times = {c.name: round(1000 * c.median, 3) for c in contenders}
    ours = times.pop("ours")
    peers = {f"pytorch {layout}": time for layout, time in times.items()}
    best = min(peers, key=peers.get)
    report(f"  ours {ours} ms, " + ", ".join(f"{peer} {time}" for peer, time in peers.items()))
    return {
        "case": f"{network} {task}, batch {batch}", "threads": threads, "unit": "ms", "ours": ours,
        "peers": peers, "best": best, "ratio": round(peers[best] / ours, 3), "limit": None,
        "isa": None, "pictures_per_second": round(1000 * batch / ours, 2),
        "parameters": [answer["parameters"] for answer in first[:2]], "rounds": rounds,
        "versions": {"pytorch": first[1]["version"]},
    }


def main() -> None:
    options = parse()
    for network in options.networks:
        tasks = ["features"] if network in PRETRAINED else ["step", "features"]
        for task in options.tasks or tasks:
            for threads in options.threads:
                print(json.dumps(case(network, task, threads, options)), flush=True)


if __name__ == "__main__":
    main()
