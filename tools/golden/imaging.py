"""Writes Tests/ImagingTests/Fixtures/pillow.json: what Pillow makes of synthetic pictures.

Every picture is computed from a formula that the test knows too, so the fixture holds only
results, as SHA-256 of the RGB bytes. Run as: python tools/golden/imaging.py
"""

import hashlib
import json
import pathlib

import PIL
import numpy as np
from PIL import Image, ImageEnhance


def noise(width, height):
    """The bytes of a linear congruential generator, as RGB."""
    state, values = 1807, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return Image.frombytes("RGB", (width, height), bytes(values))


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def shift_hue(image, turn):
    """torchvision's adjust_hue, whose shift is truncated to 8 bits."""
    h, s, v = image.convert("HSV").split()
    shifted = (np.array(h, dtype=np.int32) + int(np.float32(turn) * np.float32(255))) % 256
    h = Image.fromarray(shifted.astype(np.uint8), "L")
    return Image.merge("HSV", (h, s, v)).convert("RGB")


def resizes():
    sizes = [
        (64, 48, 28, 28), (100, 75, 99, 74), (31, 57, 64, 96), (400, 301, 56, 42),
        (3, 2, 40, 40), (1, 1, 5, 7), (200, 1, 17, 1), (257, 255, 256, 256),
    ]
    for width, height, new_width, new_height in sizes:
        result = noise(width, height).resize((new_width, new_height), Image.BILINEAR)
        yield {"from": [width, height], "to": [new_width, new_height], "sha256": digest(result)}


def changes():
    image = noise(97, 61)
    for factor in [0.0, 0.2, 0.75, 1.0, 1.3, 1.8]:
        for name, enhance in [
            ("brightness", ImageEnhance.Brightness),
            ("contrast", ImageEnhance.Contrast),
            ("saturation", ImageEnhance.Color),
        ]:
            yield {
                "change": name, "factor": factor,
                "sha256": digest(enhance(image).enhance(factor)),
            }
    for turn in [-0.5, -0.1, 0.01, 0.05, 0.2, 0.5]:
        yield {"change": "hue", "factor": turn, "sha256": digest(shift_hue(image, turn))}


target = pathlib.Path(__file__).parents[2] / "Tests/ImagingTests/Fixtures/pillow.json"
target.parent.mkdir(exist_ok=True)
target.write_text(
    json.dumps(
        {"pillow": PIL.__version__, "resizes": list(resizes()), "changes": list(changes())},
        indent=1,
    )
    + "\n"
)
