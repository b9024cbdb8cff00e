"""Reads the int8 checkpoints that `dctrain quantize` writes, with nothing but NumPy."""

import dataclasses
import json
import pathlib

import numpy

TYPES = {"F32": numpy.float32, "I8": numpy.int8, "I32": numpy.int32}


@dataclasses.dataclass
class Format:
    """How the bytes of a tensor stand for real numbers: value = (q - zero) * scale."""

    scale: float
    zero: int
    low: int
    high: int

    @property
    def clips(self) -> bool:
        """Whether the bounds say more than that a byte holds the value."""
        return (self.low, self.high) != (0, 255)

    @property
    def bounds(self) -> tuple[float, float]:
        """The bounds as real numbers."""
        return (self.low - self.zero) * self.scale, (self.high - self.zero) * self.scale


@dataclasses.dataclass
class Layer:
    """A layer of the graph, with the fields that its kind has in the file."""

    fields: dict
    shape: tuple[int, ...]
    weight: numpy.ndarray | None = None  # [outC, kH, kW, inC / groups] or [out, in]
    bias: numpy.ndarray | None = None  # int32, in units of accumulators
    scales: numpy.ndarray | None = None  # one for each output channel

    @property
    def name(self) -> str:
        return self.fields["name"]

    @property
    def kind(self) -> str:
        return self.fields["kind"]

    @property
    def inputs(self) -> list[str]:
        return self.fields["inputs"]


# The Sobel front end as a convolution: horizontal and vertical gradient of the grey mean, whose
# 1/3 is the scale of the weights.
SOBEL = numpy.array(
    [[[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]], numpy.int8)


class Checkpoint:
    """A network up to the projection's output, which is the embedding before normalization."""

    def __init__(self, path: str):
        content = pathlib.Path(path).read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        metadata = header.pop("__metadata__")
        self.tensors = {
            name: numpy.frombuffer(
                content, TYPES[entry["dtype"]], int(numpy.prod(entry["shape"])),
                start + entry["data_offsets"][0]).reshape(entry["shape"])
            for name, entry in header.items()
        }
        self.input = json.loads(metadata["input"])
        self.weight_bits = int(metadata["weight_bits"])
        self.formats = {
            name.removesuffix(".output_scale"): self._format(name.removesuffix(".output_scale"))
            for name in self.tensors if name.endswith(".output_scale")
        }
        self.shapes = {"input": (self.input["height"], self.input["width"], 3)}
        self.layers: list[Layer] = []
        for fields in json.loads(metadata["network"])["layers"]:
            if fields["kind"] == "l2_normalize":
                break
            self._add(fields)

    def quantized(self, pixels: numpy.ndarray) -> numpy.ndarray:
        """The bytes that the first layer sees for u8 pixels [n, H, W, 3]."""
        format = self.formats["input"]
        levels = numpy.arange(256, dtype=numpy.float32) / numpy.float32(255)
        table = numpy.empty((3, 256), numpy.uint8)
        for channel in range(3):
            real = (levels - numpy.float32(self.input["mean"][channel])) / numpy.float32(
                self.input["standardDeviation"][channel])
            steps = numpy.rint(real / numpy.float32(format.scale)) + format.zero
            table[channel] = numpy.clip(steps, format.low, format.high)
        return numpy.stack([table[c][pixels[..., c]] for c in range(3)], axis=-1)

    def _format(self, name: str) -> Format:
        zero, low, high = (int(v) for v in self.tensors[f"{name}.output_range"])
        return Format(float(self.tensors[f"{name}.output_scale"][0]), zero, low, high)

    def _add(self, fields: dict) -> None:
        inputs = [self.shapes[name] for name in fields["inputs"]]
        layer = Layer(fields, _shape(fields, inputs[0]))
        name = layer.name
        if layer.kind == "sobel":
            layer.weight = numpy.repeat(SOBEL[..., None], 3, axis=-1)
            layer.bias = numpy.zeros(2, numpy.int32)
            layer.scales = numpy.full(2, 1 / 3, numpy.float32)
            layer.fields = fields | {
                "kind": "convolution", "kernel": [3, 3], "stride": 1, "padding": [1, 1, 1, 1],
                "groups": 1}
        elif layer.kind in ("convolution", "linear"):
            layer.weight = self.tensors[f"{name}.weight"]
            layer.bias = self.tensors[f"{name}.bias"]
            layer.scales = self.tensors[f"{name}.weight_scale"]
        self.shapes[name] = layer.shape
        self.layers.append(layer)


def _shape(fields: dict, before: tuple[int, ...]) -> tuple[int, ...]:
    kind = fields["kind"]
    if kind == "sobel":
        return (*before[:2], 2)
    if kind == "linear":
        return (fields["outputs"],)
    if kind == "global_average_pool":
        return (before[2],)
    if kind == "add":
        return before
    if kind not in ("convolution", "max_pool", "average_pool"):
        raise ValueError(f"layer '{fields['name']}' is of the unknown kind '{kind}'")
    kernel = fields["kernel"] if kind == "convolution" else [fields["kernel"]] * 2
    top, left, bottom, right = fields["padding"]
    height = (before[0] + top + bottom - kernel[0]) // fields["stride"] + 1
    width = (before[1] + left + right - kernel[1]) // fields["stride"] + 1
    return (height, width, fields["outputs"] if kind == "convolution" else before[2])
