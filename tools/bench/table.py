#!/usr/bin/env python3
"""Turns the lines that `run engine` prints into the table of README.md.

    table.py RESULTS.jsonl…
"""

import json
import math
import sys


def main() -> None:
    cases = [json.loads(line) for path in sys.argv[1:] for line in open(path)]
    peers = sorted({peer for case in cases for peer in case["peers"]})
    head = ["case", "threads", "row", "ours", *peers, "ratio", "of limit"]
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for case in cases:
        times = [case["peers"].get(peer) for peer in peers]
        cells = [
            case["case"], str(case["threads"]), case["isa"] or "", shown(case["ours"]),
            *(f"**{shown(t)}**" if t == min(case["peers"].values()) else shown(t) for t in times),
            f"{case['ratio']:.2f}", f"{case['limit']:.0%}" if case["limit"] else ""]
        print("| " + " | ".join(cells) + " |")
    ratios = [case["ratio"] for case in cases]
    print(f"\nGeometric mean of the ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}")


def shown(time: float | None) -> str:
    return "" if time is None else f"{time:.2f}" if time < 100 else f"{time:.0f}"


if __name__ == "__main__":
    main()
