"""What the features of a backbone are worth, by one protocol for every network.

    python tools/golden/trainer/evaluate.py MODEL.safetensors LABELS.csv SIZE [PICTURES]

Centre views of the train split are the gallery and of the test split the queries. Features are
centred by the gallery's mean and have unit length. k-NN takes the 20 most similar, each voting
exp(s / 0.07); NMI (arithmetic mean) compares the folders' labels with k-means of the gallery for
as many clusters, the mean of five starts; the probe is logistic regression on each layer's map,
averaged down to at most 1,024 values, and the best layer counts. Chance is 1 / labels.
"""

import csv
import json
import pathlib
import sys
import types

import faiss
import numpy
import torch
import torch.nn.functional as F
from safetensors import safe_open
from sklearn.metrics import normalized_mutual_info_score

import networks
from pictures import Pictures, normalized


class Labelled:
    """The centre views of a split and their labels."""

    def __init__(self, table, split, size, limit=None):
        table = pathlib.Path(table)
        rows = [row for row in csv.DictReader(table.open()) if row["split"] == split]
        names = sorted({row["label"] for row in rows})
        # Every so many-th, so that all labels have their share.
        rows = rows[:: max(1, len(rows) // limit)][:limit] if limit else rows
        self.paths = [table.parent / row["path"] for row in rows]
        self.labels = torch.tensor([names.index(row["label"]) for row in rows])
        self.classes = len(names)
        self.views = Pictures(self.paths, size).centres


def maps(network, views):
    """For each layer with a ReLU and for the feature: one row a picture."""
    layers = []
    network.eval()
    with torch.no_grad():
        for start in range(0, len(views), 128):
            x = torch.from_numpy(normalized(views[start:start + 128]))
            rows = []
            for value in network.maps_of(x):
                side = max(1, int((1024 / value.shape[1]) ** 0.5))
                rows.append(F.adaptive_avg_pool2d(value, min(side, value.shape[2])).flatten(1))
            rows.append(network(x))
            layers.append(rows)
    return [torch.cat(rows) for rows in zip(*layers)]


def neighbours(gallery, labels, queries, classes, k=20, temperature=0.07):
    similarity, chosen = (queries @ gallery.T).topk(k, 1)
    votes = torch.zeros(len(queries), classes)
    votes.scatter_add_(1, labels[chosen], (similarity / temperature).exp())
    return votes.argmax(1)


def nmi(points, labels, clusters):
    points = numpy.ascontiguousarray(points.numpy())
    scores = []
    for seed in range(5):
        means = faiss.Kmeans(
            points.shape[1], clusters, niter=25, seed=seed, max_points_per_centroid=10**7)
        means.train(points)
        found = means.index.search(points, 1)[1].ravel()
        scores.append(normalized_mutual_info_score(labels.numpy(), found))
    return float(numpy.mean(scores))


def probe(train, labels, test, expected, classes):
    """The accuracy of logistic regression on standardized values."""
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    train, test = (train - mean) / deviation, (test - mean) / deviation
    weight = torch.zeros(classes, train.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=60, history_size=10, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(train, weight, bias), labels)
        value = value + 5e-3 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return (F.linear(test, weight, bias).argmax(1) == expected).double().mean().item()


def evaluate(network, train, test):
    layers = list(zip(maps(network, train.views), maps(network, test.views)))
    accuracies = [probe(a, train.labels, b, test.labels, train.classes) for a, b in layers[:-1]]
    gallery, queries = layers[-1]
    mean = gallery.mean(0)
    gallery, queries = F.normalize(gallery - mean, dim=1), F.normalize(queries - mean, dim=1)
    found = neighbours(gallery, train.labels, queries, train.classes)
    return {
        "nmi": nmi(gallery, train.labels, train.classes), "probe": max(accuracies),
        "knn": (found == test.labels).double().mean().item(), "probes": accuracies,
    }


def backbone(path, size):
    """The network in a checkpoint of ours, or one that compare.py wrote."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    network = networks.backbone(types.SimpleNamespace(
        network="alexnet" if "fc7.weight" in tensors else "small", size=size,
        sobel=tensors["conv1.weight"].shape[3] == 2))
    network.load(tensors)
    return network


def main():
    path, table, size, *limit = sys.argv[1:]
    limit = int(limit[0]) if limit else None
    train = Labelled(table, "train", int(size), limit)
    test = Labelled(table, "test", int(size), limit)
    print(json.dumps(evaluate(backbone(path, int(size)), train, test)))


if __name__ == "__main__":
    main()
