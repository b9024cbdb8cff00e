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
# Whitening makes much of rounding, and a picture that goes to another cluster changes what follows:
# seeds and lengths are such that none does, whatever the order of sums.
SETTINGS = [
    dict(recipe="v1", seed=1817, pictures=600, sobel=True, clusters=4, prototypes=[], epochs=2,
         batch=100, learning_rate=0.05, weight_decay=1e-5, warm_up=0, crop_scale=0.08, jitter=0),
    dict(recipe="v2", seed=1807, pictures=120, sobel=False, clusters=8, prototypes=[8, 5], epochs=4,
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


def run(settings, precision, disturb=lambda network: None):
    """A run's losses and objectives, and how far each tensor of the backbone has gone by its end.

    `disturb` may change the network before the first epoch.
    """
    data = Mosaics(range(settings.pictures), settings.size)
    recipe = deepcluster.recipe(settings, data, chance.Program(settings.seed), precision)
    disturb(recipe.network)
    begun = {name: value.clone() for name, value in recipe.backbone_tensors().items()}
    epochs = []
    recipe.run(tell=lambda loss: epochs.append(dict(loss=loss, objective=recipe.objective)))
    changes = {name: (value - begun[name]).norm().item()
               for name, value in recipe.backbone_tensors().items()}
    return dict(settings=vars(settings), epochs=epochs, changes=changes)


def figures(content):
    """All that the test compares, by name."""
    found = {f"{key} {number}": epoch[key] for key in ("loss", "objective")
             for number, epoch in enumerate(content["epochs"])}
    return found | {name: value for name, value in content["changes"].items()}


def apart(a, b):
    """The largest relative difference of two runs, and of which figure."""
    a, b = figures(a), figures(b)
    return max((abs(a[name] / b[name] - 1), name) for name in a if b[name] > 0)


def rounded_otherwise(seed):
    """What another order of sums does to the weights, some units of the last place."""
    generator = torch.Generator().manual_seed(seed)

    def disturb(network):
        with torch.no_grad():
            for value in network.parameters():
                noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
                value.mul_((1 + 2**-23 * noise).to(value.dtype))
    return disturb


def wrong(name):
    """A network of which one gradient is one percent too large."""
    def disturb(network):
        dict(network.named_parameters())[name].register_hook(lambda gradient: 1.01 * gradient)
    return disturb


def main():
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for settings in SETTINGS:
        settings = types.SimpleNamespace(**COMMON, **settings)
        content = run(settings, torch.float32)
        others = [run(settings, torch.float64)]
        others += [run(settings, torch.float32, rounded_otherwise(seed)) for seed in range(4)]
        network = deepcluster.recipe(
            settings, Mosaics(range(1), settings.size), chance.Program(1)).network
        names = [name for name, _ in network.named_parameters()]
        wrongs = [(apart(run(settings, torch.float32, wrong(name)), content), name)
                  for name in names]
        path = FIXTURES / f"{settings.recipe}.json"
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        rounding, of = max(apart(other, content) for other in others)
        print(f"{path.name}: {path.stat().st_size} bytes; double precision and other roundings "
              f"are {rounding:.1e} away ({of})")
        for (distance, of), name in sorted(wrongs):
            print(f"  one percent more of the gradient of {name}: {distance:.1e} ({of})")


if __name__ == "__main__":
    main()
