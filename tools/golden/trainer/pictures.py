"""Pictures as the method sees them: centre views and random crops, by Pillow.

The random crop of DeepCluster is torchvision 0.2's, that of its second version today's; METHOD
names the sources. JPEG is decoded at no less than twice the size needed, as dctrain does it.
"""

import math
import pathlib

import numpy
from PIL import Image, ImageEnhance, ImageOps

MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
DEVIATION = numpy.array([0.229, 0.224, 0.225], numpy.float32)


def normalized(pixels):
    """Bytes [n, h, w, 3] as the network's input, [n, 3, h, w]."""
    values = (pixels.astype(numpy.float32) / numpy.float32(255) - MEAN) / DEVIATION
    return numpy.ascontiguousarray(values.transpose(0, 3, 1, 2))


class Pictures:
    """The pictures of a list of paths: a centre view of each, and what crops are cut from."""

    def __init__(self, paths, size):
        self.size = size
        self.short_side = size if size < 64 else size * 256 // 224
        self.paths, self.sources, self.centres = list(paths), [], []
        for path in self.paths:
            image = self.decoded(path)
            self.centres.append(self.centre(image))
            self.sources.append(self.source(image))
        self.centres = numpy.stack(self.centres)

    def __len__(self):
        return len(self.paths)

    def decoded(self, path):
        image = Image.open(path)
        image.draft(None, (2 * self.short_side, 2 * self.short_side))
        return ImageOps.exif_transpose(image).convert("RGB")

    def centre(self, image):
        width, height = image.size
        short, long = min(image.size), self.short_side * max(image.size) // min(image.size)
        if width <= height:
            width, height = self.short_side, long
        else:
            width, height = long, self.short_side
        if short != self.short_side:
            image = image.resize((width, height), Image.BILINEAR)
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        return numpy.asarray(image.crop((left, top, left + self.size, top + self.size)))

    def source(self, image):
        """Shrunk to what crops need, half as much again as the centre view is cut from."""
        side = max(self.short_side, min(self.short_side * 3 // 2, 256))
        short = min(image.size)
        if short <= side:
            return image
        return image.resize([length * side // short for length in image.size], Image.BILINEAR)

    def crops(self, requests, augmentation, chance, epoch):
        """Normalized crops; a request is a picture's number and the crop's place in the epoch."""
        return normalized(numpy.stack([
            numpy.asarray(augmentation.apply(
                self.sources[picture], self.size, chance.stream("crop", epoch, place)))
            for picture, place in requests]))

    def centre_views(self, batch):
        for start in range(0, len(self), batch):
            yield normalized(self.centres[start:start + batch])


class Augmentation:
    """How a picture is varied while a network trains."""

    def __init__(self, settings):
        self.is_v2 = settings.recipe == "v2"
        self.scale = (settings.crop_scale, 1)
        self.jitter = settings.jitter if self.is_v2 else 0
        self.grey = 0.2 if self.is_v2 else 0
        self.blur = 0.5 if self.is_v2 and settings.size >= 128 else 0

    def apply(self, image, size, random):
        left, top, width, height = self.box(image.size, random)
        image = image.crop((left, top, left + width, top + height))
        image = image.resize((size, size), Image.BILINEAR)
        if random.happens(0.5):
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        if self.jitter and random.happens(0.8):
            image = self.jittered(image, random)
        if random.happens(self.grey):
            image = image.convert("L").convert("RGB")
        if random.happens(self.blur):
            image = blurred(image, float(random.between(0.1, 2)))
        return image

    def box(self, size, random):
        width, height = size
        for _ in range(10):
            area = width * height * float(random.between(*self.scale))
            position = random.uniform()
            if self.is_v2:
                ratio = math.exp(math.log(4 / 3) * (2 * position - 1))
            else:
                ratio = 3 / 4 + (4 / 3 - 3 / 4) * position
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if not self.is_v2 and random.uniform() < 0.5:
                w, h = h, w
            if 0 < w <= width and 0 < h <= height:
                return random.index(width - w + 1), random.index(height - h + 1), w, h
        if not self.is_v2:
            w = h = min(size)
        elif width / height < 3 / 4:
            w, h = width, min(height, math.floor(width / (3 / 4) + 0.5))
        elif width / height > 4 / 3:
            w, h = min(width, math.floor(height * (4 / 3) + 0.5)), height
        else:
            w, h = width, height
        return (width - w) // 2, (height - h) // 2, w, h

    def jittered(self, image, random):
        """torchvision's ColorJitter of SimCLR's strengths times ours, in random order."""
        strength = numpy.float32(0.8) * numpy.float32(self.jitter)
        hue = min(numpy.float32(0.5), numpy.float32(0.2) * numpy.float32(self.jitter))
        changes = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]
        for change in random.permutation(4):
            if change == 3:
                image = shifted(image, random.between(-hue, hue))
            else:
                low, high = numpy.float32(1) - strength, numpy.float32(1) + strength
                factor = random.between(max(numpy.float32(0), low), high)
                image = changes[change](image).enhance(float(factor))
        return image


def shifted(image, turn):
    """The hue turned by a share of the circle, truncated to 8 bits as torchvision does."""
    by = int(turn * numpy.float32(255)) % 256
    if by == 0:
        return image
    hue, saturation, value = image.convert("HSV").split()
    hue = hue.point([(i + by) % 256 for i in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def blurred(image, radius):
    """A Gaussian cut off at three deviations; beyond an edge its last pixel goes on."""
    reach = math.ceil(3 * radius)
    kernel = numpy.exp(-numpy.arange(-reach, reach + 1) ** 2 / (2 * radius**2))
    kernel /= kernel.sum()
    pixels = numpy.asarray(image).astype(float)
    for axis in (1, 0):
        padding = [(0, 0)] * 3
        padding[axis] = (reach, reach)
        padded = numpy.pad(pixels, padding, mode="edge")
        pixels = sum(
            weight * numpy.take(padded, range(i, i + pixels.shape[axis]), axis)
            for i, weight in enumerate(kernel))
        pixels = numpy.floor(pixels + 0.5)
    return Image.fromarray(pixels.astype(numpy.uint8))


def listed(path):
    """The paths in a text file, one a line, relative to its folder."""
    folder = pathlib.Path(path).parent
    return [folder / line for line in pathlib.Path(path).read_text().splitlines() if line.strip()]
