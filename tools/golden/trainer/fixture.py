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

COMMON = dict(
    network="small", size=16, epochs=10, batch=12, seed=1807, momentum=0.9, temperature=0.1)
SETTINGS = [
    dict(recipe="v1", sobel=True, clusters=4, prototypes=[], learning_rate=0.05,
         weight_decay=1e-5, warm_up=0, crop_scale=0.08, jitter=0),
    dict(recipe="v2", sobel=False, clusters=4, prototypes=[4, 3], learning_rate=0.05,
         weight_decay=1e-4, warm_up=0.1, crop_scale=0.3, jitter=0.5),
]


class Shapes(pictures.Pictures):
    """The test's SyntheticPictures."""

    def decoded(self, index):
        side = 16
        y, x = numpy.mgrid[:side, :side]
        if index % 4 < 2:
            dx, dy = x - side // 2 + index % 3, y - side // 2 - index % 5 + 2
            inside = dx * dx + dy * dy < side * side // 9
        else:
            inside = (x + index) % 6 < 3
        color = (200, 40, index % 50) if index % 2 == 0 else (30, 60, 220)
        pixels = numpy.where(inside[..., None], color, (240, index % 16, 230))
        return Image.fromarray(pixels.astype(numpy.uint8))


def run(settings):
    recipe = deepcluster.recipe(settings, Shapes(range(24), settings.size),
                                chance.Program(settings.seed))
    epochs = []
    recipe.run(tell=lambda loss: epochs.append(dict(loss=loss, objective=recipe.objective)))
    norms = {name: value.norm().item() for name, value in recipe.backbone_tensors().items()}
    return dict(settings=vars(settings), epochs=epochs, norms=norms)


def main():
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for settings in SETTINGS:
        content = run(types.SimpleNamespace(**COMMON, **settings))
        path = FIXTURES / f"{settings['recipe']}.json"
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
