"""Writes Tests/TrainingTests/Fixtures/runs: whole small runs of both recipes by PyTorch.

    python tools/golden/trainer/fixture.py

The pictures are those of the test, from a formula, and all choices those that dctrain makes with
the same seed; nothing else is taken from it. Two steps an epoch, so that each epoch's loss tells
of clustering, sampling, crops, colours, the network and its optimizer.
"""

import json
import pathlib
import types

import faiss
import numpy
import torch
from PIL import Image

import chance
import deepcluster
import pictures

FIXTURES = pathlib.Path(__file__).resolve().parents[3] / "Tests/TrainingTests/Fixtures/runs"

COMMON = dict(network="small", size=16, momentum=0.9, temperature=0.1)
# Whitening makes much of rounding, and a picture that goes to another cluster changes the second
# epoch of v1: its seed is one at which none does, whatever the kind of CPU.
SETTINGS = [
    dict(recipe="v1", seed=1817, pictures=600, sobel=True, clusters=4, prototypes=[], epochs=2,
         batch=100, learning_rate=0.05, weight_decay=1e-5, warm_up=0, crop_scale=0.08, jitter=0),
    dict(recipe="v2", seed=1807, pictures=120, sobel=False, clusters=8, prototypes=[8, 5], epochs=6,
         batch=60, learning_rate=0.01, weight_decay=1e-4, warm_up=0.1, crop_scale=0.3, jitter=0.5),
]


class Mosaics(pictures.Pictures):
    """The test's pictures: sixteen fields of colours that a hash of their number gives."""

    def decoded(self, index):
        values = (numpy.arange(48, dtype=numpy.uint32) + numpy.uint32(48 * index))
        values = values * numpy.uint32(2654435761)
        values = (values ^ values >> numpy.uint32(15)) * numpy.uint32(2246822519)
        fields = (values >> numpy.uint32(24)).astype(numpy.uint8).reshape(4, 4, 3)
        return Image.fromarray(fields.repeat(4, axis=0).repeat(4, axis=1))


def run(settings, precision):
    data = Mosaics(range(settings.pictures), settings.size)
    recipe = deepcluster.recipe(settings, data, chance.Program(settings.seed), precision)
    epochs = []
    recipe.run(tell=lambda loss: epochs.append(dict(loss=loss, objective=recipe.objective)))
    norms = {name: value.norm().item() for name, value in recipe.backbone_tensors().items()}
    return dict(settings=vars(settings), epochs=epochs, norms=norms)


def main():
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for settings in SETTINGS:
        settings = types.SimpleNamespace(**COMMON, **settings)
        content = run(settings, torch.float32)
        path = FIXTURES / f"{settings.recipe}.json"
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        exact = run(settings, torch.float64)
        rounding = max(abs(a[key] / b[key] - 1) for key in ["loss", "objective"]
                       for a, b in zip(content["epochs"], exact["epochs"]))
        print(f"{path.name}: {path.stat().st_size} bytes, {rounding:.1e} from double precision")


if __name__ == "__main__":
    main()
