"""What `dctrain cluster` finds, judged by folder names: in 8 bits beside float, from the same starts,
and by the graph of nearest neighbours beside k-means.

    python tools/golden/clusters.py DCTRAIN NETWORK WORK starts PICTURES
    python tools/golden/clusters.py DCTRAIN NETWORK WORK methods PICTURES…

NETWORK is an imported float checkpoint, WORK a folder for what is made on the way, PICTURES a folder
whose sub-folders with pictures are the labels. Needs numpy and scikit-learn.
"""

import csv
import pathlib
import subprocess
import sys

import numpy
from sklearn.metrics import adjusted_mutual_info_score as ami
from sklearn.metrics import normalized_mutual_info_score as nmi

SEEDS = range(31, 41)


class Program:
    def __init__(self, path, network, work):
        self.path, self.network, self.work = path, network, pathlib.Path(work)
        self.work.mkdir(parents=True, exist_ok=True)

    def __call__(self, *arguments):
        subprocess.run([self.path, *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def features(self, pictures):
        """The float network's, kept for as many clusterings as are wanted."""
        out = self.work / f"features-{pathlib.Path(pictures).resolve().as_posix().replace('/', '-')}"
        if not out.with_name(out.name + ".npy").exists():
            self("embed", pictures, "--model", self.network, "-o", out)
        return out

    def cluster(self, pictures, *options):
        """The labels and the clusters of all pictures, and the model."""
        model, table = self.work / "model.safetensors", self.work / "table.tsv"
        self("cluster", pictures, "--model", self.network, "-o", model, "--table", table, *options)
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return [label(row["path"]) for row in rows], [int(row["cluster"]) for row in rows], model

    def nearest(self, pictures, model):
        """The share of pictures whose nearest other one has their label."""
        out = self.work / "embeddings"
        self("embed", pictures, "--model", model, "-o", out)
        with open(f"{out}.tsv", newline="") as file:
            labels = numpy.array([
                label(row["path"])
                for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)])
        rows = numpy.load(f"{out}.npy")
        similar = rows @ rows.T
        numpy.fill_diagonal(similar, -2)
        return (labels == labels[similar.argmax(1)]).mean()


def label(path):
    return pathlib.PurePath(path).parent.name


def starts(program, pictures):
    """Ten starts with ten clusters; the same pictures are the first centroids on both sides."""
    scores = {}
    for name, options in [("int8", []),
                          ("float", ["--float", "--features", program.features(pictures)])]:
        found = []
        for seed in SEEDS:
            labels, clusters, model = program.cluster(
                pictures, "--clusters", 10, "--seed", seed, *options)
            found.append((nmi(labels, clusters), ami(labels, clusters)))
        scores[name] = numpy.array(found)
        print(f"{name:6} NMI {scores[name][:, 0].mean():.4f}  AMI {scores[name][:, 1].mean():.4f}"
              f"  1-NN {program.nearest(pictures, model):.4f}", flush=True)
    apart = scores["int8"] - scores["float"]
    error = apart.std(0, ddof=1) / len(SEEDS) ** 0.5
    print(f"apart  NMI {apart.mean(0)[0]:+.4f} (two standard errors {2 * error[0]:.4f})"
          f"  AMI {apart.mean(0)[1]:+.4f} ({2 * error[1]:.4f})")


def methods(program, *folders):
    """NMI and AMI by folder, number of clusters and method; k-means as the mean of ten seeds."""
    for pictures in folders:
        features = program.features(pictures)
        for count in [10, 40, 100]:
            line = f"{pathlib.Path(pictures).name:12} K {count:3}"
            for method, seeds in [("k-means", SEEDS), ("graph", SEEDS[:1])]:
                found = []
                for seed in seeds:
                    labels, clusters, _ = program.cluster(
                        pictures, "--float", "--features", features, "--clusters", count,
                        "--seed", seed, "--method", method)
                    found.append((nmi(labels, clusters), ami(labels, clusters)))
                mean = numpy.mean(found, 0)
                line += f"  {method} NMI {mean[0]:.3f} AMI {mean[1]:.3f}"
            print(line, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 6 or sys.argv[4] not in ("starts", "methods"):
        sys.exit(__doc__)
    {"starts": starts, "methods": methods}[sys.argv[4]](Program(*sys.argv[1:4]), *sys.argv[5:])
