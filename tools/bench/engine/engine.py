"""`run engine`: our int8 engine against ONNX Runtime, OpenVINO and PyTorch, all on the same
int8 weights, batch and threads, in turns.

One line of JSON a case on standard output; times are milliseconds for a call of the whole batch.
`drift` is 1 - the mean cosine between a peer's embeddings and ours, whose integers are exact.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from checkpoint import Checkpoint  # noqa: E402
from peers import PEERS  # noqa: E402
from rounds import Contender, alternate, report, several  # noqa: E402

NETWORKS = ["alexnet", "vgg16", "resnet18", "resnet50", "efficientnet-lite0"]
VERIFIED_PICTURES = 16
# What holds a peer to AVX2; ONNX Runtime has nothing of the kind, nor has FBGEMM.
HELD_TO_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}
CAN_BE_HELD = ["openvino", "pytorch-onednn"]


def main() -> None:
    options = parse()
    bench = Bench(options)
    for network in options.networks:
        for model in bench.models(network):
            for batch in options.batch:
                for threads in options.threads:
                    print(json.dumps(bench.case(network, model, batch, threads)), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run engine", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", type=several(str), default=NETWORKS,
                        help="of " + ", ".join(NETWORKS + ["small"]) + ", or int8 checkpoints")
    parser.add_argument("--batch", type=several(int), default=[1, 16])
    parser.add_argument("--threads", type=several(int), default=[1, 2])
    parser.add_argument("--weight-bits", type=several(int),
                        help="7, 8 or both; on avx2 both unless told, elsewhere 8")
    parser.add_argument("--isa", help="our row of kernels, as DC_ISA takes it")
    parser.add_argument("--peers", type=several(str), default=list(PEERS))
    parser.add_argument("--peers-isa", choices=["avx2"],
                        help="hold ours and those peers that can be held to AVX2")
    parser.add_argument("--rounds", type=int, default=15, help="at most so many")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to try it out")
    options = parser.parse_args()
    for name in options.peers:
        if name not in PEERS:
            parser.error(f"'{name}' is no peer: choose of {', '.join(PEERS)}")
    if options.quick:
        options.rounds, options.seconds = 2, 0.1
    if options.peers_isa:
        options.isa = options.isa or options.peers_isa
        left_out = [name for name in options.peers if name not in CAN_BE_HELD]
        options.peers = [name for name in options.peers if name in CAN_BE_HELD]
        if left_out:
            report(f"left out, as nothing holds them to AVX2: {', '.join(left_out)}")
    return options


class Bench:
    """What all cases share: the program, the models, the limits of the CPU."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.program = os.path.join(os.environ["BENCH_PROGRAMS"], "engine-bench")
        self.folder = HERE.parent / ".models"
        self.folder.mkdir(exist_ok=True)
        self.ours = os.environ | ({"DC_ISA": options.isa} if options.isa else {})
        self.theirs = os.environ | (HELD_TO_AVX2 if options.peers_isa else {})
        load = os.getloadavg()[0]
        if load > 0.5:
            report(f"the load is {load:.1f}: medians need a machine with nothing else to do")

    def models(self, network: str) -> list[pathlib.Path]:
        """The int8 checkpoints of a network, each made once."""
        if network.endswith(".safetensors"):
            return [pathlib.Path(network)]
        bits = self.options.weight_bits
        if not bits:
            isa = self.limit(self._model(network, 8), threads=1)["isa"]
            bits = [7, 8] if isa == "avx2" else [8]
        return [self._model(network, number) for number in bits]

    def _model(self, network: str, bits: int) -> pathlib.Path:
        path = self.folder / f"{network}.w{bits}.safetensors"
        if not path.exists():
            report(f"making {path.name}")
            partial = path.with_suffix(".partial")
            self._run("make", network, "-o", str(partial), "--weight-bits", str(bits))
            partial.rename(path)
        return path

    def case(self, network: str, model: pathlib.Path, batch: int, threads: int) -> dict:
        bits = Checkpoint(str(model)).weight_bits
        name = f"{pathlib.Path(network).stem}, {bits} bits, batch {batch}"
        report(f"{name}, {threads} threads")
        settings = [str(model), "--batch", str(batch), "--threads", str(threads)]
        contenders = [Contender("ours", [self.program, "serve", *settings], self.ours)]
        contenders += [
            Contender(peer, [sys.executable, str(HERE / "serve.py"), peer, *settings], self.theirs)
            for peer in self.options.peers
        ]
        try:
            ready = [contender.answer() for contender in contenders]
            drift = self.drift(contenders, model)
            rounds = alternate(contenders, self.options.seconds, self.options.rounds)
        finally:
            for contender in contenders:
                contender.close()
        facts, milliseconds = ready[0], {c.name: c.median * 1e3 for c in contenders}
        ours = milliseconds.pop("ours")
        best = min(milliseconds, key=milliseconds.get) if milliseconds else None
        limit = self.limit(model, threads)
        seconds = ours / 1e3
        result = {
            "case": name, "threads": threads, "unit": "ms", "ours": round(ours, 4),
            "peers": {peer: round(time, 4) for peer, time in milliseconds.items()},
            "best": best, "ratio": round(milliseconds[best] / ours, 3) if best else None,
            "limit": share(batch * facts["products"] / seconds, limit.get("products")),
            "isa": facts["isa"],
            # Beyond the customary fields.
            "memory_limit": share(facts["weights"] / seconds, limit["bytes"]),
            "drift": {peer: round(value, 6) for peer, value in drift.items()},
            "gmac_limit": round(limit.get("products", 0) / 1e9, 1),
            "gb_limit": round(limit["bytes"] / 1e9, 1),
            "planning_ms": round(facts["planning"] * 1e3, 1),
            "memory_mb": round(facts["memory"] / 1e6, 1), "rounds": rounds,
            "versions": {c.name: r["version"] for c, r in zip(contenders[1:], ready[1:])},
        }
        report("  " + ", ".join(
            f"{peer} {time:.3f}" for peer, time in [("ours", ours), *milliseconds.items()])
            + (f" ms, ratio {result['ratio']}" if best else " ms"))
        return result

    def limit(self, model: pathlib.Path, threads: int) -> dict:
        """What the CPU can do at best with the instruction that the model's kernels use."""
        return json.loads(self._run("limits", str(model), "--threads", str(threads)))

    def drift(self, contenders: list[Contender], model: pathlib.Path) -> dict[str, float]:
        """How far each peer's embeddings are from ours, on the same seeded pictures."""
        with tempfile.TemporaryDirectory() as folder:
            pixels = f"{folder}/pixels"
            self._run("pictures", str(model), "-o", pixels, "--count", str(VERIFIED_PICTURES))
            vectors = {}
            for contender in contenders:
                target = f"{folder}/{contender.name}"
                contender.ask(f"embed {pixels} {target}")
                rows = numpy.fromfile(target, numpy.float32).reshape(VERIFIED_PICTURES, -1)
                vectors[contender.name] = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
        ours = vectors.pop("ours")
        return {
            peer: float(1 - (ours.astype(numpy.float64) * rows).sum(axis=1).mean())
            for peer, rows in vectors.items()
        }

    def _run(self, *arguments: str) -> str:
        result = subprocess.run(
            [self.program, *arguments], env=self.ours, stdout=subprocess.PIPE, text=True)
        if result.returncode != 0:
            sys.exit(f"engine-bench {arguments[0]} failed; the reason is above")
        return result.stdout


def share(rate: float, limit: float | None) -> float | None:
    """What part of a limit is reached; the reference row has none."""
    return round(rate / limit, 3) if limit else None


if __name__ == "__main__":
    main()
