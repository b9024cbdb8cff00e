"""Runs exported networks in ONNX Runtime and compares them with `dctrain`, on real pictures.

Needs Python 3.11 or later with numpy and onnxruntime, as tools/.venv has, which tools/test makes:

    python tools/golden/export.py CHECKPOINT… PICTURES --dctrain PROGRAM

PICTURES is a folder or a list of paths; --count takes some of them, spread over all. Both sides
read the same pixels, those that `dctrain embed --pixels` writes. Prints a line of JSON a checkpoint:
of float ones the largest difference of a number in an embedding or feature, as a share of the largest
number of that picture; of int8 ones the least and the mean cosine of embeddings; and the share of
pictures that go to the same cluster.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile

import numpy
import onnxruntime


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("pictures")
    parser.add_argument("--dctrain", required=True)
    parser.add_argument("--count", type=int, default=64)
    return parser.parse_args()


def chosen(pictures, count):
    """Paths of some of the pictures, spread over all."""
    path = pathlib.Path(pictures)
    if path.is_file():
        paths = path.read_text().splitlines()
    else:
        suffixes = {".jpg", ".jpeg", ".png"}
        paths = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in suffixes)
    return [paths[i * len(paths) // count] for i in range(min(count, len(paths)))]


def metadata(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(length))["__metadata__"]


def compare(checkpoint, options, paths, folder):
    listed = folder / "pictures.txt"
    listed.write_text("\n".join(str(pathlib.Path(p).resolve()) for p in paths))
    program = options.dctrain
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([program, "export", checkpoint, "--onnx", folder / "model.onnx"], **quiet)
    subprocess.run([program, "embed", listed, "--model", checkpoint, "-o", folder / "ours",
                    "--pixels"], **quiet)
    ours = numpy.load(folder / "ours.npy")
    facts = metadata(checkpoint)
    specification = json.loads(facts["input"])
    pixels = numpy.load(folder / "ours.pixels.npy").astype(numpy.float32) / numpy.float32(255)
    normalized = (pixels - numpy.float32(specification["mean"])) / numpy.float32(
        specification["standardDeviation"])
    batch = normalized.transpose(0, 3, 1, 2)

    session = onnxruntime.InferenceSession(
        folder / "model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    # A few at a time, so that memory does not limit the number of pictures.
    parts = [session.run(names, {"input": batch[i:i + 8]}) for i in range(0, len(batch), 8)]
    found = {name: numpy.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}
    theirs = found["embedding" if "embedding" in found else "feature"]

    result = {"checkpoint": pathlib.Path(checkpoint).name, "precision": facts["precision"],
              "pictures": len(ours), "onnxruntime": onnxruntime.__version__}
    if facts["precision"] == "int8":
        cosines = (ours * theirs).sum(1)
        result |= {"cosine_min": round(float(cosines.min()), 6),
                   "cosine_mean": round(float(cosines.mean()), 6)}
    else:
        size = numpy.abs(ours).max(1, keepdims=True)
        result["difference"] = float(f"{(numpy.abs(ours - theirs) / size).max():.2g}")
    if "cluster" in found:
        with open(folder / "ours.tsv", newline="") as file:
            clusters = [int(row["cluster"]) for row in csv.DictReader(file, delimiter="\t")]
        result["same_cluster"] = round(float((found["cluster"] == clusters).mean()), 4)
    return result


def main():
    options = arguments()
    paths = chosen(options.pictures, options.count)
    for checkpoint in options.checkpoints:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(compare(checkpoint, options, paths, pathlib.Path(folder))), flush=True)


if __name__ == "__main__":
    main()
