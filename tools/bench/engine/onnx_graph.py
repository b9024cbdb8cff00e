"""Writes a checkpoint's graph as ONNX with QuantizeLinear and DequantizeLinear around every
operation: the form that ONNX Runtime and OpenVINO turn into int8 operations."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from checkpoint import Checkpoint, Format, Layer


class Graph:
    """The ONNX graph of one checkpoint at one batch size.

    The input is [batch, 3, H, W], u8 and already quantized, or float, normalized; the output is
    float [batch, D], the embedding before its length becomes 1.
    """

    def __init__(self, checkpoint: Checkpoint, batch: int, takes_floats: bool = False):
        self.checkpoint = checkpoint
        self.batch = batch
        self.takes_floats = takes_floats
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        if takes_floats:
            self._node(
                "QuantizeLinear", ["pixels", *self._parameters("input", checkpoint.formats["input"])],
                "input")
        for layer in checkpoint.layers:
            self._layer(layer)

    def model(self) -> onnx.ModelProto:
        height, width, channels = self.checkpoint.shapes["input"]
        last = self.checkpoint.layers[-1]
        name, kind = (
            ("pixels", TensorProto.FLOAT) if self.takes_floats else ("input", TensorProto.UINT8))
        graph = helper.make_graph(
            self.nodes, "engine",
            [helper.make_tensor_value_info(name, kind, [self.batch, channels, height, width])],
            [helper.make_tensor_value_info(
                "output", TensorProto.FLOAT, [self.batch, *last.shape])],
            self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    def _layer(self, layer: Layer) -> None:
        inputs = [self._real(name) for name in layer.inputs]
        is_last = layer is self.checkpoint.layers[-1]
        result = "output" if is_last else f"{layer.name}:real"
        clipped = None if is_last else self.checkpoint.formats[layer.name]
        target = f"{layer.name}:unclipped" if clipped and clipped.clips else result
        getattr(self, f"_{layer.kind}")(layer, inputs, target)
        if target != result:
            low, high = clipped.bounds
            self._node("Clip", [target, self._constant(f"{layer.name}:low", numpy.float32(low)),
                                self._constant(f"{layer.name}:high", numpy.float32(high))], result)
        if not is_last:
            self._node(
                "QuantizeLinear",
                [result, *self._parameters(layer.name, self.checkpoint.formats[layer.name])],
                layer.name)

    def _convolution(self, layer: Layer, inputs: list[str], target: str) -> None:
        weight = numpy.ascontiguousarray(layer.weight.transpose(0, 3, 1, 2))
        self._node(
            "Conv", [inputs[0], *self._weights(layer, weight)], target,
            kernel_shape=layer.fields["kernel"], pads=layer.fields["padding"],
            strides=[layer.fields["stride"]] * 2, group=layer.fields["groups"])

    def _linear(self, layer: Layer, inputs: list[str], target: str) -> None:
        weight = layer.weight
        before = self.checkpoint.shapes[layer.inputs[0]]
        if len(before) == 3:
            # Columns are in H, W, C order there and in C, H, W order here.
            weight = weight.reshape(-1, *before).transpose(0, 3, 1, 2).reshape(len(weight), -1)
        self._node(
            "Gemm", [inputs[0], *self._weights(layer, numpy.ascontiguousarray(weight))], target,
            transB=1)

    def _max_pool(self, layer: Layer, inputs: list[str], target: str) -> None:
        self._node("MaxPool", inputs, target, **self._window(layer))

    def _average_pool(self, layer: Layer, inputs: list[str], target: str) -> None:
        self._node(
            "AveragePool", inputs, target, **self._window(layer),
            count_include_pad=int(layer.fields["counts_padding"]))

    def _global_average_pool(self, layer: Layer, inputs: list[str], target: str) -> None:
        self._node("GlobalAveragePool", inputs, target)

    def _add(self, layer: Layer, inputs: list[str], target: str) -> None:
        self._node("Add", inputs, target)

    def _window(self, layer: Layer) -> dict:
        return {
            "kernel_shape": [layer.fields["kernel"]] * 2, "pads": layer.fields["padding"],
            "strides": [layer.fields["stride"]] * 2}

    def _real(self, name: str) -> str:
        """The dequantized output of a layer; each reader gets its own node, as the optimizers
        want it."""
        reader = f"{name}:for{len(self.nodes)}"
        # A global average leaves a map of one position here and a vector there.
        is_flat = len(self.checkpoint.shapes[name]) == 1
        source = self._flattened(name) if is_flat or self._feeds_linear(name) else name
        self._node(
            "DequantizeLinear", [source, *self._parameters(name, self.checkpoint.formats[name])],
            reader)
        return reader

    def _feeds_linear(self, name: str) -> bool:
        return all(l.kind == "linear" for l in self.checkpoint.layers if name in l.inputs)

    def _flattened(self, name: str) -> str:
        self._node("Flatten", [name], f"{name}:flat", axis=1)
        return f"{name}:flat"

    def _weights(self, layer: Layer, weight: numpy.ndarray) -> list[str]:
        scales = layer.scales.astype(numpy.float32)
        zeros = self._constant(f"{layer.name}:zeros", numpy.zeros(len(scales), numpy.int8))
        self._node(
            "DequantizeLinear",
            [self._constant(f"{layer.name}:weight", weight),
             self._constant(f"{layer.name}:scales", scales), zeros],
            f"{layer.name}:weight_real", axis=0)
        input_scale = self.checkpoint.formats[layer.inputs[0]].scale
        self._node(
            "DequantizeLinear",
            [self._constant(f"{layer.name}:bias", layer.bias),
             self._constant(
                 f"{layer.name}:bias_scales",
                 (scales.astype(numpy.float64) * input_scale).astype(numpy.float32)),
             self._constant(f"{layer.name}:bias_zeros", numpy.zeros(len(scales), numpy.int32))],
            f"{layer.name}:bias_real", axis=0)
        return [f"{layer.name}:weight_real", f"{layer.name}:bias_real"]

    def _parameters(self, name: str, format: Format) -> list[str]:
        return [self._constant(f"{name}:scale", numpy.float32(format.scale)),
                self._constant(f"{name}:zero", numpy.uint8(format.zero))]

    def _constant(self, name: str, value: numpy.ndarray) -> str:
        if all(known.name != name for known in self.constants):
            self.constants.append(numpy_helper.from_array(numpy.asarray(value), name))
        return name

    def _node(self, operation: str, inputs: list[str], output: str, **attributes) -> None:
        self.nodes.append(
            helper.make_node(
                operation, inputs, [output], name=f"{operation}:{output}", **attributes))
