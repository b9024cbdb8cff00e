"""A peer that is timed when told: the same lines in and out as `engine-bench serve`.

    serve.py {onnxruntime,openvino,pytorch,pytorch-onednn} MODEL --batch N --threads N

It prints one line of JSON when ready and one for each line it reads: `run N` times N calls,
`embed PIXELS VECTORS` writes the embeddings of a file of pixels, `inspect` says in which
precision the operations run.
"""

import argparse
import json
import sys
import time

import numpy

from checkpoint import Checkpoint
from peers import PEERS, peer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    checkpoint = Checkpoint(arguments.model)
    start = time.perf_counter()
    engine = peer(arguments.peer)(checkpoint, arguments.batch, arguments.threads)
    answer({"version": engine.version, "planning": time.perf_counter() - start})
    random = numpy.random.default_rng(1)
    shape = (arguments.batch, *checkpoint.shapes["input"])
    pictures = engine.prepared(random.integers(0, 256, shape, dtype=numpy.uint8))
    for line in sys.stdin:
        match line.split():
            case ["run", calls]:
                answer(timed(engine, pictures, int(calls)))
            case ["embed", source, target]:
                pixels = numpy.fromfile(source, numpy.uint8).reshape(-1, *checkpoint.shapes["input"])
                embed(engine, checkpoint.quantized(pixels), arguments.batch).tofile(target)
                answer({"pictures": len(pixels)})
            case ["inspect"]:
                answer(engine.inspect())
            case _:
                sys.exit(f"'{line.strip()}' is not understood")


def answer(value) -> None:
    print(json.dumps(value), flush=True)


def timed(engine, pictures, calls: int) -> list[float]:
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        engine.run(pictures)
        times.append(time.perf_counter() - start)
    return times


def embed(engine, quantized: numpy.ndarray, batch: int) -> numpy.ndarray:
    results = []
    for start in range(0, len(quantized), batch):
        part = quantized[start:start + batch]
        whole = numpy.resize(part, (batch, *part.shape[1:]))  # the last may be short
        results.append(numpy.array(engine.run(engine.prepared(whole)))[:len(part)])
    return numpy.concatenate(results).astype(numpy.float32)


if __name__ == "__main__":
    main()
