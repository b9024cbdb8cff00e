"""Takes turns: contenders that are timed in alternation, in processes of their own."""

import json
import os
import statistics
import subprocess
import sys
import time


class Contender:
    """A process that answers each line it reads with one line of JSON."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.turns: list[float] = []

    def ask(self, line: str):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def turn(self, seconds: float, calls: int | None) -> None:
        """Two calls to warm up, then as many as fill the time; the median is kept. Where the
        calls are counted, they are long, and the first warms up for itself."""
        if calls is None:
            warm = self.ask("run 2")[-1]
            calls = max(3, min(10_000, round(seconds / warm)))
        self.turns.append(statistics.median(self.ask(f"run {calls}")))

    @property
    def median(self) -> float:
        return statistics.median(self.turns)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def alternate(
    contenders: list[Contender], seconds: float, rounds: int, least: int = 5,
    calls: int | None = None,
) -> int:
    """Turn after turn until every median is steady within half a percent, at most `rounds` times.

    The order is rotated from round to round, and each turn begins when the threads of the one
    before have stopped spinning. Returns the number of rounds.
    """
    for number in range(rounds):
        first = number % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            time.sleep(0.05)
            contender.turn(seconds, calls)
        if number + 1 >= least and all(_is_steady(c.turns) for c in contenders):
            return number + 1
    return rounds


def _is_steady(turns: list[float]) -> bool:
    """Whether the last two turns move the median by less than half a percent."""
    before, after = statistics.median(turns[:-2]), statistics.median(turns)
    return abs(before / after - 1) < 0.005


def held_to(threads: int) -> list[str]:
    """What a command begins with to get that many processors."""
    processors = sorted(os.sched_getaffinity(0))
    if threads > len(processors):
        raise SystemExit(f"{threads} threads are asked for, there are {len(processors)} processors")
    return ["taskset", "-c", ",".join(str(p) for p in processors[:threads])]


def several(kind):
    """A type of arguments: values of a kind, separated by commas."""
    return lambda text: [kind(part) for part in text.split(",")]


def report(line: str) -> None:
    """Progress, for people."""
    print(line, file=sys.stderr, flush=True)
