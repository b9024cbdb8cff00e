"""A peer that is timed when told, with the lines of `cluster-bench`.

    serve.py kmeans {faiss,scikit-learn,pytorch} POINTS INITIAL --dimension D --iterations N
    serve.py pca {faiss,scikit-learn,pytorch} FEATURES --dimension D --components K

All of them are exact: Lloyd's k-means with a last assignment, PCA by the covariance or by a full
decomposition.
"""

import argparse
import json
import os
import sys
import time
import warnings

import numpy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["kmeans", "pca"])
    parser.add_argument("peer", choices=["faiss", "scikit-learn", "pytorch"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--components", type=int, default=256)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    inputs = [numpy.fromfile(f, numpy.float32).reshape(-1, arguments.dimension)
              for f in arguments.files]
    setting = arguments.iterations if arguments.task == "kmeans" else arguments.components
    name = f"{arguments.peer}_{arguments.task}".replace("-", "_")
    call, version = globals()[name](*inputs, setting)
    print(json.dumps({"version": version}), flush=True)
    last = None
    for line in sys.stdin:
        match line.split():
            case ["run", calls]:
                times = []
                for _ in range(int(calls)):
                    start = time.perf_counter()
                    last = call()
                    times.append(time.perf_counter() - start)
                print(json.dumps(times), flush=True)
            case ["result", target]:
                numpy.ascontiguousarray(last, numpy.float32).tofile(target)
                print(json.dumps({"count": last.size}), flush=True)
            case _:
                sys.exit(f"'{line.strip()}' is not understood")


def threads() -> int:
    return len(os.sched_getaffinity(0))


def faiss_kmeans(points, initial, iterations):
    import faiss

    faiss.omp_set_num_threads(threads())

    def call():
        kmeans = faiss.Kmeans(
            points.shape[1], len(initial), niter=iterations,
            max_points_per_centroid=len(points), min_points_per_centroid=1)
        kmeans.train(points, init_centroids=initial)
        kmeans.index.search(points, 1)
        return kmeans.centroids

    return call, faiss.__version__


def faiss_pca(features, components):
    import faiss

    faiss.omp_set_num_threads(threads())

    def call():
        pca = faiss.PCAMatrix(features.shape[1], components)
        pca.max_points_per_d = len(features)
        pca.train(features)
        return faiss.vector_to_array(pca.A).reshape(components, -1)

    return call, faiss.__version__


def scikit_learn_kmeans(points, initial, iterations):
    import sklearn
    from sklearn.cluster import KMeans

    def call():
        kmeans = KMeans(len(initial), init=initial, n_init=1, max_iter=iterations, tol=0,
                        algorithm="lloyd", copy_x=False)
        return kmeans.fit(points).cluster_centers_

    return call, sklearn.__version__


def scikit_learn_pca(features, components):
    import sklearn
    from sklearn.decomposition import PCA

    def call():
        return PCA(components, svd_solver="covariance_eigh").fit(features).components_

    return call, sklearn.__version__


def pytorch_kmeans(points, initial, iterations):
    import torch

    torch.set_num_threads(threads())
    rows = torch.from_numpy(points)

    def assigned(centroids, chunk=4096):
        # |x|² is the same for all centroids.
        half = (centroids * centroids).sum(1) / 2
        return torch.cat([
            torch.addmm(half, part, centroids.T, alpha=-1).argmin(1)
            for part in rows.split(chunk)])

    def call():
        centroids = torch.from_numpy(initial.copy())
        for _ in range(iterations):
            labels = assigned(centroids)
            sums = torch.zeros_like(centroids).index_add_(0, labels, rows)
            counts = torch.bincount(labels, minlength=len(centroids)).unsqueeze(1)
            centroids = torch.where(counts > 0, sums / counts.clamp(min=1), centroids)
        assigned(centroids)
        return centroids.numpy()

    return call, torch.__version__


def pytorch_pca(features, components):
    import torch

    torch.set_num_threads(threads())
    rows = torch.from_numpy(features)

    def call():
        centred = rows - rows.mean(0)
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        return vectors[:, -components:].flip(1).T.contiguous().numpy()

    return call, torch.__version__


if __name__ == "__main__":
    main()
