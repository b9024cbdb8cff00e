"""PyTorch's quantized operators on a checkpoint's own int8 weights."""

import collections
import warnings

import numpy
import torch

from checkpoint import Checkpoint, Layer


class PyTorch:
    """PyTorch's quantized operators (FBGEMM or oneDNN), recorded once so that no Python runs."""

    engine = "x86"

    def __init__(self, checkpoint: Checkpoint, batch: int, threads: int):
        # The operators are on their way out of PyTorch, but nothing faster has come for them.
        warnings.simplefilter("ignore")
        self.version = torch.__version__
        torch.set_num_threads(threads)
        torch.backends.quantized.engine = self.engine
        torch.set_grad_enabled(False)
        network = Network(checkpoint)
        example = torch.zeros((batch, 3, *checkpoint.shapes["input"][:2]), dtype=torch.uint8)
        self.network = torch.jit.freeze(torch.jit.trace(
            network.eval(), example.contiguous(memory_format=torch.channels_last),
            check_trace=False))
        self.counts = network.counts

    def prepared(self, quantized: numpy.ndarray):
        values = torch.from_numpy(numpy.ascontiguousarray(quantized))
        return values.permute(0, 3, 1, 2)  # channels last, as it is

    def run(self, values):
        return self.network(values).numpy()

    def inspect(self) -> dict:
        return {"operations": dict(self.counts), "float": []}


class PyTorchOneDNN(PyTorch):
    """The same with every operator by oneDNN, which can be held to an instruction set."""

    engine = "onednn"


class Network(torch.nn.Module):
    """A checkpoint's layers as calls of PyTorch's quantized operators."""

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self.checkpoint = checkpoint
        self.counts = collections.Counter()
        for index, layer in enumerate(checkpoint.layers):
            if layer.weight is not None:
                # Recording takes packed weights only from attributes.
                setattr(self, f"packed{index}", self._packed(layer))

    def forward(self, quantized):
        format = self.checkpoint.formats["input"]
        outputs = {
            "input": torch._make_per_tensor_quantized_tensor(quantized, format.scale, format.zero)}
        for layer in self.checkpoint.layers:
            self.counts[layer.kind] += 1
            inputs = [outputs[name] for name in layer.inputs]
            outputs[layer.name] = getattr(self, f"_{layer.kind}")(layer, *inputs)
        return outputs[self.checkpoint.layers[-1].name]

    def _packed(self, layer: Layer):
        weight = numpy.array(layer.weight)
        before = self.checkpoint.shapes[layer.inputs[0]]
        if layer.kind == "convolution":
            weight = weight.transpose(0, 3, 1, 2)
        elif len(before) == 3:
            weight = weight.reshape(-1, *before).transpose(0, 3, 1, 2).reshape(len(weight), -1)
        scales = torch.from_numpy(layer.scales.astype(numpy.float64))
        quantized = torch._make_per_channel_quantized_tensor(
            torch.from_numpy(numpy.ascontiguousarray(weight)), scales,
            torch.zeros(len(scales), dtype=torch.long), 0)
        unit = layer.scales.astype(numpy.float64) * self.checkpoint.formats[layer.inputs[0]].scale
        bias = torch.from_numpy((layer.bias * unit).astype(numpy.float32))
        if layer is self.checkpoint.layers[-1]:
            self.real_projection = (quantized.dequantize(), bias)
        if layer.kind == "linear":
            return torch.ops.quantized.linear_prepack(quantized, bias)
        top, left, bottom, right = layer.fields["padding"]
        padding = [top, left] if (top, left) == (bottom, right) else [0, 0]
        return torch.ops.quantized.conv2d_prepack(
            quantized.contiguous(memory_format=torch.channels_last), bias,
            [layer.fields["stride"]] * 2, padding, [1, 1], layer.fields["groups"])

    def _weights(self, layer: Layer):
        return getattr(self, f"packed{self.checkpoint.layers.index(layer)}")

    def _target(self, layer: Layer) -> tuple[float, int]:
        format = self.checkpoint.formats[layer.name]
        return format.scale, format.zero

    def _bounded(self, layer: Layer, values):
        format = self.checkpoint.formats[layer.name]
        return torch.clamp(values, *format.bounds) if format.clips else values

    def _convolution(self, layer: Layer, values):
        top, left, bottom, right = layer.fields["padding"]
        if (top, left) != (bottom, right):
            values = self._padded(values, layer, (left, right, top, bottom))
        result = torch.ops.quantized.conv2d(
            values, self._weights(layer), *self._target(layer))
        return self._bounded(layer, result)

    def _padded(self, values, layer: Layer, edges: tuple[int, int, int, int]):
        # On bytes, since padding a quantized tensor takes milliseconds.
        before = self.checkpoint.formats[layer.inputs[0]]
        padded = torch.nn.functional.pad(values.int_repr(), edges, value=before.zero)
        return torch._make_per_tensor_quantized_tensor(padded, before.scale, before.zero)

    def _linear(self, layer: Layer, values):
        if layer is self.checkpoint.layers[-1]:
            # The accumulators scaled to float, as ours leave the projection.
            return self._projection(layer, values)
        result = torch.ops.quantized.linear(
            values.contiguous().flatten(1), self._weights(layer), *self._target(layer))
        return self._bounded(layer, result)

    def _projection(self, layer: Layer, values):
        before = self.checkpoint.formats[layer.inputs[0]]
        if torch.backends.quantized.engine == "onednn":  # which lacks the operator
            return torch.nn.functional.linear(
                values.contiguous().flatten(1).dequantize(), *self.real_projection)
        return torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            values.contiguous().flatten(1).dequantize(), before.scale, before.zero,
            self._weights(layer))

    def _max_pool(self, layer: Layer, values):
        top, left, bottom, right = layer.fields["padding"]
        return torch.nn.functional.max_pool2d(
            values, layer.fields["kernel"], layer.fields["stride"], (top, left))

    def _average_pool(self, layer: Layer, values):
        top, left, _, _ = layer.fields["padding"]
        mean = torch.nn.functional.avg_pool2d(
            values.dequantize(), layer.fields["kernel"], layer.fields["stride"], (top, left),
            count_include_pad=layer.fields["counts_padding"])
        return self._requantized(layer, mean)

    def _global_average_pool(self, layer: Layer, values):
        return self._requantized(layer, values.dequantize().mean((2, 3)))

    def _requantized(self, layer: Layer, values):
        return torch.quantize_per_tensor(values, *self._target(layer), torch.quint8)

    def _add(self, layer: Layer, first, second):
        return self._bounded(
            layer, torch.ops.quantized.add(first, second, *self._target(layer)))
