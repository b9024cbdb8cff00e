"""Writes the fixtures of ClusteringTests: k-means by Faiss, PCA and power iteration clustering by
numpy, quality and spectral clustering by scikit-learn.

    python tools/golden/clustering.py    # needs numpy, faiss-cpu, scikit-learn

Points are not stored: the tests draw the same ones from the same Mersenne Twister.
"""

import json
import pathlib

import faiss
import numpy as np
from scipy.sparse import csgraph
from sklearn import cluster, metrics

FIXTURES = pathlib.Path(__file__).parents[2] / "Tests" / "ClusteringTests" / "Fixtures"


def draws(seed, count):
    """`count` draws of std::mt19937 as float32 in [0, 1]."""
    raw = np.random.RandomState(seed)._bit_generator.random_raw(count)
    return raw.astype(np.float32) / np.float32(2**32)


def points(n, d, groups, distinct, seed):
    """n points around `groups` centres three units apart at most; rows repeat after `distinct`."""
    values = draws(seed, (groups + distinct) * d).reshape(-1, d)
    centres = np.float32(3) * values[:groups]
    rows = values[groups:] + centres[np.arange(distinct) % groups]
    return rows[np.arange(n) % distinct]


def kmeans(name, n, d, groups, k, distinct=None, points_seed=1, seed=7, initial=None):
    distinct = distinct or n
    x = points(n, d, groups, distinct, points_seed)
    clustering = faiss.Clustering(d, k)
    clustering.niter = 20
    clustering.seed = seed
    clustering.min_points_per_centroid = 1
    clustering.max_points_per_centroid = 10**7
    if initial is not None:
        faiss.copy_array_to_vector(x[initial].ravel(), clustering.centroids)
    index = faiss.IndexFlatL2(d)
    clustering.train(x, index)
    distances, labels = index.search(x, 1)
    stats = clustering.iteration_stats
    stats = [stats.at(i) for i in range(stats.size())]
    return dict(
        name=name, n=n, d=d, groups=groups, distinct=distinct, pointsSeed=points_seed, k=k,
        seed=seed, initial=initial,
        objectives=[s.obj for s in stats], repairs=sum(s.nsplit for s in stats),
        labels=labels.ravel().tolist(), emptyClusters=int(k - np.unique(labels).size),
        finalObjective=float(distances.astype(np.float64).sum()),
    )


def pca():
    """The eigenvalues and the projected rows of a matrix with more and with fewer rows."""
    cases = []
    for n, d in [(120, 6), (8, 20)]:
        x = points(n, d, 3, n, 5)
        transform = faiss.PCAMatrix(d, 5, -0.5, False)
        transform.train(x)
        y = transform.apply(x)
        eigenvalues = faiss.vector_to_array(transform.eigenvalues)[:5]
        cases.append(dict(
            n=n, d=d, eigenvalues=eigenvalues.tolist(), absolute=np.abs(y).ravel().tolist()))
    return cases


def quality():
    rng = np.random.default_rng(0)
    pairs = {
        "random": (rng.integers(0, 10, 400), rng.integers(0, 100, 400)),
        "related": (np.arange(300) // 30, (np.arange(300) + rng.integers(0, 25, 300)) // 30),
        "equal, renamed": (np.arange(60) % 6, 5 - np.arange(60) % 6),
        "singletons and one": (np.arange(20), np.zeros(20, int)),
        "singletons and singletons": (np.arange(20), np.arange(20)[::-1]),
        "one and one": (np.zeros(20, int), np.ones(20, int)),
        "one item": (np.zeros(1, int), np.ones(1, int)),
        "unequal sizes": (np.sort(rng.zipf(1.5, 500) % 40), rng.zipf(1.7, 500) % 12),
        "opposed": (np.arange(16) // 4, np.arange(16) % 4),
        "two items apart": (np.array([0, 1]), np.array([0, 1])),
    }
    cases = []
    for name, (a, b) in pairs.items():
        table = metrics.cluster.contingency_matrix(a, b)
        nmi = metrics.normalized_mutual_info_score
        cases.append(dict(
            name=name, a=a.tolist(), b=b.tolist(),
            geometric=float(nmi(a, b, average_method="geometric")),
            arithmetic=float(nmi(a, b, average_method="arithmetic")),
            ami=float(metrics.adjusted_mutual_info_score(a, b)),
            ari=float(metrics.adjusted_rand_score(a, b)),
            purity=float(table.max(axis=1).sum() / table.sum()),
        ))
    return cases


def pic(name, n, d, groups, distinct, seed, neighbours):
    """Power iteration clustering with dense matrices, for the points and for their copies."""
    x = points(n, d, groups, distinct, seed).astype(np.float64) / 3
    squares = ((x[:, None] - x[None]) ** 2).sum(2)
    np.fill_diagonal(squares, np.inf)
    nearest = np.argsort(squares, axis=1, kind="stable")[:, :neighbours]
    edges = np.zeros((n, n))
    for i in range(n):
        edges[i, nearest[i]] = np.exp(-squares[i, nearest[i]] / 0.2**2)
    edges = edges + edges.T
    values = np.full(n, 1 / n)
    for _ in range(200):
        values = 0.001 * edges.T @ values + 0.999 / n
        values /= values.sum()
    pulls = edges * (values[None] - values[:, None])
    roots = np.where(pulls.max(1) > 0, pulls.argmax(1), np.arange(n))
    for _ in range(n):
        roots = roots[roots]
    joined, sizes = roots.copy(), np.bincount(roots, minlength=n)
    for i in np.flatnonzero(sizes[roots] == 1):
        hosts = [j for j in nearest[i] if sizes[roots[j]] > 1]
        joined[i] = roots[hosts[0]] if hosts else roots[i]
    return dict(name=name, n=n, d=d, groups=groups, distinct=distinct, points_seed=seed,
                neighbours=neighbours, apart=numbered(roots), labels=numbered(joined))


def spectral(name, n, d, groups, k, neighbours, seed):
    """scikit-learn's labels, and all eigenvalues of its normalized weights by LAPACK.

    It counts a point among its own neighbours, and its Laplacian leaves the loops out.
    """
    x = points(n, d, groups, n, seed)
    fit = cluster.SpectralClustering(
        k, affinity="nearest_neighbors", n_neighbors=neighbours + 1, n_init=50, random_state=0,
    ).fit(x)
    laplacian = csgraph.laplacian(fit.affinity_matrix_, normed=True).toarray()
    components = csgraph.connected_components(fit.affinity_matrix_)[0]
    return dict(name=name, n=n, d=d, groups=groups, pointsSeed=seed, k=k, neighbours=neighbours,
                components=int(components), labels=fit.labels_.tolist(),
                eigenvalues=(1 - np.linalg.eigvalsh(laplacian)[:k]).tolist())


def numbered(roots):
    numbers = {}
    return [numbers.setdefault(int(root), len(numbers)) for root in roots]


def write(name, value):
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    faiss.omp_set_num_threads(1)
    write("kmeans.json", [
        kmeans("given centroids", 3000, 8, 12, 20, initial=list(range(0, 3000, 150))),
        kmeans("drawn centroids", 2000, 17, 30, 64),
        kmeans("many clusters", 600, 4, 5, 200, points_seed=3),
        kmeans("copies", 600, 4, 5, 50, distinct=30, points_seed=4),
        kmeans("bad start", 500, 3, 4, 10, initial=[0] * 10),
    ])
    write("pca.json", pca())
    write("pic.json", [
        pic("groups", 300, 8, 12, 300, 5, 5), pic("a plane", 200, 2, 1, 200, 6, 2),
        pic("copies", 120, 4, 6, 40, 7, 5),
    ])
    write("quality.json", quality())
    write("spectral.json", [
        spectral("overlapping", 400, 3, 6, 6, 20, 11),
        spectral("few neighbours", 300, 6, 10, 10, 6, 12),
        spectral("one cluster more", 350, 8, 8, 9, 10, 13),
    ])
