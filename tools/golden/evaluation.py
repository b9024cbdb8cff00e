"""Writes the fixture of EvaluationTests: agreement of clusters with labels by scikit-learn and
scipy, average precision by scikit-learn.

    python tools/golden/evaluation.py    # needs numpy, scipy, scikit-learn
"""

import json
import pathlib

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

FIXTURE = pathlib.Path(__file__).parents[2] / "Tests" / "EvaluationTests" / "Fixtures"


def agreement(name, clusters, labels):
    table = metrics.cluster.contingency_matrix(labels, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return {
        "name": name,
        "clusters": clusters.tolist(),
        "labels": labels.tolist(),
        "nmi": metrics.normalized_mutual_info_score(labels, clusters),
        "ami": metrics.adjusted_mutual_info_score(labels, clusters),
        "ari": metrics.adjusted_rand_score(labels, clusters),
        "purity": table.max(axis=0).sum() / table.sum(),
        "accuracy": table[rows, columns].sum() / table.sum(),
    }


def noisy(labels, clusters, share, random):
    """Clusters that follow the labels but for a share of the items."""
    drawn = random.integers(0, clusters, len(labels))
    return np.where(random.random(len(labels)) < share, drawn, labels % clusters)


def ranking(random, count, right, ties):
    scores = random.random(count).round(1 if ties else 6)
    hits = np.zeros(count, dtype=bool)
    hits[random.choice(count, right, replace=False)] = True
    # Equal scores keep their order: scikit-learn would take them together.
    order = np.argsort(-scores, kind="stable")
    strict = -np.arange(count, dtype=float)
    return {
        "right": hits[order].tolist(),
        "precision": metrics.average_precision_score(hits[order], strict),
    }


def main():
    random = np.random.default_rng(1955)
    labels = random.integers(0, 10, 240)
    skewed = np.minimum(random.geometric(0.3, 240) - 1, 9)
    cases = [
        agreement("as many clusters as labels", noisy(labels, 10, 0.4, random), labels),
        agreement("more clusters than labels", noisy(labels + 10 * (random.random(240) < 0.5),
                                                     23, 0.2, random), labels),
        agreement("fewer clusters than labels", noisy(labels, 4, 0.3, random), labels),
        agreement("labels of unequal size", noisy(skewed, 10, 0.5, random), skewed),
        agreement("clusters by chance", random.integers(0, 10, 240), labels),
        agreement("one cluster", np.zeros(240, dtype=int), labels),
        agreement("permuted labels", (labels + 3) % 10, labels),
    ]
    rankings = [ranking(random, n, r, t)
                for n, r, t in [(1, 1, False), (20, 1, False), (60, 10, True), (200, 37, False)]]
    FIXTURE.mkdir(exist_ok=True)
    text = json.dumps({"agreement": cases, "rankings": rankings}, indent=None)
    (FIXTURE / "evaluation.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
