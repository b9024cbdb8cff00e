"""DeepCluster and its second version in PyTorch, written from METHOD and not from our Swift.

Sources: Caron et al., "Deep Clustering for Unsupervised Learning of Visual Features", ECCV 2018,
and "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", NeurIPS 2020,
appendix D. Settings are those that `dctrain fit` writes into a run's config.json.
"""

import json
import math
import pathlib
import re
import types

import faiss
import numpy
import torch
import torch.nn.functional as F
from torch import nn

import networks
from pictures import Augmentation


def read_settings(run):
    """The settings of a run folder, by their names in snake case."""
    values = json.loads((pathlib.Path(run) / "config.json").read_text())
    named = {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): v for key, v in values.items()}
    return types.SimpleNamespace(**named)


def split(items, batch):
    """Steps of nearly equal size, none above `batch`."""
    steps = -(-len(items) // batch)
    bounds = [len(items) * step // steps for step in range(steps + 1)]
    return [items[a:b] for a, b in zip(bounds, bounds[1:])]


class Recipe:
    """What both versions share: pictures, a network with its optimizer, and the run's settings."""

    def __init__(self, settings, pictures, chance, network, precision):
        self.settings, self.pictures, self.chance = settings, pictures, chance
        self.network, self.precision = network, precision
        self.augmentation = Augmentation(settings)
        network.draw(chance.stream("weights"))
        network.to(precision)
        self.optimizer = torch.optim.SGD(
            network.parameters(), lr=settings.learning_rate, momentum=settings.momentum,
            weight_decay=settings.weight_decay)

    def batch(self, requests, epoch):
        crops = self.pictures.crops(requests, self.augmentation, self.chance, epoch)
        return torch.from_numpy(crops).to(self.precision)

    def train(self, epoch, step):
        """Training mode, with dctrain's choice of whom dropout drops where its numbers are used."""
        self.network.train()
        random = self.chance.stream("dropout", epoch, step)
        self.network.dropout_seed = random.next() if hasattr(random, "next") else None

    def run(self, tell=lambda loss: None):
        """All epochs; `tell` hears the mean loss of each."""
        if self.settings.epochs:
            self.prepare()
        for epoch in range(self.settings.epochs):
            self.cluster(epoch)
            plan = self.plan(epoch)
            total = 0.0
            for step, requests in enumerate(plan):
                loss = self.learn(self.batch(requests, epoch), requests, epoch, step, len(plan))
                total += loss * len(requests)
            tell(total / sum(map(len, plan)))


class First(Recipe):
    """The first version: cluster the features of all pictures, then classify with a new head."""

    def __init__(self, settings, pictures, chance, precision=torch.float32):
        super().__init__(settings, pictures, chance, networks.backbone(settings), precision)

    def prepare(self):
        pass

    def features(self):
        """The raw features of the centre views, in evaluation mode."""
        self.network.eval()
        with torch.no_grad():
            views = self.pictures.centre_views(self.settings.batch)
            rows = [self.network(torch.from_numpy(view).to(self.precision)) for view in views]
        return torch.cat(rows).numpy()

    def cluster(self, epoch):
        seed = self.chance.stream("clustering", epoch).seed()
        points = whitened(self.features())
        assignments, distances = kmeans(points, self.settings.clusters, seed)
        self.objective = float(distances.mean())
        self.assign(assignments)
        self.head = nn.Linear(
            self.network.width, self.settings.clusters, dtype=self.precision)
        weights = self.chance.stream("head", epoch).normals(self.head.weight.shape, 0.01)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights))
            nn.init.zeros_(self.head.bias)
        # No momentum: what it would carry over belongs to another head.
        self.head_optimizer = torch.optim.SGD(
            self.head.parameters(), lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay)

    def assign(self, assignments):
        """Takes clusters for labels, renumbered over those that are not empty."""
        self.assignments = assignments
        self.labels = torch.from_numpy(numpy.unique(assignments, return_inverse=True)[1])

    def plan(self, epoch):
        """Every cluster is drawn equally often, whatever its size."""
        random = self.chance.stream("order", epoch)
        wanted = len(self.pictures)
        members = [numpy.flatnonzero(self.assignments == k)
                   for k in numpy.unique(self.assignments)]
        share = wanted // len(members) + 1
        drawn = []
        for cluster in members:
            if len(cluster) <= share:
                drawn += [int(cluster[random.index(len(cluster))]) for _ in range(share)]
            else:
                drawn += [int(cluster[i]) for i in random.permutation(len(cluster))[:share]]
        order = random.permutation(len(drawn))[:wanted]
        return split([(drawn[i], place) for place, i in enumerate(order)], self.settings.batch)

    def learn(self, batch, requests, epoch, step, steps):
        self.train(epoch, step)
        scores = self.head(F.relu(self.network(batch)))
        loss = F.cross_entropy(scores, self.labels[[picture for picture, _ in requests]])
        for optimizer in (self.optimizer, self.head_optimizer):
            optimizer.zero_grad()
        loss.backward()
        for optimizer in (self.optimizer, self.head_optimizer):
            optimizer.step()
        return loss.item()

    def backbone_tensors(self):
        return self.network.tensors()


class Second(Recipe):
    """The second version: the centroids of last epoch's embeddings are the classifier."""

    views = 2

    def __init__(self, settings, pictures, chance, precision=torch.float32):
        network = networks.Projected(networks.backbone(settings))
        super().__init__(settings, pictures, chance, network, precision)
        self.bank = torch.zeros(self.views, len(pictures), 128, dtype=precision)

    def prepare(self):
        with torch.no_grad():
            for step, requests in enumerate(self.plan(-1)):
                self.train(-1, step)
                self.keep(self.network(self.batch(requests, -1)), requests)

    def keep(self, embeddings, requests):
        chosen = torch.tensor(requests)
        self.bank[chosen[:, 1] % self.views, chosen[:, 0]] = embeddings.detach()

    def cluster(self, epoch):
        self.prototypes, self.targets, objectives = [], [], []
        for number, count in enumerate(self.settings.prototypes):
            random = self.chance.stream("clustering", epoch, number)
            centroids, labels = spherical_kmeans(
                self.bank[number % self.views], count, random.seed())
            self.prototypes.append(centroids)
            self.targets.append(labels)
            points = self.bank[number % self.views]
            objectives.append((points - centroids[labels]).square().sum(1).mean().item())
        self.objective = sum(objectives) / len(objectives)

    def plan(self, epoch):
        order = self.chance.stream("order", epoch).permutation(len(self.pictures))
        return [[(picture, picture * self.views + view)
                 for view in range(self.views) for picture in chosen]
                for chosen in split(order, self.settings.batch)]

    def rate(self, step, steps):
        """Up in a line, then down along half a cosine to a thousandth."""
        peak = self.settings.learning_rate
        rising = math.floor(self.settings.warm_up * steps + 0.5)
        if step < rising:
            return peak * (step + 1) / rising
        share = (step - rising) / max(1, steps - rising)
        return peak / 1000 + (peak - peak / 1000) * (1 + math.cos(math.pi * share)) / 2

    def learn(self, batch, requests, epoch, step, steps):
        self.train(epoch, step)
        embeddings = self.network(batch)
        self.keep(embeddings, requests)
        chosen = [picture for picture, _ in requests]
        loss = torch.stack([
            F.cross_entropy(embeddings @ prototypes.T / self.settings.temperature, targets[chosen])
            for prototypes, targets in zip(self.prototypes, self.targets)]).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(epoch * steps + step, self.settings.epochs * steps)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def backbone_tensors(self):
        tensors = self.network.tensors()
        return {name: value for name, value in tensors.items() if not name.startswith("head_")}


def recipe(settings, pictures, chance, precision=torch.float32):
    return {"v1": First, "v2": Second}[settings.recipe](settings, pictures, chance, precision)


def whitened(features, components=256):
    """PCA-whitened rows of unit length: at most 256 dimensions, and no more than there are."""
    x = features.astype(numpy.float64)
    x -= x.mean(0)
    is_wide = len(x) < x.shape[1]  # the smaller of the two products has the same eigenvalues
    values, vectors = numpy.linalg.eigh(x @ x.T if is_wide else x.T @ x)
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = min(components, len(x) - 1, int((values > values[0] * 1e-8).sum()))
    y = vectors[:, :kept] if is_wide else x @ vectors[:, :kept] / numpy.sqrt(values[:kept])
    return (y / numpy.linalg.norm(y, axis=1, keepdims=True)).astype(numpy.float32)


def first_centroids(points, clusters, seed):
    """Distinct points, drawn as Faiss draws them."""
    order = numpy.empty(len(points), numpy.int32)
    faiss.rand_perm(faiss.swig_ptr(order), len(points), seed + 1)
    return points[order[:clusters]]


def kmeans(points, clusters, seed):
    """Faiss's, as the released code calls it: the nearest of the last centroids, and how near."""
    clustering = faiss.Clustering(points.shape[1], clusters)
    clustering.niter = 20
    clustering.min_points_per_centroid, clustering.max_points_per_centroid = 1, 10**7
    # Faiss's own seed is signed, and a negative one means the time of day.
    faiss.copy_array_to_vector(first_centroids(points, clusters, seed).ravel(), clustering.centroids)
    index = faiss.IndexFlatL2(points.shape[1])
    clustering.train(points, index)
    distances, labels = index.search(points, 1)
    return labels.ravel(), distances.ravel()


def spherical_kmeans(points, clusters, seed, iterations=10):
    """By the largest dot product; centroids of unit length, those without points stay."""
    centroids = first_centroids(points, clusters, seed).clone()
    for _ in range(iterations):
        labels = (points @ centroids.T).argmax(1)
        sums = torch.zeros_like(centroids).index_add_(0, labels, points)
        sizes = torch.bincount(labels, minlength=clusters)
        centroids[sizes > 0] = F.normalize(sums[sizes > 0], dim=1)
    return centroids, (points @ centroids.T).argmax(1)
