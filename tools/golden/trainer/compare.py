"""Compares the ends of short runs: dctrain's and PyTorch's, of the same settings.

    python tools/golden/trainer/compare.py cifar10/labels.csv --size 32 --recipe v2 \\
        --pictures 2000 --epochs 10 -o FOLDER

Each seed gives a run of ours and one of PyTorch's, which draws its own weights, crops and order.
Both are judged by evaluate.py. Each run's figures are a line of JSON in FOLDER/runs.jsonl; runs
found there are not done again. At the end: mean and standard error of each side, and the
difference of the means in standard errors of it. `--epochs 0` judges the random networks.

Needs Python 3.11 or later with torch, numpy, pillow, faiss-cpu, scikit-learn and safetensors.
"""

import argparse
import json
import pathlib
import subprocess
import time

import faiss
import numpy
import torch
from safetensors.torch import save_file

import chance
import deepcluster
import evaluate
import pictures

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIGURES = ["nmi", "probe", "knn"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", type=pathlib.Path, help="a table of path, label and split")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--recipe", choices=["v1", "v2"], required=True)
    parser.add_argument("--pictures", type=int, help="train on so many; all by default")
    parser.add_argument("--judge", type=int, help="judge by so many of each split")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--epochs", type=int)
    length.add_argument("--minutes", type=float, help="ours of the first seed picks the epochs")
    parser.add_argument("--clusters", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dctrain", default=ROOT / ".build/release/dctrain")
    return parser.parse_args()


class Comparison:
    def __init__(self, options):
        self.options = options
        options.output.mkdir(parents=True, exist_ok=True)
        self.log = options.output / "runs.jsonl"
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.done = {(r["side"], r["recipe"], r["epochs"], r["seed"]): r
                     for r in map(json.loads, lines)}
        self.train = evaluate.Labelled(options.labels, "train", options.size, options.pictures)
        self.list = options.output / "pictures.txt"
        self.list.write_text("".join(f"{path.resolve()}\n" for path in self.train.paths))
        self.gallery = evaluate.Labelled(options.labels, "train", options.size, options.judge)
        self.queries = evaluate.Labelled(options.labels, "test", options.size, options.judge)
        self.epochs = options.epochs

    def folder(self, seed):
        options = self.options
        length = f"{options.epochs}e" if options.epochs is not None else f"{options.minutes}m"
        return options.output / f"{options.recipe}-{length}-{seed}"

    def ours(self, seed):
        options, folder = self.options, self.folder(seed)
        if self.epochs is None:
            length = ["--minutes", str(options.minutes)]
        else:
            length = ["--epochs", str(self.epochs)]
        subprocess.run(
            [options.dctrain, "fit", self.list, "--run", folder, "--recipe", options.recipe,
             "--size", str(options.size), "--clusters", str(options.clusters),
             "--seed", str(seed), "--threads", str(options.threads), *length],
            check=True, stdout=subprocess.DEVNULL)
        self.epochs = deepcluster.read_settings(folder).epochs
        return folder / "model.safetensors"

    def theirs(self, seed):
        # Our run's settings, which name all that dctrain chose; nothing else is shared.
        settings = deepcluster.read_settings(self.folder(seed))
        data = pictures.Pictures(pictures.listed(self.list), settings.size)
        torch.manual_seed(seed)  # for dropout
        recipe = deepcluster.recipe(settings, data, chance.Own(1000 + seed))
        recipe.run()
        path = self.folder(seed) / "pytorch.safetensors"
        save_file(recipe.backbone_tensors(), path)
        return path

    def run(self):
        options = self.options
        for seed in range(1, options.seeds + 1):
            for side in ["dctrain", "pytorch"]:
                key = (side, options.recipe, self.epochs, seed)
                if key in self.done:
                    continue
                begin = time.monotonic()
                model = self.ours(seed) if side == "dctrain" else self.theirs(seed)
                seconds = time.monotonic() - begin
                result = evaluate.evaluate(
                    evaluate.backbone(model, options.size), self.gallery, self.queries)
                result |= {
                    "side": side, "recipe": options.recipe, "epochs": self.epochs, "seed": seed,
                    "pictures": len(self.train.paths), "size": options.size,
                    "seconds": round(seconds, 1)}
                self.done[(side, options.recipe, self.epochs, seed)] = result
                with self.log.open("a") as file:
                    print(json.dumps(result), file=file, flush=True)

    def table(self):
        print("| figure | dctrain | PyTorch | difference | in its standard errors |")
        print("| --- | --- | --- | --- | --- |")
        for figure in FIGURES:
            sides = [
                numpy.array([
                    r[figure] for (s, recipe, epochs, seed), r in self.done.items()
                    if (s, recipe, epochs) == (side, self.options.recipe, self.epochs)
                    and seed <= self.options.seeds])
                for side in ["dctrain", "pytorch"]]
            means = [side.mean() for side in sides]
            errors = [side.std(ddof=1) / len(side) ** 0.5 for side in sides]
            apart = means[0] - means[1]
            error = max(float(numpy.hypot(*errors)), 1e-12)
            print(f"| {figure} | {means[0]:.4f} ± {errors[0]:.4f} | {means[1]:.4f} ± "
                  f"{errors[1]:.4f} | {apart:+.4f} | {apart / error:+.2f} |")


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    comparison = Comparison(options)
    comparison.run()
    comparison.table()


if __name__ == "__main__":
    main()
